// What has changed in zones from load to load, for incremental transfers (RFC 1995). The loader
// makes it from the image in use and the one that takes its place, and adds it to what it had made
// before: a sequence of bytes that needs no other memory.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "summond/base/result.hpp"
#include "summond/config/config.hpp"
#include "summond/dns/name.hpp"
#include "summond/zone/zone.hpp"

namespace summond::zone {

// A record as the journal has it; the spans refer to it. Names are uncompressed.
struct FlatRecord {
    std::span<const std::uint8_t> owner;
    dns::Type type{};
    std::uint32_t ttl = 0;
    std::span<const std::uint8_t> rdata;
};
// Takes the first record off; false: there is none.
bool take_record(std::span<const std::uint8_t>& records, FlatRecord& record);

// From one version of a zone to the next. The old SOA record is the first of the removed ones, the
// new one of those added.
struct ZoneChange {
    std::uint32_t from = 0;  // serials
    std::uint32_t to = 0;
    std::span<const std::uint8_t> removed;
    std::span<const std::uint8_t> added;
};

class Journal {
  public:
    // All zones together, octets; the oldest changes go first.
    static constexpr std::size_t most = std::size_t{64} << 20;

    Journal() = default;
    // bytes: as `write` makes them; must outlive it.
    static base::Result<Journal> open(std::string_view bytes);

    // What leads from a serial to another, the oldest first; empty: that is not known.
    std::vector<ZoneChange> between(const dns::Name& zone, std::uint32_t from,
                                    std::uint32_t to) const;

    // The journal after a load: what this one has of zones that are transferred, and what has
    // changed since `before`. A change that is as large as its zone, or whose serial has not grown,
    // ends what is known of the zone; the second is said in problems.
    std::string write(const config::Config& config, const Zones& before, const Zones& after,
                      std::vector<config::Problem>& problems) const;

  private:
    struct Entry {
        std::string_view zone;  // in wire format
        ZoneChange change;
        std::string_view bytes;  // all of it
    };
    std::vector<Entry> entries_;  // the oldest first
};

}  // namespace summond::zone
