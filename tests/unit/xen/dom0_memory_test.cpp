// Whether memory of dom0's is taken: as xl decides it.
#include "dom0_memory.hpp"

#include <gtest/gtest.h>

namespace summond::xen {
namespace {

TEST(TakesDom0Memory, AsXlDoes) {
    EXPECT_TRUE(takes_dom0_memory("", "")) << "Debian's xl.conf and GRUB, as they are installed";
    EXPECT_TRUE(takes_dom0_memory("#autoballoon=\"off\"\n", "console=com1 loglvl=all"));
    EXPECT_FALSE(takes_dom0_memory("", "dom0_mem=2048M,max:2048M dom0_max_vcpus=1"));
    EXPECT_FALSE(takes_dom0_memory("autoballoon=\"auto\"\n", "console=vga dom0_mem=max:4G"));
    EXPECT_TRUE(takes_dom0_memory("", "xdom0_mem=1 no-dom0_mem"));
    EXPECT_TRUE(takes_dom0_memory("autoballoon=\"on\"", "dom0_mem=2048M"));
    EXPECT_TRUE(takes_dom0_memory("autoballoon=1", "dom0_mem=2048M"));
    EXPECT_FALSE(takes_dom0_memory("autoballoon=\"off\"", ""));
    EXPECT_FALSE(takes_dom0_memory("vif.default.script='vif-bridge'\nautoballoon=0\n", ""));
}

}  // namespace
}  // namespace summond::xen
