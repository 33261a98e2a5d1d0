#include "rdata_forms.hpp"

#include <netdb.h>

#include <algorithm>
#include <array>
#include <set>

#include "record_types.hpp"
#include "summond/base/ip_address.hpp"

namespace summond::zone {

namespace {

using Done = base::Result<void>;

std::string without_dots(std::string_view text) {
    std::string digits(text);
    std::erase(digits, '.');
    return digits;
}

base::Result<std::set<std::uint16_t>> read_type_list(Words& words, unsigned limit) {
    std::set<std::uint16_t> types;
    while (!words.empty()) {
        const std::string_view word = words.take();
        const auto type = type_from_text(word);
        // "Bits representing pseudo-types MUST be clear."
        if (!type || dns::is_meta(*type) || static_cast<unsigned>(*type) > limit)
            return is_not(word, "a type of data that can stand here");
        types.insert(static_cast<std::uint16_t>(*type));
    }
    return types;
}

// Sets bit `number`, counted from the first octet's highest one.
void set_bit(std::span<std::uint8_t> map, unsigned number) {
    map[number / 8] |= static_cast<std::uint8_t>(0x80U >> number % 8);
}

}  // namespace

Done read_name(std::string_view word, const dns::Name& origin, Bytes& out) {
    // Data keeps the case of its letters (RFC 4343 §4.1).
    dns::NameBuffer name;
    const auto size = dns::parse_name(word, origin.wire(), dns::Case::keep, name);
    if (!size)
        return tl::make_unexpected(size.error());
    append(out, std::span(name).first(*size));
    return {};
}

Done read_address(std::string_view word, bool v4, Bytes& out) {
    const auto address = base::IpAddress::parse(word);
    if (!address || address->is_v4() != v4)
        return is_not(word, v4 ? "an IPv4 address" : "an IPv6 address");
    append(out, address->bytes());
    return {};
}

Done read_types(Words& words, Bytes& out) {
    const auto types = read_type_list(words, 0xffff);
    if (!types)
        return tl::make_unexpected(types.error());
    for (auto type = types->begin(); type != types->end();) {
        const unsigned window = *type >> 8;
        std::array<std::uint8_t, 32> map{};
        std::size_t size = 0;
        for (; type != types->end() && *type >> 8 == window; ++type) {
            set_bit(map, *type & 0xff);
            size = (*type & 0xff) / 8 + 1U;
        }
        append8(out, window);
        append8(out, size);
        append(out, std::span(map).first(size));
    }
    return {};
}

Done read_nxt_types(Words& words, Bytes& out) {
    constexpr unsigned last = 127;
    const auto types = read_type_list(words, last);
    if (!types)
        return tl::make_unexpected(types.error());
    std::array<std::uint8_t, (last + 1) / 8> map{};
    for (const std::uint16_t type : *types)
        set_bit(map, type);
    append(out, std::span(map).first(*types->rbegin() / 8 + 1U));
    return {};
}

Done read_apl(Words& words, Bytes& out) {
    while (!words.empty()) {
        const std::string_view word = words.take();
        std::string_view rest = word;
        const bool negated = rest.starts_with('!');
        rest.remove_prefix(negated ? 1 : 0);
        const bool v4 = rest.starts_with("1:");
        const std::size_t slash = std::min(rest.find('/'), rest.size());
        const auto address =
            slash < 2 ? std::nullopt : base::IpAddress::parse(rest.substr(2, slash - 2));
        if ((!v4 && !rest.starts_with("2:")) || slash == rest.size() || !address ||
            address->is_v4() != v4)
            return is_not(word, "an address prefix such as 1:192.0.2.0/24 or !2:2001:db8::/32");
        auto bytes = address->bytes();
        const auto length = number_from_text<std::uint8_t>(rest.substr(slash + 1));
        if (!length || *length > 8 * bytes.size())
            return is_not(rest.substr(slash + 1),
                          "a prefix length from 0 to " + std::to_string(8 * bytes.size()));
        // RFC 3123 §4: without the zeros at its end.
        while (!bytes.empty() && bytes.back() == 0)
            bytes = bytes.first(bytes.size() - 1);
        append16(out, v4 ? 1 : 2);
        append8(out, *length);
        append8(out, bytes.size() | (negated ? 0x80U : 0U));
        append(out, bytes);
    }
    return {};
}

Done read_services(Words& words, Bytes& out) {
    const std::string_view name = words.take();
    const bool tcp = same_text(name, "TCP");
    const bool udp = same_text(name, "UDP");
    const auto protocol = tcp   ? std::optional<std::uint8_t>(6)
                          : udp ? std::optional<std::uint8_t>(17)
                                : number_from_text<std::uint8_t>(name);
    if (!protocol)
        return is_not(name, "a protocol: TCP, UDP or a number from 0 to 255");
    append8(out, *protocol);
    Bytes map;
    while (!words.empty()) {
        const std::string_view word = words.take();
        auto port = number_from_text<std::uint16_t>(word);
        if (!port && (*protocol == 6 || *protocol == 17)) {
            std::string service(word);
            std::ranges::transform(service, service.begin(), ::tolower);
            if (const servent* entry =
                    ::getservbyname(service.c_str(), *protocol == 6 ? "tcp" : "udp"))
                port = ntohs(static_cast<std::uint16_t>(entry->s_port));
        }
        if (!port)
            return is_not(word, "a port from 0 to 65535 or a service of /etc/services");
        map.resize(std::max<std::size_t>(map.size(), *port / 8 + 1U));
        set_bit(map, *port);
    }
    append(out, map);
    return {};
}

Done read_nsap(std::string_view word, Bytes& out) {
    if (!same_text(word.substr(0, 2), "0x"))
        return is_not(word, "an NSAP address: 0x and hexadecimal digits");
    return read_hex_word(without_dots(word.substr(2)), out);
}

Done read_atma(std::string_view word, Bytes& out) {
    const bool e164 = word.starts_with('+');
    append8(out, e164 ? 1 : 0);
    if (!e164)
        return read_hex_word(without_dots(word), out);
    const std::string digits = without_dots(word.substr(1));
    if (digits.empty() || digits.find_first_not_of("0123456789") != std::string::npos)
        return is_not(word, "an E.164 number");
    out.insert(out.end(), digits.begin(), digits.end());
    return {};
}

Done read_a6(Words& words, const dns::Name& origin, Bytes& out) {
    constexpr std::uint8_t bits = 128;
    const std::string_view word = words.take();
    const auto length = number_from_text<std::uint8_t>(word);
    if (!length || *length > bits)
        return is_not(word, "a prefix length from 0 to 128");
    append8(out, *length);
    if (*length < bits) {
        Bytes suffix;
        if (words.empty())
            return base::error("the address suffix is missing");
        if (auto r = read_address(words.take(), false, suffix); !r)
            return r;
        suffix.erase(suffix.begin(), suffix.begin() + *length / 8);
        suffix[0] &= static_cast<std::uint8_t>(0xff >> *length % 8);
        append(out, suffix);
    }
    if (*length == 0)
        return {};
    if (words.empty())
        return base::error("the prefix name is missing");
    return read_name(words.take(), origin, out);
}

Done read_gateway(std::string_view word, unsigned type, const dns::Name& origin, Bytes& out) {
    switch (type) {
        case 0:
            return word == "." ? Done() : is_not(word, "\".\", as type 0 has it");
        case 1:
        case 2:
            return read_address(word, type == 1, out);
        case 3:
            return read_name(word, origin, out);
        default:
            return base::error("type " + std::to_string(type) +
                               " has no form of its own; 0 (none), 1 (IPv4), 2 (IPv6) and 3 (a "
                               "name) have");
    }
}

Done read_discovery(Words& words, Bytes& out) {
    constexpr unsigned discovery_bit = 0x80;
    const std::string_view bit = words.take();
    if (bit != "0" && bit != "1")
        return is_not(bit, "0 or 1, the D-bit");
    if (words.empty())
        return base::error("the relay type is missing");
    const std::string_view word = words.take();
    const auto type = number_from_text<std::uint8_t>(word);
    if (!type || *type >= discovery_bit)
        return is_not(word, "a relay type from 0 to 127");
    append8(out, *type | (bit == "1" ? discovery_bit : 0U));
    return {};
}

Done read_host_identity(Words& words, const dns::Name& origin, Bytes& out) {
    const std::string_view word = words.take();
    const auto algorithm = number_from_text<std::uint8_t>(word);
    if (!algorithm)
        return is_not(word, "a number from 0 to 255");
    Bytes hit;
    Bytes key;
    if (words.empty())
        return base::error("the HIT is missing");
    if (auto r = read_hex_word(words.take(), hit); !r)
        return r;
    if (words.empty())
        return base::error("the public key is missing");
    if (auto r = read_base64_word(words.take(), key); !r)
        return r;
    if (hit.size() > 0xff || key.size() > 0xffff)
        return base::error("the HIT or the key is too long");
    append8(out, hit.size());
    append8(out, *algorithm);
    append16(out, key.size());
    append(out, hit);
    append(out, key);
    while (!words.empty()) {
        if (auto r = read_name(words.take(), origin, out); !r)
            return r;
    }
    return {};
}

Done read_eui(std::string_view word, std::size_t octets, Bytes& out) {
    const auto bad = [&] {
        return is_not(word, std::to_string(octets) + " octets such as " +
                                (octets == 6 ? "00-00-5e-00-53-2a" : "00-00-5e-ef-10-00-00-2a"));
    };
    if (word.size() != 3 * octets - 1)
        return bad();
    for (std::size_t i = 0; i < word.size(); i += 3) {
        if ((i > 0 && word[i - 1] != '-') || !read_hex_word(word.substr(i, 2), out))
            return bad();
    }
    return {};
}

Done read_locator(std::string_view word, Bytes& out) {
    std::string_view rest = word;
    for (int group = 0; group < 4; ++group) {
        const std::string_view digits = rest.substr(0, rest.find(':'));
        std::uint16_t value = 0;
        const auto [end, problem] = std::from_chars(digits.begin(), digits.end(), value, 16);
        const bool last = digits.size() == rest.size();
        if (problem != std::errc() || end != digits.end() || digits.size() > 4 ||
            last != (group == 3))
            return is_not(word, "four groups of hexadecimal digits such as 2001:db8:1140:1000");
        append16(out, value);
        rest.remove_prefix(last ? digits.size() : digits.size() + 1);
    }
    return {};
}

}  // namespace summond::zone
