#include "problems.hpp"

#include <algorithm>
#include <tuple>

namespace summond::config {

namespace {

// Problems reach terminals and logs: no control characters from the file.
std::string printable(std::string_view text) {
    std::string out;
    for (const char c : text) {
        const auto octet = static_cast<unsigned char>(c);
        if (octet >= 0x20 && octet != 0x7f) {
            out += c;
            continue;
        }
        constexpr char digits[] = "0123456789abcdef";
        out += "\\x";
        out += digits[octet >> 4];
        out += digits[octet & 0xf];
    }
    return out;
}

}  // namespace

std::string Location::to_string() const {
    std::string text = file;
    if (line > 0)
        text += ":" + std::to_string(line);
    if (line > 0 && column > 0)
        text += ":" + std::to_string(column);
    return text;
}

std::string Problem::to_string() const {
    return where.to_string() + (warning ? ": warning: " : ": ") + what;
}

void Problems::add(Problem problem) {
    refused_ = refused_ || !problem.warning;
    if (full())
        return;
    problem.what = printable(problem.what);
    problems_.push_back(std::move(problem));
}

void Problems::add(Problems other) {
    for (Problem& problem : other.problems_)
        add(std::move(problem));
}

std::vector<Problem> Problems::take() {
    const bool more = full();
    if (more)
        problems_.pop_back();
    const auto position = [this](const Problem& problem) {
        const Location& where = problem.where;
        return std::tuple(where.file != file_, std::string_view(where.file), where.line,
                          where.column);
    };
    std::stable_sort(problems_.begin(), problems_.end(),
                     [&](const Problem& a, const Problem& b) { return position(a) < position(b); });
    // A value used through aliases is read, and found wrong, more than once.
    const auto same = [&](const Problem& a, const Problem& b) {
        return position(a) == position(b) && a.what == b.what;
    };
    problems_.erase(std::unique(problems_.begin(), problems_.end(), same), problems_.end());
    if (more)
        problems_.push_back({at({}), "there are more problems; mend these first", false});
    return std::move(problems_);
}

std::string joined(std::span<const std::string_view> words, std::string_view last_joint) {
    std::string text;
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (i > 0)
            text += i + 1 == words.size() ? std::string(last_joint) : ", ";
        text += words[i];
    }
    return text;
}

}  // namespace summond::config
