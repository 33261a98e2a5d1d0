#include "scalars.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

namespace summond::config {

namespace {

using std::chrono::milliseconds;

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

std::optional<std::uint8_t> parse_hex_octet(std::string_view text) {
    std::uint8_t octet = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), octet, 16);
    if (text.size() != 2 || problem != std::errc() || end != text.data() + text.size())
        return std::nullopt;
    return octet;
}

// Empty: none.
std::string host_name_fault(const dns::Name& name) {
    const auto wire = name.wire();
    for (std::size_t i = 0; wire[i] != 0; i += 1U + wire[i]) {
        const auto label = wire.subspan(i + 1, wire[i]);
        if (label.front() == '-' || label.back() == '-')
            return "with a label that begins or ends with -";
        for (const std::uint8_t octet : label) {
            const char c = static_cast<char>(octet);
            if (octet >= 0x80)
                return "with a character outside ASCII, which DNS writes as xn--...";
            if (!is_letter(c) && !is_digit(c) && c != '-' && c != '_')
                return "with a character that host names do not have";
        }
    }
    return {};
}

}  // namespace

base::Result<service::Mac> parse_mac(std::string_view text) {
    service::Mac mac{};
    if (text.size() != 17)
        return base::error("");
    for (std::size_t i = 0; i < mac.size(); ++i) {
        const auto octet = parse_hex_octet(text.substr(i * 3, 2));
        if (!octet || (i > 0 && text[i * 3 - 1] != ':'))
            return base::error("");
        mac[i] = *octet;
    }
    if ((mac[0] & 1) != 0)
        return base::error("a multicast address");
    if (mac == service::Mac{})
        return base::error("which is no station's address");
    if (mac == service::Mac{0xfe, 0xff, 0xff, 0xff, 0xff, 0xff})
        return base::error("which Xen gives to dom0's end of every vif");
    return mac;
}

base::Result<base::Endpoint> parse_endpoint(std::string_view text, std::uint16_t default_port) {
    std::string_view host = text;
    std::optional<std::string_view> port;
    const auto colon = text.rfind(':');
    if (text.starts_with('[')) {
        const auto bracket = text.find(']');
        if (bracket == std::string_view::npos)
            return base::error("without the closing ]");
        host = text.substr(1, bracket - 1);
        if (bracket + 1 < text.size()) {
            if (text[bracket + 1] != ':')
                return base::error("");
            port = text.substr(bracket + 2);
        }
    } else if (colon != std::string_view::npos && colon == text.find(':')) {
        host = text.substr(0, colon);
        port = text.substr(colon + 1);
    }
    const auto address = base::IpAddress::parse(host);
    if (!address || (text.starts_with('[') && address->is_v4()))
        return base::error("");
    std::uint64_t number = default_port;
    if (port) {
        number = parse_number(*port).value_or(0);
        if (number < 1 || number > std::numeric_limits<std::uint16_t>::max())
            return base::error("with a port that is not 1 to 65535");
    }
    return base::Endpoint{*address, static_cast<std::uint16_t>(number)};
}

base::Result<base::IpPrefix> parse_prefix(std::string_view text) {
    const auto slash = text.find('/');
    const auto address = base::IpAddress::parse(text.substr(0, slash));
    if (!address)
        return base::error("");
    const std::size_t bits = 8 * address->bytes().size();
    std::uint64_t length = bits;
    if (slash != std::string_view::npos) {
        length = parse_number(text.substr(slash + 1)).value_or(bits + 1);
        if (length > bits)
            return base::error("with a length that is not 0 to " + std::to_string(bits));
    }
    for (std::size_t bit = length; bit < bits; ++bit) {
        if ((address->bytes()[bit / 8] & 0x80 >> bit % 8) != 0)
            return base::error("with bits set beyond its length");
    }
    return base::IpPrefix{*address, static_cast<unsigned>(length)};
}

bool is_loopback(const base::IpAddress& address) {
    return address.is_v4() ? address.bytes()[0] == 127 : address.to_string() == "::1";
}

bool is_link_local(const base::IpAddress& address) {
    return address.is_v6() && address.bytes()[0] == 0xfe && (address.bytes()[1] & 0xc0) == 0x80;
}

bool is_v4_mapped(const base::IpAddress& address) {
    constexpr std::array<std::uint8_t, 12> prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    return address.is_v6() && std::equal(prefix.begin(), prefix.end(), address.bytes().begin());
}

bool read_boolean(const Value& value) {
    return value.one_of({"false", "true"}) == 1U;
}

std::optional<milliseconds> read_duration(const Value& value, milliseconds low, milliseconds high,
                                          std::string_view example) {
    std::string reason;
    value.takes_duration(low, high);
    if (value.is(Node::Kind::scalar)) {
        const auto duration = parse_duration(value.node->text);
        if (duration && *duration >= low && *duration <= high)
            return *duration;
        if (!duration)
            reason = duration.error().what;
    }
    value.refuse("a duration from " + to_text(low) + " to " + to_text(high) + ", such as " +
                     std::string(example),
                 reason);
    return std::nullopt;
}

std::optional<std::uint32_t> read_seconds(const Value& value) {
    constexpr std::uint64_t high = 0x7fffffff;
    std::string reason;
    value.takes_number(0, high);
    value.takes(seconds_pattern());
    if (value.is(Node::Kind::scalar)) {
        auto seconds = parse_number(value.node->text);
        if (!seconds) {
            const auto duration = parse_duration(value.node->text);
            if (duration && duration->count() % 1000 == 0)
                seconds = static_cast<std::uint64_t>(duration->count() / 1000);
            else
                reason = duration ? "no whole number of seconds" : duration.error().what;
        }
        if (seconds && *seconds <= high)
            return static_cast<std::uint32_t>(*seconds);
    }
    value.refuse(
        "seconds, or a duration such as 5m, from 0 to " + std::to_string(high) + " seconds",
        reason);
    return std::nullopt;
}

std::optional<dns::Name> read_name(const Value& value, NameRule rule, std::string_view example) {
    const std::string expected = "a domain name in full, such as " + std::string(example);
    const auto text =
        value.text(expected, rule == NameRule::host ? host_pattern() : domain_pattern());
    if (!text)
        return std::nullopt;
    // The longest name in its longest form: four characters an octet.
    if (text->size() > 4 * dns::max_name_size) {
        value.refuse(expected, "longer than any domain name");
        return std::nullopt;
    }
    auto name = dns::Name::parse(*text);
    if (!name || *text == "@") {
        value.complain(name ? "\"@\" stands for nothing here; write the name in full"
                            : name.error().what);
        return std::nullopt;
    }
    std::string fault;
    if (rule == NameRule::host)
        fault = host_name_fault(*name);
    else if (text->find(' ') != std::string::npos)
        fault = "with a space in it";
    if (!fault.empty()) {
        value.refuse(expected, fault);
        return std::nullopt;
    }
    return std::move(*name);
}

std::vector<base::IpPrefix> read_networks(const Value& value, std::string_view word,
                                          std::size_t most) {
    constexpr std::string_view expected =
        "a network such as 192.0.2.0/24 or \"2001:db8::/32\", or an address";
    std::vector<base::IpPrefix> networks;
    if (value.word({word}))
        return networks;
    for (const Value& item :
         value.list_or_one("a network, a list of networks, or " + std::string(word))) {
        item.takes(network_pattern());
        const auto prefix = item.is(Node::Kind::scalar)
                                ? parse_prefix(item.node->text)
                                : base::Result<base::IpPrefix>(base::error(""));
        if (!prefix)
            item.refuse(expected, prefix.error().what);
        else if (is_v4_mapped(prefix->address))
            item.refuse(expected, "an IPv4-mapped address");
        else if (std::ranges::find(networks, *prefix) != networks.end())
            item.complain(prefix->to_string() + " is there twice; keep one");
        else
            networks.push_back(*prefix);
    }
    if (networks.size() > most)
        value.complain("at most " + std::to_string(most) + " networks");
    return networks;
}

std::optional<std::string> read_plain_name(const Value& value) {
    constexpr std::size_t longest = 63;
    constexpr std::string_view expected =
        "1 to 63 letters, digits, dots, - and _, beginning with a letter or digit";
    constexpr std::string_view characters =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    auto name = value.text(expected, "[A-Za-z0-9][A-Za-z0-9._-]*", longest);
    if (!name || (name->size() <= longest && name->find_first_of("._-") != 0 &&
                  name->find_first_not_of(characters) == std::string::npos))
        return name;
    value.refuse(expected);
    return std::nullopt;
}

}  // namespace summond::config
