#include "summond/notify/pack.hpp"

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <exception>
#include <span>

#include "summond/base/base64.hpp"

namespace summond::notify {
namespace {

namespace json = boost::json;

std::string encoded(const std::string& octets) {
    return base::to_base64({reinterpret_cast<const std::uint8_t*>(octets.data()), octets.size()});
}

config::Webhook webhook_of(const json::object& object) {
    const auto text = [&](const char* key) { return std::string(object.at(key).as_string()); };
    const auto number = [&](const char* key) { return object.at(key).to_number<std::int64_t>(); };
    config::Webhook webhook;
    webhook.name = text("name");
    webhook.url = text("url");
    webhook.events = static_cast<std::uint32_t>(number("events"));
    for (const json::value& service : object.at("services").as_array())
        webhook.services.emplace_back(service.as_string());
    webhook.secret = base::from_base64(text("secret")).value();
    webhook.ca = text("ca");
    webhook.timeout = std::chrono::milliseconds(number("timeout_ms"));
    webhook.retry_for = std::chrono::milliseconds(number("retry_for_ms"));
    return webhook;
}

}  // namespace

std::string pack(const std::vector<config::Webhook>& webhooks) {
    json::array all;
    for (const config::Webhook& webhook : webhooks) {
        json::array services;
        for (const std::string& service : webhook.services)
            services.emplace_back(service);
        all.push_back(json::object{{"name", webhook.name},
                                   {"url", webhook.url},
                                   {"events", webhook.events},
                                   {"services", std::move(services)},
                                   {"secret", encoded(webhook.secret)},
                                   {"ca", webhook.ca},
                                   {"timeout_ms", webhook.timeout.count()},
                                   {"retry_for_ms", webhook.retry_for.count()}});
    }
    return json::serialize(all);
}

base::Result<std::vector<config::Webhook>> unpack(std::string_view text) {
    std::vector<config::Webhook> webhooks;
    try {
        const json::value all = json::parse(json::string_view(text));
        for (const json::value& each : all.as_array())
            webhooks.push_back(webhook_of(each.as_object()));
    } catch (const std::exception& e) {
        return base::error(std::string("not webhooks: ") + e.what());
    }
    return webhooks;
}

}  // namespace summond::notify
