// The signatures that a zone is being served with, for when it is signed again: what has not
// changed keeps its own until they are due.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "summond/sign/key_file.hpp"
#include "summond/zone/zone.hpp"
#include "zone_data.hpp"

namespace summond::zone {

class OlderSignatures {
  public:
    // None.
    OlderSignatures() = default;
    // Of a zone in an image, which must outlive this. renewed_until: those that end before are not
    // taken; latest: nor those that end after this (Unix time).
    OlderSignatures(const Zones& image, std::uint32_t zone, std::int64_t now,
                    std::int64_t renewed_until, std::int64_t latest);

    // The serial and content (image::ZoneRecord) that the zone has there; none: it was not signed
    // here.
    struct Served {
        std::uint32_t serial;
        std::uint64_t content;
    };
    const std::optional<Served>& served() const { return served_; }

    // The signatures there of a set that has not changed; empty: there are none. May be used by
    // several threads.
    std::vector<sign::Bytes> find(const ZoneData& zone, const Owner& owner,
                                  std::span<const Record> set) const;
    // Whether one of them may stay, by this key.
    bool is_good(sign::Bytes rrsig, const sign::Key& key) const;

  private:
    const image::Node* node_of(const Owner& owner) const;

    std::optional<Zones> image_;
    std::uint32_t zone_ = 0;
    const image::Chain* chain_ = nullptr;
    std::int64_t now_ = 0;
    std::int64_t renewed_until_ = 0;
    std::int64_t latest_ = 0;
    std::optional<Served> served_;
    std::vector<sign::Bytes> keys_;  // DNSKEY RDATA
};

}  // namespace summond::zone
