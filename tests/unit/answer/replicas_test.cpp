// Which of a service's domains an answer has.
#include <gtest/gtest.h>

#include <string>

#include "engine.hpp"

namespace summond::answer {
namespace {

using test::Ask;
using test::Engine;
using test::query_bytes;

class ReplicasTest : public testing::Test {
  protected:
    void SetUp() override {
        engine.add_zone("jit.example", R"($TTL 300
@ SOA ns hostmaster 1 2 3 4 60
@ NS ns
ns A 192.0.2.1
alias CNAME www
mail MX 10 www
)");
        engine.add_service("www", {"www.jit.example"}, {"192.0.2.80", "2001:db8::80"});
        engine.add_service("www:1", {}, {"192.0.2.81", "2001:db8::81"});
        engine.add_service("www:2", {}, {"192.0.2.82"});
        engine.build();
        for (std::uint32_t i = 0; i < 3; ++i) {
            const service::Template& service = engine.config().services[i];
            auto& one = replicas.all.emplace_back();
            one.service = i;
            one.ipv4 = service.ipv4.front();
            if (!service.ipv6.empty())
                one.ipv6 = service.ipv6.front();
            engine.state(i).availability = Availability::asleep;
        }
        replicas.answers = 3;
        engine.state(0).replicas = &replicas;
    }
    void up(std::uint32_t number, std::uint32_t load = 0) {
        engine.state(number).availability = Availability::answerable;
        engine.state(number).load = load;
    }
    // The last octets of the addresses in the answer, in order, of a query of this id.
    std::string ask(std::uint16_t id = 0, const char* type = "A",
                    const char* name = "www.jit.example") {
        auto query = query_bytes({.name = name, .type = type});
        query[0] = static_cast<std::uint8_t>(id >> 8);
        query[1] = static_cast<std::uint8_t>(id);
        const std::string text = engine.text(engine.resolve(query), query);
        std::string addresses;
        for (std::size_t at = text.find("AN "); at != std::string::npos;
             at = text.find("AN ", at + 1)) {
            const std::string line = text.substr(at, text.find('\n', at) - at);
            if (line.find(" CNAME ") == std::string::npos)
                addresses += (addresses.empty() ? "" : " ") + line.substr(line.size() - 2);
        }
        return addresses.empty() ? text : addresses;
    }

    Replicas replicas;
    Engine engine;
};

TEST_F(ReplicasTest, AsleepTheFirstIsWoken) {
    EXPECT_EQ(ask(), "park 0");
    engine.state(2).availability = Availability::waiting;
    EXPECT_EQ(ask(0, "AAAA"), "park 0") << "it has no such address";
    EXPECT_EQ(ask(), "82") << "it takes no time";
    EXPECT_FALSE(engine.state(0).asked);
    EXPECT_TRUE(engine.state(2).asked);
}

TEST_F(ReplicasTest, OneThatIsOnItsWayIsWaitedFor) {
    engine.state(0).availability = Availability::waiting;
    engine.state(1).availability = Availability::starting;
    EXPECT_EQ(ask(), "park 1");
}

TEST_F(ReplicasTest, WhereTheFirstCannotBeWokenAnotherOneIs) {
    for (std::uint32_t i = 0; i < 3; ++i) {
        EXPECT_EQ(ask(), "park " + std::to_string(i));
        engine.state(i).failure = service::WakeFailure::start_failed;
        engine.state(i).availability = Availability::failed;
    }
    EXPECT_EQ(ask().substr(0, 8), "SERVFAIL");
}

TEST_F(ReplicasTest, OfThoseThatAreUp) {
    up(1);
    EXPECT_EQ(ask(), "81") << "although the first one sleeps";
    EXPECT_TRUE(engine.state(1).asked);
    EXPECT_FALSE(engine.state(0).asked);
    up(0);
    EXPECT_EQ(ask(), "80 81");
    EXPECT_EQ(ask(0, "AAAA"), "80 81");
    up(2);
    EXPECT_EQ(ask(0, "AAAA"), "80 81") << "it has no such address";
}

TEST_F(ReplicasTest, OneThatWaitsIsWokenOnlyWhereThereIsNoOther) {
    engine.state(0).availability = Availability::waiting;
    EXPECT_EQ(ask(), "80");
    up(2);
    EXPECT_EQ(ask(), "82");
}

TEST_F(ReplicasTest, EachComesFirstAsOftenAsTheOthers) {
    for (std::uint32_t i = 0; i < 3; ++i)
        up(i);
    EXPECT_EQ(ask(0), "80 81 82");
    EXPECT_EQ(ask(1), "81 82 80");
    EXPECT_EQ(ask(2), "82 80 81");
    EXPECT_EQ(ask(65535), "80 81 82");
}

TEST_F(ReplicasTest, TheLeastLoaded) {
    up(0, 900);
    up(1, 20);
    up(2, 300);
    EXPECT_EQ(ask(0), "81 82 80");
    replicas.answers = 2;
    EXPECT_EQ(ask(0), "81 82");
    EXPECT_EQ(ask(1), "82 81");
    replicas.answers = 1;
    EXPECT_EQ(ask(7), "81");
}

TEST_F(ReplicasTest, OneThatOthersSufficeWithout) {
    up(0, 900);
    up(1, spare_replica);
    EXPECT_EQ(ask(0), "80");
    EXPECT_EQ(ask(1), "80");
    EXPECT_FALSE(engine.state(1).asked);
    engine.state(0).availability = Availability::asleep;
    EXPECT_EQ(ask(), "81") << "better than none";
}

TEST_F(ReplicasTest, ByWayOfAnAlias) {
    up(0);
    up(1);
    EXPECT_EQ(ask(1, "A", "alias.jit.example"), "81 80");
    const std::string mail = ask(0, "MX", "mail.jit.example");
    EXPECT_EQ(mail.find("SERVFAIL"), std::string::npos) << mail;
}

TEST_F(ReplicasTest, WhoMayNotWakeKeepsNone) {
    const Wakers nobody;
    for (std::uint32_t i = 0; i < 3; ++i)
        engine.state(i).wakers = &nobody;
    up(2);
    EXPECT_EQ(ask(), "82");
    EXPECT_FALSE(engine.state(2).asked);
    engine.state(2).availability = Availability::asleep;
    EXPECT_EQ(ask(), "80") << "the first one's, which its packets wake";
}

}  // namespace
}  // namespace summond::answer
