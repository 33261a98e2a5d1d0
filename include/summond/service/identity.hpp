// What services, their domains and their interfaces are recognised by, in every process and in
// every version of summond.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace summond::service {

// FNV-1a 64 over the bytes, then MurmurHash3's 64-bit finaliser. No protection against whoever
// looks for two texts of one digest.
std::uint64_t digest(std::string_view text);

// Names a service in messages between processes, in its domains' UUIDs and in its derived MAC:
// the digest of its name (0 becomes 1), so the same in every generation of the configuration and in
// every version of summond. Two services of one configuration never share one (a config error).
using Id = std::uint64_t;
Id id_of(std::string_view service_name);

using Mac = std::array<std::uint8_t, 6>;
std::string to_string(const Mac& mac);  // "00:16:3e:xx:xx:xx"
// The MAC of a service's interface (counted from 0) without `mac:`: Xen's OUI, then 23 bits of the
// id with the top bit set. The MACs that libxl makes up have that bit clear (libxl_nic.c), so the
// two never meet.
Mac derived_mac(Id id, std::size_t interface = 0);
// The same of services with many instances: locally administered (IEEE 802, 46 bits of the id),
// since of a few thousand with 23 bits two would be the same.
Mac derived_wide_mac(Id id, std::size_t interface = 0);

}  // namespace summond::service
