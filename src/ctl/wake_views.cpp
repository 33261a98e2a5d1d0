// What the daemon answers of wakes and events, as people read it.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <optional>

#include "views.hpp"

namespace summond::ctl {
namespace {

namespace json = boost::json;
using std::chrono::milliseconds;

std::string clock_words(WallTime at) {
    const std::time_t time = std::chrono::system_clock::to_time_t(at);
    const auto ms = std::chrono::duration_cast<milliseconds>(at.time_since_epoch()).count() % 1000;
    std::tm local{};
    ::localtime_r(&time, &local);
    return fmt::format("{:02}:{:02}:{:02}.{:03}", local.tm_hour, local.tm_min, local.tm_sec, ms);
}

std::optional<double> ms_at(const json::value& wake, const char* phase) {
    const auto* const phases = member(wake, "after_ms");
    const auto* const value = phases == nullptr ? nullptr : member(*phases, phase);
    if (value == nullptr || !value->is_number())
        return std::nullopt;
    return value->to_number<double>();
}

std::string ms_words(const std::optional<double>& ms) {
    return ms ? fmt::format("{:.1f}", *ms) : "";
}

// "dns AAAA".
std::string why_words(const json::value& wake) {
    const std::string type = text_at(wake, "query_type");
    return text_at(wake, "why") + (type.empty() ? "" : " " + type);
}

// "2 queries and 3 packets waited for it, the first 350.2 ms".
std::string waiting_words(const json::value& wake) {
    const auto count = [&](const char* key, const char* one, const char* many) -> std::string {
        const auto number = number_at(wake, key).value_or(0);
        return number == 0 ? "" : fmt::format("{} {}", number, number == 1 ? one : many);
    };
    const std::string queries = count("queries", "query", "queries");
    const std::string packets = count("packets", "packet", "packets");
    if (queries.empty() && packets.empty())
        return "";
    const auto* const first = member(wake, "first_waited_ms");
    return queries + (queries.empty() || packets.empty() ? "" : " and ") + packets +
           " waited for it" +
           (first != nullptr && first->is_number()
                ? fmt::format(", the first {:.1f} ms", first->to_number<double>())
                : "");
}

}  // namespace

std::string wakes_view(const json::value& answer, const Style& style) {
    const WallTime now = time_at(answer, "now").value_or(std::chrono::system_clock::now());
    Table table({{"WAKE", true},
                 {"AGO", true},
                 {"SERVICE", false, true},
                 {"WHY"},
                 {"HOW"},
                 {"BUILT", true},
                 {"RUNS", true},
                 {"READY ms", true},
                 {"1ST BYTE", true},
                 {"RESULT"}});
    for (const json::value& wake : list_at(answer, "wakes")) {
        const auto asked = time_at(wake, "asked_at");
        const std::string failure = text_at(wake, "failure");
        table.add(
            {{number_words(wake, "number"), Colour::dim},
             {asked ? words_of(between(*asked, now)) : ""},
             {text_at(wake, "service"), Colour::bold},
             {why_words(wake)},
             {text_at(wake, "how")},
             {ms_words(ms_at(wake, "built"))},
             {ms_words(ms_at(wake, "unpaused"))},
             {ms_words(ms_at(wake, "ready"))},
             {ms_words(ms_at(wake, "first_byte"))},
             {failure.empty() ? "ready" : failure, failure.empty() ? Colour::green : Colour::red}});
    }
    if (list_at(answer, "wakes").empty())
        return "no wakes are remembered\n";
    const std::string next = number_words(answer, "next");
    return table.to_string(style) + (next.empty() ? "" : "older: --before " + next + "\n");
}

std::string wake_view(const json::value& wake, const Style& style) {
    struct Step {
        const char* phase;
        const char* words;
    };
    constexpr Step steps[] = {{"admitted", "has room"},
                              {"built", "is built"},
                              {"unpaused", "runs"},
                              {"answerable", "is answered"},
                              {"ready", "is ready"},
                              {"handed_over", "has its packets"},
                              {"first_byte", "has said something"},
                              {"failed", "has failed"}};
    double all = 0;
    for (const Step& step : steps)
        all = std::max(all, ms_at(wake, step.phase).value_or(0));
    const std::string how = text_at(wake, "how");
    std::string out = painted(text_at(wake, "service"), Colour::bold, style) + "  why " +
                      why_words(wake) + (how.empty() ? "" : ", by " + how) + "\n";
    const std::size_t room = style.width > 60 ? std::min<std::size_t>(style.width - 38, 60) : 40;
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
        out += fmt::format("  {:<19}{:>9.1f} ms  {}{}\n", step.words, *ms, std::string(begin, ' '),
                           painted(bar, failed ? Colour::red : Colour::green, style));
        before = std::max(before, *ms);
    }
    if (const std::string waited = waiting_words(wake); !waited.empty())
        out += "  " + waited + "\n";
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
        return time + (flag_at(data, "drained") ? "drained: no new wakes" : "not drained") +
               (list_at(data, "pressure").empty() ? "" : ", under pressure: wakes need a proof");
    if (type == "lagged")
        return time + "events have been missed";
    return time + type;
}

// The steps that a service's states tell of.
std::string trace_line(const json::value& service, WallTime asked, const Style& style) {
    const auto since = time_at(service, "since");
    if (!since)
        return "";
    const std::string state = text_at(service, "state");
    const std::string words = state == "queued"     ? "waits for room"
                              : state == "building" ? "is being built"
                              : state == "booting"  ? "runs"
                              : state == "ready"    ? "is ready"
                                                    : state;
    return fmt::format("  {:<19}{:>9} ms", words, between(asked, *since).count()) +
           (text_at(service, "failure").empty()
                ? ""
                : "  " + painted(text_at(service, "failure"), Colour::red, style));
}

}  // namespace summond::ctl
