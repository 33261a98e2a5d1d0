// All zones and service names of one configuration as one immutable, position-independent image:
// built once per load by the loader process, put into a sealed memfd, mapped read-only by the
// front. A front that is restarted maps the same image again and parses nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <ctime>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "summond/base/result.hpp"
#include "summond/config/config.hpp"
#include "summond/dns/folded_name.hpp"
#include "summond/service/identity.hpp"
#include "summond/sign/online_keys.hpp"
#include "summond/zone/image.hpp"

namespace summond::zone {

class Zones;

// What becomes of a zone whose file is missing or has a fault.
enum class BadFile : std::uint8_t {
    refuse,  // there is no image
    // Served as the image before has it, or else answered with SERVFAIL; a warning says so. What is
    // wrong in the configuration itself still refuses it, and so does a zone as it was before that
    // has no place for the services that there are now.
    tolerate,
};

// What becomes of the keys that zones are signed with (Config::key_dir).
enum class KeyUse : std::uint8_t {
    as_found,  // nothing is written: a zone without keys is signed with some that nobody will see
    keep,      // made where there are none, and their times are written
};

// What signed zones are checked by, and signed.
struct Checks {
    std::int64_t now = std::time(nullptr);  // Unix time, seconds
    // How many signatures are verified, all zones together. Of others their fields are checked.
    std::size_t signatures = SIZE_MAX;
    KeyUse keys = KeyUse::as_found;
    unsigned threads = 1;  // that sign
};

// The image, or everything that is wrong (zone files: file:line). Reads the zone files that the
// configuration names.
struct Built {
    std::vector<std::uint8_t> image;  // empty when the configuration is refused
    std::vector<config::Problem> problems;
    std::vector<std::string> notes;        // what has been decided: keys made, rollovers
    std::vector<sign::OnlineZone> online;  // zones with names that are signed when asked for
};
// before: the image in use, if there is one; for BadFile::tolerate.
Built build(const config::Config& config, BadFile bad_file = BadFile::refuse,
            const Zones* before = nullptr, const Checks& checks = {});

// A view of an image. The bytes must outlive it and be 8-byte aligned. Look-ups are thread-safe and
// allocate nothing.
class Zones {
  public:
    // Checks magic, version and size; the content is trusted (it comes from our own loader).
    static base::Result<Zones> open(std::span<const std::uint8_t> image);

    // Services, in the order of config.services.
    std::size_t service_count() const { return header().service_count; }
    service::Id service_id(std::size_t index) const;

    // The node of a name or, where it has none, of its closest encloser (RFC 4592 §3.3.1). There
    // always is one: the root, if need be as a node of no zone.
    struct Found {
        const image::Node* node;
        bool exact;
    };
    Found find(const dns::FoldedName& name) const { return find(name, hash(name)); }

    // find in steps, for several names at a time: the time that memory takes to answer one is spent
    // on the others. Each step asks for what the next one reads: prefetch_slot for all names, then
    // prefetch_node for all, then find for all. Neither of the two is needed before find.
    std::uint64_t hash(const dns::FoldedName& name) const {
        return image::hash(name.wire.data(), name.size, header().seed);
    }
    void prefetch_slot(std::uint64_t hash) const { __builtin_prefetch(&slot(hash)); }
    void prefetch_node(std::uint64_t hash) const;
    Found find(const dns::FoldedName& name, std::uint64_t hash) const;

    // The name's node one label above; not of the root or of an apex.
    const image::Node* parent(const image::Node& node) const;

    // The last name in a chain at or before `name`, which is below the chain's apex or the apex;
    // before the first one it is the last of all.
    struct Link {
        const image::Node* node;
        bool exact;
    };
    Link find(const image::Chain& chain, const dns::FoldedName& name) const;
    // The chain of a zone; null: the zone is not signed.
    const image::Chain* chain(std::uint32_t zone_index) const {
        const image::Ref ref = zone(zone_index).chain;
        return ref == 0 ? nullptr : at<image::Chain>(ref);
    }

    const image::ZoneRecord& zone(std::uint32_t index) const {
        return at<image::ZoneRecord>(header().zones)[index];
    }
    template <typename T>
    const T* at(image::Ref ref) const {
        return reinterpret_cast<const T*>(image_.data() + image::unit * std::size_t{ref});
    }
    const image::Header& header() const { return *at<image::Header>(0); }

  private:
    explicit Zones(std::span<const std::uint8_t> image) : image_(image) {}
    const image::Slot& slot(std::uint64_t index) const {
        return at<image::Slot>(
            header().slots)[static_cast<std::uint32_t>(index) & header().slot_mask];
    }
    const image::Node* probe(const std::uint8_t* name, std::size_t size, std::uint64_t hash) const;
    const image::Node* probe(const dns::FoldedName& name, std::size_t labels) const;
    std::span<const std::uint8_t> image_;
};

// A zone's records as lines of a zone file, the SOA record first: services' addresses, signatures
// and all. False: there is no such zone, or it could not be loaded.
bool print_zone(const Zones& zones, const dns::Name& apex,
                const std::function<void(const std::string&)>& line);

}  // namespace summond::zone
