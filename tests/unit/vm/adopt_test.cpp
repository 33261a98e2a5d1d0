// Domains of an earlier vmm, services that come and go, and the end.
#include "manager_fixture.hpp"

namespace summond::vm {
namespace {

using service::WakeFailure;
using std::chrono::milliseconds;
using test::mail;
using test::service;
using test::www;

class AdoptTest : public ManagerFixture {
  protected:
    void SetUp() override { manager.configure({service(www), service(mail)}); }
    void reconfigure_www(const std::function<void(service::Template&)>& change) {
        auto changed_service = service(www);
        change(changed_service);
        manager.configure({changed_service, service(mail)});
    }
    void remove_www() {
        manager.configure({service(mail)});
        manager.retire_others();
    }
};

TEST_F(AdoptTest, AdoptsCompleteRunningDomainsAndRemovesTheRest) {
    backend.existing = {{3, www, false, Found::Run::paused},
                        {4, www, true, Found::Run::running},
                        {5, 99, true, Found::Run::running},
                        {6, mail, false, Found::Run::paused}};
    ASSERT_TRUE(manager.adopt());
    EXPECT_EQ(phase(), service::Phase::booting);
    backend.become_ready(4);
    EXPECT_EQ(phase(), service::Phase::ready);
    std::vector<DomId> destroyed;
    for (const auto& d : backend.destroys)
        destroyed.push_back(d.domid);
    EXPECT_EQ(destroyed, (std::vector<DomId>{5, 3, 6}));
    EXPECT_TRUE(backend.builds.empty());
}

TEST_F(AdoptTest, AdoptsPausedDomainsOnlyOfServicesThatPause) {
    reconfigure_www([](service::Template& s) { s.idle_action = service::IdleAction::pause; });
    backend.existing = {{3, www, true, Found::Run::paused}, {4, mail, true, Found::Run::paused}};
    ASSERT_TRUE(manager.adopt());
    ASSERT_EQ(backend.destroys.size(), 1u);
    EXPECT_EQ(backend.destroys[0].domid, 4u);
    manager.wake(www, service::WakeReason::dns);
    EXPECT_EQ(backend.calls.back(), "unpause 3");
}

TEST_F(AdoptTest, AdoptedDeadDomainIsRemovedAndWokenAnew) {
    backend.existing = {{3, www, true, Found::Run::dead}};
    ASSERT_TRUE(manager.adopt());
    manager.wake(www, service::WakeReason::dns);
    backend.finish_destroy();
    EXPECT_EQ(backend.builds.size(), 1u);
}

// A front says `booting` before the domain is complete, and goes on saying it while vmm is away.
TEST_F(AdoptTest, AddressGivenOutBeforeLeftoverIsRemovedWakesAnew) {
    backend.existing = {{3, www, false, Found::Run::paused}};
    ASSERT_TRUE(manager.adopt());
    manager.touch(www);
    backend.finish_destroy();
    EXPECT_EQ(backend.builds.size(), 1u);
}

// It ended while there was no vmm.
TEST_F(AdoptTest, AddressGivenOutOfADomainThatIsNotThereAnyMoreWakesAnew) {
    ASSERT_TRUE(manager.adopt());
    manager.touch(www);
    EXPECT_EQ(backend.builds.size(), 1u);
    clock.advance(milliseconds(2000));
    manager.touch(mail);
    EXPECT_EQ(backend.builds.size(), 1u) << "that answer is of later";
}

// Until the front that knows it serves no more; and a reload that fails after all has cost nothing.
TEST_F(AdoptTest, RemovedServiceGoesOnUntilItIsRetired) {
    manager.configure({service(mail)});
    bring_up(7);
    manager.configure({service(www), service(mail)});
    manager.retire_others();
    EXPECT_EQ(phase(), service::Phase::ready);
    EXPECT_TRUE(backend.destroys.empty());
}

TEST_F(AdoptTest, RemovedServiceIsDestroyedAndForgotten) {
    bring_up(7);
    remove_www();
    ASSERT_EQ(backend.destroys.size(), 1u);
    manager.wake(www, service::WakeReason::dns);
    // To those who still ask for it.
    EXPECT_EQ(phase(), service::Phase::failed);
    EXPECT_EQ(manager.status(www)->failure, WakeFailure::refused);
    backend.finish_destroy();
    pass(milliseconds(1));
    EXPECT_TRUE(backend.builds.empty());
    EXPECT_FALSE(manager.status(www));
}

TEST_F(AdoptTest, RemovedServiceComesBack) {
    bring_up(7);
    remove_www();
    manager.configure({service(www), service(mail)});
    EXPECT_EQ(phase(), service::Phase::asleep);
    backend.finish_destroy();
    manager.wake(www, service::WakeReason::dns);
    EXPECT_EQ(phase(), service::Phase::building);
}

TEST_F(AdoptTest, ServiceRemovedWhileBuildingIsDestroyedOnceBuilt) {
    manager.wake(www, service::WakeReason::dns);
    remove_www();
    backend.finish_build(7);
    ASSERT_EQ(backend.destroys.size(), 1u);
    EXPECT_TRUE(backend.calls.empty()) << "never ran";
}

TEST_F(AdoptTest, NewSettingsLeaveTheRunningDomainNewAddressesEndIt) {
    bring_up(7);
    reconfigure_www([](service::Template& s) { s.memory_kib = 1 << 20; });
    EXPECT_TRUE(backend.destroys.empty());
    reconfigure_www([](service::Template& s) { s.ipv4 = {base::IpAddress::v4({192, 0, 2, 99})}; });
    EXPECT_EQ(backend.destroys.size(), 1u);
}

TEST_F(AdoptTest, StopLeavesDomainsRunning) {
    bring_up(7);
    bool stopped = false;
    manager.stop([&] { stopped = true; });
    pass(milliseconds(1));
    EXPECT_TRUE(stopped);
    EXPECT_TRUE(backend.destroys.empty());
    manager.wake(mail, service::WakeReason::dns);
    EXPECT_TRUE(backend.builds.empty());
}

TEST_F(AdoptTest, StopDestroysWhatSaysSoAndWaitsForIt) {
    reconfigure_www([](service::Template& s) { s.destroy_on_exit = true; });
    bring_up(7);
    manager.wake(mail, service::WakeReason::dns);
    bool stopped = false;
    manager.stop([&] { stopped = true; });
    pass(milliseconds(1));
    ASSERT_EQ(backend.destroys.size(), 1u);
    backend.finish_destroy();
    pass(milliseconds(1));
    EXPECT_FALSE(stopped) << "mail is still being built";
    backend.finish_build(8);
    ASSERT_EQ(backend.destroys.size(), 1u) << "never left half-way";
    backend.finish_destroy();
    pass(milliseconds(1));
    EXPECT_TRUE(stopped);
}

}  // namespace
}  // namespace summond::vm
