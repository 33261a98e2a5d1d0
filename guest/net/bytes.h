// Big-endian integers as they lie in packets, the Internet checksum over them, and cuts in memory.
// Structures made only of these types have no padding and no alignment, so a header can be laid
// over received bytes once their number has been checked.
#pragma once

#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint8_t b[2];
} be16;

typedef struct {
    uint8_t b[4];
} be32;

static inline uint16_t from_be16(be16 v) {
    return (uint16_t)(v.b[0] << 8 | v.b[1]);
}

static inline uint32_t from_be32(be32 v) {
    return (uint32_t)v.b[0] << 24 | (uint32_t)v.b[1] << 16 | (uint32_t)v.b[2] << 8 | v.b[3];
}

static inline be16 to_be16(uint16_t v) {
    return (be16){{(uint8_t)(v >> 8), (uint8_t)v}};
}

static inline be32 to_be32(uint32_t v) {
    return (be32){{(uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v}};
}

// Adds `size` bytes to a running one's complement sum (RFC 1071). Only the last piece added may
// have an odd size. The sum cannot overflow within any one packet.
static inline uint32_t checksum_add(uint32_t sum, const void* data, size_t size) {
    const uint8_t* p = (const uint8_t*)data;
    for (; size > 1; p += 2, size -= 2) {
        sum += (uint32_t)(p[0] << 8 | p[1]);
    }
    return size ? sum + (uint32_t)(p[0] << 8) : sum;
}

// The checksum to put into a header whose checksum field was summed as 0; also 0 exactly when a
// received packet, summed with its checksum, is intact.
static inline uint16_t checksum_finish(uint32_t sum) {
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}
