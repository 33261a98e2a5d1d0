// The record sets of a zone as signatures are about them, for those who check and who sign.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "summond/sign/signature.hpp"
#include "zone_data.hpp"

namespace summond::zone {

// Whether a set has a signature: not NS and glue at a cut, nor anything below it (RFC 4035 §2.2).
bool is_signed_set(const ZoneData& zone, const Owner& owner, dns::Type type);

// A name's labels as an RRSIG counts them: without the root's and a leading "*" (RFC 4034 §3.1.3).
std::uint8_t signed_labels(std::string_view name);

inline sign::Bytes octets_of(std::string_view name) {
    return {reinterpret_cast<const std::uint8_t*>(name.data()), name.size()};
}

// The RDATA of a set's records in canonical form (RFC 4034 §6.2). May refer to the zone's.
class CanonicalSet {
  public:
    CanonicalSet(const ZoneData& zone, std::span<const Record> set);
    CanonicalSet(const CanonicalSet&) = delete;
    CanonicalSet& operator=(const CanonicalSet&) = delete;
    // For sign::signed_octets, which sorts them.
    std::vector<sign::Bytes>& rdatas() { return rdatas_; }

  private:
    std::vector<std::vector<std::uint8_t>> changed_;
    std::vector<sign::Bytes> rdatas_;
};

}  // namespace summond::zone
