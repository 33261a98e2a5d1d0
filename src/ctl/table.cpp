#include "table.hpp"

#include <algorithm>

namespace summond::ctl {
namespace {

constexpr std::size_t gap = 2;
constexpr std::size_t least = 8;  // of a column that shrinks

bool begins_character(char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
}

std::string cut(const std::string& text, std::size_t width) {
    if (width_of(text) <= width)
        return text;
    std::string out;
    std::size_t columns = 0;
    for (const char c : text) {
        if (begins_character(c) && ++columns > width - 1)
            break;
        out += c;
    }
    return out + "…";
}

const char* code(Colour colour) {
    switch (colour) {
        case Colour::none:
            return "";
        case Colour::dim:
            return "\x1b[2m";
        case Colour::bold:
            return "\x1b[1m";
        case Colour::red:
            return "\x1b[31m";
        case Colour::green:
            return "\x1b[32m";
        case Colour::yellow:
            return "\x1b[33m";
        case Colour::cyan:
            return "\x1b[36m";
    }
    return "";
}

}  // namespace

std::size_t width_of(const std::string& text) {
    return static_cast<std::size_t>(std::ranges::count_if(text, begins_character));
}

std::string painted(const std::string& text, Colour colour, const Style& style) {
    if (!style.colours || colour == Colour::none || text.empty())
        return text;
    return code(colour) + text + "\x1b[0m";
}

std::string Table::to_string(const Style& style) const {
    std::vector<std::size_t> widths;
    std::size_t all = 0;
    std::size_t shown = 0;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
        std::size_t width = 0;
        for (const auto& row : rows_)
            width = std::max(width, width_of(row[i].text));
        if (width > 0)
            width = std::max(width, width_of(columns_[i].title));
        widths.push_back(width);
        all += width;
        shown += width > 0 ? 1 : 0;
    }
    all += shown > 0 ? gap * (shown - 1) : 0;
    if (style.width > 0 && all > style.width) {
        for (std::size_t i = 0; i < columns_.size(); ++i) {
            if (!columns_[i].shrinks || widths[i] == 0)
                continue;
            const std::size_t too_much = all - style.width;
            widths[i] =
                widths[i] > too_much + least ? widths[i] - too_much : std::min(widths[i], least);
        }
    }
    std::string out;
    const auto add_line = [&](const auto& cell_of) {
        std::string line;
        std::size_t owed = 0;  // blanks, which no line ends with
        bool first = true;
        for (std::size_t i = 0; i < columns_.size(); ++i) {
            if (widths[i] == 0)
                continue;
            owed += first ? 0 : gap;
            first = false;
            const Cell cell = cell_of(i);
            const std::string text = cut(cell.text, widths[i]);
            const std::size_t blank = widths[i] - width_of(text);
            if (columns_[i].right)
                owed += blank;
            if (!text.empty()) {
                line += std::string(owed, ' ') + painted(text, cell.colour, style);
                owed = 0;
            }
            if (!columns_[i].right)
                owed += blank;
        }
        out += line + "\n";
    };
    add_line([&](std::size_t i) { return Cell{columns_[i].title, Colour::bold}; });
    for (const auto& row : rows_)
        add_line([&](std::size_t i) { return row[i]; });
    return out;
}

}  // namespace summond::ctl
