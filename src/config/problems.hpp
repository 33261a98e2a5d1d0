// Collects what is wrong with one configuration file, and words for it.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "summond/config/config.hpp"

namespace summond::config {

// A position in the file, both from 1.
struct Mark {
    int line = 0;
    int column = 0;
};

class Problems {
  public:
    explicit Problems(std::string file) : file_(std::move(file)) {}

    void error(Mark where, std::string what);
    Location at(Mark where) const { return {file_, where.line, where.column}; }
    bool any() const { return !problems_.empty(); }
    // Further problems would not be shown.
    bool full() const { return problems_.size() > max_problems; }
    // Sorted by position, each once. A file with thousands of problems shows the first ones found
    // and says so, which bounds memory.
    std::vector<Problem> take();

  private:
    static constexpr std::size_t max_problems = 1000;

    std::string file_;
    std::vector<Problem> problems_;  // at most one more than are shown
};

// "text" in quotes, short enough for a message.
std::string in_quotes(std::string_view text);

// The known word that was probably meant (edit distance), empty if none is near.
std::string_view nearest(std::string_view word, std::span<const std::string_view> known);

// "a, b and c" with the given last joint.
std::string joined(std::span<const std::string_view> words, std::string_view last_joint);

}  // namespace summond::config
