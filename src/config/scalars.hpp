// Scalars that are more than text. Where a parse returns a Result, its error is a reason that fits
// after "KEY is VALUE, " ("without a unit").
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "reader.hpp"
#include "summond/base/ip_address.hpp"
#include "summond/base/quantity.hpp"
#include "summond/base/result.hpp"
#include "summond/config/config.hpp"
#include "summond/dns/name.hpp"

namespace summond::config {

using base::parse_duration;
using base::parse_number;
using base::parse_size_kib;
using base::size_text;
using base::to_text;

base::Result<service::Mac> parse_mac(std::string_view text);
// "192.0.2.1", "192.0.2.1:53", "2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:53".
base::Result<base::Endpoint> parse_endpoint(std::string_view text, std::uint16_t default_port);

// "192.0.2.0/24", "2001:db8::/32", or one address.
base::Result<base::IpPrefix> parse_prefix(std::string_view text);

bool is_loopback(const base::IpAddress& address);
// fe80::/10 (RFC 4291 §2.5.6).
bool is_link_local(const base::IpAddress& address);
// ::ffff:0:0/96 (RFC 4291 §2.5.5.2).
bool is_v4_mapped(const base::IpAddress& address);

// The rest read a value and report what is wrong with it.
bool read_boolean(const Value& value);  // true or false
std::optional<std::chrono::milliseconds> read_duration(const Value& value,
                                                       std::chrono::milliseconds low,
                                                       std::chrono::milliseconds high,
                                                       std::string_view example);
// Seconds, bare as DNS custom has it, or a duration; 0 to 2147483647 (RFC 2181 §8).
std::optional<std::uint32_t> read_seconds(const Value& value);

enum class NameRule {
    any,   // any domain name without spaces (a zone)
    host,  // labels of letters, digits, - and _ (RFC 1123 §2.1)
};
std::optional<dns::Name> read_name(const Value& value, NameRule rule, std::string_view example);

// What people, commands and metrics call something that is no domain: 1 to 63 letters, digits,
// dots, - and _.
std::optional<std::string> read_plain_name(const Value& value);

// A network or a list of them, each once; empty: word, which says so.
std::vector<base::IpPrefix> read_networks(
    const Value& value, std::string_view word,
    std::size_t most = std::numeric_limits<std::size_t>::max());

}  // namespace summond::config
