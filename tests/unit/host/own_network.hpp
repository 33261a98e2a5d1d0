// A network namespace for the test process (each test is one), with whatever `ip` is told to make.
#pragma once

#include <gtest/gtest.h>
#include <sched.h>

#include <cstdlib>
#include <string>

namespace summond::test {

// Skips the test where such a namespace cannot be had (it takes root).
class OwnNetwork : public testing::Test {
  protected:
    void SetUp() override {
        if (::unshare(CLONE_NEWNET) != 0)
            GTEST_SKIP() << "needs root";
        ip("link set lo up");
    }
    static void ip(const std::string& words) {
        ASSERT_EQ(std::system(("ip " + words).c_str()), 0) << words;
    }
    static std::string output(const std::string& command) {
        std::string text;
        if (FILE* pipe = ::popen(command.c_str(), "r")) {
            char part[256];
            while (std::fgets(part, sizeof part, pipe) != nullptr)
                text += part;
            ::pclose(pipe);
        }
        return text;
    }
};

}  // namespace summond::test
