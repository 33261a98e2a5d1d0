#include "scanner.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace summond::zone {

namespace {

constexpr std::size_t piece = 256 * 1024;
constexpr std::size_t smallest_piece = 1024;

// Characters that are not simply part of a word, one bit for each kind.
enum Kind : std::uint8_t {
    blank = 1,
    delimiter = 2,  // ( ) ;
    quote = 4,
    backslash = 8,
    nul = 16,
};

constexpr auto make_kinds() {
    std::array<std::uint8_t, 256> kinds{};
    for (const std::uint8_t c : std::to_array<std::uint8_t>({' ', '\t', '\r'}))
        kinds[c] = blank;
    for (const std::uint8_t c : std::to_array<std::uint8_t>({'(', ')', ';'}))
        kinds[c] = delimiter;
    kinds['"'] = quote;
    kinds['\\'] = backslash;
    kinds[0] = nul;
    return kinds;
}
constexpr std::array<std::uint8_t, 256> kinds = make_kinds();

std::uint8_t kind(char c) {
    return kinds[static_cast<unsigned char>(c)];
}

}  // namespace

Scanner::Scanner(std::string_view text) : buffer_(text.begin(), text.end()), end_(text.size()) {}

Scanner::Scanner(base::UniqueFd file, std::size_t size)
    : file_(std::move(file)), buffer_(std::clamp(size + 1, smallest_piece, piece)) {}

bool Scanner::next(Entry& entry) {
    while (true) {
        entry.line = 0;
        entry.words.clear();
        entry.problem.clear();
        entry.problem_at = 0;
        entry.long_string.reset();
        spans_.clear();
        in_parentheses_ = false;
        entry_ = at_;
        bool complete = false;
        while (!complete && have_line(entry)) {
            ++line_number_;
            if (entry.line == 0) {
                entry.line = line_number_;
                entry.starts_blank = at_ < line_end_ && kind(buffer_[at_]) == blank;
            }
            complete = scan_line(entry);
            at_ = line_end_ < end_ ? line_end_ + 1 : end_;
        }
        entry.text = {buffer_.data() + entry_, at_ - entry_};
        if (!entry.problem.empty()) {
            entry.line = entry.line == 0 ? line_number_ + 1 : entry.line;
            return true;
        }
        if (!complete) {
            if (entry.line == 0)
                return false;
            entry.problem = "a parenthesis is not closed";
            entry.problem_at = parenthesis_;
            return true;
        }
        for (const Span& word : spans_)
            entry.words.emplace_back(buffer_.data() + entry_ + word.begin, word.size);
        if (!entry.words.empty())
            return true;
    }
}

bool Scanner::have_line(Entry& entry) {
    std::size_t searched = at_;
    while (true) {
        // memchr takes no null pointer, which the buffer of an empty text is.
        const void* newline = searched == end_
                                  ? nullptr
                                  : std::memchr(buffer_.data() + searched, '\n', end_ - searched);
        if (newline != nullptr) {
            line_end_ =
                static_cast<std::size_t>(static_cast<const char*>(newline) - buffer_.data());
            return true;
        }
        const std::size_t left = end_ - at_;
        if (!read_more(entry)) {
            line_end_ = end_;
            return at_ < end_ && entry.problem.empty();
        }
        searched = at_ + left;
    }
}

bool Scanner::read_more(Entry& entry) {
    if (!file_)
        return false;
    if (entry_ > 0) {
        std::memmove(buffer_.data(), buffer_.data() + entry_, end_ - entry_);
        at_ -= entry_;
        end_ -= entry_;
        entry_ = 0;
    }
    if (end_ == buffer_.size())
        buffer_.resize(2 * buffer_.size());
    ssize_t r;
    do
        r = ::read(file_.get(), buffer_.data() + end_, buffer_.size() - end_);
    while (r < 0 && errno == EINTR);
    if (r > 0) {
        end_ += static_cast<std::size_t>(r);
        return true;
    }
    if (r < 0) {
        entry.problem = std::string("cannot be read: ") + std::strerror(errno);
        at_ = end_;  // what was read of the last line is worth nothing
    }
    file_.reset();
    return false;
}

bool Scanner::scan_line(Entry& entry) {
    while (at_ < line_end_ && buffer_[at_] != ';') {
        const char c = buffer_[at_];
        if (kind(c) == blank) {
            ++at_;
        } else if (c == '(' || c == ')') {
            if (in_parentheses_ == (c == '(')) {
                entry.problem = c == '(' ? "a parenthesis within parentheses"
                                         : "a parenthesis is closed that was not opened";
                entry.problem_at = at_ - entry_;
                return true;
            }
            in_parentheses_ = c == '(';
            parenthesis_ = at_ - entry_;
            ++at_;
        } else if (!scan_word(entry)) {
            return true;
        }
    }
    return !in_parentheses_;
}

bool Scanner::scan_word(Entry& entry) {
    const std::size_t begin = at_ - entry_;
    std::size_t quote_at = 0;
    bool quoted = false;
    std::size_t end = line_end_;
    for (std::size_t at = at_;; ++at) {
        if (at == end) {
            at_ = at;
            if (!quoted)
                break;
            if (!go_on_quoted(quote_at, entry)) {
                if (entry.problem.empty())
                    give_up_quoted(quote_at, entry);
                return false;
            }
            at = at_ - 1;
            end = line_end_;
            continue;
        }
        const std::uint8_t k = kind(buffer_[at]);
        if (k == 0)
            continue;
        if (k == nul) {
            entry.problem = "the line has a NUL octet";
            entry.problem_at = at - entry_;
            return false;
        }
        if (k == backslash) {
            at += at + 1 < end ? 1 : 0;
        } else if (k == quote) {
            quoted = !quoted;
            quote_at = at - entry_;
        } else if (!quoted) {
            at_ = at;
            break;
        }
    }
    spans_.push_back({begin, at_ - entry_ - begin});
    return true;
}

// RFC 1035 §5.1: quotation marks enclose a string that may have the end of a line in it.
bool Scanner::go_on_quoted(std::size_t quote, Entry& entry) {
    // Of the longest data, each octet may be written as \DDD.
    constexpr std::size_t longest = 4 * 65536;
    if (line_end_ == end_ || at_ - entry_ - quote > longest)
        return false;
    ++at_;
    if (!have_line(entry)) {
        if (entry.problem.empty())
            --at_;
        return false;
    }
    ++line_number_;
    if (!entry.long_string)
        entry.long_string = quote;
    return true;
}

void Scanner::give_up_quoted(std::size_t quote, Entry& entry) {
    entry.problem = "a quotation mark is not closed";
    entry.problem_at = quote;
    if (entry.long_string == quote)
        entry.long_string.reset();
    const char* const begin = buffer_.data() + entry_ + quote;
    const auto lines = std::count(begin, static_cast<const char*>(buffer_.data()) + at_, '\n');
    line_number_ -= static_cast<std::uint32_t>(lines);
    const void* newline = std::memchr(begin, '\n', end_ - entry_ - quote);
    line_end_ = newline == nullptr
                    ? end_
                    : static_cast<std::size_t>(static_cast<const char*>(newline) - buffer_.data());
}

Entry::Place Entry::place(std::size_t at) const {
    const std::string_view before = text.substr(0, at);
    const auto lines = static_cast<std::uint32_t>(std::ranges::count(before, '\n'));
    // npos + 1 is 0: the first line's beginning.
    const std::size_t begin = before.rfind('\n') + 1;
    return {line + lines, static_cast<std::uint32_t>(before.size() - begin + 1)};
}

}  // namespace summond::zone
