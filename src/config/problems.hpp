// Collects what is wrong with a configuration, and words for it.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "summond/base/nearest.hpp"
#include "summond/base/quoted.hpp"
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

    void error(Mark where, std::string what) { add({at(where), std::move(what), false}); }
    void error_at(Location where, std::string what) {
        add({std::move(where), std::move(what), false});
    }
    void warning(Mark where, std::string what) { add({at(where), std::move(what), true}); }
    void warning_at(Location where, std::string what) {
        add({std::move(where), std::move(what), true});
    }
    // Those of another file that is part of the configuration.
    void add(Problems other);
    Location at(Mark where) const { return {file_, where.line, where.column}; }
    // Is one of them an error?
    bool refused() const { return refused_; }
    // Further problems would not be shown.
    bool full() const { return problems_.size() > max_problems; }
    // Sorted by position, those of this file before those of others, each once. Of thousands of
    // problems the first ones found are shown and the rest is mentioned, which bounds memory.
    std::vector<Problem> take();

  private:
    static constexpr std::size_t max_problems = 1000;

    void add(Problem problem);

    std::string file_;
    std::vector<Problem> problems_;  // at most one more than are shown
    bool refused_ = false;
};

// The known word that was probably meant.
using base::nearest;

using base::in_quotes;

// "a, b and c" with the given last joint.
std::string joined(std::span<const std::string_view> words, std::string_view last_joint);

}  // namespace summond::config
