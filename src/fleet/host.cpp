#include "summond/fleet/host.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <charconv>
#include <optional>

namespace summond::fleet {
namespace {

namespace json = boost::json;

constexpr std::size_t longest_identity = 32;

bool is_printable(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return c >= 0x20 && c < 0x7f; });
}

std::optional<base::IpPrefix> network_of(std::string_view text) {
    const auto slash = text.find('/');
    const auto address = base::IpAddress::parse(text.substr(0, slash));
    if (!address || slash == std::string_view::npos)
        return std::nullopt;
    const std::string_view digits = text.substr(slash + 1);
    unsigned length = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
    const auto bytes = address->bytes();
    if (error != std::errc() || end != digits.data() + digits.size() || length > 8 * bytes.size())
        return std::nullopt;
    for (std::size_t bit = length; bit < 8 * bytes.size(); ++bit)
        if ((bytes[bit / 8] & 0x80U >> bit % 8) != 0)
            return std::nullopt;
    return base::IpPrefix{*address, length};
}

// Null: it is not there.
const json::value* member(const json::object& object, std::string_view key) {
    return object.if_contains(json::string_view(key.data(), key.size()));
}

bool read(const json::object& object, std::string_view key, std::size_t longest,
          std::string& text) {
    const json::value* const value = member(object, key);
    if (value == nullptr)
        return true;
    const json::string* const found = value->if_string();
    if (found == nullptr || found->size() > longest ||
        !is_printable({found->data(), found->size()}))
        return false;
    text.assign(found->data(), found->size());
    return true;
}

bool read(const json::object& object, std::string_view key, bool& flag) {
    const json::value* const value = member(object, key);
    if (value == nullptr)
        return true;
    const bool* const found = value->if_bool();
    if (found != nullptr)
        flag = *found;
    return found != nullptr;
}

bool read_networks(const json::object& object, std::vector<base::IpPrefix>& networks) {
    const json::value* const value = member(object, "networks");
    if (value == nullptr)
        return true;
    const json::array* const items = value->if_array();
    if (items == nullptr || items->size() > most_networks)
        return false;
    for (const json::value& item : *items) {
        const json::string* const text = item.if_string();
        const auto network =
            text == nullptr ? std::nullopt : network_of({text->data(), text->size()});
        if (!network)
            return false;
        networks.push_back(*network);
    }
    return true;
}

}  // namespace

bool is_host_name(std::string_view name) {
    constexpr std::string_view characters =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    return !name.empty() && name.size() <= longest_name && name.find_first_of("._-") != 0 &&
           name.find_first_not_of(characters) == std::string_view::npos;
}

std::string to_value(const Host& host) {
    json::array networks;
    for (const base::IpPrefix& network : host.networks)
        networks.emplace_back(network.to_string());
    return json::serialize(json::object{{"networks", std::move(networks)},
                                        {"location", host.location},
                                        {"drained", host.drained},
                                        {"pressure", host.pressure},
                                        {"identity", host.identity},
                                        {"incarnation", host.incarnation}});
}

base::Result<Host> from_value(std::string_view value) {
    if (value.size() > longest_value)
        return base::error("longer than " + std::to_string(longest_value) + " octets");
    json::error_code error;
    json::parse_options options;
    options.max_depth = 4;
    const json::value parsed =
        json::parse(json::string_view(value.data(), value.size()), error, {}, options);
    if (error)
        return base::error("not JSON");
    const json::object* const object = parsed.if_object();
    if (object == nullptr)
        return base::error("not an object");
    // What is there besides is a later version's.
    Host host;
    if (!read_networks(*object, host.networks))
        return base::error("networks is no list of at most " + std::to_string(most_networks) +
                           " networks");
    if (!read(*object, "location", longest_location, host.location) ||
        !read(*object, "drained", host.drained) || !read(*object, "pressure", host.pressure) ||
        !read(*object, "identity", longest_identity, host.identity) ||
        !read(*object, "incarnation", longest_identity, host.incarnation))
        return base::error("a member of another type, or too long");
    return host;
}

}  // namespace summond::fleet
