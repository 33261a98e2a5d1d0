// What is signed when it is asked for: single records about names that lie in no zone's image, of
// zones with names by rule (docs/design/online-signing.md). Front puts them into answers, signer
// signs them; what they say follows from the zones and the rules alone, so each works it out for
// itself, but for which address of a pool is leased to an id. No heap.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "summond/answer/rules.hpp"
#include "summond/dns/canonical.hpp"
#include "summond/dns/folded_name.hpp"
#include "summond/dns/types.hpp"
#include "summond/zone/zone.hpp"

namespace summond::answer {

struct Statement {
    enum class Kind : std::uint8_t {
        address,  // AAAA of an instance's name
        pointer,  // PTR of an instance's address
        types,    // NSEC: which types the name has, if it exists at all (RFC 9824)
        covered,  // NSEC: that a name for which a wildcard stands does not exist itself (RFC 4470)
        leased,   // A of an instance's name; which one of the pool is front's word
        last = leased,
    };
    std::uint64_t tag = 0;      // Signatures::tag_of
    std::uint64_t content = 0;  // StatedRecord::content
    Kind kind{};
    std::uint8_t apex_size = 0;  // the last octets of the name are its zone's
    std::uint8_t size = 0;
    std::array<std::uint8_t, 4> ipv4{};  // leased
    dns::NameBuffer name{};              // lower case
};

struct StatedRecord {
    // Two names, or a name and bit maps of types: 256 of them at most, in few windows.
    static constexpr std::size_t max_rdata = dns::max_name_size + 256;
    dns::Type type{};
    std::uint32_t ttl = 0;
    std::uint16_t owner_size = 0;
    std::uint16_t rdata_size = 0;
    dns::NameBuffer owner;  // lower case
    std::array<std::uint8_t, max_rdata> rdata;

    std::span<const std::uint8_t> owner_octets() const { return {owner.data(), owner_size}; }
    std::span<const std::uint8_t> rdata_octets() const { return {rdata.data(), rdata_size}; }
    // Tells it from what another configuration would state; no secret.
    std::uint64_t content() const noexcept;
};

// False: that is not so, and must not be signed. name: lower case. zone: index of the one that the
// name is in, which has such names. rules: null: there are none. ipv4: what is leased.
bool state(const zone::Zones& zones, const Rules* rules, std::uint32_t zone, Statement::Kind kind,
           const dns::FoldedName& name, StatedRecord& record,
           const std::array<std::uint8_t, 4>& ipv4 = {}) noexcept;

// The fixed fields of the RRSIG of such a record, its signer and, where there is one, its
// signature: RDATA. Returns its size.
struct SignatureFields {
    std::uint8_t algorithm = 0;
    std::uint16_t key_tag = 0;
    std::uint32_t inception = 0;
    std::uint32_t expiration = 0;
};
inline constexpr std::size_t max_rrsig_rdata = 18 + dns::max_name_size + 64;
using RrsigRdata = std::array<std::uint8_t, max_rrsig_rdata>;
std::size_t write_rrsig(const StatedRecord& record, const SignatureFields& fields,
                        std::span<const std::uint8_t> apex, std::span<const std::uint8_t> signature,
                        RrsigRdata& rdata) noexcept;

}  // namespace summond::answer
