#include "life_log.hpp"

#include <gtest/gtest.h>

namespace summond::vm {
namespace {

TEST(LifeLog, CountsWakesByReason) {
    EXPECT_EQ(text(std::array<unsigned, wake_reasons>{1, 0, 0}), "wake 1: 1 dns");
    EXPECT_EQ(text(std::array<unsigned, wake_reasons>{3, 1, 2}),
              "wake 6: 3 dns, 1 packet, 2 restart");
}

}  // namespace
}  // namespace summond::vm
