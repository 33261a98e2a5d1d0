// When a service is to be up without anybody asking for it: keep: and min:.
#include <algorithm>
#include <array>
#include <charconv>

#include "scalars.hpp"
#include "service.hpp"

namespace summond::config {
namespace {

constexpr std::array<std::string_view, 7> day_names{"mon", "tue", "wed", "thu",
                                                    "fri", "sat", "sun"};
constexpr std::string_view days_expected = "days such as mon-fri, sat, or [mon, wed-fri]";
constexpr std::size_t most_windows = 50;

std::optional<unsigned> day_of(std::string_view text) {
    for (unsigned day = 0; day < day_names.size(); ++day)
        if (day_names.at(day) == text)
            return day;
    return std::nullopt;
}

// "mon", "mon-fri", "sat-mon".
std::optional<std::uint8_t> parse_days(std::string_view text) {
    const auto dash = text.find('-');
    const auto first = day_of(text.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : day_of(text.substr(dash + 1));
    if (!first || !last)
        return std::nullopt;
    unsigned days = 0;
    for (unsigned day = *first;; day = (day + 1) % 7) {
        days |= 1U << day;
        if (day == *last)
            return static_cast<std::uint8_t>(days);
    }
}

void read_days(const Value& value, service::KeepWindow& window) {
    window.days = 0;
    for (const Value& item : value.list_or_one(days_expected)) {
        item.takes("(?:mon|tue|wed|thu|fri|sat|sun)(?:-(?:mon|tue|wed|thu|fri|sat|sun))?");
        const auto days = item.is(Node::Kind::scalar) ? parse_days(item.node->text) : std::nullopt;
        if (!days)
            item.refuse(days_expected);
        else
            window.days |= *days;
    }
}

// "08:00", "24:00" if that is allowed.
std::optional<std::uint16_t> read_time(const Value& value, unsigned last,
                                       std::string_view example) {
    const std::string& text = value.node->text;  // empty if it is no scalar
    value.takes(last < 1440 ? "(?:[01][0-9]|2[0-3]):[0-5][0-9]"
                            : "(?:(?:[01][0-9]|2[0-3]):[0-5][0-9]|24:00)");
    const auto digits = [&](std::size_t at) {
        unsigned number = 0;
        const char* const begin = text.data() + at;
        const auto [end, ec] = std::from_chars(begin, begin + 2, number);
        return ec == std::errc() && end == begin + 2 ? std::optional(number) : std::nullopt;
    };
    if (text.size() == 5 && text[2] == ':') {
        const auto hours = digits(0);
        const auto minutes = digits(3);
        if (hours && minutes && *minutes < 60 && *hours * 60 + *minutes <= last)
            return static_cast<std::uint16_t>(*hours * 60 + *minutes);
    }
    value.refuse("a time of day from \"00:00\" to \"" +
                 std::string(last < 1440 ? "23:59" : "24:00") + "\", such as \"" +
                 std::string(example) + "\"");
    return std::nullopt;
}

// What names the file of a zone. Whether there is one is known where the files are (check_files).
void read_zone(const Value& value, service::KeepWindow& window) {
    constexpr std::string_view expected = "a time zone such as Europe/Oslo or UTC";
    constexpr std::string_view others = "/_+-";
    const auto name = value.text(expected, "[A-Za-z0-9_+-][A-Za-z0-9_+/-]*", 64);
    if (!name)
        return;
    const auto allowed = [&](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               others.find(c) != std::string_view::npos;
    };
    if (name->size() > 64 || name->front() == '/' || !std::ranges::all_of(*name, allowed))
        value.refuse(expected);
    else
        window.zone = *name;
}

void read_window(const Value& value, ServiceDraft& draft) {
    auto mapping = Mapping::of(value, "keep.", "{days: mon-fri, from: \"08:00\", to: \"18:00\"}");
    if (!mapping)
        return;
    service::KeepWindow window;
    window.zone = "localtime";
    Location where = value.problems->at(value.where);
    if (const auto days =
            mapping->take({"days", "days such as mon-fri, or a list of them", "every day"}))
        read_days(*days, window);
    const auto from = mapping->require({"from", "when it begins, such as \"08:00\""}, "keep",
                                       "say when it begins, such as from: \"08:00\"");
    const auto to =
        mapping->require({"to", "when it ends, such as \"18:00\"; before from: the next day"},
                         "keep", "say when it ends, such as to: \"18:00\"");
    const int begin = from ? read_time(*from, 24 * 60 - 1, "08:00").value_or(-1) : -1;
    const int end = to ? read_time(*to, 24 * 60, "18:00").value_or(-1) : -1;
    if (begin >= 0 && begin == end)
        to->complain(
            "the window ends when it begins; for the whole day say from: \"00:00\" and "
            "to: \"24:00\"");
    window.from = static_cast<std::uint16_t>(std::max(begin, 0));
    window.to = static_cast<std::uint16_t>(std::max(end, 0));
    if (const auto zone =
            mapping->take({"zone", "the time zone, such as Europe/Oslo", "the host's"})) {
        read_zone(*zone, window);
        where = value.problems->at(zone->where);
    }
    mapping->refuse_rest();
    draft.service.keep.push_back(window);
    draft.places.zones.push_back(where);
}

}  // namespace

void read_keep_warm(Mapping& mapping, ServiceDraft& draft) {
    if (const auto keep = mapping.take(
            {"keep", "when the service is up without being asked for, or none", "none"})) {
        constexpr std::string_view expected =
            "none, or a list such as [{days: mon-fri, from: \"08:00\", to: \"18:00\"}]";
        draft.service.keep.clear();
        draft.places.zones.clear();
        if (!keep->word({"none"})) {
            const auto items = keep->list_or_mapping(expected);
            if (items.size() > most_windows)
                keep->complain("at most " + std::to_string(most_windows) + " windows");
            for (const Value& item : items)
                read_window(item, draft);
        }
    }
    if (const auto min = mapping.take({"min", "1: the service is always up", "0"}))
        if (const auto number = min->number(0, 1))
            draft.service.min = static_cast<std::uint32_t>(*number);
}

}  // namespace summond::config
