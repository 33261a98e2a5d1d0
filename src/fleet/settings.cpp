#include "summond/fleet/settings.hpp"

#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <exception>

#include "summond/base/siphash.hpp"
#include "summond/fleet/host.hpp"

namespace summond::fleet {
namespace {

namespace json = boost::json;

Settings settings_of(const json::object& object) {
    const auto text = [&](const char* key) { return std::string(object.at(key).as_string()); };
    Settings settings;
    config::Fleet& config = settings.config;
    settings.identity = text("identity");
    config.name = text("name");
    for (const json::value& url : object.at("etcd").as_array())
        config.etcd.emplace_back(url.as_string());
    config.user = text("user");
    config.password = text("password");
    config.ca = text("ca");
    config.certificate = text("certificate");
    config.key = text("key");
    config.location = text("location");
    // As hosts tell each other of them.
    const auto host = from_value(text("host"));
    if (!host)
        throw std::runtime_error(host.error().what);
    config.networks = host->networks;
    config.lease = std::chrono::milliseconds(object.at("lease_ms").to_number<std::int64_t>());
    config.key_prefix = text("key_prefix");
    return settings;
}

}  // namespace

std::string identity_of(std::string_view machine, std::string_view config_file) {
    // Others are not told the machine's id itself, as machine-id(5) asks for.
    constexpr std::array<std::uint8_t, 16> key{'s', 'u', 'm', 'm', 'o', 'n', 'd', ' ',
                                               'f', 'l', 'e', 'e', 't', ' ', '1', 0};
    std::string text(machine);
    text.append(1, '\0').append(config_file);
    const auto hash =
        base::siphash_2_4({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}, key);
    constexpr std::string_view digits = "0123456789abcdef";
    std::string out;
    for (const std::uint8_t octet : hash) {
        out += digits[octet >> 4];
        out += digits[octet & 15];
    }
    return out;
}

std::string pack(const std::optional<Settings>& settings) {
    if (!settings)
        return "{}";
    const config::Fleet& config = settings->config;
    json::array servers;
    for (const std::string& url : config.etcd)
        servers.emplace_back(url);
    return json::serialize(json::object{
        {"identity", settings->identity},
        {"name", config.name},
        {"etcd", std::move(servers)},
        {"user", config.user},
        {"password", config.password},
        {"ca", config.ca},
        {"certificate", config.certificate},
        {"key", config.key},
        {"location", config.location},
        {"host",
         to_value(
             Host{.networks = config.networks, .location = {}, .identity = {}, .incarnation = {}})},
        {"lease_ms", config.lease.count()},
        {"key_prefix", config.key_prefix}});
}

base::Result<std::optional<Settings>> unpack(std::string_view text) {
    try {
        const json::value all = json::parse(json::string_view(text.data(), text.size()));
        if (all.as_object().empty())
            return std::optional<Settings>();
        return std::optional(settings_of(all.as_object()));
    } catch (const std::exception& e) {
        return base::error(std::string("not a fleet: ") + e.what());
    }
}

}  // namespace summond::fleet
