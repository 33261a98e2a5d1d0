// Where records came from and what is wrong with them. A million records each know their place in
// 12 octets; a config::Location is made only for a problem.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
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
    // The index for a file's name.
    std::uint32_t file(const std::string& name);
    Where where(const config::Location& location);

    void error(Where where, std::string what);
    void warning(Where where, std::string what);
    std::size_t errors() const { return errors_; }

    // What follows is about another zone.
    void begin_zone() {
        errors_listed_.of_zone = 0;
        warnings_listed_.of_zone = 0;
    }
    // Too many errors in this zone to go on looking for more.
    bool full() const { return errors_listed_.of_zone > limit; }

    std::vector<config::Problem> take() { return std::move(problems_); }

  private:
    // Of one zone: a file of another kind given as a zone file has a problem in every line.
    static constexpr std::size_t limit = 100;
    static constexpr std::size_t limit_of_all = 1000;
    struct Listed {
        std::size_t of_zone = 0;
        std::size_t of_all = 0;
    };
    void add(Where where, std::string what, bool warning, Listed& listed);

    std::deque<std::string> files_;
    std::unordered_map<std::string_view, std::uint32_t> file_index_;
    std::vector<config::Problem> problems_;
    std::size_t errors_ = 0;
    Listed errors_listed_;
    Listed warnings_listed_;
};

}  // namespace summond::zone
