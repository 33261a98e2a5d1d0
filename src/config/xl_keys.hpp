// What becomes of every key that xl.cfg(5), xl-disk-configuration(5) and
// xl-network-configuration(5) of Xen 4.17 have, and of those that xl reads besides.
// docs/CONFIGURATION.md shows these tables.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace summond::config {

enum class XlFate : std::uint8_t {
    honoured,
    warning,  // has no effect, which is said
    refused,  // unless it is off: 0, empty, none, disabled, default
};

// Keys that one sentence is true of.
struct XlKeys {
    std::string_view keys;  // with a space between
    XlFate fate;
    std::string_view what;        // what it becomes, or why it does not
    std::string_view replaced{};  // by which keys of a service, besides those of the same name
};

std::span<const XlKeys> xl_keys();
// Of one item of vif, disk and p9.
std::span<const XlKeys> xl_vif_keys();
std::span<const XlKeys> xl_disk_keys();
std::span<const XlKeys> xl_p9_keys();

std::vector<std::string_view> words(std::string_view separated);
// Null: xl knows no such key.
const XlKeys* find_keys(std::span<const XlKeys> table, std::string_view key);

}  // namespace summond::config
