#include "views.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <chrono>
#include <ctime>
#include <optional>

namespace summond::ctl {
namespace {

namespace json = boost::json;
using std::chrono::milliseconds;

std::string for_words(const json::value& object, WallTime now) {
    const auto since = time_at(object, "since");
    return since ? words_of(between(*since, now)) : "";
}

std::string memory_words(const json::value& object, const char* key) {
    const auto kib = number_at(object, key);
    return kib && *kib > 0 ? size_words(*kib) : "";
}

std::string without_dot(std::string name) {
    if (name.size() > 1 && name.back() == '.')
        name.pop_back();
    return name;
}

std::string joined(const json::array& texts) {
    std::string out;
    for (const json::value& text : texts)
        if (text.is_string())
            out += (out.empty() ? "" : ", ") + without_dot(std::string(text.as_string()));
    return out;
}

// A line of two columns, the first as wide as the widest of all.
std::string fact(const std::string& what, const std::string& is) {
    return is.empty() ? "" : fmt::format("{:<11}{}\n", what, is);
}

// "vmm is down since 12 s: what follows is what it has said last".
std::string vmm_warning(const json::value& answer, WallTime now, const Style& style) {
    const auto* const vmm = member(answer, "vmm");
    if (vmm == nullptr)
        return "";
    const std::string state = text_at(*vmm, "state");
    if (state == "up" || state == "none")
        return "";
    return painted(fmt::format("vmm, which looks after domains, is {} since {}: this may be old",
                               state, for_words(*vmm, now)),
                   Colour::red, style) +
           "\n";
}

}  // namespace

Colour colour_of(const std::string& state) {
    if (state == "ready")
        return Colour::green;
    if (state == "failed" || state == "drained")
        return Colour::red;
    if (state == "paused" || state == "saved")
        return Colour::cyan;
    if (state == "asleep" || state == "unknown")
        return Colour::dim;
    return Colour::yellow;
}

std::string next_words(const json::value& service, WallTime now) {
    const auto left = [&](const char* key) -> std::string {
        const auto at = time_at(service, key);
        return at ? words_of(between(now, *at)) : "";
    };
    if (const std::string failure = text_at(service, "failure"); !failure.empty()) {
        const std::string wait = left("refused_until");
        return failure + (wait.empty() ? "" : ", next try in " + wait);
    }
    if (const auto since = time_at(service, "waiting_since"))
        return "clients wait for " + words_of(between(*since, now));
    if (flag_at(service, "pinned")) {
        const std::string wait = left("pinned_until");
        return wait.empty() ? "pinned" : "pinned for " + wait;
    }
    const std::string wait = left("idle_at");
    return wait.empty() ? "" : "asleep in " + wait;
}

std::string services_view(const json::value& answer, const Style& style) {
    const WallTime now = time_at(answer, "now").value_or(std::chrono::system_clock::now());
    Table table({{"SERVICE"},
                 {"STATE"},
                 {"FOR", true},
                 {"DOM", true},
                 {"MEMORY", true},
                 {"WAKES", true},
                 {"WHY"},
                 {"NEXT"},
                 {"NAME", false, true}});
    for (const json::value& service : list_at(answer, "services")) {
        const auto& names = list_at(service, "names");
        std::string name = names.empty() || !names[0].is_string()
                               ? ""
                               : without_dot(std::string(names[0].as_string()));
        if (names.size() > 1)
            name += fmt::format(" +{}", names.size() - 1);
        const std::string state = text_at(service, "state");
        const auto wakes = number_at(service, "wakes");
        table.add({{text_at(service, "name"), Colour::bold},
                   {state, colour_of(state)},
                   {for_words(service, now)},
                   {number_words(service, "domid")},
                   {memory_words(service, "memory_kib")},
                   {wakes && *wakes > 0 ? std::to_string(*wakes) : ""},
                   {text_at(service, "why")},
                   {next_words(service, now)},
                   {name, Colour::dim}});
    }
    const std::string warning = vmm_warning(answer, now, style);
    if (list_at(answer, "services").empty())
        return warning + "no services\n";
    return warning + table.to_string(style);
}

std::string service_view(const json::value& service, WallTime now, const Style& style) {
    const std::string state = text_at(service, "state");
    std::string out = painted(text_at(service, "name"), Colour::bold, style) + "  " +
                      painted(state, colour_of(state), style);
    const std::string lasting = for_words(service, now);
    if (!lasting.empty())
        out += " for " + lasting;
    out += "\n\n";
    out += fact("next", next_words(service, now));
    out += fact("names", joined(list_at(service, "names")));
    out += fact("addresses", joined(list_at(service, "addresses")));
    out += fact("domain", number_words(service, "domid"));
    const std::string memory = memory_words(service, "memory_kib");
    out += fact("memory", memory.empty() ? memory_words(service, "configured_kib") + " when it runs"
                                         : memory);
    if (const auto wakes = number_at(service, "wakes")) {
        std::string words = *wakes == 0 ? "none since vmm's start" : std::to_string(*wakes);
        if (const std::string why = text_at(service, "why"); !why.empty())
            words += ", the last for " + why;
        out += fact("wakes", words);
    }
    const auto wanted = number_at(service, "standby_wanted");
    if (wanted && *wanted > 0)
        out += fact("standby", fmt::format("{} of {}", number_words(service, "standby"), *wanted));
    return out;
}

std::string summary_view(const json::value& status, const Style& style) {
    const WallTime now = time_at(status, "now").value_or(std::chrono::system_clock::now());
    std::string out =
        "summond " + text_at(status, "version") + "  " + text_at(status, "config") + "\n";
    out += vmm_warning(status, now, style);
    if (flag_at(status, "drained"))
        out += painted("drained: no new wakes (summonctl undrain lets them again)", Colour::yellow,
                       style) +
               "\n";
    if (const auto& causes = list_at(status, "pressure"); !causes.empty())
        out += painted("under pressure (" + joined(causes) +
                           "): only clients that have shown their address wake services",
                       Colour::yellow, style) +
               "\n";
    out += "\n";
    if (const auto* const services = member(status, "services")) {
        std::string words;
        for (const char* phase : {"ready", "booting", "building", "asleep", "failed", "unknown"})
            if (const auto count = number_at(*services, phase); count && *count > 0)
                words += fmt::format("{}{} {}", words.empty() ? "" : ", ", *count, phase);
        out += fact("services", words.empty() ? "none" : words);
    }
    if (const auto* const domains = member(status, "domains"))
        if (const auto wanted = number_at(*domains, "shells_wanted"); wanted && *wanted > 0)
            out +=
                fact("shells", fmt::format("{} of {}", number_words(*domains, "shells"), *wanted));
    if (const auto* const pool = member(status, "pool"))
        if (const auto addresses = number_at(*pool, "addresses"); addresses && *addresses > 0)
            out += fact("IPv4 pool",
                        fmt::format("{} of {} leased", number_words(*pool, "leased"), *addresses));
    if (const auto* const memory = member(status, "memory")) {
        std::string words = size_words(number_at(*memory, "running_kib").value_or(0)) + " running";
        if (const auto standby = number_at(*memory, "standby_kib"); standby && *standby > 0)
            words += ", " + size_words(*standby) + " standby";
        if (const auto shells = number_at(*memory, "shells_kib"); shells && *shells > 0)
            words += ", " + size_words(*shells) + " shells";
        if (const auto limit = number_at(*memory, "limit_kib"))
            words += ", of " + size_words(*limit);
        out += fact("memory", words);
    }
    return out;
}

std::string status_view(const json::value& status, const Style& style) {
    const WallTime now = time_at(status, "now").value_or(std::chrono::system_clock::now());
    std::string out = summary_view(status, style);
    if (const auto* const load = member(status, "load")) {
        std::string words = text_at(*load, "result");
        if (const auto at = time_at(*load, "at"))
            words += ", " + words_of(between(*at, now)) + " ago";
        out += fact("loaded", words);
        for (const json::value& problem : list_at(*load, "problems"))
            out += "  " + std::string(problem.is_string() ? problem.as_string() : "") + "\n";
    }
    out += "\n";
    Table table({{"PROCESS"}, {"PID", true}, {"STATE"}, {"FOR", true}, {"RESTARTS", true}});
    for (const json::value& role : list_at(status, "roles")) {
        const std::string state = text_at(role, "state");
        table.add({{text_at(role, "role")},
                   {number_words(role, "pid")},
                   {state, state == "ready" ? Colour::green : Colour::red},
                   {for_words(role, now)},
                   {number_words(role, "restarts")}});
    }
    return out + table.to_string(style);
}

std::string zones_view(const json::value& answer, const Style& style) {
    Table table({{"ZONE", false, true}, {"SERIAL", true}, {"SIGNED UNTIL"}, {"STATE"}});
    for (const json::value& zone : list_at(answer, "zones")) {
        const bool loaded = flag_at(zone, "loaded");
        table.add({{without_dot(text_at(zone, "name"))},
                   {number_words(zone, "serial")},
                   {flag_at(zone, "signed") ? text_at(zone, "signed_until").substr(0, 10) : "no"},
                   {loaded ? "answers" : "not loaded", loaded ? Colour::green : Colour::red}});
    }
    return table.to_string(style);
}

std::string webhooks_view(const json::value& answer, const Style& style) {
    const WallTime now = time_at(answer, "now").value_or(std::chrono::system_clock::now());
    Table table({{"WEBHOOK"},
                 {"RECEIVER", false, true},
                 {"EVENTS"},
                 {"SIGNED"},
                 {"WAITING", true},
                 {"DELIVERED", true},
                 {"FAILED", true},
                 {"DROPPED", true},
                 {"LAST ATTEMPT"}});
    for (const json::value& webhook : list_at(answer, "webhooks")) {
        std::string last;
        Colour colour = Colour::dim;
        if (const auto* const attempt = member(webhook, "last_attempt")) {
            const auto status = number_at(*attempt, "status").value_or(0);
            const auto at = time_at(*attempt, "at");
            last = status == 0 ? text_at(*attempt, "what") : "HTTP " + std::to_string(status);
            if (at)
                last += ", " + words_of(between(*at, now)) + " ago";
            colour = status >= 200 && status < 300 ? Colour::green : Colour::red;
        }
        table.add({{text_at(webhook, "name")},
                   {text_at(webhook, "host")},
                   {joined(list_at(webhook, "events"))},
                   {flag_at(webhook, "signed") ? "yes" : "no"},
                   {number_words(webhook, "waiting")},
                   {number_words(webhook, "delivered")},
                   {number_words(webhook, "failed_attempts")},
                   {number_words(webhook, "dropped")},
                   {last, colour}});
    }
    return table.to_string(style);
}

std::string hosts_view(const json::value& answer, const Style& style) {
    const auto* const fleet = member(answer, "fleet");
    if (fleet == nullptr || fleet->is_null())
        return "this host is alone: there is no fleet: in the configuration\n";
    std::string out;
    if (!flag_at(*fleet, "connected"))
        out = "etcd is not reached (" + text_at(*fleet, "server") + ": " +
              text_at(*fleet, "problem") + "); this was known last\n\n";
    else if (flag_at(*fleet, "refused"))
        out = text_at(*fleet, "problem") + "\n\n";
    Table table({{"HOST"}, {"NETWORKS", false, true}, {"LOCATION"}, {"STATE"}});
    for (const json::value& host : list_at(answer, "hosts")) {
        const bool drained = flag_at(host, "drained");
        const bool pressure = flag_at(host, "pressure");
        table.add({{text_at(host, "name") + (flag_at(host, "this") ? " (this)" : "")},
                   {joined(list_at(host, "networks"))},
                   {text_at(host, "location")},
                   {drained    ? "drained"
                    : pressure ? "under pressure"
                               : "up",
                    drained || pressure ? Colour::yellow : Colour::green}});
    }
    return out + table.to_string(style);
}

}  // namespace summond::ctl
