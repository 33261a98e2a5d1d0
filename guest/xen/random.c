// Randomness; see random.h. From the CPU's generator where it has one; the clocks, which alone can
// be guessed to within some microseconds, are mixed in for where it has not.
#include "random.h"

#include <string.h>

#include "../net/hash.h"
#include "hypervisor.h"

void random_bytes(uint8_t out[16]) {
    uint64_t seed[6] = {clock_now(), clock_epoch()};
    arch_random(seed + 2);
    for (uint8_t i = 0; i < 2; i++) {
        const uint8_t key[16] = {i};
        uint64_t half = siphash(key, seed, sizeof seed);
        memcpy(out + i * 8, &half, 8);
    }
}
