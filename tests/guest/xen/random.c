// Randomness; see random.h. From the CPU's generator where it has one; the clocks, which alone can
// be guessed to within some microseconds, are mixed in for where it has not.
#include "random.h"

#include <stdbool.h>
#include <string.h>

#include "../net/hash.h"
#include "hypervisor.h"

static bool has_rdrand(void) {
    uint32_t eax = 1, ebx, ecx = 0, edx;
    __asm__ volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
    return ecx & 1u << 30;
}

void random_bytes(uint8_t out[16]) {
    uint64_t seed[6] = {clock_now(), clock_epoch()};
    if (has_rdrand()) {
        for (unsigned i = 2; i < 6; i++) {
            __asm__ volatile("rdrand %0" : "=r"(seed[i])::"cc");  // 0 if it fails
        }
    }
    for (uint8_t i = 0; i < 2; i++) {
        const uint8_t key[16] = {i};
        uint64_t half = siphash(key, seed, sizeof seed);
        memcpy(out + i * 8, &half, 8);
    }
}
