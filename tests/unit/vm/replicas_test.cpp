// Services with several domains: when there is one more, and which goes.
#include "replicas.hpp"

#include <gtest/gtest.h>

#include <map>

#include "manager_fixture.hpp"

namespace summond::vm {
namespace {

using service::Phase;
using service::WakeReason;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr service::Id first = 50;  // the others follow

class ReplicasTest : public ManagerFixture {
  protected:
    static service::Template replica(std::uint32_t number, std::uint32_t count = 3,
                                     std::uint32_t min = 0) {
        auto one = test::service(first + number);
        one.min = number < min ? 1 : 0;
        one.replicas = service::Replicas{first, number, count, min, 100, count};
        return one;
    }
    void configure(std::uint32_t min = 0) {
        std::vector<service::Instance> all;
        for (std::uint32_t i = 0; i < 3; ++i)
            all.emplace_back(replica(i, 3, min));
        manager.on_load([this](const Manager::Load& load) { loads[load.service] = load; });
        manager.configure(all);
        backend.counts.clear();
        for (std::uint32_t i = 0; i < 3; ++i)
            backend.counts.push_back({first + i, 0});
    }
    // So many packets a second to each of the three.
    void traffic(seconds time, std::vector<std::uint64_t> rates) {
        for (seconds::rep i = 0; i < time.count(); ++i) {
            for (std::size_t one = 0; one < rates.size(); ++one)
                backend.counts[one].packets += rates[one];
            pass(seconds(1));
        }
    }
    void finish(DomId domid) {
        ASSERT_EQ(backend.builds.size(), 1u);
        backend.finish_build(domid);
        backend.become_ready(domid);
    }
    Phase phase_of(std::uint32_t number) const { return phase(first + number); }

    std::map<service::Id, Manager::Load> loads;
};

TEST_F(ReplicasTest, OneMoreAboveTheMarkOfAllThatAreUp) {
    configure();
    bring_up(1, first);
    traffic(seconds(10), {99});
    EXPECT_TRUE(backend.builds.empty());
    EXPECT_EQ(loads.at(first).packets, 99u);
    EXPECT_FALSE(loads.at(first).spare);
    traffic(seconds(3), {110});
    ASSERT_EQ(backend.builds.size(), 1u);
    EXPECT_EQ(backend.builds.front().service, first + 1);
    traffic(seconds(10), {150});
    EXPECT_EQ(backend.builds.size(), 1u) << "one at a time";
    finish(2);
    EXPECT_EQ(ledger.wakes.back().why, WakeReason::load);
    traffic(seconds(10), {160, 30});
    EXPECT_EQ(phase_of(2), Phase::asleep) << "190 of 200, however it is spread";
    traffic(seconds(5), {180, 30});
    finish(3);
    traffic(seconds(10), {400, 400, 400});
    EXPECT_TRUE(backend.builds.empty()) << "there are no more";
}

TEST_F(ReplicasTest, TheLeastUsedGoesBelowHalfOfTheMark) {
    configure();
    bring_up(1, first);
    bring_up(2, first + 1);
    traffic(seconds(70), {60, 45});
    EXPECT_FALSE(loads.at(first + 1).spare) << "105 of 200: more than half";
    traffic(seconds(8), {60, 30});
    EXPECT_TRUE(loads.at(first + 1).spare);
    EXPECT_FALSE(loads.at(first).spare);
    traffic(seconds(30), {90, 5});
    EXPECT_TRUE(backend.destroys.empty());
    // Its idle time is over, though there is traffic to it, and no answer has its address any more.
    traffic(seconds(30), {90, 5});
    ASSERT_EQ(backend.destroys.size(), 1u);
    EXPECT_EQ(backend.destroys.front().domid, 2u);
    backend.finish_destroy();
    traffic(seconds(100), {10});
    EXPECT_EQ(phase_of(0), Phase::ready) << "the last one goes only when it is idle";
    EXPECT_FALSE(loads.at(first).spare);
}

TEST_F(ReplicasTest, MoreTrafficBringsItBackIntoAnswers) {
    configure();
    bring_up(1, first);
    bring_up(2, first + 1);
    traffic(seconds(30), {60, 20});
    EXPECT_TRUE(loads.at(first + 1).spare);
    traffic(seconds(5), {120, 20});
    EXPECT_FALSE(loads.at(first + 1).spare);
    traffic(seconds(50), {60, 20});
    EXPECT_TRUE(backend.destroys.empty()) << "its time has begun anew";
    traffic(seconds(20), {60, 20});
    EXPECT_EQ(backend.destroys.size(), 1u);
}

TEST_F(ReplicasTest, AnAnswerOrAConnectionKeepsOne) {
    configure();
    bring_up(1, first);
    bring_up(2, first + 1);
    for (int i = 0; i < 100; ++i) {
        manager.touch(first + 1);
        traffic(seconds(1), {60, 20});
    }
    EXPECT_TRUE(backend.destroys.empty()) << "its address is given out";
    backend.counts[1].connection_silent = seconds(0);
    traffic(seconds(30), {60, 20});
    EXPECT_TRUE(backend.destroys.empty()) << "a connection is open";
    backend.counts[1].connection_silent.reset();
    traffic(seconds(2), {60, 20});
    EXPECT_EQ(backend.destroys.size(), 1u);
}

TEST_F(ReplicasTest, MinAreUpWithoutAnyTraffic) {
    configure(2);
    pass(seconds(1));
    ASSERT_EQ(backend.builds.size(), 2u);
    for (const DomId domid : {1U, 2U}) {
        backend.finish_build(domid);
        backend.become_ready(domid);
    }
    traffic(seconds(200), {0, 0});
    EXPECT_EQ(phase_of(0), Phase::ready);
    EXPECT_EQ(phase_of(1), Phase::ready);
    EXPECT_EQ(phase_of(2), Phase::asleep);
    EXPECT_FALSE(loads.at(first + 1).spare);
}

TEST_F(ReplicasTest, NoneThatIsPinnedGoes) {
    configure();
    bring_up(1, first);
    bring_up(2, first + 1);
    manager.pin(first + 1, {});
    traffic(seconds(100), {20, 5});
    ASSERT_EQ(backend.destroys.size(), 1u);
    EXPECT_EQ(backend.destroys.front().domid, 1u);
}

TEST_F(ReplicasTest, NoneIsWokenWhereTheHostIsDrained) {
    configure();
    bring_up(1, first);
    manager.drain(true);
    traffic(seconds(10), {500});
    EXPECT_TRUE(backend.builds.empty());
}

// A meter that begins anew is no traffic.
TEST_F(ReplicasTest, CountsThatBeginAnew) {
    configure();
    bring_up(1, first);
    traffic(seconds(10), {50});
    backend.counts[0].packets = 0;
    traffic(seconds(10), {50});
    EXPECT_EQ(loads.at(first).packets, 50u);
    EXPECT_TRUE(backend.builds.empty());
}

}  // namespace
}  // namespace summond::vm
