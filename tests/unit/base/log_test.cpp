#include "summond/base/log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

namespace summond::base {
namespace {

class Log : public testing::Test {
  protected:
    ~Log() override { ::unsetenv("JOURNAL_STREAM"); }

    // What `write` logs; standard error is a file, so not a terminal.
    template <typename Write>
    std::string logged(spdlog::level::level_enum level, Write write) {
        testing::internal::CaptureStderr();
        log_to_stderr("front", level);
        write();
        return testing::internal::GetCapturedStderr();
    }
};

TEST_F(Log, LinesHaveTimeLevelAndRole) {
    const std::string text = logged(spdlog::level::info, [] { spdlog::warn("full {}", 1); });
    EXPECT_THAT(text,
                testing::MatchesRegex(
                    "[0-9]+-[0-9]+-[0-9]+ [0-9]+:[0-9]+:[0-9]+[.][0-9]+ warning front: full 1\n"));
}

TEST_F(Log, LinesBelowTheLevelAreLeftOut) {
    EXPECT_EQ(logged(spdlog::level::warn, [] { spdlog::info("chatter"); }), "");
}

TEST_F(Log, JournalGetsPriorityPrefixesAndNoTime) {
    ::setenv("JOURNAL_STREAM", "8:12345", 1);
    const std::string text = logged(spdlog::level::debug, [] {
        spdlog::critical("a");
        spdlog::error("b");
        spdlog::warn("c");
        spdlog::info("d");
        spdlog::debug("e");
    });
    EXPECT_EQ(text, "<2>front: a\n<3>front: b\n<4>front: c\n<6>front: d\n<7>front: e\n");
}

TEST_F(Log, UserTextIsNotAFormat) {
    const std::string text =
        logged(spdlog::level::info, [] { spdlog::info("{}", "{} %s %n {0}"); });
    EXPECT_NE(text.find("front: {} %s %n {0}\n"), std::string::npos) << text;
}

}  // namespace
}  // namespace summond::base
