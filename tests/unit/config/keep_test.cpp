// When a service is to be up without being asked for: keep: and min:.
#include <gtest/gtest.h>

#include "texts.hpp"

namespace summond::config {
namespace {

TEST(Keep, Windows) {
    using Windows = std::vector<service::KeepWindow>;
    EXPECT_TRUE(service_with("ttl", "5").keep.empty());
    EXPECT_TRUE(service_with("keep", "none").keep.empty());
    EXPECT_EQ(
        service_with("keep", R"([{days: mon-fri, from: "08:00", to: "18:00", zone: Europe/Oslo}])")
            .keep,
        (Windows{{0x1f, 480, 1080, "Europe/Oslo"}}));
    EXPECT_EQ(service_with("keep", "{from: 00:00, to: 24:00}").keep,
              (Windows{{0x7f, 0, 1440, "localtime"}}));
    EXPECT_EQ(service_with("keep",
                           "[{days: [mon, sat-sun], from: 22:30, to: 06:00, zone: UTC},"
                           " {days: sat-mon, from: 10:00, to: 11:00, zone: Etc/GMT+5}]")
                  .keep,
              (Windows{{0x61, 1350, 360, "UTC"}, {0x61, 600, 660, "Etc/GMT+5"}}));
}

TEST(Keep, Min) {
    EXPECT_EQ(service_with("ttl", "5").min, 0u);
    EXPECT_EQ(service_with("min", "1").min, 1u);
}

TEST(Keep, ZonesThatThisHostDoesNotKnow) {
    const std::string text =
        service_config({good_service.with("keep",
                                          "[{from: 08:00, to: 09:00, zone: UTC},"
                                          " {from: 08:00, to: 09:00, zone: Europe/Olso}]")});
    std::string found;
    for (const Problem& problem : check_files(config_of(text)))
        if (!problem.warning)
            found += problem.to_string();
    EXPECT_NE(found.find("keep.zone: this host knows no time zone \"Europe/Olso\"; timedatectl "
                         "list-timezones shows those that it knows"),
              std::string::npos)
        << found;
    EXPECT_EQ(found.find("UTC"), std::string::npos) << found;
}

class BadKeep : public testing::TestWithParam<BadCase> {};

TEST_P(BadKeep, IsRefused) {
    const std::string problem =
        problems_of(service_config({good_service.with(GetParam().key, GetParam().value)}));
    EXPECT_EQ(problem.substr(problem.find(' ') + 1), GetParam().problem);
}

INSTANTIATE_TEST_SUITE_P(
    Keep, BadKeep,
    testing::Values(
        BadCase{"min", "2", "min is \"2\"; it must be a whole number from 0 to 1"},
        BadCase{"keep", "always",
                "keep is \"always\"; it must be none, or a list such as [{days: mon-fri, from: "
                "\"08:00\", to: \"18:00\"}]"},
        BadCase{"keep", "[{from: 08:00}]",
                "keep has no to; say when it ends, such as to: \"18:00\""},
        BadCase{"keep", "[{from: 8:00, to: 18:00}]",
                "keep.from is \"8:00\"; it must be a time of day from \"00:00\" to \"23:59\", such "
                "as \"08:00\""},
        BadCase{
            "keep", "[{from: 24:00, to: 18:00}]",
            "keep.from is \"24:00\"; it must be a time of day from \"00:00\" to \"23:59\", such "
            "as \"08:00\""},
        BadCase{"keep", "[{from: 08:00, to: 24:01}]",
                "keep.to is \"24:01\"; it must be a time of day from \"00:00\" to \"24:00\", such "
                "as \"18:00\""},
        BadCase{
            "keep", "[{from: 08:00, to: 08:00}]",
            "keep.to: the window ends when it begins; for the whole day say from: \"00:00\" and "
            "to: \"24:00\""},
        BadCase{"keep", "[{days: mo-fri, from: 08:00, to: 18:00}]",
                "keep.days is \"mo-fri\"; it must be days such as mon-fri, sat, or [mon, wed-fri]"},
        BadCase{"keep", "[{day: mon, from: 08:00, to: 18:00}]",
                "unknown key \"keep.day\"; did you mean \"keep.days\"?"},
        BadCase{"keep", "[{from: 08:00, to: 18:00, zone: /etc/passwd}]",
                "keep.zone is \"/etc/passwd\"; it must be a time zone such as Europe/Oslo or UTC"},
        BadCase{"keep", "[{from: 08:00, to: 18:00, zone: ../x}]",
                "keep.zone is \"../x\"; it must be a time zone such as Europe/Oslo or UTC"}));

}  // namespace
}  // namespace summond::config
