// Shells: built copies of no service, which wakes of any service of their kind take.
#include <gtest/gtest.h>

#include "manager_fixture.hpp"
#include "summond/service/shell.hpp"

namespace summond::vm {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::mail;
using test::www;
using Calls = std::vector<std::string>;

service::Template sharing(service::Id id, std::uint32_t shells) {
    auto s = test::service(id);
    s.cmdline = "--name=" + s.name;
    s.standby.shells = shells;
    return s;
}

service::Id kind_of_shell() {
    return service::shell_of(sharing(www, 1))->id();
}

class ShellsTest : public ManagerFixture {
  protected:
    void configure(const std::vector<service::Instance>& services,
                   const service::Limits& limits = {}) {
        manager.configure(services, limits);
        pass(milliseconds(0));
    }
    void finish(DomId domid) {
        ASSERT_EQ(backend.standbys.size(), 1u);
        EXPECT_EQ(backend.standbys[0].service, kind_of_shell());
        backend.finish_standby(domid);
        pass(milliseconds(0));
    }
    Calls calls() { return std::exchange(backend.calls, {}); }
};

TEST_F(ShellsTest, AreSharedByServicesThatAreAlike) {
    configure({sharing(www, 2), sharing(mail, 1)});
    finish(5);
    finish(6);
    EXPECT_TRUE(backend.standbys.empty()) << "as many as the one that wants most";
    EXPECT_EQ(calls(), (Calls{"rest 5", "rest 6"}));
    EXPECT_EQ(manager.shells(),
              (service::Shells{2, 2, 2 * service::footprint_kib(sharing(www, 1))}));
    EXPECT_EQ(manager.report(www)->standby, 0u) << "they are nobody's";
    EXPECT_FALSE(manager.status(www)->at_once) << "they have not booted";

    manager.wake(mail, service::WakeReason::dns);
    EXPECT_EQ(calls(), (Calls{"become 5", "unpause 5", "join 5", "woken 5"}));
    EXPECT_EQ(backend.became.at(5).id(), mail);
    EXPECT_EQ(backend.became.at(5)->cmdline, "--name=s22");
    EXPECT_EQ(phase(mail), service::Phase::booting);
    manager.wake(www, service::WakeReason::packet);
    EXPECT_EQ(backend.became.at(6).id(), www);
    backend.become_ready(5);
    backend.become_ready(6);
    EXPECT_EQ(phase(mail), service::Phase::ready);
    EXPECT_EQ(ledger.wakes.back().how, WakeHow::shell);
    EXPECT_TRUE(backend.builds.empty());

    backend.die(5, Death::poweroff);
    EXPECT_EQ(backend.destroys.at(0).domid, 5u) << "it is the service's domain";
    backend.finish_destroy();
    EXPECT_EQ(phase(mail), service::Phase::asleep);
}

TEST_F(ShellsTest, AreMadeAnewBehindTheWakes) {
    configure({sharing(www, 1), test::service(mail)});
    finish(5);
    manager.wake(www, service::WakeReason::dns);
    backend.become_ready(5);
    manager.wake(mail, service::WakeReason::dns);
    pass(seconds(10));
    EXPECT_TRUE(backend.standbys.empty()) << "mail is being built";
    backend.finish_build(6);
    backend.become_ready(6);
    pass(milliseconds(0));
    finish(7);
    EXPECT_EQ(manager.shells().there, 1u);
}

TEST_F(ShellsTest, WithoutOneADomainIsBuilt) {
    configure({sharing(www, 1), sharing(mail, 1)});
    finish(5);
    manager.wake(www, service::WakeReason::dns);
    manager.wake(mail, service::WakeReason::dns);
    EXPECT_EQ(backend.builds.size(), 1u);
}

TEST_F(ShellsTest, OneThatCannotBecomeItsDomainIsNoLoss) {
    configure({sharing(www, 1)});
    finish(5);
    backend.become_fails = true;
    manager.wake(www, service::WakeReason::dns);
    ASSERT_EQ(backend.destroys.size(), 1u);
    EXPECT_EQ(backend.destroys[0].domid, 5u);
    EXPECT_EQ(phase(), service::Phase::building);
    backend.finish_destroy();
    ASSERT_EQ(backend.builds.size(), 1u) << "it is built instead";
    backend.finish_build(6);
    backend.become_ready(6);
    EXPECT_EQ(phase(), service::Phase::ready);
}

TEST_F(ShellsTest, OwnCopiesAreTakenFirstAndShellsGivenBackFirst) {
    auto with_copy = sharing(www, 1);
    with_copy.standby.count = 1;
    with_copy.standby.stage = service::StandbyStage::built;
    service::Limits limits;
    limits.domains = 2;
    configure({with_copy, test::service(mail)}, limits);
    ASSERT_EQ(backend.standbys.size(), 1u);
    const bool copy_first = backend.standbys[0].service == www;
    backend.finish_standby(5);
    pass(milliseconds(0));
    backend.finish_standby(6);
    const DomId copy = copy_first ? 5 : 6;
    const DomId shell = copy_first ? 6 : 5;
    manager.wake(mail, service::WakeReason::dns);
    ASSERT_EQ(backend.destroys.size(), 1u);
    EXPECT_EQ(backend.destroys[0].domid, shell);
    manager.wake(www, service::WakeReason::dns);
    EXPECT_EQ(backend.calls.back(), "woken " + std::to_string(copy));
    EXPECT_TRUE(backend.became.empty());
}

TEST_F(ShellsTest, OfAnotherKindAreNotTaken) {
    auto larger = sharing(mail, 1);
    larger.memory_kib *= 2;
    configure({sharing(www, 1), larger});
    ASSERT_EQ(backend.standbys.size(), 1u);
    const bool first_is_larger = backend.standbys[0].service != kind_of_shell();
    backend.finish_standby(5);
    manager.wake(first_is_larger ? www : mail, service::WakeReason::dns);
    EXPECT_EQ(backend.builds.size(), 1u);
    EXPECT_TRUE(backend.became.empty());
}

TEST_F(ShellsTest, AKilledVmmLeavesShellsAndDomainsAndDestroysWhatIsNeither) {
    configure({sharing(www, 2), sharing(mail, 2)});
    finish(5);
    const std::string mark = backend.marks.at(5);
    test::FakeHypervisor next;
    using Run = Found::Run;
    next.existing = {
        {5, kind_of_shell(), true, Run::paused, mark, 1},     // waits
        {6, kind_of_shell(), true, Run::paused, "taken", 2},  // its UUID had yet to be written
        {7, www, true, Run::paused, "taken", 0},              // or it was to be unpaused
        {8, mail, true, Run::running, "taken", 0},            // woken
        {9, kind_of_shell(), true, Run::running, mark, 3},    // unpaused by somebody else
        {10, kind_of_shell(), true, Run::paused, "built 0000", 4}};  // of other settings
    Manager manager2(
        next, clock, wall_clock, [](const service::Status&) {}, ledger);
    manager2.configure({sharing(www, 2), sharing(mail, 2)});
    ASSERT_TRUE(manager2.adopt());
    std::set<DomId> gone;
    for (const auto& destroy : next.destroys)
        gone.insert(destroy.domid);
    EXPECT_EQ(gone, (std::set<DomId>{6, 7, 9, 10}));
    EXPECT_EQ(next.calls, (Calls{"adopt 5", "rest 5", "adopt 8", "join 8", "woken 8"}));
    next.become_ready(8);
    EXPECT_EQ(manager2.status(mail)->phase, service::Phase::ready);
    manager2.wake(www, service::WakeReason::dns);
    EXPECT_EQ(next.became.at(5).id(), www);
}

TEST_F(ShellsTest, AreDestroyedWhereNobodyWantsThemAnyMore) {
    configure({sharing(www, 1)});
    finish(5);
    configure({sharing(www, 0)});
    ASSERT_EQ(backend.destroys.size(), 1u);
    backend.finish_destroy();
    EXPECT_EQ(manager.shells(), service::Shells());
}

}  // namespace
}  // namespace summond::vm
