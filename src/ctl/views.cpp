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

milliseconds between(WallTime from, WallTime to) {
    return std::chrono::duration_cast<milliseconds>(to - from);
}

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

std::string for_words(const json::value& object, WallTime now) {
    const auto since = time_at(object, "since");
    return since ? words_of(between(*since, now)) : "";
}

std::string memory_words(const json::value& object, const char* key) {
    const auto kib = number_at(object, key);
    return kib && *kib > 0 ? size_words(*kib) : "";
}

std::string number_words(const json::value& object, const char* key) {
    const auto number = number_at(object, key);
    return number ? std::to_string(*number) : "";
}

const json::array& list_at(const json::value& object, std::string_view key) {
    static const json::array nothing;
    const auto* const value = member(object, key);
    return value != nullptr && value->is_array() ? value->as_array() : nothing;
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
    out += "\n";
    if (const auto* const services = member(status, "services")) {
        std::string words;
        for (const char* phase : {"ready", "booting", "building", "asleep", "failed", "unknown"})
            if (const auto count = number_at(*services, phase); count && *count > 0)
                words += fmt::format("{}{} {}", words.empty() ? "" : ", ", *count, phase);
        out += fact("services", words.empty() ? "none" : words);
    }
    if (const auto* const memory = member(status, "memory")) {
        std::string words = size_words(number_at(*memory, "running_kib").value_or(0)) + " running";
        if (const auto standby = number_at(*memory, "standby_kib"); standby && *standby > 0)
            words += ", " + size_words(*standby) + " standby";
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
    Table table({{"ZONE", false, true}, {"SERIAL", true}, {"SIGNED"}, {"STATE"}});
    for (const json::value& zone : list_at(answer, "zones")) {
        const bool loaded = flag_at(zone, "loaded");
        table.add({{without_dot(text_at(zone, "name"))},
                   {number_words(zone, "serial")},
                   {flag_at(zone, "signed") ? "yes" : "no"},
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

static std::string clock_words(WallTime at) {
    const std::time_t time = std::chrono::system_clock::to_time_t(at);
    const auto ms = std::chrono::duration_cast<milliseconds>(at.time_since_epoch()).count() % 1000;
    std::tm local{};
    ::localtime_r(&time, &local);
    return fmt::format("{:02}:{:02}:{:02}.{:03}", local.tm_hour, local.tm_min, local.tm_sec, ms);
}

static std::optional<double> ms_at(const json::value& wake, const char* phase) {
    const auto* const phases = member(wake, "after_ms");
    const auto* const value = phases == nullptr ? nullptr : member(*phases, phase);
    if (value == nullptr || !value->is_number())
        return std::nullopt;
    return value->to_number<double>();
}

static std::string ms_words(const std::optional<double>& ms) {
    return ms ? fmt::format("{:.1f}", *ms) : "";
}

std::string wakes_view(const json::value& answer, const Style& style) {
    const WallTime now = time_at(answer, "now").value_or(std::chrono::system_clock::now());
    Table table({{"AGO", true},
                 {"SERVICE", false, true},
                 {"WHY"},
                 {"HOW"},
                 {"BUILT", true},
                 {"RUNS", true},
                 {"READY ms", true},
                 {"RESULT"}});
    for (const json::value& wake : list_at(answer, "wakes")) {
        const auto asked = time_at(wake, "asked_at");
        const std::string failure = text_at(wake, "failure");
        table.add(
            {{asked ? words_of(between(*asked, now)) : ""},
             {text_at(wake, "service"), Colour::bold},
             {text_at(wake, "why")},
             {text_at(wake, "how")},
             {ms_words(ms_at(wake, "built"))},
             {ms_words(ms_at(wake, "unpaused"))},
             {ms_words(ms_at(wake, "ready"))},
             {failure.empty() ? "ready" : failure, failure.empty() ? Colour::green : Colour::red}});
    }
    if (list_at(answer, "wakes").empty())
        return "no wakes since the start of the daemon\n";
    return table.to_string(style);
}

std::string wake_view(const json::value& wake, const Style& style) {
    struct Step {
        const char* phase;
        const char* words;
    };
    constexpr Step steps[] = {{"admitted", "has room"}, {"built", "is built"},
                              {"unpaused", "runs"},     {"answerable", "is answered"},
                              {"ready", "is ready"},    {"handed_over", "has its packets"},
                              {"failed", "has failed"}};
    double all = 0;
    for (const Step& step : steps)
        all = std::max(all, ms_at(wake, step.phase).value_or(0));
    const std::string how = text_at(wake, "how");
    std::string out = painted(text_at(wake, "service"), Colour::bold, style) + "  why " +
                      text_at(wake, "why") + (how.empty() ? "" : ", by " + how) + "\n";
    const std::size_t room = style.width > 60 ? std::min<std::size_t>(style.width - 35, 60) : 40;
    double before = 0;
    for (const Step& step : steps) {
        const auto ms = ms_at(wake, step.phase);
        if (!ms)
            continue;
        const auto at = [&](double time) {
            return all > 0 ? static_cast<std::size_t>(time / all * static_cast<double>(room)) : 0;
        };
        const std::size_t begin = std::min(at(before), at(*ms));
        const std::size_t length = std::max<std::size_t>(1, at(*ms) - begin);
        std::string bar;
        for (std::size_t i = 0; i < length; ++i)
            bar += "█";
        const bool failed = std::string_view(step.phase) == "failed";
        out += fmt::format("  {:<16}{:>9.1f} ms  {}{}\n", step.words, *ms, std::string(begin, ' '),
                           painted(bar, failed ? Colour::red : Colour::green, style));
        before = std::max(before, *ms);
    }
    if (const std::string what = text_at(wake, "what"); !what.empty())
        out += "  " + painted(text_at(wake, "failure") + ": " + what, Colour::red, style) + "\n";
    return out;
}

std::string event_line(const std::string& type, const json::value& data, WallTime now,
                       std::string& before, const Style& style) {
    const std::string time = painted(clock_words(now), Colour::dim, style) + "  ";
    if (type == "service") {
        const std::string state = text_at(data, "state");
        std::string line = time + painted(text_at(data, "name"), Colour::bold, style) + " ";
        if (!before.empty() && before != state)
            line += before + " → ";
        line += painted(state, colour_of(state), style);
        before = state;
        const std::string next = next_words(data, now);
        return line + (next.empty() ? "" : ", " + next);
    }
    if (type == "wake") {
        const std::string failure = text_at(data, "failure");
        const auto took = ms_at(data, failure.empty() ? "ready" : "failed");
        const std::string name = painted(text_at(data, "service"), Colour::bold, style);
        const std::string ms = fmt::format("{:.1f} ms", took.value_or(0));
        if (!failure.empty())
            return time + name + painted(" could not be woken: " + failure, Colour::red, style) +
                   " after " + ms;
        return time + name + " woken for " + text_at(data, "why") + ", by " + text_at(data, "how") +
               ", in " + ms;
    }
    if (type == "role")
        return time + text_at(data, "role") + " (pid " + number_words(data, "pid") + ") " +
               text_at(data, "state");
    if (type == "load") {
        std::string line = time + "configuration " + text_at(data, "result");
        for (const json::value& problem : list_at(data, "problems"))
            line += "\n  " + std::string(problem.is_string() ? problem.as_string() : "");
        return line;
    }
    if (type == "vmm")
        return time + "vmm is " + text_at(data, "state");
    if (type == "host")
        return time + (flag_at(data, "drained") ? "drained: no new wakes" : "not drained");
    if (type == "lagged")
        return time + "events have been missed";
    return time + type;
}

}  // namespace summond::ctl
