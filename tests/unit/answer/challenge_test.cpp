// What a client is told that is to show that its address is not forged, and how it shows it.
#include <gtest/gtest.h>

#include "engine.hpp"

namespace summond::answer {
namespace {

using test::Ask;
using test::Engine;
using test::query_bytes;
using Bytes = std::vector<std::uint8_t>;

const std::string client_cookie("\0\12\0\10cccccccc", 12);

class Challenge : public testing::Test {
  protected:
    void SetUp() override {
        engine.add_zone("jit.example", R"($TTL 300
@ SOA ns hostmaster 1 2 3 4 60
@ NS ns
ns A 192.0.2.1
)");
        engine.add_service("asleep", {"asleep.jit.example"}, {"192.0.2.81"});
        engine.build();
        engine.state(0).availability = Availability::asleep;
    }
    std::string challenge(const Ask& ask) { return engine.challenge(query_bytes(ask)); }
    // The COOKIE option of the answer to this query, which has one, at its end.
    std::string given_cookie(const Ask& ask) {
        const auto out = engine.out(engine.resolve(query_bytes(ask)));
        return {out.end() - 28, out.end()};
    }

    Engine engine;
};

TEST_F(Challenge, SendsToTcp) {
    EXPECT_EQ(challenge({.name = "ns.jit.example"}), "NOERROR tc\n");
    EXPECT_EQ(challenge({.name = "elsewhere"}), "NOERROR tc\n") << "whatever the answer would be";
    EXPECT_EQ(challenge({.name = "ns.jit.example", .edns = true}), "NOERROR tc\nEDNS size=1232\n");
    EXPECT_EQ(challenge({.name = "ns.jit.example", .edns = true, .options = client_cookie}),
              "NOERROR tc\nEDNS size=1232\n")
        << "cookies are off";
}

TEST_F(Challenge, GivesACookieToWhoeverTakesOne) {
    engine.settings().cookie_secret.emplace();
    engine.settings().identity = "ns1";
    const std::string nsid("\0\3\0\0", 4);
    Ask ask{.name = "ns.jit.example", .edns = true, .options = nsid + client_cookie};
    EXPECT_EQ(challenge(ask), "EXTENDED23\nEDNS size=1232 cookie\n") << "BADCOOKIE, no NSID";
    ask.options = std::string("\0\12\0\30", 4) + std::string(24, 'w');
    EXPECT_EQ(challenge(ask), "EXTENDED23\nEDNS size=1232 cookie\n");
    ask.options = given_cookie(ask);
    EXPECT_EQ(challenge(ask), "NOERROR tc\nEDNS size=1232 cookie\n") << "it has the right one";
    EXPECT_EQ(challenge({.name = "ns.jit.example", .edns = true}), "NOERROR tc\nEDNS size=1232\n");
}

TEST_F(Challenge, NothingForMalformedMessages) {
    Bytes query = query_bytes({.name = "ns.jit.example"});
    query[2] |= 4 << 3;  // NOTIFY
    EXPECT_EQ(engine.challenge(query), "");
    query = query_bytes({.name = "ns.jit.example"});
    query.push_back(0);
    EXPECT_EQ(engine.challenge(query), "");
    EXPECT_EQ(engine.challenge(Bytes(5)), "");
    EXPECT_EQ(engine.challenge(Bytes(12)), "");
    engine.settings().cookie_secret.emplace();
    EXPECT_EQ(challenge({.name = "ns.jit.example",
                         .edns = true,
                         .options = std::string("\0\12\0\7ccccccc", 11)}),
              "");
}

TEST_F(Challenge, WhoIsKnownIsSaid) {
    engine.settings().cookie_secret.emplace();
    for (const char* name : {"ns.jit.example", "nothing.jit.example", "elsewhere"}) {
        Ask ask{.name = name, .edns = true};
        EXPECT_FALSE(engine.resolve(query_bytes(ask)).known_client());
        ask.options = client_cookie;
        EXPECT_FALSE(engine.resolve(query_bytes(ask)).known_client());
        ask.options =
            given_cookie({.name = "ns.jit.example", .edns = true, .options = ask.options});
        EXPECT_TRUE(engine.resolve(query_bytes(ask)).known_client()) << name;
        ask.options.back() = static_cast<char>(ask.options.back() ^ 1);
        EXPECT_FALSE(engine.resolve(query_bytes(ask)).known_client());
    }
    Ask ask{.name = "asleep.jit.example", .edns = true};
    ask.options = given_cookie({.name = "ns.jit.example", .edns = true, .options = client_cookie});
    const Decision parked = engine.resolve(query_bytes(ask));
    EXPECT_EQ(parked.kind, Decision::Kind::park);
    EXPECT_TRUE(parked.known_client());
}

}  // namespace
}  // namespace summond::answer
