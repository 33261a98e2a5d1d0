// Queries that would wake a service for which clients have to show their addresses first: who
// wakes, and what the others are told.
#include <gtest/gtest.h>

#include <string>

#include "engine.hpp"

namespace summond::answer {
namespace {

using test::Ask;
using test::Engine;
using test::query_bytes;

const std::string new_cookie("\0\12\0\10cccccccc", 12);
constexpr const char* www_address =
    "NOERROR aa\nAN www.jit.example. 60 IN A 192.0.2.81\nEDNS size=1232 cookie\n";

class Proof : public testing::Test {
  protected:
    static constexpr std::uint32_t www = 0;
    static constexpr std::uint32_t pages = 1;

    void SetUp() override {
        engine.add_zone("jit.example", R"($TTL 300
@ SOA ns hostmaster 1 2 3 4 60
@ NS ns
ns A 192.0.2.1
alias CNAME www
mail MX 10 www
www TXT "about www"
)");
        engine.add_service("www", {"www.jit.example"}, {"192.0.2.81"});
        engine.add_pattern("pages", "", "pages.jit.example", "2001:db8:1::/64");
        engine.build();
        engine.settings().cookie_secret.emplace();
        stand(Availability::asleep);
    }
    void stand(Availability availability) { engine.state(www).availability = availability; }
    Decision resolve(const Ask& ask) { return engine.resolve(query_bytes(ask), ask.transport); }
    static Ask with(const std::string& options, const std::string& name = "www.jit.example") {
        return {.name = name, .edns = true, .options = options};
    }
    // As a client has it from the answer before.
    std::string good_cookie() {
        const auto out = engine.out(resolve(with(new_cookie, "ns.jit.example")));
        return {out.end() - 28, out.end()};
    }

    Engine engine;
};

TEST_F(Proof, WhoWakesAndWhatOthersAreTold) {
    const std::string wrong = std::string("\0\12\0\30", 4) + std::string(24, 'w');
    struct Client {
        const char* name;
        Ask ask;
        const char* told;  // where proof is needed; null: it wakes
    };
    Ask over_tcp{.name = "www.jit.example"};
    over_tcp.transport = Transport::tcp;
    const Client clients[] = {
        {"without EDNS", {.name = "www.jit.example"}, "NOERROR tc\n"},
        {"without a cookie", with(""), "NOERROR tc\nEDNS size=1232\n"},
        {"without a server cookie", with(new_cookie), "EXTENDED23\nEDNS size=1232 cookie\n"},
        {"with a wrong cookie", with(wrong), "EXTENDED23\nEDNS size=1232 cookie\n"},
        {"with the right cookie", with(good_cookie()), nullptr},
        {"over TCP", over_tcp, nullptr},
    };
    for (const auto availability : {Availability::asleep, Availability::starting})
        for (const bool by_key : {false, true})
            for (const bool pressure : {false, true})
                for (const Client& client : clients) {
                    stand(availability);
                    engine.state(www).by_proof = by_key;
                    engine.set_pressure(pressure);
                    const bool wakes = client.told == nullptr || (!by_key && !pressure);
                    EXPECT_EQ(engine.ask(client.ask), std::string(wakes ? "park 0" : client.told))
                        << client.name << (by_key ? ", by key" : "")
                        << (pressure ? ", under pressure" : "");
                    EXPECT_EQ(resolve(client.ask).unproved, !wakes) << client.name;
                }
}

TEST_F(Proof, ServicesThatAreUpAreAnsweredAsEver) {
    engine.state(www).by_proof = true;
    engine.set_pressure(true);
    stand(Availability::answerable);
    EXPECT_EQ(engine.ask(with(new_cookie)), www_address);
    EXPECT_TRUE(engine.state(www).asked) << "the TTL of the answer keeps it";
    stand(Availability::failed);
    engine.state(www).failure = service::WakeFailure::no_kernel;
    EXPECT_TRUE(engine.ask(with(new_cookie)).starts_with("SERVFAIL\n"))
        << "there is nothing to wake";
}

// A copy that waits is as good as awake for who wakes it.
TEST_F(Proof, ACopyThatWaitsIsForWhoHasShownHisAddress) {
    engine.set_pressure(true);
    stand(Availability::waiting);
    EXPECT_EQ(engine.ask(with(new_cookie)), "EXTENDED23\nEDNS size=1232 cookie\n");
    EXPECT_FALSE(resolve(with(new_cookie)).wakes);
    EXPECT_FALSE(engine.state(www).asked);
    EXPECT_EQ(engine.ask(with(good_cookie())), www_address);
    EXPECT_TRUE(resolve(with(good_cookie())).wakes);
}

TEST_F(Proof, OtherTypesAndNamesNeedNone) {
    engine.state(www).by_proof = true;
    EXPECT_EQ(engine.ask({.name = "www.jit.example", .type = "TXT"}),
              "NOERROR aa\nAN www.jit.example. 300 IN TXT \"about www\"\n");
    EXPECT_EQ(engine.ask({.name = "ns.jit.example"}),
              "NOERROR aa\nAN ns.jit.example. 300 IN A 192.0.2.1\n");
    EXPECT_EQ(engine.ask({.name = "mail.jit.example", .type = "MX"}),
              "NOERROR aa\nAN mail.jit.example. 300 IN MX 10 www.jit.example.\n");
    EXPECT_EQ(engine.ask({.name = "alias.jit.example"}), "NOERROR tc\n")
        << "an alias hides nothing";
}

TEST_F(Proof, WhoMayNotWakeIsAnsweredAllTheSame) {
    const Wakers nobody;
    engine.state(www).by_proof = true;
    engine.state(www).wakers = &nobody;
    EXPECT_EQ(engine.ask(with(new_cookie)), www_address);
    engine.state(www).wakers = nullptr;
}

// Whoever has waited for as long as he may is given the address where packets are held, and is
// asked for his own elsewhere.
TEST_F(Proof, AtTheParkingLimit) {
    engine.set_pressure(true);
    engine.set_overdue();
    EXPECT_EQ(engine.ask(with(new_cookie)), "EXTENDED23\nEDNS size=1232 cookie\n");
    engine.state(www).holds_packets = true;
    EXPECT_EQ(engine.ask(with(new_cookie)), www_address);
}

TEST_F(Proof, TheQuestionIsHardlyLongerThanTheQuery) {
    engine.settings().identity = std::string(max_identity, 'i');
    engine.state(www).by_proof = true;
    for (const std::string& options : {std::string("\0\3\0\0", 4), new_cookie}) {
        const auto query = query_bytes(with(std::string("\0\3\0\0", 4) + options));
        EXPECT_LE(engine.resolve(query).size, query.size() + 16);
    }
}

TEST_F(Proof, CookiesThatAreOffProveNothing) {
    const std::string cookie = good_cookie();
    engine.settings().cookie_secret.reset();
    engine.state(www).by_proof = true;
    EXPECT_EQ(engine.ask(with(cookie)), "NOERROR tc\nEDNS size=1232\n");
}

// A flood of made-up names takes no place from those who ask for some.
TEST_F(Proof, NamesByRuleTakeNoPlaceWithoutIt) {
    const auto aaaa = [](const std::string& id, const std::string& options) {
        return Ask{
            .name = id + ".pages.jit.example", .type = "AAAA", .edns = true, .options = options};
    };
    engine.state(pages).by_proof = true;
    for (int i = 0; i < 100; ++i)
        ASSERT_EQ(engine.ask(aaaa("x" + std::to_string(i), "")), "NOERROR tc\nEDNS size=1232\n");
    EXPECT_EQ(engine.instances().end(), engine.instances().first());
    EXPECT_EQ(engine.ask(aaaa("x1", good_cookie())), "park 2");
    EXPECT_EQ(engine.ask(aaaa("x1", "")), "NOERROR tc\nEDNS size=1232\n") << "it is starting";
    engine.state(2).availability = Availability::answerable;
    EXPECT_TRUE(engine.ask(aaaa("x1", "")).starts_with("NOERROR aa\nAN x1.pages.jit.example."));
    engine.state(2).availability = Availability::waiting;
    EXPECT_EQ(engine.ask(aaaa("x1", "")), "NOERROR tc\nEDNS size=1232\n");
    engine.state(pages).by_proof = false;
    EXPECT_TRUE(resolve(aaaa("x1", "")).wakes);
}

}  // namespace
}  // namespace summond::answer
