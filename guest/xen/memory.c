// The functions of <string.h> that the guest uses, and that gcc calls by itself; memcpy and memset
// are in arch/.
#include <stddef.h>
#include <stdint.h>
#include <string.h>

void* memmove(void* to, const void* from, size_t size) {
    uint8_t* t = to;
    const uint8_t* f = from;
    if (t <= f || t >= f + size) {
        return memcpy(to, from, size);
    }
    while (size--) {
        t[size] = f[size];
    }
    return to;
}

int memcmp(const void* a, const void* b, size_t size) {
    const uint8_t *x = a, *y = b;
    for (; size; x++, y++, size--) {
        if (*x != *y) {
            return *x - *y;
        }
    }
    return 0;
}

void* memchr(const void* s, int c, size_t size) {
    for (const uint8_t* p = s; size; p++, size--) {
        if (*p == (uint8_t)c) {
            return (void*)p;
        }
    }
    return NULL;
}
