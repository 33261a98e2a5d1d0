// Making and comparing text without a C library.
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Like snprintf with %c %s %d %u %x, `l` for 64 bits, a width and a 0 flag: always terminates
// (size at least 1), returns the number of characters stored without the terminator.
size_t text_format(char* out, size_t size, const char* format, ...)
    __attribute__((format(printf, 3, 4)));
size_t text_vformat(char* out, size_t size, const char* format, va_list args);

size_t text_length(const char* s);
bool text_equal(const char* a, const char* b);

// Reads a decimal number that fills all `length` characters. False if it does not, or if the
// number is above `max`.
bool text_number(const char* s, size_t length, uint64_t max, uint64_t* value);
