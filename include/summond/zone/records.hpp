// The records of a zone in an image one by one, for who gives it away as a whole.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "summond/dns/name.hpp"
#include "summond/dns/types.hpp"
#include "summond/zone/zone.hpp"

namespace summond::zone {

// Which nodes of an image are of which zone. Made once for an image: it looks at all of it. The
// image must outlive it.
class ZoneNodes {
  public:
    explicit ZoneNodes(const Zones& zones);

    const Zones& zones() const { return zones_; }
    std::span<const std::pair<std::uint32_t, image::Ref>> of(std::uint32_t zone) const;

  private:
    Zones zones_;
    std::vector<std::pair<std::uint32_t, image::Ref>> nodes_;
};

// A zone of this name; none: there is none.
std::optional<std::uint32_t> find_zone(const Zones& zones, const dns::Name& apex);
// Of a zone that is loaded.
std::uint32_t serial_of(const Zones& zones, std::uint32_t zone);

// All records of one owner and type: services' addresses, signatures and all. Names are lower case
// and uncompressed.
struct RecordSet {
    struct Record {
        std::uint32_t ttl;
        std::size_t begin;  // of RDATA in `octets`
        std::size_t size;
    };
    std::span<const std::uint8_t> owner;  // of the image
    dns::Type type{};
    std::vector<Record> records;
    std::vector<std::uint8_t> octets;
    std::span<const std::uint8_t> rdata(const Record& record) const {
        return std::span(octets).subspan(record.begin, record.size);
    }
};

// The sets of a zone that is loaded, the SOA record first.
class ZoneSets {
  public:
    // nodes must outlive it.
    ZoneSets(const ZoneNodes& nodes, std::uint32_t zone);
    // False: there is none any more.
    bool next(RecordSet& set);

  private:
    void read(const image::Node& node, const image::RRset& rrset, RecordSet& set) const;

    const ZoneNodes& nodes_;
    const std::uint32_t zone_;
    std::size_t node_ = 0;
    const image::RRset* rrset_ = nullptr;  // the next of the node; null: its first
    unsigned done_ = 0;                    // of the node's
    bool begun_ = false;
};

// The names at the beginning of RDATA that may be compressed in answers: those of RFC 1035 (RFC
// 3597 §4). `offset` octets come before the first of `count` names.
struct CompressibleNames {
    std::size_t offset = 0;
    std::size_t count = 0;
};
CompressibleNames compressible_names(dns::Type type);

}  // namespace summond::zone
