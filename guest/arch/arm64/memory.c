// The two functions of <string.h> that are worth more than a loop over bytes. Unaligned accesses are
// allowed: entry.S has put the MMU on, and all memory is Normal.
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef uint64_t __attribute__((may_alias, aligned(1))) word;

void* memcpy(void* restrict to, const void* restrict from, size_t size) {
    uint8_t* t = to;
    const uint8_t* f = from;
    for (; size >= sizeof(word); size -= sizeof(word)) {
        *(word*)t = *(const word*)f;
        t += sizeof(word);
        f += sizeof(word);
    }
    while (size--) {
        *t++ = *f++;
    }
    return to;
}

void* memset(void* to, int value, size_t size) {
    uint8_t* t = to;
    const uint64_t all = (uint8_t)value * 0x0101010101010101ull;
    for (; size >= sizeof(word); size -= sizeof(word)) {
        *(word*)t = all;
        t += sizeof(word);
    }
    while (size--) {
        *t++ = (uint8_t)value;
    }
    return to;
}
