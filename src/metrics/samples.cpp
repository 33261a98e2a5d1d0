#include "samples.hpp"

#include <array>
#include <cassert>

namespace summond::metrics {
namespace {

std::string_view first_of(std::string_view& list) {
    const auto end = list.find(',');
    const auto first = list.substr(0, end);
    list.remove_prefix(end == std::string_view::npos ? list.size() : end + 1);
    return first;
}

void escape(std::string& out, std::string_view value) {
    for (const char c : value) {
        if (c == '\n') {
            out += "\\n";
            continue;
        }
        if (c == '\\' || c == '"')
            out += '\\';
        out += c;
    }
}

}  // namespace

void Samples::begin(const Metric& metric) {
    metric_ = &metric;
    ((((out_ += "# HELP ") += metric.name) += ' ') += metric.help) += '\n';
    ((((out_ += "# TYPE ") += metric.name) += ' ') += to_string(metric.kind)) += '\n';
}

void Samples::add(std::initializer_list<std::string_view> values, std::uint64_t value) {
    head({}, values);
    number(value);
}

void Samples::add(std::initializer_list<std::string_view> values, double value) {
    head({}, values);
    number(value);
}

// Buckets are cumulative in the text. They are counted one after the other, so a bucket may have
// what those read before have not: the count is the sum of what was read.
void Samples::add(std::initializer_list<std::string_view> values, const Durations& durations) {
    std::uint64_t count = 0;
    std::array<char, 32> bound;
    for (std::size_t i = 0; i < duration_bounds_us.size(); ++i) {
        count += durations.bucket(i);
        const auto [end, error] = std::to_chars(bound.data(), bound.data() + bound.size(),
                                                double(duration_bounds_us[i]) / 1e6);
        head("_bucket", values, {bound.data(), static_cast<std::size_t>(end - bound.data())});
        number(count);
    }
    count += durations.bucket(duration_bounds_us.size());
    head("_bucket", values, "+Inf");
    number(count);
    head("_sum", values);
    number(double(durations.sum_us()) / 1e6);
    head("_count", values);
    number(count);
}

void Samples::head(std::string_view suffix, std::initializer_list<std::string_view> values,
                   std::string_view bound) {
    (out_ += metric_->name) += suffix;
    std::string_view labels = metric_->labels;
    char before = '{';
    for (const std::string_view value : values) {
        ((out_ += before) += first_of(labels)) += "=\"";
        escape(out_, value);
        out_ += '"';
        before = ',';
    }
    assert(labels.empty());
    if (!bound.empty()) {
        (((out_ += before) += "le=\"") += bound) += '"';
        before = ',';
    }
    if (before == ',')
        out_ += '}';
    out_ += ' ';
}

void Samples::number(std::uint64_t value) {
    std::array<char, 32> text;
    const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), value);
    out_.append(text.data(), end) += '\n';
}

void Samples::number(double value) {
    std::array<char, 32> text;
    const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), value);
    out_.append(text.data(), end) += '\n';
}

}  // namespace summond::metrics
