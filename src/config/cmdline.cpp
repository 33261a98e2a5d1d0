#include "cmdline.hpp"

#include <array>

#include "problems.hpp"

namespace summond::config {

namespace {

// With the final NUL Xen's start_info has 1024 octets for it (MAX_GUEST_CMDLINE, xen/xen.h).
constexpr std::size_t max_pv_cmdline = 1023;
constexpr std::size_t max_expanded = 65536;  // far above what any use takes
constexpr std::array<std::string_view, 4> placeholders{"ipv4", "ipv6", "name", "mac"};

base::Result<std::string> value_of(std::string_view placeholder, const service::Template& service,
                                   std::string_view id) {
    const auto first = [&](const std::vector<base::IpAddress>& addresses, const char* family) {
        if (addresses.empty())
            return base::Result<std::string>(
                base::error("{" + std::string(placeholder) + "} needs an " + family +
                            " address, and there is none in addresses"));
        return base::Result<std::string>(addresses.front().to_string());
    };
    if (placeholder == "ipv4")
        return first(service.ipv4, "IPv4");
    if (placeholder == "ipv6")
        return first(service.ipv6, "IPv6");
    if (placeholder == "name")
        return service.name;
    if (placeholder == "id" && !id.empty())
        return std::string(id);
    if (placeholder == "id")
        return base::error("{id} is of a service with ids, which has {id} in its names");
    if (placeholder == "mac" && service.interfaces.empty())
        return base::error("{mac} needs a network interface, and there is none");
    if (placeholder == "mac")
        return service::to_string(service.interfaces.front().mac);
    std::string what = in_quotes("{" + std::string(placeholder) + "}") + " is no placeholder; ";
    if (const auto meant = nearest(placeholder, placeholders); !meant.empty())
        what += "did you mean {" + std::string(meant) + "}?";
    else
        what += "known are {ipv4}, {ipv6}, {name} and {mac}, and {{ and }} are braces";
    return base::error(what);
}

}  // namespace

base::Result<std::string> expand(std::string_view text, const service::Template& service,
                                 std::string_view id) {
    std::string line;
    for (std::size_t i = 0; i < text.size() && line.size() <= max_expanded; ++i) {
        const char c = text[i];
        if (c != '{' && c != '}') {
            line += c;
            continue;
        }
        if (text.substr(i + 1, 1) == text.substr(i, 1)) {
            line += c;
            ++i;
            continue;
        }
        const auto end = text.find('}', i);
        if (c == '}' || end == std::string_view::npos)
            return base::error(std::string("a ") + c + " alone; write " + c + c + " for a brace");
        const auto value = value_of(text.substr(i + 1, end - i - 1), service, id);
        if (!value)
            return value;
        line += *value;
        i = end;
    }
    return line;
}

base::Result<std::string> expand_cmdline(std::string_view text, const service::Template& service,
                                         std::string_view id) {
    const bool is_pv = service.type == service::DomainType::pv || service.pvshim;
    const std::size_t longest = is_pv ? max_pv_cmdline : service::max_pvh_cmdline;
    auto line = expand(text, service, id);
    if (line && line->size() > longest)
        return base::error("longer than " + std::to_string(longest) +
                           " octets once its placeholders are filled in; shorten it");
    return line;
}

}  // namespace summond::config
