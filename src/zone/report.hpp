// Where records came from and what is wrong with them. A million records each know their place in
// 12 octets; a config::Location is made only for a problem.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "summond/config/config.hpp"

namespace summond::zone {

struct Where {
    std::uint32_t file = 0;  // index into Report's files
    std::uint32_t line = 0;
    std::uint32_t column = 0;
};

class Report {
  public:
    // The index for a file's name. Files are few.
    std::uint32_t file(const std::string& name);
    Where where(const config::Location& location);

    void error(Where where, std::string what) { add(where, std::move(what), false); }
    void warning(Where where, std::string what) { add(where, std::move(what), true); }
    bool failed() const { return failed_; }
    // Too many errors to go on looking for more.
    bool full() const { return problems_.size() > limit; }

    std::vector<config::Problem> take() { return std::move(problems_); }

  private:
    // A file of another kind given as a zone file has a problem in every line.
    static constexpr std::size_t limit = 100;
    void add(Where where, std::string what, bool warning);

    std::vector<std::string> files_;
    std::vector<config::Problem> problems_;
    bool failed_ = false;
};

}  // namespace summond::zone
