#include "summond/base/result.hpp"

#include <gtest/gtest.h>

#include <cerrno>

namespace summond::base {
namespace {

TEST(Result, CarriesAValueOrWords) {
    const Result<int> good = 7;
    EXPECT_EQ(*good, 7);
    const Result<int> bad = error("no");
    ASSERT_FALSE(bad);
    EXPECT_EQ(bad.error().what, "no");
}

TEST(Result, NamesTheSystemsReason) {
    const Result<void> r = system_error("/etc/x", ENOENT);
    EXPECT_EQ(r.error().what, "/etc/x: No such file or directory");
}

}  // namespace
}  // namespace summond::base
