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

TEST(ControlKey, Listeners) {
    const auto listen = [](const std::string& value) {
        std::vector<std::string> texts;
        for (const base::Endpoint& each : control("{listen: " + value + "}").listen)
            texts.push_back(each.to_string());
        return texts;
    };
    using Texts = std::vector<std::string>;
    EXPECT_EQ(listen("9153"), Texts{"127.0.0.1:9153"});
    EXPECT_EQ(listen("['[::1]:80', 9153]"), (Texts{"[::1]:80", "127.0.0.1:9153"}));
    EXPECT_EQ(listen("127.0.0.9:9153"), Texts{"127.0.0.9:9153"});
    EXPECT_EQ(control("{names: [Dom0.example.net, box.]}").names,
              (Texts{"dom0.example.net", "box"}));
}

TEST(ControlKey, AnAddressThatOthersReachIsWarnedOf) {
    const auto warned = [](const std::string& value) {
        return problems_of("control: {listen: '" + value + "'}\n" + zone_config(good_zone));
    };
    EXPECT_EQ(warned("9153"), "");
    EXPECT_EQ(warned("[::1]:9153"), "");
    EXPECT_EQ(
        warned("192.0.2.7:9153"),
        "1:19: warning: control.listen: 192.0.2.7:9153 can be read by everybody who reaches it: nobody "
        "is asked who they are; keep others away by a firewall, or listen on 127.0.0.1");
    EXPECT_NE(warned("[::]:9153"), "");
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
        BadCase{"control", "{listen: 127.0.0.1}",
                "1:19: control.listen is \"127.0.0.1\", without a port; it must be a port of this "
                "host's own, or an address with one, such as 9153, \"192.0.2.1:9153\" or "
                "\"[2001:db8::1]:9153\""},
        BadCase{
            "control", "{listen: 0}",
            "1:19: control.listen is \"0\"; it must be a port of this host's own, or an address "
            "with one, such as 9153, \"192.0.2.1:9153\" or \"[2001:db8::1]:9153\""},
        BadCase{"control", "{listen: 'ff02::1'}",
                "1:19: control.listen is \"ff02::1\", without a port; it must be a port of this "
                "host's own, or an address with one, such as 9153, \"192.0.2.1:9153\" or "
                "\"[2001:db8::1]:9153\""},
        BadCase{"control", "{listen: '[::]:53'}",
                "1:19: control.listen: [::]:53 is where DNS is answered (listen); choose another "
                "port, such as 9153"},
        BadCase{"control", "{listen: [9153, '127.0.0.1:9153']}",
                "1:26: control.listen: 127.0.0.1:9153 is there already; keep one"},
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
