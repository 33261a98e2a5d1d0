// DNSSEC's keys and signatures as records have them (RFC 4034), and whether a signature is right.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "summond/dns/types.hpp"

namespace summond::sign {

using Bytes = std::span<const std::uint8_t>;

// The algorithms that zones are signed with here: IANA's DNS Security Algorithm Numbers.
inline constexpr std::uint8_t ecdsa_p256_sha256 = 13;  // RFC 6605
inline constexpr std::uint8_t ed25519 = 15;            // RFC 8080

// Bits of a DNSKEY's flags: RFC 4034 §2.1.1, RFC 5011 §7.
inline constexpr std::uint16_t flag_zone = 0x0100;
inline constexpr std::uint16_t flag_sep = 0x0001;
inline constexpr std::uint16_t flag_revoke = 0x0080;

// RFC 4034 appendix B, of a DNSKEY's RDATA; not for algorithm 1.
std::uint16_t key_tag(Bytes dnskey) noexcept;

// Times are Unix time modulo 2^32, compared as serial numbers (RFC 4034 §3.1.5).
constexpr bool is_before(std::uint32_t a, std::uint32_t b) {
    return a != b && b - a < 0x80000000U;
}

// The fixed fields of an RRSIG's RDATA (RFC 4034 §3.1), the signer and the signature.
struct Rrsig {
    dns::Type covered{};
    std::uint8_t algorithm = 0;
    std::uint8_t labels = 0;
    std::uint32_t original_ttl = 0;
    std::uint32_t expiration = 0;
    std::uint32_t inception = 0;
    std::uint16_t key_tag = 0;
    Bytes signer;     // uncompressed, in any case
    Bytes signature;  // not empty
};
// None: cut short.
std::optional<Rrsig> read_rrsig(Bytes rdata) noexcept;

// The octets that a signature is made of (RFC 4034 §3.1.8.1): the RRSIG's RDATA up to the
// signature, its signer in lower case, and the records in canonical form and order.
//   owner: lower case; of the wildcard, if the RRSIG has fewer labels.
//   rdatas: canonical (RFC 4034 §6.2), without duplicates; sorted by this function.
std::vector<std::uint8_t> signed_octets(Bytes rrsig, Bytes owner, dns::Type type,
                                        std::vector<Bytes>& rdatas);

// A DNSKEY's public key, ready to be used many times.
class PublicKey {
  public:
    // None: an algorithm that is not known here (known: 5, 7, 8, 10, 13, 14, 15 and 16 of the
    // IANA's DNS Security Algorithm Numbers), or no key of it.
    static std::optional<PublicKey> from_dnskey(Bytes rdata);
    bool verifies(Bytes octets, Bytes signature) const;

  private:
    struct Free {
        void operator()(void* key) const;
    };
    PublicKey(std::uint8_t algorithm, void* key) : algorithm_(algorithm), key_(key) {}
    std::uint8_t algorithm_;
    std::unique_ptr<void, Free> key_;  // EVP_PKEY
};

}  // namespace summond::sign
