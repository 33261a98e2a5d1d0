// The mapping control.
#include <gtest/gtest.h>

#include "texts.hpp"

namespace summond::config {
namespace {

Control control(const std::string& value) {
    return config_of("control: " + value + "\n" + zone_config(good_zone)).control;
}

TEST(ControlKey, Defaults) {
    for (const Control& each :
         {config_of(zone_config(good_zone)).control, control("on"), control("{}")}) {
        EXPECT_TRUE(each.enabled);
        EXPECT_EQ(each.socket, "/run/summond/control.sock");
        EXPECT_FALSE(each.socket_given);
        EXPECT_EQ(each.readers + each.admins, "");
    }
}

TEST(ControlKey, Values) {
    EXPECT_FALSE(control("off").enabled);
    const Control each = control("{socket: /run/x.sock, readers: adm, admins: wheel}");
    EXPECT_EQ(each.socket, "/run/x.sock");
    EXPECT_TRUE(each.socket_given);
    EXPECT_EQ(each.readers, "adm");
    EXPECT_EQ(each.admins, "wheel");
}

class BadControl : public testing::TestWithParam<BadCase> {};

TEST_P(BadControl, IsRefused) {
    EXPECT_EQ(problems_of(GetParam().key + ": " + GetParam().value + "\n" + zone_config(good_zone)),
              GetParam().problem);
}

INSTANTIATE_TEST_SUITE_P(
    Each, BadControl,
    testing::Values(
        BadCase{"control", "no",
                "1:10: control is \"no\"; it must be on, off or a mapping, such as {admins: adm}"},
        BadCase{
            "control", "{admins: 4}",
            "1:19: control.admins is \"4\", a number; it must be the name of a group, such as adm"},
        BadCase{"control", "{readers: 'a b'}",
                "1:20: control.readers is \"a b\"; it must be the name of a group, such as adm"},
        BadCase{"control", "{sokcet: /x}",
                "1:11: unknown key \"control.sokcet\"; did you mean \"control.socket\"?"}));

TEST(ControlKey, APathThatIsTooLong) {
    const std::string path = "/" + std::string(107, 'x');
    EXPECT_NE(problems_of("control: {socket: " + path + "}\n" + zone_config(good_zone))
                  .find("it must be the path of a socket, of at most 107 octets"),
              std::string::npos);
}

}  // namespace
}  // namespace summond::config
