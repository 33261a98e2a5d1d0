#include "summond/control/routes.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <vector>

#include "summond/base/ip_address.hpp"
#include "summond/base/nearest.hpp"
#include "summond/base/quantity.hpp"

namespace summond::control {
namespace {

using In = Parameter::In;
using Kind = Parameter::Kind;
using std::chrono::milliseconds;

constexpr std::string_view phases[] = {"asleep", "building", "booting", "ready", "failed"};
constexpr std::string_view waits[] = {"no", "running", "ready"};

constexpr Parameter of_service[] = {{"service", In::path, Kind::text}};
constexpr Parameter of_webhook[] = {{"webhook", In::path, Kind::text}};
constexpr Parameter of_services[] = {{"phase", In::query, Kind::word, phases}};
constexpr Parameter of_wakes[] = {{"service", In::query, Kind::text},
                                  {"last", In::query, Kind::number},
                                  {"before", In::query, Kind::wake}};
constexpr Parameter of_events[] = {{"service", In::query, Kind::text},
                                   {"follow", In::query, Kind::boolean},
                                   {"last", In::query, Kind::number}};
constexpr Parameter of_wake[] = {{"service", In::path, Kind::text},
                                 {"wait", In::query, Kind::word, waits},
                                 {"timeout", In::query, Kind::duration},
                                 {"force", In::query, Kind::boolean}};
constexpr Parameter of_sleep[] = {{"service", In::path, Kind::text},
                                  {"force", In::query, Kind::boolean}};
constexpr Parameter of_pin[] = {{"service", In::path, Kind::text},
                                {"for", In::query, Kind::duration}};

constexpr Route table[] = {
    {Method::get, "/v1/status", Right::read, Operation::status},
    {Method::get, "/v1/services", Right::read, Operation::services, of_services},
    {Method::get, "/v1/services/{service}", Right::read, Operation::service, of_service},
    {Method::get, "/v1/zones", Right::read, Operation::zones},
    {Method::get, "/v1/webhooks", Right::read, Operation::webhooks},
    {Method::get, "/v1/hosts", Right::read, Operation::hosts},
    {Method::get, "/v1/wakes", Right::read, Operation::wakes, of_wakes},
    {Method::get, "/v1/events", Right::read, Operation::events, of_events},
    {Method::get, "/metrics", Right::read, Operation::metrics},
    {Method::get, "/", Right::read, Operation::page},
    {Method::get, "/list.js", Right::read, Operation::page},
    {Method::get, "/order.js", Right::read, Operation::page},
    {Method::get, "/page.css", Right::read, Operation::page},
    {Method::get, "/page.js", Right::read, Operation::page},
    {Method::get, "/page.svg", Right::read, Operation::page},
    {Method::get, "/text.js", Right::read, Operation::page},
    {Method::get, "/wakes.js", Right::read, Operation::page},
    {Method::post, "/v1/services/{service}/wake", Right::command, Operation::wake, of_wake},
    {Method::post, "/v1/services/{service}/sleep", Right::command, Operation::sleep, of_sleep},
    {Method::post, "/v1/services/{service}/pin", Right::command, Operation::pin, of_pin},
    {Method::post, "/v1/services/{service}/unpin", Right::command, Operation::unpin, of_service},
    {Method::post, "/v1/services/{service}/touch", Right::command, Operation::touch, of_service},
    {Method::post, "/v1/services/{service}/adopt", Right::command, Operation::adopt, of_service},
    {Method::post, "/v1/webhooks/{webhook}/ping", Right::command, Operation::ping, of_webhook},
    {Method::post, "/v1/drain", Right::command, Operation::drain},
    {Method::post, "/v1/undrain", Right::command, Operation::undrain},
    {Method::post, "/v1/reload", Right::command, Operation::reload},
};

constexpr std::size_t longest_target = 1024;
constexpr unsigned most_last = 1000;
constexpr milliseconds longest_duration = std::chrono::hours(24 * 366);
constexpr milliseconds longest_timeout = std::chrono::minutes(10);

// RFC 3986 §2.1. None: not well-formed, or an octet that is in no name.
std::optional<std::string> decode(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        unsigned octet = static_cast<unsigned char>(text[i]);
        if (octet == '%') {
            const auto* const digits = text.data() + i + 1;
            if (i + 2 >= text.size() ||
                std::from_chars(digits, digits + 2, octet, 16).ptr != digits + 2)
                return std::nullopt;
            i += 2;
        }
        if (octet < 0x20 || octet == 0x7f)
            return std::nullopt;
        out += static_cast<char>(octet);
    }
    return out;
}

std::vector<std::string_view> split(std::string_view text, char by) {
    std::vector<std::string_view> parts;
    for (;;) {
        const auto end = text.find(by);
        parts.push_back(text.substr(0, end));
        if (end == std::string_view::npos)
            return parts;
        text.remove_prefix(end + 1);
    }
}

// What stands for {service} or {webhook}, if the path is one of the route's.
std::optional<std::string_view> match(const Route& route, std::string_view path) {
    const auto wanted = split(route.path, '/');
    const auto given = split(path, '/');
    if (wanted.size() != given.size())
        return std::nullopt;
    std::string_view service;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        if (wanted[i].starts_with('{') && !given[i].empty())
            service = given[i];
        else if (wanted[i] != given[i])
            return std::nullopt;
    }
    return service;
}

std::string quoted(std::string_view text) {
    constexpr std::size_t longest = 80;
    std::string out = "\"";
    for (const char c : text.substr(0, longest))
        out += c >= 0x20 && c < 0x7f ? c : '?';
    return out + (text.size() > longest ? "...\"" : "\"");
}

std::string listed(std::span<const std::string_view> words) {
    std::string text;
    for (std::size_t i = 0; i < words.size(); ++i)
        text += (i == 0 ? "" : i + 1 == words.size() ? " or " : ", ") + std::string(words[i]);
    return text;
}

using Read = tl::expected<void, Refusal>;

tl::unexpected<Refusal> bad(const Parameter& parameter, std::string_view value,
                            const std::string& expected) {
    return tl::make_unexpected(Refusal{400, std::string(parameter.name) + " is " + quoted(value),
                                       "it must be " + expected});
}

Read read(const Parameter& parameter, const std::string& value, Asked& asked) {
    switch (parameter.kind) {
        case Kind::text:
            if (value.empty())
                return bad(parameter, value, "the name of a service");
            asked.service = value;
            break;
        case Kind::number: {
            unsigned number = 0;
            const auto [end, problem] =
                std::from_chars(value.data(), value.data() + value.size(), number);
            if (problem != std::errc() || end != value.data() + value.size() || number > most_last)
                return bad(parameter, value, "a number from 0 to 1000");
            asked.last = number;
            break;
        }
        case Kind::wake: {
            std::uint64_t number = 0;
            const auto [end, problem] =
                std::from_chars(value.data(), value.data() + value.size(), number);
            if (problem != std::errc() || end != value.data() + value.size() || number == 0)
                return bad(parameter, value, "the number of a wake, as `next` says");
            asked.before = number;
            break;
        }
        case Kind::boolean:
            if (value != "true" && value != "false" && !value.empty())
                return bad(parameter, value, "true or false");
            (parameter.name == "force" ? asked.force : asked.follow) = value != "false";
            break;
        case Kind::word: {
            const auto word = std::ranges::find(parameter.words, value);
            if (word == parameter.words.end())
                return bad(parameter, value, listed(parameter.words));
            const auto index = static_cast<std::uint8_t>(word - parameter.words.begin());
            if (parameter.name == "phase")
                asked.phase = static_cast<service::Phase>(index);
            else
                asked.wait = static_cast<Asked::Wait>(index);
            break;
        }
        case Kind::duration: {
            const auto duration = base::parse_duration(value);
            const bool timeout = parameter.name == "timeout";
            if (!duration || duration->count() == 0 ||
                *duration > (timeout ? longest_timeout : longest_duration))
                return bad(parameter, value,
                           timeout ? "a duration up to 10m, such as 60s"
                                   : "a duration up to 366d, such as 30m, 2h or 7d");
            if (timeout)
                asked.timeout = *duration;
            else
                asked.length = *duration;
            break;
        }
    }
    return {};
}

Read read_query(std::string_view query, Asked& asked) {
    std::vector<std::string_view> seen;
    for (const std::string_view item : split(query, '&')) {
        const auto equals = item.find('=');
        const auto name = item.substr(0, equals);
        const auto value =
            decode(equals == std::string_view::npos ? std::string_view() : item.substr(equals + 1));
        std::vector<std::string_view> known;
        const Parameter* parameter = nullptr;
        for (const Parameter& each : asked.route->parameters) {
            if (each.in != In::query)
                continue;
            known.push_back(each.name);
            if (each.name == name)
                parameter = &each;
        }
        if (parameter == nullptr)
            return tl::make_unexpected(Refusal{400, "unknown parameter " + quoted(name),
                                               known.empty()
                                                   ? std::string(asked.route->path) + " has none"
                                                   : "known here: " + listed(known)});
        if (std::ranges::find(seen, name) != seen.end())
            return tl::make_unexpected(
                Refusal{400, "the parameter " + quoted(name) + " is there twice", "give it once"});
        if (!value)
            return bad(*parameter, item.substr(equals + 1), "percent-encoded text");
        seen.push_back(name);
        if (auto r = read(*parameter, *value, asked); !r)
            return r;
    }
    return {};
}

Refusal no_such_path(std::string_view path) {
    std::vector<std::string_view> known;
    for (const Route& route : table)
        if (route.operation != Operation::page &&
            std::ranges::find(known, route.path) == known.end())
            known.push_back(route.path);
    const auto meant = base::nearest(path, known);
    return {404, "there is no " + quoted(path),
            meant.empty() ? "GET /v1/status and GET /v1/services are places to start"
                          : "did you mean " + std::string(meant) + "?"};
}

}  // namespace

std::span<const Route> routes() {
    return table;
}

std::string_view to_string(Method method) {
    return method == Method::get ? "GET" : "POST";
}

tl::expected<Asked, Refusal> understand(std::string_view method, std::string_view target) {
    if (target.size() > longest_target)
        return tl::make_unexpected(
            Refusal{414, "the request's target is longer than 1024 octets", "a shorter one"});
    const auto question_mark = target.find('?');
    const std::string_view path = target.substr(0, question_mark);
    std::string allow;
    for (const Route& route : table) {
        const auto service = match(route, path);
        if (!service)
            continue;
        const bool get = route.method == Method::get;
        if (method != to_string(route.method) && !(get && method == "HEAD")) {
            allow += (allow.empty() ? "" : ", ") + std::string(get ? "GET, HEAD" : "POST");
            continue;
        }
        auto name = decode(*service);
        if (!name)
            return tl::make_unexpected(Refusal{400, quoted(*service) + " is no name",
                                               "the name of a service, percent-encoded"});
        Asked asked;
        asked.route = &route;
        asked.service = std::move(*name);  // empty: the path has none
        if (question_mark != std::string_view::npos && question_mark + 1 < target.size())
            if (auto r = read_query(target.substr(question_mark + 1), asked); !r)
                return tl::make_unexpected(std::move(r.error()));
        return asked;
    }
    if (!allow.empty())
        return tl::make_unexpected(
            Refusal{405, quoted(path) + " has no method " + quoted(method), allow, allow});
    return tl::make_unexpected(no_such_path(path));
}

std::optional<Refusal> suspicious(const Browser& browser, Right right,
                                  std::span<const std::string> names) {
    std::string lower = browser.host;
    std::ranges::transform(lower, lower.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    std::string_view host = lower;
    if (const auto colon = host.rfind(':');
        colon != host.npos && host.find(']', colon) == host.npos)
        host = host.substr(0, colon);
    if (host.size() > 1 && host.ends_with('.'))
        host.remove_suffix(1);
    const bool bracketed = host.starts_with('[') && host.ends_with(']');
    const auto address = bracketed ? host.substr(1, host.size() - 2) : host;
    if (!host.empty() && host != "localhost" && host != "summond" &&
        std::ranges::find(names, host) == names.end() &&
        !base::IpAddress::parse(std::string(address)))
        return Refusal{421, "this is not " + quoted(browser.host),
                       "the Host localhost, summond, an IP address, or one of `control: {names: "
                       "[...]}`"};
    if (right == Right::command && !browser.origin.empty())
        return Refusal{403, "a page in a browser gives no commands", "summonctl, or curl"};
    return std::nullopt;
}

}  // namespace summond::control
