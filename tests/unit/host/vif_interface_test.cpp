#include "summond/host/vif_interface.hpp"

#include <gtest/gtest.h>

namespace summond::host {
namespace {

TEST(VifName, IsNetbacks) {
    EXPECT_EQ(vif_name(12, 0), "vif12.0");
    EXPECT_EQ(vif_name(12, 3), "vif12.3");
}

}  // namespace
}  // namespace summond::host
