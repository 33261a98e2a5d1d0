// Private keys of DNSSEC and what is signed with them. Only processes that sign have any: the
// loader, and `summond keys`.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "summond/base/result.hpp"
#include "summond/sign/signature.hpp"

namespace summond::sign {

// Octets that are overwritten before their memory is given back.
class Secret {
  public:
    Secret() = default;
    explicit Secret(std::vector<std::uint8_t> octets) : octets_(std::move(octets)) {}
    explicit Secret(std::string_view text) : octets_(text.begin(), text.end()) {}
    Secret(Secret&&) noexcept = default;
    Secret& operator=(Secret&& other) noexcept {
        octets_.swap(other.octets_);
        return *this;
    }
    Secret(const Secret&) = delete;
    Secret& operator=(const Secret&) = delete;
    ~Secret();

    std::vector<std::uint8_t>& octets() { return octets_; }
    Bytes bytes() const { return octets_; }
    std::string_view text() const {
        return {reinterpret_cast<const char*>(octets_.data()), octets_.size()};
    }

  private:
    std::vector<std::uint8_t> octets_;
};

// What BIND and Knot call the two algorithms that zones are signed with here; empty: another.
std::string_view algorithm_name(std::uint8_t algorithm);
std::optional<std::uint8_t> algorithm_of(std::string_view name);

inline constexpr std::size_t signature_size = 64;  // of both
using SignatureOctets = std::array<std::uint8_t, signature_size>;

class PrivateKey {
  public:
    // algorithm: one of the two above.
    static base::Result<PrivateKey> generate(std::uint8_t algorithm);
    // As key files have it: the scalar (RFC 6605), the seed (RFC 8080), 32 octets each. Errors, as
    // words that follow a file's name: not of that size, no key.
    static base::Result<PrivateKey> from_secret(std::uint8_t algorithm, Bytes secret);
    // PKCS #8 in PEM, as Knot keeps its keys.
    static base::Result<PrivateKey> from_pem(const Secret& pem);

    std::uint8_t algorithm() const { return algorithm_; }
    // The public key as a DNSKEY has it.
    Bytes public_octets() const { return public_; }
    Secret secret() const;

  private:
    friend class Signer;
    struct Free {
        void operator()(void* key) const;
    };
    PrivateKey(std::uint8_t algorithm, void* key) : algorithm_(algorithm), key_(key) {}
    static base::Result<PrivateKey> of(std::uint8_t algorithm, void* key);

    std::uint8_t algorithm_;
    std::unique_ptr<void, Free> key_;  // EVP_PKEY
    std::vector<std::uint8_t> public_;
};

// Signs with one key, on one thread; several may share the key, which has to outlive them.
class Signer {
  public:
    explicit Signer(const PrivateKey& key);
    Signer(Signer&&) noexcept;
    ~Signer();
    // None: libcrypto has failed.
    std::optional<SignatureOctets> sign(Bytes octets);

  private:
    struct State;
    std::unique_ptr<State> state_;
};

// RDATA of a DNSKEY, protocol 3 (RFC 4034 §2.1).
std::vector<std::uint8_t> dnskey_rdata(std::uint16_t flags, std::uint8_t algorithm,
                                       Bytes public_key);
// RDATA of the DS record of a DNSKEY, with SHA-256 (RFC 4509). owner: lower case, wire format.
std::vector<std::uint8_t> ds_rdata(Bytes owner, Bytes dnskey);

}  // namespace summond::sign
