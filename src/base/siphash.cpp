#include "summond/base/siphash.hpp"

#include <bit>

namespace summond::base {

namespace {

// Least significant octet first; size is at most 8.
std::uint64_t little_endian(const std::uint8_t* at, std::size_t size) {
    std::uint64_t word = 0;
    for (std::size_t i = 0; i < size; ++i)
        word |= std::uint64_t{at[i]} << (8 * i);
    return word;
}

struct State {
    std::uint64_t v0, v1, v2, v3;

    void round() {
        v0 += v1;
        v1 = std::rotl(v1, 13) ^ v0;
        v0 = std::rotl(v0, 32);
        v2 += v3;
        v3 = std::rotl(v3, 16) ^ v2;
        v0 += v3;
        v3 = std::rotl(v3, 21) ^ v0;
        v2 += v1;
        v1 = std::rotl(v1, 17) ^ v2;
        v2 = std::rotl(v2, 32);
    }
    void add(std::uint64_t word) {
        v3 ^= word;
        round();
        round();
        v0 ^= word;
    }
};

}  // namespace

std::array<std::uint8_t, 8> siphash_2_4(std::span<const std::uint8_t> message,
                                        std::span<const std::uint8_t, 16> key) noexcept {
    const std::uint64_t k0 = little_endian(key.data(), 8);
    const std::uint64_t k1 = little_endian(key.data() + 8, 8);
    // The initial state spells "somepseudorandomlygeneratedbytes".
    State state{k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d, k0 ^ 0x6c7967656e657261,
                k1 ^ 0x7465646279746573};
    const std::uint64_t length = std::uint64_t{message.size()} << 56;
    for (; message.size() >= 8; message = message.subspan(8))
        state.add(little_endian(message.data(), 8));
    state.add(length | little_endian(message.data(), message.size()));
    state.v2 ^= 0xff;
    for (int i = 0; i < 4; ++i)
        state.round();
    const std::uint64_t hash = state.v0 ^ state.v1 ^ state.v2 ^ state.v3;
    std::array<std::uint8_t, 8> octets;
    for (std::size_t i = 0; i < 8; ++i)
        octets[i] = static_cast<std::uint8_t>(hash >> (8 * i));
    return octets;
}

}  // namespace summond::base
