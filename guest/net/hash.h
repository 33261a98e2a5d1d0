// A keyed hash for numbers that strangers must not be able to guess.
#pragma once

#include <stddef.h>
#include <stdint.h>

// SipHash-2-4.
uint64_t siphash(const uint8_t key[16], const void* data, size_t size);
