// Of OpenSSL's functions for SHA-1 the older ones, which it calls deprecated, since those that are
// to replace them allocate memory for every hash.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "summond/sign/nsec3.hpp"

#include <openssl/sha.h>

namespace summond::sign {

namespace {

void add_and_finish(SHA_CTX& context, std::span<const std::uint8_t> octets,
                    std::span<const std::uint8_t> salt, Nsec3Hash& hash) {
    SHA1_Init(&context);
    SHA1_Update(&context, octets.data(), octets.size());
    SHA1_Update(&context, salt.data(), salt.size());
    SHA1_Final(hash.data(), &context);
}

}  // namespace

Nsec3Hash nsec3_hash(std::span<const std::uint8_t> name,
                     const Nsec3Parameters& parameters) noexcept {
    static_assert(nsec3_hash_size == SHA_DIGEST_LENGTH);
    SHA_CTX context;
    Nsec3Hash hash;
    add_and_finish(context, name, parameters.salt, hash);
    for (unsigned i = 0; i < parameters.iterations; ++i)
        add_and_finish(context, hash, parameters.salt, hash);
    return hash;
}

Nsec3Label nsec3_label(std::span<const std::uint8_t, nsec3_hash_size> hash) noexcept {
    constexpr std::string_view digits = "0123456789abcdefghijklmnopqrstuv";
    Nsec3Label label;
    label[0] = nsec3_label_size - 1;
    std::uint8_t* to = &label[1];
    for (std::size_t at = 0; at < hash.size(); at += 5) {
        std::uint64_t bits = 0;
        for (std::size_t i = 0; i < 5; ++i)
            bits = bits << 8 | hash[at + i];
        for (unsigned i = 0; i < 8; ++i)
            *to++ = static_cast<std::uint8_t>(digits[bits >> (5 * (7 - i)) & 31]);
    }
    return label;
}

}  // namespace summond::sign
