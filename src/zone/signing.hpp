// Signs a zone: what a signer of zone files does, in memory, between reading and the image.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "older_signatures.hpp"
#include "report.hpp"
#include "summond/config/config.hpp"
#include "summond/sign/key_file.hpp"
#include "zone_data.hpp"

namespace summond::zone {

// Records that only signing puts into a zone: the file has none.
bool is_made_by_signing(dns::Type type);

struct Signing {
    const config::Dnssec& policy;
    std::span<const sign::Key> keys;  // fit for it (ZoneKeys::prepare)
    std::int64_t now;                 // Unix time
    unsigned threads;
    const OlderSignatures& older;         // that are taken over where they still fit
    std::optional<std::uint32_t> last{};  // the serial that was made last, before this daemon
};

// Of a finished, valid zone without signatures: adds keys, CDS and CDNSKEY, the chain of NSEC or
// NSEC3 records, signatures, and a serial. Errors: records that only signing should make. The zone
// is of no use then.
void sign_zone(ZoneData& zone, const Signing& signing, Report& report);

// Whether one of the zone's keys signs record sets of a type now.
bool signs(std::span<const sign::Key> keys, const sign::Key& key, dns::Type type, std::int64_t now);

// The largest TTL of any record.
std::uint32_t max_ttl_of(const ZoneData& zone);

// image::ZoneRecord::content.
std::uint64_t content_of(const ZoneData& zone);

}  // namespace summond::zone
