// Wakes that the limits let through, that wait for room, and for which room is made.
#include <gtest/gtest.h>

#include "manager_fixture.hpp"

namespace summond::vm {
namespace {

using service::WakeFailure;
using std::chrono::milliseconds;
using std::chrono::seconds;

service::Template patient(service::Id id) {
    auto s = test::service(id);
    s.ttl = 1000;
    s.idle_after = seconds(600);
    return s;
}

class LimitsTest : public ManagerFixture {
  protected:
    LimitsTest() {
        for (service::Id id = 1; id <= 4; ++id)
            services.push_back(patient(id));
        limits.queue = seconds(9);
    }
    void configure() {
        manager.configure({services.begin(), services.end()}, limits);
        manager.retire_others();
        pass(milliseconds(0));
    }
    void wake(service::Id id) { manager.wake(id, service::WakeReason::dns); }
    void bring_up(service::Id id) { ManagerFixture::bring_up(static_cast<DomId>(id), id); }
    std::vector<service::Id> being_built() const {
        std::vector<service::Id> ids;
        for (const auto& build : backend.builds)
            ids.push_back(build.service);
        return ids;
    }

    std::vector<service::Template> services;
    service::Limits limits;
};

using Ids = std::vector<service::Id>;

TEST_F(LimitsTest, WakesBeyondTheLimitWaitAndGoOnInOrder) {
    limits.domains = 2;
    configure();
    bring_up(1);
    for (const service::Id id : {2U, 3U, 4U})
        wake(id);
    EXPECT_EQ(being_built(), Ids{2});
    EXPECT_EQ(phase(3), service::Phase::building);
    backend.fail_build(WakeFailure::no_kernel);  // 2
    pass(milliseconds(0));
    EXPECT_EQ(being_built(), Ids{3});
    backend.die(1, Death::poweroff);
    pass(milliseconds(0));
    EXPECT_EQ(being_built(), Ids{3}) << "not before it is gone";
    backend.finish_destroy();
    pass(milliseconds(0));
    EXPECT_EQ(being_built(), (Ids{3, 4}));
}

TEST_F(LimitsTest, WaitsNoLongerThanItsTime) {
    limits.domains = 1;
    configure();
    bring_up(1);
    wake(2);
    pass(milliseconds(8999));
    EXPECT_EQ(phase(2), service::Phase::building);
    pass(milliseconds(1));
    EXPECT_EQ(phase(2), service::Phase::failed);
    EXPECT_EQ(manager.status(2)->failure, WakeFailure::domain_limit);
    EXPECT_EQ(*manager.status(2)->retry_at - clock.now(), seconds(1));
    pass(seconds(1));
    wake(2);
    EXPECT_EQ(phase(2), service::Phase::building) << "waits again";
    pass(seconds(9));
    EXPECT_EQ(*manager.status(2)->retry_at - clock.now(), seconds(1))
        << "it is not the service that fails";
}

TEST_F(LimitsTest, EverythingThatTakesMemoryCounts) {
    limits.memory_kib = 45 * 1024;
    const auto fits_beside = [&](const std::function<void(service::Template&)>& change) {
        test::FakeHypervisor other;
        Manager two{other, clock, wall_clock, [](const service::Status&) {}, ledger};
        auto changed = services;
        change(changed[1]);
        two.configure({changed.begin(), changed.end()}, limits);
        two.wake(1, service::WakeReason::dns);
        two.wake(2, service::WakeReason::dns);
        return other.builds.size() == 2;
    };
    using Service = service::Template;
    EXPECT_TRUE(fits_beside([](Service&) {}));
    EXPECT_FALSE(fits_beside([](Service& s) { s.max_memory_kib = 32 * 1024; }));
    EXPECT_FALSE(fits_beside([](Service& s) { s.shadow_memory_kib = 16 * 1024; }));
    EXPECT_TRUE(fits_beside([](Service& s) { s.shadow_memory_kib = 1024; }));
    EXPECT_FALSE(fits_beside([](Service& s) { s.pvshim = true; }));
    EXPECT_TRUE(fits_beside([](Service& s) {
        s.type = service::DomainType::pv;
        s.max_memory_kib = 23 * 1024;
    }));
}

TEST_F(LimitsTest, Memory) {
    limits.memory_kib = 45 * 1024;
    configure();
    for (const service::Id id : {1U, 2U, 3U})
        wake(id);
    EXPECT_EQ(being_built(), (Ids{1, 2}));
    pass(seconds(9));
    EXPECT_EQ(manager.status(3)->failure, WakeFailure::memory_limit);
}

TEST_F(LimitsTest, EvictsTheLongestIdleWhateverItsTtl) {
    limits.domains = 2;
    limits.evict = true;
    configure();
    bring_up(1);
    pass(seconds(1));
    bring_up(2);
    pass(seconds(2));
    backend.counts = {{1, 5}, {2, 0}};  // 1 has clients
    wake(3);
    EXPECT_TRUE(backend.destroys.empty()) << "2 was just answered for";
    pass(seconds(4));
    ASSERT_EQ(backend.destroys.size(), 1u);
    EXPECT_EQ(backend.destroys[0].domid, 2u);
    backend.finish_destroy();
    pass(milliseconds(0));
    EXPECT_EQ(being_built(), Ids{3});
    EXPECT_EQ(phase(1), service::Phase::ready);
}

TEST_F(LimitsTest, WithoutEvictNobodyIsPutAway) {
    limits.domains = 1;
    configure();
    bring_up(1);
    pass(seconds(100));
    wake(2);
    pass(seconds(8));
    EXPECT_TRUE(backend.destroys.empty());
}

TEST_F(LimitsTest, NeverIdleIsNeverEvicted) {
    limits.domains = 1;
    limits.evict = true;
    services[0].idle_after.reset();
    configure();
    bring_up(1);
    pass(seconds(100));
    wake(2);
    pass(seconds(8));
    EXPECT_TRUE(backend.destroys.empty());
}

TEST_F(LimitsTest, StandbyCopiesGoFirstAndComeBackLast) {
    limits.domains = 2;
    limits.evict = true;
    services[3].standby.count = 1;
    configure();
    backend.finish_standby(40);
    backend.become_ready(40);
    bring_up(1);
    pass(seconds(100));
    wake(2);
    ASSERT_EQ(backend.destroys.size(), 1u);
    EXPECT_EQ(backend.destroys[0].domid, 40u);
    backend.finish_destroy();
    pass(milliseconds(0));
    EXPECT_EQ(being_built(), Ids{2});
    backend.finish_build(2);
    backend.become_ready(2);
    pass(seconds(10));
    EXPECT_TRUE(backend.standbys.empty()) << "there is no room for it";
}

TEST_F(LimitsTest, XenShortOfMemoryTakesCopiesBack) {
    services[3].standby.count = 1;
    configure();
    backend.finish_standby(40);
    backend.become_ready(40);
    wake(1);
    backend.fail_build(WakeFailure::no_memory);
    EXPECT_EQ(phase(1), service::Phase::building);
    pass(milliseconds(10));
    EXPECT_TRUE(backend.builds.empty()) << "nothing is free yet";
    ASSERT_EQ(backend.destroys.size(), 1u);
    backend.finish_destroy();
    pass(milliseconds(0));
    EXPECT_EQ(being_built(), Ids{1});
    backend.fail_build(WakeFailure::no_memory);
    EXPECT_EQ(phase(1), service::Phase::failed) << "there is nothing more to give";
}

TEST_F(LimitsTest, AWaitingServiceThatGoes) {
    limits.domains = 1;
    configure();
    bring_up(1);
    wake(2);
    wake(3);
    services.erase(services.begin() + 1);
    configure();
    EXPECT_FALSE(manager.status(2));
    backend.die(1, Death::gone);
    pass(milliseconds(0));
    EXPECT_EQ(being_built(), Ids{3});
}

}  // namespace
}  // namespace summond::vm
