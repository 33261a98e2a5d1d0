// Cuts a zone file into entries: the words of one record or directive, RFC 1035 §5.1.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "summond/base/unique_fd.hpp"

namespace summond::zone {

struct Entry {
    std::uint32_t line = 0;     // where it begins
    bool starts_blank = false;  // the owner is that of the entry before
    // Raw: with quotes and escapes, without comments and parentheses. Valid until the next entry.
    std::vector<std::string_view> words;
    std::string problem;         // the entry cannot be cut; words is of no use
    std::size_t problem_at = 0;  // in text
    std::string_view text;       // from the beginning of its first line; valid as words is
    // In text: where a string in quotation marks begins that goes over the end of its line.
    std::optional<std::size_t> long_string;

    struct Place {
        std::uint32_t line;
        std::uint32_t column;  // octets, from 1
    };
    Place place(std::size_t at) const;  // in text
};

class Scanner {
  public:
    explicit Scanner(std::string_view text);
    // Reads the file piece by piece; holds one piece and the entry at hand. size: of the file, as
    // far as known: a small one needs no more memory than it has octets.
    Scanner(base::UniqueFd file, std::size_t size);
    // False at the end of the file. Never returns an entry without words or problem.
    bool next(Entry& entry);

  private:
    struct Span {
        std::size_t begin;  // from the beginning of the entry
        std::size_t size;
    };

    // Takes the words of the line at at_. False: the entry goes on behind this line.
    bool scan_line(Entry& entry);
    bool scan_word(Entry& entry);
    // Goes on in the next line, within quotation marks. False: there is none, or it is too far.
    bool go_on_quoted(std::size_t quote, Entry& entry);
    // Goes back to the line in which the quotation mark is that is not closed.
    void give_up_quoted(std::size_t quote, Entry& entry);
    // Makes line_end_ the end of the line at at_. False at the end of the file, or if it cannot be
    // read.
    bool have_line(Entry& entry);
    bool read_more(Entry& entry);

    base::UniqueFd file_;       // closed at its end
    std::vector<char> buffer_;  // up to end_: what has been read; from entry_: still needed
    std::size_t entry_ = 0;
    std::size_t at_ = 0;
    std::size_t line_end_ = 0;
    std::size_t end_ = 0;
    std::vector<Span> spans_;  // the words of the entry
    std::uint32_t line_number_ = 0;
    bool in_parentheses_ = false;
    std::size_t parenthesis_ = 0;  // the last one opened, from the beginning of the entry
};

}  // namespace summond::zone
