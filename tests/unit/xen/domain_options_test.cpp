// Settings that go to libxl as they are.
#include "domain_options.hpp"

#include <gtest/gtest.h>

#include <set>

#include "summond/config/config.hpp"

namespace summond::xen {
namespace {

TEST(DomainOptions, AreThoseOfTheConfiguration) {
    const auto ours = known_options();
    const auto theirs = config::option_keys();
    EXPECT_EQ((std::set<std::string_view>{ours.begin(), ours.end()}),
              (std::set<std::string_view>{theirs.begin(), theirs.end()}));
}

TEST(DomainOptions, ReachLibxlsStruct) {
    service::Template service;
    service.options = {{"cpu_weight", "512"},
                       {"cap", "80"},
                       {"pool", "Pool-1"},
                       {"tsc_mode", "native"},
                       {"rtc_timeoffset", "-60"},
                       {"localtime", "1"},
                       {"seclabel", "run"},
                       {"init_seclabel", "build"},
                       {"max_grant_frames", "40"},
                       {"timer_mode", "one_missed_tick_pending"},
                       {"pvshim_extra", "loglvl=all"}};
    DomainConfig made;
    libxl_domain_config& config = made.config;
    config.c_info.type = LIBXL_DOMAIN_TYPE_PVH;
    libxl_domain_build_info_init_type(&config.b_info, LIBXL_DOMAIN_TYPE_PVH);
    set_options(config, service);
    EXPECT_EQ(config.b_info.sched_params.weight, 512);
    EXPECT_EQ(config.b_info.sched_params.cap, 80);
    EXPECT_STREQ(config.c_info.pool_name, "Pool-1");
    EXPECT_EQ(config.b_info.tsc_mode, LIBXL_TSC_MODE_NATIVE);
    EXPECT_EQ(static_cast<std::int32_t>(config.b_info.rtc_timeoffset), -60);
    EXPECT_TRUE(libxl_defbool_val(config.b_info.localtime));
    EXPECT_STREQ(config.c_info.ssid_label, "build") << "as long as it is built";
    EXPECT_STREQ(config.b_info.exec_ssid_label, "run");
    EXPECT_EQ(config.b_info.max_grant_frames, 40U);
    EXPECT_EQ(config.b_info.timer_mode, LIBXL_TIMER_MODE_ONE_MISSED_TICK_PENDING);
    EXPECT_STREQ(config.b_info.u.pvh.pvshim_extra, "loglvl=all");
}

}  // namespace
}  // namespace summond::xen
