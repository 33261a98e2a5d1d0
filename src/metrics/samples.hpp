// One metric's lines in the text format of Prometheus. Label values are written as they are told,
// escaped: all of them are of bounded sets, or names of configured services.
#pragma once

#include <charconv>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "summond/metrics/counter.hpp"
#include "summond/metrics/table.hpp"

namespace summond::metrics {

class Samples {
  public:
    explicit Samples(std::string& out) : out_(out) {}

    void begin(const Metric& metric);
    // values: of the metric's labels, in their order.
    void add(std::initializer_list<std::string_view> values, std::uint64_t value);
    void add(std::initializer_list<std::string_view> values, double value);
    void add(std::initializer_list<std::string_view> values, const Durations& durations);

  private:
    void head(std::string_view suffix, std::initializer_list<std::string_view> values,
              std::string_view bound = {});
    void number(std::uint64_t value);
    void number(double value);

    std::string& out_;
    const Metric* metric_ = nullptr;
};

}  // namespace summond::metrics
