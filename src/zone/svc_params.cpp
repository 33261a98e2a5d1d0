#include "svc_params.hpp"

#include <algorithm>
#include <map>

#include "summond/base/ip_address.hpp"
#include "summond/dns/wire.hpp"

namespace summond::zone {

namespace {

// RFC 9460 §14.3.2, RFC 9461 §5, RFC 9540 §4.
enum Key : std::uint16_t {
    mandatory,
    alpn,
    no_default_alpn,
    port,
    ipv4hint,
    ech,
    ipv6hint,
    dohpath,
    ohttp,
};
constexpr std::string_view key_names[] = {"mandatory", "alpn",     "no-default-alpn",
                                          "port",      "ipv4hint", "ech",
                                          "ipv6hint",  "dohpath",  "ohttp"};

std::string key_to_text(std::uint16_t key) {
    return key < std::size(key_names) ? std::string(key_names[key]) : "key" + std::to_string(key);
}

// §2.1: small letters; keyN without leading zeros for any key.
std::optional<std::uint16_t> key_from_text(std::string_view text) {
    const auto* const known = std::ranges::find(key_names, text);
    if (known != std::end(key_names))
        return static_cast<std::uint16_t>(known - key_names);
    constexpr std::string_view generic = "key";
    if (!text.starts_with(generic))
        return std::nullopt;
    const std::string_view digits = text.substr(generic.size());
    if (digits.size() > 1 && digits[0] == '0')
        return std::nullopt;
    return number_from_text<std::uint16_t>(digits);
}

// The items of a list (§A.1): after the escapes of a string have been decoded, a backslash keeps a
// comma, or another backslash, from being one that separates.
base::Result<std::vector<std::string>> list_items(std::string_view text) {
    std::vector<std::string> items(1);
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == ',') {
            items.emplace_back();
            continue;
        }
        if (text[i] == '\\' && ++i == text.size())
            return base::error("a list ends in a backslash");
        items.back() += text[i];
    }
    if (std::ranges::any_of(items, &std::string::empty))
        return base::error("a list has an empty item");
    return items;
}

base::Result<void> read_alpn(std::string_view item, Bytes& out) {
    if (item.size() > 255)
        return base::error("a protocol of alpn is longer than 255 octets");
    append8(out, item.size());
    out.insert(out.end(), item.begin(), item.end());
    return {};
}

base::Result<void> read_hint(std::string_view item, bool v4, Bytes& out) {
    const auto address = base::IpAddress::parse(item);
    if (!address || address->is_v4() != v4)
        return is_not(item, v4 ? "an IPv4 address" : "an IPv6 address");
    append(out, address->bytes());
    return {};
}

// RFC 9461 §5: a relative URI Template (RFC 6570) with the variable "dns".
bool has_dns_variable(std::string_view text) {
    if (!text.starts_with('/'))
        return false;
    for (auto open = text.find('{'); open != std::string_view::npos; open = text.find('{')) {
        text.remove_prefix(open + 1);
        std::string_view names = text.substr(0, text.find('}'));
        if (names.size() == text.size())
            return false;
        if (!names.empty() && std::string_view("+#./;?&").find(names[0]) != std::string_view::npos)
            names.remove_prefix(1);
        while (true) {
            const std::string_view name = names.substr(0, names.find(','));
            if (name.substr(0, name.find_first_of(":*")) == "dns")
                return true;
            if (name.size() == names.size())
                break;
            names.remove_prefix(name.size() + 1);
        }
    }
    return false;
}

// The value of one known key in wire format.
base::Result<void> check_value(std::uint16_t key, std::span<const std::uint8_t> value) {
    const auto bad = [key](const char* what) { return base::error(key_to_text(key) + what); };
    switch (key) {
        case mandatory:
            if (value.empty() || value.size() % 2 != 0)
                return bad(" takes a list of keys");
            for (std::size_t i = 0; i < value.size(); i += 2) {
                const std::uint16_t item = dns::get16(&value[i]);
                if (item == mandatory)
                    return bad(" cannot name itself");
                if (i > 0 && item <= dns::get16(&value[i - 2]))
                    return base::error("a key is mandatory twice, or before a smaller one");
            }
            return {};
        case alpn:
            for (std::size_t i = 0; i < value.size(); i += 1U + value[i]) {
                if (value[i] == 0 || i + 1 + value[i] > value.size())
                    return bad(" takes a list of protocols, each with its length before it");
            }
            return value.empty() ? bad(" takes a list of protocols") : base::Result<void>();
        case no_default_alpn:
        case ohttp:
            return value.empty() ? base::Result<void>() : bad(" takes no value");
        case port:
            return value.size() == 2 ? base::Result<void>() : bad(" takes one number");
        case ipv4hint:
        case ipv6hint: {
            const std::size_t size = key == ipv4hint ? 4 : 16;
            return !value.empty() && value.size() % size == 0 ? base::Result<void>()
                                                              : bad(" takes addresses");
        }
        case ech:
            return value.empty() ? bad(" takes a value in base64") : base::Result<void>();
        case dohpath:
            return has_dns_variable({reinterpret_cast<const char*>(value.data()), value.size()})
                       ? base::Result<void>()
                       : bad(" takes a path with the variable dns, such as /dns-query{?dns}");
        default:
            return {};
    }
}

base::Result<void> read_value(std::uint16_t key, std::string_view text, Bytes& out) {
    if (key == port) {
        const auto number = number_from_text<std::uint16_t>(text);
        if (!number)
            return is_not(text, "a port from 0 to 65535");
        append16(out, *number);
        return {};
    }
    if (key == ech)
        return read_base64_word(text, out);
    if (key != mandatory && key != alpn && key != ipv4hint && key != ipv6hint) {
        out.insert(out.end(), text.begin(), text.end());
        return {};
    }
    const auto items = list_items(text);
    if (!items)
        return tl::make_unexpected(items.error());
    std::vector<std::uint16_t> keys;
    for (const std::string& item : *items) {
        base::Result<void> r;
        if (key == mandatory) {
            const auto named = key_from_text(item);
            if (!named)
                return is_not(item, "a key");
            keys.push_back(*named);
        } else if (key == alpn) {
            r = read_alpn(item, out);
        } else {
            r = read_hint(item, key == ipv4hint, out);
        }
        if (!r)
            return r;
    }
    std::ranges::sort(keys);
    for (const std::uint16_t named : keys)
        append16(out, named);
    return {};
}

using Params = std::map<std::uint16_t, Bytes>;

// §2.4.3, §7.1.1, §8: of keys that each are well-formed.
base::Result<void> check_consistency(const Params& params) {
    if (const auto list = params.find(mandatory); list != params.end()) {
        for (std::size_t i = 0; i < list->second.size(); i += 2) {
            const std::uint16_t key = dns::get16(&list->second[i]);
            if (!params.contains(key))
                return base::error(key_to_text(key) + " is mandatory, but it is not there");
        }
    }
    if (params.contains(no_default_alpn) && !params.contains(alpn))
        return base::error("no-default-alpn needs alpn beside it");
    return {};
}

base::Result<void> read_param(std::string_view word, Params& params) {
    const std::size_t equals = word.find('=');
    const std::string_view name = word.substr(0, equals);
    const auto key = key_from_text(name);
    if (!key)
        return is_not(name,
                      "a key of SVCB; alpn=h2, port=443 and key65333=x are, in small letters");
    Bytes text;
    if (equals != std::string_view::npos && equals + 1 < word.size()) {
        if (const auto r = read_text(word.substr(equals + 1), text); !r)
            return r;
    }
    const auto [place, is_new] = params.try_emplace(*key);
    if (!is_new)
        return base::error(key_to_text(*key) + " is there twice");
    // keyN=: the value is not taken apart, even if the key is known.
    const bool generic = name.starts_with("key");
    if (generic || text.empty())
        place->second = std::move(text);
    else if (const auto r = read_value(
                 *key, {reinterpret_cast<const char*>(text.data()), text.size()}, place->second);
             !r)
        return r;
    return check_value(*key, place->second);
}

}  // namespace

base::Result<void> read_svc_params(Words& words, Bytes& out) {
    Params params;
    while (!words.empty()) {
        if (const auto r = read_param(words.take(), params); !r)
            return r;
    }
    for (const auto& [key, value] : params) {
        if (value.size() > 0xffff)
            return base::error(key_to_text(key) + " is longer than 65535 octets");
        append16(out, key);
        append16(out, value.size());
        append(out, value);
    }
    return check_consistency(params);
}

base::Result<void> check_svc_params(std::span<const std::uint8_t> wire) {
    Params params;
    while (!wire.empty()) {
        if (wire.size() < 4 || wire.size() - 4 < dns::get16(&wire[2]))
            return base::error("a parameter is cut short");
        const std::uint16_t key = dns::get16(wire.data());
        const auto value = wire.subspan(4, dns::get16(&wire[2]));
        wire = wire.subspan(4 + value.size());
        if (!params.empty() && key <= params.rbegin()->first)
            return base::error("parameters are not in the order of their keys");
        params[key].assign(value.begin(), value.end());
        if (const auto r = check_value(key, value); !r)
            return r;
    }
    return check_consistency(params);
}

}  // namespace summond::zone
