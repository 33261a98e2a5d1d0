#include "rate_limit.hpp"

#include "scalars.hpp"

namespace summond::config {

namespace {

constexpr std::uint64_t max_responses_per_second = 1'000'000;
constexpr std::uint64_t max_slip = 10;
constexpr std::uint64_t max_connections = 100'000;
constexpr std::chrono::milliseconds longest_idle = std::chrono::hours(1);

}  // namespace

void read_tcp(const Value& value, Tcp& tcp) {
    auto mapping = Mapping::of(value, "tcp.", "a mapping, such as {per_source: 64, idle: 10s}");
    if (!mapping)
        return;
    const auto read = [&](const Key& key, std::uint32_t& number) {
        if (const auto found = mapping->take(key))
            number = static_cast<std::uint32_t>(found->number(1, max_connections).value_or(1));
    };
    read({"connections", "connections in all", "512"}, tcp.connections);
    read({"per_source", "connections of one IPv4 address, or one IPv6 /56", "64"}, tcp.per_source);
    if (const auto idle = mapping->take({"idle",
                                         "a connection ends when for so long no whole query has "
                                         "come and no answer has been taken",
                                         "10s"}))
        tcp.idle =
            read_duration(*idle, std::chrono::seconds(1), longest_idle, "10s").value_or(tcp.idle);
    if (const auto exempt = mapping->take(
            {"exempt", "networks to which per_source does not apply, or none", "none"}))
        tcp.exempt = read_networks(*exempt, "none");
    mapping->refuse_rest();
}

void read_signing(const Value& value, OnlineSigning& signing) {
    auto mapping = Mapping::of(value, "signing.", "a mapping, such as {per_second: 2000}");
    if (!mapping)
        return;
    if (const auto found = mapping->take(
            {"per_second", "signatures in a second, of names that are signed when asked for",
             "2000"}))
        signing.per_second =
            static_cast<std::uint32_t>(found->number(1, 1'000'000).value_or(signing.per_second));
    if (const auto found = mapping->take(
            {"cached", "how many of them are kept, of about 200 octets each", "65536"}))
        signing.cached =
            static_cast<std::uint32_t>(found->number(1024, 1 << 24).value_or(signing.cached));
    mapping->refuse_rest();
}

void read_rate_limit(const Value& value, RateLimit& limit) {
    if (const auto word = value.word({"off", "on"})) {
        limit.enabled = *word == 1;
        return;
    }
    auto mapping = Mapping::of(value, "rate_limit.",
                               "on, off or a mapping, such as {responses_per_second: 1000}");
    if (!mapping)
        return;
    const auto read = [&](const Key& key, std::uint64_t low, std::uint64_t high, auto& number) {
        if (const auto found = mapping->take(key))
            number = static_cast<std::uint32_t>(found->number(low, high).value_or(low));
    };
    read({"responses_per_second", "answers of each kind to one network in a second", "1000"}, 1,
         max_responses_per_second, limit.responses_per_second);
    read({"slip",
          "one in so many limited answers is truncated, the others are dropped; 0 drops all", "1"},
         0, max_slip, limit.slip);
    read({"ipv4_prefix", "how many bits of an IPv4 address make a network", "24"}, 8, 32,
         limit.ipv4_prefix);
    read({"ipv6_prefix", "how many bits of an IPv6 address make a network", "56"}, 16, 64,
         limit.ipv6_prefix);
    if (const auto exempt = mapping->take(
            {"exempt", "networks that are not limited, or none", "[127.0.0.0/8, \"::1\"]"}))
        limit.exempt = read_networks(*exempt, "none");
    mapping->refuse_rest();
}

}  // namespace summond::config
