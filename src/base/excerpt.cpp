#include "summond/base/excerpt.hpp"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <clocale>
#include <cstdlib>
#include <cwchar>
#include <fstream>
#include <vector>

#include "summond/base/quantity.hpp"

namespace summond::base {
namespace {

constexpr std::size_t tab = 8;
constexpr std::string_view indent = "    ";
constexpr std::string_view cut = "...";
constexpr std::size_t least_width = 30;

// What the terminal shows for a few octets.
struct Piece {
    std::string text;
    std::size_t width;
    std::size_t at;  // the first of the octets
};

// The length of a UTF-8 sequence that begins here (RFC 3629 §4); 0: there is none.
std::size_t sequence(std::string_view text, wchar_t& character) {
    const auto octet = [&](std::size_t i) {
        return static_cast<unsigned char>(i < text.size() ? text[i] : 0);
    };
    const unsigned char first = octet(0);
    const std::size_t size = first < 0x80                     ? 1
                             : first >= 0xc2 && first <= 0xdf ? 2
                             : (first & 0xf0) == 0xe0         ? 3
                             : first >= 0xf0 && first <= 0xf4 ? 4
                                                              : 0;
    std::uint32_t value = size <= 1 ? first : first & (0xffU >> (size + 1));
    for (std::size_t i = 1; i < size; ++i) {
        if ((octet(i) & 0xc0) != 0x80)
            return 0;
        value = value << 6 | (octet(i) & 0x3fU);
    }
    character = static_cast<wchar_t>(value);
    return size;
}

// How many columns characters take the C library knows, in a locale of UTF-8.
class Utf8Locale {
  public:
    Utf8Locale() : own_(::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr)) {
        if (own_ != nullptr)
            before_ = ::uselocale(own_);
    }
    Utf8Locale(const Utf8Locale&) = delete;
    Utf8Locale& operator=(const Utf8Locale&) = delete;
    ~Utf8Locale() {
        if (own_ == nullptr)
            return;
        ::uselocale(before_);
        ::freelocale(own_);
    }

  private:
    locale_t own_;
    locale_t before_ = nullptr;
};

std::vector<Piece> pieces_of(std::string_view line) {
    const Utf8Locale locale;
    std::vector<Piece> pieces;
    std::size_t column = 0;
    for (std::size_t i = 0; i < line.size();) {
        wchar_t character = 0;
        const std::size_t size = sequence(line.substr(i), character);
        const int columns = size == 0 ? -1 : ::wcwidth(character);
        Piece piece{std::string(line.substr(i, size)), static_cast<std::size_t>(columns), i};
        if (line[i] == '\t')
            piece = {std::string(tab - column % tab, ' '), tab - column % tab, i};
        else if (columns < 0)  // neither do control characters reach the terminal
            piece = {"?", 1, i};
        column += piece.width;
        i += std::max<std::size_t>(size, 1);
        pieces.push_back(std::move(piece));
    }
    return pieces;
}

std::string without_secret(std::string_view line) {
    const auto key = line.find("secret:");
    if (key == std::string_view::npos)
        return std::string(line);
    const auto value = line.find_first_not_of(" \t", key + 7);
    if (value == std::string_view::npos)
        return std::string(line);
    return std::string(line.substr(0, value)) + "...";
}

}  // namespace

std::optional<ExcerptStyle> excerpt_style(int fd) {
    if (::isatty(fd) == 0)
        return std::nullopt;
    ExcerptStyle style;
    winsize size{};
    if (::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        style.width = size.ws_col;
    const char* const no_colour = std::getenv("NO_COLOR");
    const char* const terminal = std::getenv("TERM");
    style.colours = (no_colour == nullptr || *no_colour == '\0') &&
                    (terminal == nullptr || std::string_view(terminal) != "dumb");
    return style;
}

std::string excerpt(std::string_view line, int column, const ExcerptStyle& style) {
    while (line.ends_with('\r') || line.ends_with('\n'))
        line.remove_suffix(1);
    if (line.find_first_not_of(" \t") == std::string_view::npos)
        return {};
    const std::string shown = without_secret(line);
    const std::vector<Piece> pieces = pieces_of(shown);
    const auto place = column > 0 ? static_cast<std::size_t>(column) - 1 : 0;
    // The last that begins no later; behind the end of the line: one further.
    auto marked = static_cast<std::size_t>(std::ranges::upper_bound(pieces, place, {}, &Piece::at) -
                                           pieces.begin());
    if (place < shown.size() && marked > 0)
        --marked;
    const std::size_t room = std::max(style.width, least_width) - indent.size() - 1;
    const auto width = [&](std::size_t from, std::size_t to) {
        std::size_t sum = 0;
        for (std::size_t i = from; i < to; ++i)
            sum += pieces[i].width;
        return sum;
    };
    std::size_t from = 0;
    std::size_t to = pieces.size();
    if (width(from, to) > room) {
        const std::size_t part = room - 2 * cut.size();
        while (from < marked && width(from, marked) > part / 2)
            ++from;
        while (to > marked + 1 && width(from, to) > part)
            --to;
        while (from > 0 && width(from - 1, to) <= part)
            --from;
    }
    std::string text(indent);
    text.append(from > 0 ? cut : "");
    for (std::size_t i = from; i < to; ++i)
        text += pieces[i].text;
    text.append(to < pieces.size() ? cut : "").append("\n");
    if (column <= 0)
        return text;
    text.append(indent).append((from > 0 ? cut.size() : 0) + width(from, marked), ' ');
    return text.append(style.colours ? "\x1b[1;32m^\x1b[0m\n" : "^\n");
}

std::string excerpt_of(std::string_view problem, const ExcerptStyle& style) {
    constexpr int most_lines = 1 << 24;
    // The first ":NUMBER:" ends the name of the file; a column may follow.
    for (auto colon = problem.find(':'); colon != std::string_view::npos;
         colon = problem.find(':', colon + 1)) {
        const auto end = problem.find(':', colon + 1);
        const auto line = parse_number(problem.substr(colon + 1, end - colon - 1));
        if (end == std::string_view::npos || !line || *line == 0 || *line > most_lines)
            continue;
        const auto next = std::min(problem.find(':', end + 1), problem.size());
        const auto column = parse_number(problem.substr(end + 1, next - end - 1));
        const std::string file(problem.substr(0, colon));
        struct stat status {};
        if (::stat(file.c_str(), &status) != 0 || !S_ISREG(status.st_mode))
            return {};
        std::ifstream in(file);
        std::string text;
        for (std::uint64_t i = 0; i < *line; ++i)
            if (!std::getline(in, text))
                return {};
        return excerpt(
            text, static_cast<int>(std::min<std::uint64_t>(column.value_or(0), 1U << 24)), style);
    }
    return {};
}

}  // namespace summond::base
