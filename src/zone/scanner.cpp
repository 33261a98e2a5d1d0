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
        if (!entry.problem.empty()) {
            entry.line = entry.line == 0 ? line_number_ + 1 : entry.line;
            return true;
        }
        if (!complete) {
            if (entry.line == 0)
                return false;
            entry.problem = "a parenthesis is not closed";
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
        const void* newline = std::memchr(buffer_.data() + searched, '\n', end_ - searched);
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
    std::size_t at = at_;
    while (at < line_end_ && buffer_[at] != ';') {
        const char c = buffer_[at];
        if (kind(c) == blank) {
            ++at;
        } else if (c == '(' || c == ')') {
            if (in_parentheses_ == (c == '(')) {
                entry.problem = c == '(' ? "a parenthesis within parentheses"
                                         : "a parenthesis is closed that was not opened";
                return true;
            }
            in_parentheses_ = c == '(';
            ++at;
        } else if (!scan_word(at, line_end_, entry)) {
            return true;
        }
    }
    return !in_parentheses_;
}

bool Scanner::scan_word(std::size_t& at, std::size_t end, Entry& entry) {
    const std::size_t begin = at;
    bool quoted = false;
    for (; at < end; ++at) {
        const std::uint8_t k = kind(buffer_[at]);
        if (k == 0)
            continue;
        if (k == nul) {
            entry.problem = "the line has a NUL octet";
            return false;
        }
        if (k == backslash) {
            if (++at == end)
                break;
        } else if (k == quote) {
            quoted = !quoted;
        } else if (!quoted) {
            break;
        }
    }
    if (quoted) {
        entry.problem = "a quotation mark is not closed on its line";
        return false;
    }
    spans_.push_back({begin - entry_, at - begin});
    return true;
}

}  // namespace summond::zone
