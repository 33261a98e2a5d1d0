// The command line of the test unikernel.
#include <gtest/gtest.h>

#include <string>

extern "C" {
#include "../net/options.h"
}

namespace {

struct Parsed {
    options o;
    std::string wrong;
};

Parsed parse(std::string line) {
    Parsed p;
    const char* wrong = options_parse(&p.o, line.data());
    p.wrong = wrong ? wrong : "";
    return p;
}

TEST(Options, Defaults) {
    Parsed p = parse("");
    EXPECT_EQ(p.wrong, "");
    EXPECT_STREQ(p.o.name, "guest");
    EXPECT_FALSE(p.o.ipv4.used || p.o.ipv6.used || p.o.crash || p.o.ignore_shutdown ||
                 p.o.no_ready);
}

TEST(Options, Everything) {
    Parsed p = parse(
        "/root/guest  --ipv4=10.0.2.50/24 --ipv4-gateway=10.0.2.2 --ipv6=fd00::50/64 "
        "--ipv6-gateway=fd00::2 --name=www.jit.example --ready-delay=500 --crash-after=60000 "
        "--ignore-shutdown --no-ready --exit-after=7 --listen-delay=8 --refuse-early --no-backlog "
        "--no-announce ");
    EXPECT_EQ(p.wrong, "");
    char text[ADDRESS_TEXT];
    EXPECT_STREQ(address_format(&p.o.ipv4.address, text), "10.0.2.50");
    EXPECT_EQ(p.o.ipv4.prefix, 96u + 24u);
    EXPECT_STREQ(address_format(&p.o.ipv4.gateway, text), "10.0.2.2");
    EXPECT_STREQ(address_format(&p.o.ipv6.address, text), "fd00::50");
    EXPECT_EQ(p.o.ipv6.prefix, 64u);
    EXPECT_STREQ(address_format(&p.o.ipv6.gateway, text), "fd00::2");
    EXPECT_STREQ(p.o.name, "www.jit.example");
    EXPECT_EQ(p.o.ready_delay_ms, 500u);
    EXPECT_TRUE(p.o.crash);
    EXPECT_EQ(p.o.crash_after_ms, 60000u);
    EXPECT_TRUE(p.o.exit);
    EXPECT_EQ(p.o.exit_after_ms, 7u);
    EXPECT_EQ(p.o.listen_delay_ms, 8u);
    EXPECT_TRUE(p.o.ignore_shutdown && p.o.no_ready && p.o.no_backlog && p.o.refuse_early &&
                p.o.no_announce);
}

TEST(Options, TheWrongArgumentIsNamed) {
    for (const char* wrong :
         {"--ipv4=10.0.2.50", "--ipv4=10.0.2.50/33", "--ipv4=fd00::50/64", "--ipv4=/24",
          "--ipv4=255.255.255.255/8", "--ipv4-gateway=x", "--ipv6=10.0.2.50/24",
          "--ipv6=ff02::1/64", "--ipv6-gateway=", "--name=", "--name=<b>",
          "--ready-delay=", "--ready-delay=-1", "--crash-after=1s",
          "--ready-delay=99999999999999999999", "--unknown", "--no-ready=1", "--"}) {
        EXPECT_EQ(parse(std::string("--name=a ") + wrong + " --no-ready").wrong, wrong);
    }
    EXPECT_EQ(parse("--name=" + std::string(63, 'x')).wrong, "");
    EXPECT_NE(parse("--name=" + std::string(64, 'x')).wrong, "");
}

}  // namespace
