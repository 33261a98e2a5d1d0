// Regular expressions (ECMA-262, which JSON schemas have) of what scalars.cpp reads, each for a
// whole text.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace summond::config {

// One that stands in many places: a schema has it once, by its name.
struct Pattern {
    std::string_view name;
    std::string regex;
};
// All that there are.
std::span<const Pattern> all_patterns();

const Pattern& address_pattern();       // IPv4 or IPv6
const Pattern& network_pattern();       // an address, or one with the length of a prefix
const Pattern& id_network_pattern();    // IPv6, of a length that leaves nibbles to ids
const Pattern& pool_network_pattern();  // IPv4, of a length that a pool may have
const Pattern& endpoint_pattern();      // an address with or without a port
const Pattern& listener_pattern();      // an address with a port
const Pattern& host_pattern();          // a domain name of letters, digits, - and _
const Pattern& pattern_name_pattern();  // likewise, with {id} in its first label
const Pattern& server_pattern();        // likewise, of two labels or with its final dot
const Pattern& domain_pattern();        // any without spaces
const Pattern& mail_pattern();          // a mail address, or as a domain name of two labels or more
const Pattern& seconds_pattern();       // a duration of whole seconds, up to 2^31 - 1

// Decimal numbers and quantities within a range, both ends included.
std::string number_pattern(std::uint64_t low, std::uint64_t high);
std::string duration_pattern(std::chrono::milliseconds low, std::chrono::milliseconds high);
std::string size_pattern(std::uint64_t low_kib, std::uint64_t high_kib);

}  // namespace summond::config
