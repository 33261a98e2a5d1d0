// What domains are recognised by. Domains that run now carry UUIDs and MACs made from these, so
// the functions never change.
#include "summond/service/identity.hpp"

#include <cstdio>

namespace summond::service {

namespace {

// MurmurHash3's fmix64: spreads what differs in some bits over all.
std::uint64_t spread(std::uint64_t hash) {
    hash ^= hash >> 33;
    hash *= 0xff51afd7ed558ccd;
    hash ^= hash >> 33;
    hash *= 0xc4ceb9fe1a85ec53;
    hash ^= hash >> 33;
    return hash;
}

}  // namespace

std::uint64_t digest(std::string_view text) {
    std::uint64_t hash = 0xcbf29ce484222325;  // FNV-1a, 64 bits: offset basis, then prime
    for (const char c : text) {
        hash ^= static_cast<unsigned char>(c);
        hash *= 0x00000100000001b3;
    }
    return spread(hash);  // FNV leaves the high bits of short, similar names alike
}

Id id_of(std::string_view service_name) {
    const Id id = digest(service_name);
    return id == 0 ? 1 : id;
}

Mac derived_mac(Id id, std::size_t interface) {
    if (interface > 0)
        id = spread(id + interface);
    return {0x00,
            0x16,
            0x3e,
            static_cast<std::uint8_t>(0x80 | ((id >> 16) & 0x7f)),
            static_cast<std::uint8_t>(id >> 8),
            static_cast<std::uint8_t>(id)};
}

Mac derived_wide_mac(Id id, std::size_t interface) {
    if (interface > 0)
        id = spread(id + interface);
    Mac mac;
    for (std::size_t i = 0; i < mac.size(); ++i)
        mac[i] = static_cast<std::uint8_t>(id >> (8 * (mac.size() - 1 - i)));
    mac[0] = static_cast<std::uint8_t>((mac[0] & 0xfc) | 0x02);
    return mac;
}

std::string to_string(const Mac& mac) {
    char text[18];
    std::snprintf(text, sizeof text, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2],
                  mac[3], mac[4], mac[5]);
    return text;
}

}  // namespace summond::service
