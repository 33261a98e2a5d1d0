#include "summond/sign/online_keys.hpp"

#include <cstring>

namespace summond::sign {

namespace {

class Writer {
  public:
    template <typename Number>
    void number(Number value) {
        const auto* const at = reinterpret_cast<const std::uint8_t*>(&value);
        octets_.insert(octets_.end(), at, at + sizeof value);
    }
    void text(Bytes octets) {
        number(static_cast<std::uint32_t>(octets.size()));
        octets_.insert(octets_.end(), octets.begin(), octets.end());
    }
    // So that nothing of a secret stays where it lay before.
    void reserve(std::size_t octets) { octets_.reserve(octets); }
    Secret finish() { return Secret(std::move(octets_)); }

  private:
    std::vector<std::uint8_t> octets_;
};

class Reader {
  public:
    explicit Reader(std::string_view octets) : octets_(octets) {}

    template <typename Number>
    bool number(Number& value) {
        if (octets_.size() < sizeof value)
            return false;
        std::memcpy(&value, octets_.data(), sizeof value);
        octets_.remove_prefix(sizeof value);
        return true;
    }
    bool text(Bytes& octets) {
        std::uint32_t size = 0;
        if (!number(size) || octets_.size() < size)
            return false;
        octets = {reinterpret_cast<const std::uint8_t*>(octets_.data()), size};
        octets_.remove_prefix(size);
        return true;
    }
    bool at_end() const { return octets_.empty(); }

  private:
    std::string_view octets_;
};

bool read_key(Reader& reader, OnlineKey& key) {
    Bytes secret;
    if (!reader.number(key.tag) || !reader.number(key.algorithm) || !reader.text(secret))
        return false;
    key.secret = Secret(std::vector<std::uint8_t>(secret.begin(), secret.end()));
    return true;
}

bool read_zone(Reader& reader, OnlineZone& zone) {
    Bytes apex;
    std::uint32_t keys = 0;
    if (!reader.text(apex))
        return false;
    const auto name = dns::Name::from_wire(apex);
    if (!name || !reader.number(zone.lifetime) || !reader.number(zone.jitter) ||
        !reader.number(zone.refresh) || !reader.number(keys) || keys > OnlineZone::max_keys)
        return false;
    zone.apex = *name;
    zone.keys.resize(keys);
    for (OnlineKey& key : zone.keys)
        if (!read_key(reader, key))
            return false;
    return true;
}

}  // namespace

Secret pack(const std::vector<OnlineZone>& zones) {
    constexpr std::size_t most = 512 + OnlineZone::max_keys * 64;  // octets of a zone
    Writer writer;
    writer.reserve(most * (zones.size() + 1));
    for (const OnlineZone& zone : zones) {
        writer.text(zone.apex.wire());
        writer.number(zone.lifetime);
        writer.number(zone.jitter);
        writer.number(zone.refresh);
        writer.number(static_cast<std::uint32_t>(zone.keys.size()));
        for (const OnlineKey& key : zone.keys) {
            writer.number(key.tag);
            writer.number(key.algorithm);
            writer.text(key.secret.bytes());
        }
    }
    return writer.finish();
}

base::Result<std::vector<OnlineZone>> unpack_online(std::string_view packed) {
    std::vector<OnlineZone> zones;
    Reader reader(packed);
    while (!reader.at_end()) {
        OnlineZone& zone = zones.emplace_back();
        if (!read_zone(reader, zone))
            return base::error("keys of zones that are signed when asked: cut short");
    }
    return zones;
}

}  // namespace summond::sign
