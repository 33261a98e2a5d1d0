#include "scanner.hpp"

namespace summond::zone {

namespace {

bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r';
}

}  // namespace

bool Scanner::next(Entry& entry) {
    while (true) {
        entry = Entry{0, false, std::move(entry.words), {}};
        entry.words.clear();
        text_.clear();
        spans_.clear();
        in_parentheses_ = false;
        bool complete = false;
        while (!complete && std::getline(in_, line_)) {
            ++line_number_;
            if (entry.line == 0) {
                entry.line = line_number_;
                entry.starts_blank = !line_.empty() && is_blank(line_[0]);
            }
            complete = scan_line(entry);
        }
        if (!complete && entry.line == 0)
            return false;
        if (!complete)
            entry.problem = "a parenthesis is not closed";
        for (const auto& [begin, size] : spans_)
            entry.words.push_back(std::string_view(text_).substr(begin, size));
        if (!entry.words.empty() || !entry.problem.empty())
            return true;
    }
}

bool Scanner::scan_line(Entry& entry) {
    std::size_t at = 0;
    while (at < line_.size() && line_[at] != ';') {
        const char c = line_[at];
        if (is_blank(c)) {
            ++at;
        } else if (c == '(' || c == ')') {
            if (in_parentheses_ == (c == '(')) {
                entry.problem = c == '(' ? "a parenthesis within parentheses"
                                         : "a parenthesis is closed that was not opened";
                return true;
            }
            in_parentheses_ = c == '(';
            ++at;
        } else if (!scan_word(at, entry)) {
            return true;
        }
    }
    return !in_parentheses_;
}

bool Scanner::scan_word(std::size_t& at, Entry& entry) {
    const std::size_t begin = at;
    bool quoted = false;
    for (; at < line_.size(); ++at) {
        const char c = line_[at];
        if (c == '\0') {
            entry.problem = "the line has a NUL octet";
            return false;
        }
        if (c == '\\') {
            if (++at == line_.size())
                break;
        } else if (c == '"') {
            quoted = !quoted;
        } else if (!quoted && (is_blank(c) || c == '(' || c == ')' || c == ';')) {
            break;
        }
    }
    if (quoted) {
        entry.problem = "a quotation mark is not closed on its line";
        return false;
    }
    spans_.emplace_back(text_.size(), at - begin);
    text_.append(line_, begin, at - begin);
    return true;
}

}  // namespace summond::zone
