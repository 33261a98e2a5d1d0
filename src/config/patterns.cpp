#include "patterns.hpp"

#include <algorithm>
#include <vector>

#include "summond/base/quantity.hpp"

namespace summond::config {
namespace {

std::string replaced(std::string text, std::string_view what, std::string_view by) {
    for (auto at = text.find(what); at != text.npos; at = text.find(what, at + by.size()))
        text.replace(at, what.size(), by);
    return text;
}

std::string either(const std::vector<std::string>& parts) {
    std::string text;
    for (const std::string& part : parts)
        text.append(text.empty() ? "" : "|").append(part);
    return parts.size() == 1 ? text : "(?:" + text + ")";
}

std::string digit(char low, char high) {
    return low == high ? std::string(1, low)
                       : std::string("[").append(1, low).append("-").append(1, high).append("]");
}

std::string any_digits(std::size_t count) {
    if (count == 0)
        return "";
    return count == 1 ? "[0-9]" : "[0-9]{" + std::to_string(count) + "}";
}

// Numbers of as many digits as both have.
std::string range_of(const std::string& low, const std::string& high) {
    if (low.empty())
        return "";
    const std::string low_rest = low.substr(1);
    const std::string high_rest = high.substr(1);
    const std::string zeros(low_rest.size(), '0');
    const std::string nines(low_rest.size(), '9');
    if (low[0] == high[0])
        return low[0] + range_of(low_rest, high_rest);
    std::vector<std::string> parts;
    char first = low[0];
    char last = high[0];
    if (low_rest != zeros)
        parts.push_back(first++ + range_of(low_rest, nines));
    if (high_rest != nines)
        --last;
    if (first <= last)
        parts.push_back(digit(first, last) + any_digits(zeros.size()));
    if (high_rest != nines)
        parts.push_back(high[0] + range_of(zeros, high_rest));
    return either(parts);
}

// low and high in the smallest unit.
std::string quantity_pattern(std::uint64_t low, std::uint64_t high,
                             std::span<const base::Unit> units) {
    std::vector<std::string> parts;
    for (const base::Unit& unit : units) {
        const std::uint64_t least = (low + unit.factor - 1) / unit.factor;
        const std::uint64_t most = high / unit.factor;
        if (least <= most)
            parts.push_back(number_pattern(least, most) + " ?" + std::string(unit.name));
    }
    return either(parts);
}

// inet_pton(3) takes no leading zeros.
std::string make_v4() {
    return replaced("V(?:\\.V){3}", "V", "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])");
}

// H: up to four hexadecimal digits; V: IPv4. Where there are some on both sides of ::, they are
// counted by their colons, up to the ] of an endpoint.
std::string make_v6(const std::string& v4) {
    const std::string text =
        "(?:(?:H:){7}H|(?:H:){1,7}:|:(?::H){1,7}|::|(?:H:){6}V|::(?:H:){0,5}V|"
        "(?!(?:[^:\\]]*:){8})H(?::H)*::H(?::H)*|(?!(?:[^:\\]]*:){7})H(?::H)*::(?:H:)*V)";
    return replaced(replaced(text, "V", v4), "H", "[0-9A-Fa-f]{1,4}");
}

// Octets that mean nothing in a name but themselves, or escaped ones.
constexpr const char* any_label = R"((?:[!#-\-/-\[\]-~]|\\[0-9]{3}|\\[!-/:-~]){1,63})";

std::vector<Pattern> make_patterns() {
    const std::string v4 = make_v4();
    const std::string v6 = make_v6(v4);
    const std::string port = "(?::" + number_pattern(1, 65535) + ")?";
    const std::string label = "[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?";
    const std::string host = R"((?:\.|(?=.{1,254}$)(?!.{253}[^.]$)L(?:\.L)*\.?))";
    const std::string domain = R"((?:\.|(?!@$)L(?:\.L)*\.?))";
    const std::string mail = R"((?:[!#-?A-~]{1,63}@L(?:\.L)*\.?|(?!.*@)L(?:\.L)+\.?))";
    const std::string seconds = number_pattern(0, 0x7fffffff);
    return {
        {"address", either({v4, v6})},
        {"network", either({v4 + "(?:/" + number_pattern(0, 32) + ")?",
                            v6 + "(?:/" + number_pattern(0, 128) + ")?"})},
        {"id_network", v6 + "/0*(?:64|68|72|76|80|84|88|92|96)"},
        {"pool_network", v4 + "/0*(?:2[2-9]|3[0-2])"},
        {"endpoint", either({v4 + port, v6, "\\[" + v6 + "\\]" + port})},
        {"listener", either({v4 + ":" + number_pattern(1, 65535),
                             "\\[" + v6 + "\\]:" + number_pattern(1, 65535)})},
        {"host", replaced(host, "L", label)},
        {"pattern_name", replaced(R"([A-Za-z0-9_-]*\{id\}[A-Za-z0-9_-]*\.)" + host, "L", label)},
        {"server", "(?=.*\\.)" + replaced(host, "L", label)},
        {"domain", replaced(domain, "L", any_label)},
        {"mail", replaced(mail, "L", any_label)},
        {"seconds", either({seconds + " ?s", seconds + "000 ?ms", "0+ ?ms",
                            quantity_pattern(0, 0x7fffffffULL * 1000,
                                             std::span(base::duration_units).first(3))})},
    };
}

const Pattern& named(std::string_view name) {
    return *std::ranges::find(all_patterns(), name, &Pattern::name);
}

}  // namespace

std::span<const Pattern> all_patterns() {
    static const std::vector<Pattern> patterns = make_patterns();
    return patterns;
}

const Pattern& address_pattern() {
    return named("address");
}

const Pattern& network_pattern() {
    return named("network");
}

const Pattern& id_network_pattern() {
    return named("id_network");
}

const Pattern& pool_network_pattern() {
    return named("pool_network");
}

const Pattern& endpoint_pattern() {
    return named("endpoint");
}

const Pattern& listener_pattern() {
    return named("listener");
}

const Pattern& host_pattern() {
    return named("host");
}

const Pattern& pattern_name_pattern() {
    return named("pattern_name");
}

const Pattern& server_pattern() {
    return named("server");
}

const Pattern& domain_pattern() {
    return named("domain");
}

const Pattern& mail_pattern() {
    return named("mail");
}

const Pattern& seconds_pattern() {
    return named("seconds");
}

std::string number_pattern(std::uint64_t low, std::uint64_t high) {
    std::vector<std::string> parts;
    std::uint64_t from = low;
    while (from <= high) {
        const std::string digits = std::to_string(from);
        const std::uint64_t longest = std::stoull(std::string(digits.size(), '9'));
        const std::uint64_t to = std::min(longest, high);
        parts.push_back(range_of(digits, std::to_string(to)));
        from = to + 1;
    }
    return "0*" + either(parts);
}

std::string duration_pattern(std::chrono::milliseconds low, std::chrono::milliseconds high) {
    return quantity_pattern(static_cast<std::uint64_t>(low.count()),
                            static_cast<std::uint64_t>(high.count()), base::duration_units);
}

std::string size_pattern(std::uint64_t low_kib, std::uint64_t high_kib) {
    return quantity_pattern(low_kib, high_kib, base::size_units);
}

}  // namespace summond::config
