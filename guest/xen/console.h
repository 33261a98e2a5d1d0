// The guest's log, as `xl console` shows it.
#pragma once

void console_init(void);

// Writes a line. Never waits: what does not fit into the ring, because nobody reads it, is lost.
void print(const char* format, ...) __attribute__((format(printf, 1, 2)));

// Writes why, also to Xen's own log, and ends the domain as crashed.
_Noreturn void panic(const char* format, ...) __attribute__((format(printf, 1, 2)));
