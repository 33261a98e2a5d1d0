// A line of a file with a caret beneath a place in it, for people at a terminal.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace summond::base {

struct ExcerptStyle {
    std::size_t width = 80;  // columns of the terminal
    bool colours = false;
};
// Of the stream, a FILE*'s descriptor; none: nobody reads it at a terminal. Without colours where
// NO_COLOR (no-color.org) or TERM=dumb say so.
std::optional<ExcerptStyle> excerpt_style(int fd);

// Two lines, indented, each with its line break. column: of the place, in octets from 1; 0: not
// known, and only the line is shown. Tabs are filled up, what cannot be shown is a question mark,
// and of a line that is too long the part around the place is shown. What follows `secret:` is not
// shown. Empty: the line is.
std::string excerpt(std::string_view line, int column, const ExcerptStyle& style);

// The same of a problem as it is printed, "FILE:LINE:COLUMN: what", from the file as it is now.
// Empty: there is nothing to show.
std::string excerpt_of(std::string_view problem, const ExcerptStyle& style);

}  // namespace summond::base
