// Values of the daemon's answers in people's words.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace summond::ctl {

using WallTime = std::chrono::system_clock::time_point;

// As control writes it, "2026-11-30T05:12:03.123Z".
std::optional<WallTime> parse_time(std::string_view text);

// "850 ms", "12 s", "5 min 3 s", "2 h 10 min", "3 d 4 h".
std::string words_of(std::chrono::milliseconds duration);
std::chrono::milliseconds between(WallTime from, WallTime to);
// "16 MiB", "1.5 GiB".
std::string size_words(std::uint64_t kib);

// Members of an answer's object that may be missing or null.
std::string text_at(const boost::json::value& object, std::string_view key);
std::optional<std::uint64_t> number_at(const boost::json::value& object, std::string_view key);
std::optional<WallTime> time_at(const boost::json::value& object, std::string_view key);
bool flag_at(const boost::json::value& object, std::string_view key);
// A number as text; empty: there is none.
std::string number_words(const boost::json::value& object, std::string_view key);
// Empty: there is none.
const boost::json::array& list_at(const boost::json::value& object, std::string_view key);
// Null: it is not there.
const boost::json::value* member(const boost::json::value& object, std::string_view key);

}  // namespace summond::ctl
