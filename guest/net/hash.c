// SipHash-2-4, from "SipHash: a fast short-input PRF" (Aumasson, Bernstein, 2012).
#include "hash.h"

static uint64_t little_endian(const uint8_t* p, size_t size) {
    uint64_t v = 0;
    for (size_t i = 0; i < size; i++) {
        v |= (uint64_t)p[i] << 8 * i;
    }
    return v;
}

static uint64_t rotate(uint64_t v, unsigned bits) {
    return v << bits | v >> (64 - bits);
}

static void rounds(uint64_t v[4], unsigned n) {
    while (n--) {
        v[0] += v[1];
        v[2] += v[3];
        v[1] = rotate(v[1], 13) ^ v[0];
        v[3] = rotate(v[3], 16) ^ v[2];
        v[0] = rotate(v[0], 32);
        v[2] += v[1];
        v[0] += v[3];
        v[1] = rotate(v[1], 17) ^ v[2];
        v[3] = rotate(v[3], 21) ^ v[0];
        v[2] = rotate(v[2], 32);
    }
}

uint64_t siphash(const uint8_t key[16], const void* data, size_t size) {
    uint64_t k0 = little_endian(key, 8), k1 = little_endian(key + 8, 8);
    uint64_t v[4] = {k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d, k0 ^ 0x6c7967656e657261,
                     k1 ^ 0x7465646279746573};
    const uint8_t* p = data;
    size_t left = size;
    for (;; p += 8, left -= 8) {
        uint64_t word = little_endian(p, left < 8 ? left : 8);
        if (left < 8) {
            word |= (uint64_t)size << 56;
        }
        v[3] ^= word;
        rounds(v, 2);
        v[0] ^= word;
        if (left < 8) {
            break;
        }
    }
    v[2] ^= 0xff;
    rounds(v, 4);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}
