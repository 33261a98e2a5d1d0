// Cuts a zone file into entries: the words of one record or directive, RFC 1035 §5.1.
#pragma once

#include <cstdint>
#include <istream>
#include <string>
#include <string_view>
#include <vector>

namespace summond::zone {

struct Entry {
    std::uint32_t line = 0;     // where it begins
    bool starts_blank = false;  // the owner is that of the entry before
    // Raw: with quotes and escapes, without comments and parentheses. Valid until the next entry.
    std::vector<std::string_view> words;
    std::string problem;  // the entry cannot be cut; words is of no use
};

class Scanner {
  public:
    explicit Scanner(std::istream& in) : in_(in) {}
    // False at the end of the file. Never returns an entry without words or problem.
    bool next(Entry& entry);

  private:
    // Takes the words of one physical line. False: the entry goes on behind this line.
    bool scan_line(Entry& entry);
    bool scan_word(std::size_t& at, Entry& entry);

    std::istream& in_;
    std::string line_;
    std::string text_;  // the words of the entry, one after another
    std::vector<std::pair<std::size_t, std::size_t>> spans_;  // of words in text_
    std::uint32_t line_number_ = 0;
    bool in_parentheses_ = false;
};

}  // namespace summond::zone
