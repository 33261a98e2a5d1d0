#include "summond/base/log.hpp"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <string_view>

template void fmt::detail::vformat_to<char>(fmt::detail::buffer<char>&, fmt::string_view,
                                            fmt::format_args, fmt::detail::locale_ref);

namespace summond::base {
namespace {

// %*: the sd-daemon(3) priority prefix of a line's level.
class PriorityFlag final : public spdlog::custom_flag_formatter {
  public:
    void format(const spdlog::details::log_msg& message, const std::tm&,
                spdlog::memory_buf_t& out) override {
        const std::string_view prefix = prefix_of(message.level);
        out.append(prefix.data(), prefix.data() + prefix.size());
    }
    std::unique_ptr<custom_flag_formatter> clone() const override {
        return std::make_unique<PriorityFlag>();
    }

  private:
    static std::string_view prefix_of(spdlog::level::level_enum level) {
        switch (level) {
            case spdlog::level::critical:
                return "<2>";
            case spdlog::level::err:
                return "<3>";
            case spdlog::level::warn:
                return "<4>";
            case spdlog::level::info:
                return "<6>";
            default:
                return "<7>";
        }
    }
};

}  // namespace

void log_to_stderr(const std::string& role, spdlog::level::level_enum level) {
    auto logger = std::make_shared<spdlog::logger>(
        role, std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
    auto formatter = std::make_unique<spdlog::pattern_formatter>();
    // systemd sets JOURNAL_STREAM where standard error goes to the journal, which adds the time.
    if (std::getenv("JOURNAL_STREAM") != nullptr && ::isatty(STDERR_FILENO) == 0)
        formatter->add_flag<PriorityFlag>('*').set_pattern("%*%n: %v");
    else
        formatter->set_pattern("%Y-%m-%d %H:%M:%S.%e %^%l%$ %n: %v");
    logger->set_formatter(std::move(formatter));
    logger->set_level(level);
    logger->flush_on(spdlog::level::trace);
    spdlog::set_default_logger(std::move(logger));
}

}  // namespace summond::base
