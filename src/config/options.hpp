// Settings that go to libxl as they are, by xl's names and with xl's values (xl.cfg(5)).
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "paths.hpp"
#include "reader.hpp"
#include "service.hpp"

namespace summond::config {

struct Option {
    enum class Kind : std::uint8_t { number, boolean, words, text, path, cpuid };
    enum class Of : std::uint8_t { any, pv, pvh };  // the guests that it means something to
    std::string_view key;
    std::string_view about;  // in one line
    Kind kind;
    std::int64_t low = 0;   // number
    std::int64_t high = 0;  // likewise
    std::vector<std::string_view> words{};
    Of of = Of::any;
};

std::span<const Option> all_options();
const Option* find_option(std::string_view key);

void read_options(Mapping& mapping, ServiceDraft& draft, const Paths& paths);
// Warns of those that mean nothing to a guest of its type, and takes them out.
void complete_options(ServiceDraft& draft, const std::string& owner, Problems& problems);

}  // namespace summond::config
