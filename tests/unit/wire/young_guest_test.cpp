// What a guest that has just started makes of the SYNs that were held for it.
#include <gmock/gmock.h>

#include "sleep_proxy_fixture.hpp"

namespace summond::wire {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

using YoungGuestTest = SleepProxyFixture;

TEST_F(YoungGuestTest, OneSynIsGivenAfterTheOther) {
    boot();
    for (unsigned port = 1; port <= 3; ++port)
        from_client(syn_from(port));
    guest_speaks();
    proxy.set_state(www, GuestState::running);
    EXPECT_THAT(seen.given, ElementsAre(syn_from(1)));
    proxy.from_guest(www, segment_of_guest(test::syn | test::ack, 2, 1));
    EXPECT_THAT(seen.given, ElementsAre(syn_from(1))) << "its server has not said anything";
    proxy.from_guest(www, segment_of_guest(test::ack | test::fin, 50, 1));
    EXPECT_THAT(seen.given, ElementsAre(syn_from(1), syn_from(2)));
    from_client(syn_from(4));
    proxy.from_guest(www, segment_of_guest(test::syn | test::ack, 2, 2));
    clock.advance(50ms);
    proxy.tick();
    EXPECT_EQ(seen.given.size(), 3U) << "a server that waits for its client";
    EXPECT_TRUE(seen.hand_overs.empty());
    clock.advance(200ms);
    proxy.tick();
    EXPECT_THAT(seen.given, ElementsAre(syn_from(1), syn_from(2), syn_from(3), syn_from(4)));
    ASSERT_EQ(seen.hand_overs.size(), 1U);
    EXPECT_EQ(seen.hand_overs[0].packets, 4U);
    EXPECT_TRUE(seen.hand_overs[0].young);
    proxy.from_guest(www, segment_of_guest(test::syn | test::ack, 2, 3));
    proxy.from_guest(www, segment_of_guest(test::syn | test::ack, 2, 4));
    EXPECT_EQ(seen.grown_up, 0U);
    clock.advance(4s);
    proxy.tick();
    EXPECT_EQ(seen.grown_up, 1U);
    EXPECT_FALSE(proxy.deadline());
}

// On a machine that is too busy it has not run, or its client's has not.
TEST_F(YoungGuestTest, ARefusalAfterALongSilenceIsKeptFromTheClientToo) {
    boot();
    from_client(syn());
    guest_speaks();
    proxy.set_state(www, GuestState::running);
    clock.advance(10s);
    proxy.tick();
    EXPECT_EQ(seen.grown_up, 0U);
    seen.given.clear();
    proxy.from_guest(www, segment_of_guest(test::rst | test::ack, 2));
    EXPECT_THAT(seen.to_all, IsEmpty());
    clock.advance(100ms);
    proxy.tick();
    EXPECT_THAT(seen.given, ElementsAre(syn()));
}

TEST_F(YoungGuestTest, AGuestThatNeverAnswersIsYoungUntilItsTimeIsOver) {
    boot();
    from_client(syn());
    guest_speaks();
    proxy.set_state(www, GuestState::running);
    for (int i = 0; i < 10 && proxy.deadline(); ++i) {
        clock.advance(std::max<base::Duration>(*proxy.deadline() - clock.now(), 1ms));
        proxy.tick();
    }
    EXPECT_EQ(seen.grown_up, 1U);
    EXPECT_FALSE(proxy.deadline());
    EXPECT_THAT(seen.to_all, IsEmpty()) << "it has refused nothing";
}

// RFC 6298: after 1 s, and twice as long each time, up to 16 s.
TEST_F(YoungGuestTest, ASynWithoutAnAnswerIsGivenAgain) {
    boot();
    from_client(syn());
    guest_speaks();
    proxy.set_state(www, GuestState::running);
    std::vector<int> given_at;
    for (int second = 1; second <= 60; ++second) {
        seen.given.clear();
        clock.advance(1s);
        proxy.tick();
        given_at.insert(given_at.end(), seen.given.size(), second);
    }
    EXPECT_THAT(given_at, ElementsAre(1, 3, 7, 15)) << "its youth is 30 s";
    EXPECT_EQ(seen.grown_up, 1U);
    EXPECT_FALSE(proxy.deadline());
}

TEST_F(YoungGuestTest, AGuestThatAnswersNothingIsGivenAllInTheEnd) {
    boot();
    for (unsigned port = 1; port <= 16; ++port)
        from_client(syn_from(port));
    guest_speaks();
    proxy.set_state(www, GuestState::running);
    for (int i = 0; i < 100 && seen.hand_overs.empty(); ++i) {
        ASSERT_TRUE(proxy.deadline());
        clock.advance(std::max<base::Duration>(*proxy.deadline() - clock.now(), 1ms));
        proxy.tick();
        ASSERT_LE(clock.now() - base::TimePoint{}, 24h);
    }
    EXPECT_EQ(seen.given.size(), 16U);
}

TEST_F(YoungGuestTest, ARefusalByAYoungGuestIsKeptFromTheClient) {
    boot();
    from_client(syn());
    guest_speaks();
    proxy.set_state(www, GuestState::running);
    from_client(syn());
    EXPECT_THAT(seen.given, ElementsAre(syn())) << "its retransmission, too";
    EXPECT_TRUE(seen.hand_overs.at(0).young);
    proxy.from_guest(www, segment_of_guest(test::rst | test::ack, 2));
    EXPECT_THAT(seen.to_all, IsEmpty());
    clock.advance(100ms);
    proxy.tick();
    EXPECT_THAT(seen.given, ElementsAre(syn(), syn()));
    proxy.from_guest(www, segment_of_guest(test::syn | test::ack, 2));
    EXPECT_EQ(seen.grown_up, 0U);
    proxy.from_guest(www, segment_of_guest(test::ack | test::fin, 3));
    EXPECT_EQ(seen.grown_up, 1U);
    EXPECT_THAT(seen.to_all, IsEmpty());
    EXPECT_FALSE(proxy.deadline());
}

TEST_F(YoungGuestTest, ARefusalReachesTheClientOnceTheGuestIsNotYoungAnyMore) {
    boot();
    from_client(syn());
    guest_speaks();
    proxy.set_state(www, GuestState::running);
    for (int i = 0; i < 400 && seen.grown_up == 0; ++i) {
        proxy.from_guest(www, segment_of_guest(test::rst | test::ack, 2));
        clock.advance(100ms);
        proxy.tick();
    }
    EXPECT_EQ(seen.grown_up, 1U);
    ASSERT_EQ(seen.to_all.size(), 1U);
    const auto told = frames::parse(seen.to_all[0]);
    EXPECT_TRUE(std::get<IpPacket>(told->what).resets);
    EXPECT_EQ(std::get<IpPacket>(told->what).acknowledges, 2U);
    EXPECT_FALSE(proxy.deadline());
}

TEST_F(YoungGuestTest, OtherResetsOfAYoungGuestArePassedOn) {
    boot();
    from_client(syn());
    guest_speaks();
    proxy.set_state(www, GuestState::running);
    proxy.from_guest(www, segment_of_guest(test::rst, 0, 40001));
    ASSERT_EQ(seen.to_all.size(), 1U) << "of another connection";
    EXPECT_EQ(frames::parse(seen.to_all[0])->to, client);
    proxy.from_guest(www, segment_of_guest(test::syn | test::ack, 2));
    proxy.from_guest(www, segment_of_guest(test::rst | test::ack, 77));
    EXPECT_EQ(seen.to_all.size(), 2U) << "of one that it had accepted";
    EXPECT_EQ(seen.grown_up, 1U);
}

}  // namespace
}  // namespace summond::wire
