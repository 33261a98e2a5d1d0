#include "dnssec.hpp"

#include "scalars.hpp"

namespace summond::config {

namespace {

using namespace std::chrono_literals;
using std::chrono::seconds;

constexpr seconds shortest_lifetime = 1h;
constexpr seconds longest_lifetime = 24h * 365;
constexpr seconds longest_delay = 24h * 30;
constexpr std::uint32_t max_dnskey_ttl = 7 * 86400;
// Between two signings of a zone, at least.
constexpr seconds shortest_rest = 10min;

std::optional<bool> read_switch(const Value& value) {
    const auto word = value.one_of({"off", "on"});
    return word ? std::optional(*word == 1) : std::nullopt;
}

void read_seconds_of(Mapping& mapping, std::string_view key, seconds low, seconds high,
                     std::string_view example, seconds& field) {
    if (const auto value = mapping.take(key))
        if (const auto read = read_duration(*value, low, high, example))
            field = std::chrono::duration_cast<seconds>(*read);
}

// The times have to leave room for each other.
void check_times(const Value& value, const Dnssec& dnssec) {
    const seconds rest = dnssec.rrsig_lifetime - dnssec.rrsig_jitter - dnssec.rrsig_refresh;
    if (rest < shortest_rest)
        value.complain("rrsig_refresh (" + to_text(dnssec.rrsig_refresh) + ") and rrsig_jitter (" +
                       to_text(dnssec.rrsig_jitter) + ") leave nothing of rrsig_lifetime (" +
                       to_text(dnssec.rrsig_lifetime) +
                       "); together they must be at least 10m less");
    const seconds wait = seconds(dnssec.dnskey_ttl) + dnssec.propagation_delay;
    if (dnssec.zsk_lifetime != 0s && dnssec.zsk_lifetime < 2 * wait)
        value.complain("zsk_lifetime (" + to_text(dnssec.zsk_lifetime) +
                       ") is less than twice dnskey_ttl and propagation_delay (" +
                       to_text(2 * wait) + "), which a new key waits before it signs");
}

}  // namespace

std::optional<Dnssec> read_dnssec(const Value& value) {
    Dnssec dnssec;
    if (value.is(Node::Kind::scalar) && value.node->text == "on")
        return dnssec;
    if (value.is(Node::Kind::scalar) && value.node->text == "off")
        return std::nullopt;
    auto mapping =
        Mapping::of(value, "dnssec.", "on, off or a mapping, such as {algorithm: ed25519}");
    if (!mapping)
        return std::nullopt;
    if (const auto algorithm = mapping->take("algorithm"))
        if (const auto word = algorithm->one_of({"ecdsap256sha256", "ed25519"}))
            dnssec.algorithm = *word == 0 ? 13 : 15;
    if (const auto single = mapping->take("single_type_signing"))
        dnssec.single_type_signing = read_switch(*single);
    if (const auto nsec3 = mapping->take("nsec3"))
        dnssec.nsec3 = read_switch(*nsec3).value_or(false);
    if (const auto cds = mapping->take("cds_cdnskey_publish"))
        dnssec.cds_cdnskey_publish =
            static_cast<Dnssec::Cds>(cds->one_of({"none", "always", "delete"}).value_or(0));
    read_seconds_of(*mapping, "rrsig_lifetime", shortest_lifetime, longest_lifetime, "14d",
                    dnssec.rrsig_lifetime);
    read_seconds_of(*mapping, "rrsig_refresh", 1min, longest_lifetime, "7d", dnssec.rrsig_refresh);
    read_seconds_of(*mapping, "rrsig_jitter", 0s, longest_lifetime, "12h", dnssec.rrsig_jitter);
    if (const auto ttl = mapping->take("dnskey_ttl")) {
        dnssec.dnskey_ttl = read_seconds(*ttl).value_or(dnssec.dnskey_ttl);
        if (dnssec.dnskey_ttl > max_dnskey_ttl)
            ttl->refuse("at most 7d");
    }
    read_seconds_of(*mapping, "zsk_lifetime", 0s, longest_lifetime, "30d", dnssec.zsk_lifetime);
    read_seconds_of(*mapping, "propagation_delay", 0s, longest_delay, "1h",
                    dnssec.propagation_delay);
    read_seconds_of(*mapping, "parent_delay", 0s, longest_delay, "25h", dnssec.parent_delay);
    mapping->refuse_rest();
    check_times(value, dnssec);
    return dnssec;
}

}  // namespace summond::config
