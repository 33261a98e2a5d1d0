// Services with an instance for each id.
#include <set>
#include <string>

#include "manager_fixture.hpp"
#include "summond/service/instance.hpp"

namespace summond::vm {
namespace {

using std::chrono::seconds;
using test::service;
using test::www;

class InstancesTest : public ManagerFixture {
  protected:
    static constexpr service::Id pages = 77;

    InstancesTest() {
        manager.on_instance([this](const service::Instance& instance, bool is_there) {
            if (is_there)
                EXPECT_TRUE(there.insert(instance.name()).second) << instance.name();
            else
                EXPECT_EQ(there.erase(instance.name()), 1U) << instance.name();
        });
    }
    void SetUp() override { manager.configure({service(www)}, {}, {pattern()}); }

    static std::shared_ptr<service::Template> pattern(const char* length = "/64") {
        auto of = std::make_shared<service::Template>(service(pages));
        of->ipv4.clear();
        of->name = "pages";
        of->kernel = "/srv/{id}.xen";
        auto rule = std::make_shared<service::Pattern>();
        rule->names = {{"", "", *dns::Name::parse("pages.jit.example")}};
        rule->grammar.longest = 8;
        rule->addresses = std::make_shared<service::IdAddresses>(
            base::IpPrefix{*base::IpAddress::parse("2001:db8:1::"),
                           static_cast<unsigned>(std::stoul(length + 1))},
            rule->grammar, service::Key{1});
        of->pattern = std::move(rule);
        return of;
    }
    service::Id known(const std::string& id) {
        const auto instance = manager.instance(pages, id);
        EXPECT_TRUE(instance) << id;
        return instance.value_or(0);
    }
    void wake(const std::string& id, DomId domid) {
        manager.wake(known(id), service::WakeReason::dns);
        backend.finish_build(domid);
        backend.become_ready(domid);
    }
    std::set<std::string> there;
};

TEST_F(InstancesTest, AreServicesFromTheFirstWakeUntilTheyHaveBeenAbsentForAMoment) {
    EXPECT_EQ(manager.statuses().size(), 1U);
    const service::Id first = known("a");
    EXPECT_EQ(first, service::id_of("pages@a"));
    EXPECT_EQ(known("a"), first);
    EXPECT_TRUE(manager.is_instance(first));
    EXPECT_EQ(manager.configured_as(first), pages);
    EXPECT_EQ(there, (std::set<std::string>{"pages@a"}));
    wake("a", 5);
    wake("b", 6);
    EXPECT_EQ(phase(first), service::Phase::ready);
    pass(seconds(1));
    EXPECT_EQ(backend.metered.size(), 3U) << "www, a and b";
    // Nobody uses them: they are put away, and nothing is left.
    backend.counts = {{first, 0}, {service::id_of("pages@b"), 0}};
    pass(seconds(80));
    ASSERT_EQ(backend.destroys.size(), 2U);
    backend.finish_destroy();
    backend.finish_destroy();
    EXPECT_EQ(phase(first), service::Phase::asleep);
    pass(seconds(10));
    EXPECT_TRUE(there.empty());
    EXPECT_FALSE(manager.status(first));
    EXPECT_EQ(manager.statuses().size(), 1U);
    EXPECT_EQ(backend.metered, (std::vector<service::Id>{www}));
    EXPECT_TRUE(backend.wakes.empty()) << "no counter that stays";
    EXPECT_TRUE(ledger.kept.empty()) << "nothing in the file";
    wake("a", 7);
    EXPECT_EQ(phase(first), service::Phase::ready);
}

TEST_F(InstancesTest, OnlyOfIdsThatThereAre) {
    EXPECT_FALSE(manager.instance(pages, "../etc"));
    EXPECT_FALSE(manager.instance(pages, "toolongforit"));
    EXPECT_FALSE(manager.instance(pages, ""));
    EXPECT_FALSE(manager.instance(www, "a"));
    EXPECT_FALSE(manager.instance(1234, "a"));
    EXPECT_TRUE(there.empty());
}

TEST_F(InstancesTest, TakeShellsOfTheirKernelAndSize) {
    const auto shared = pattern();
    shared->kernel = "/srv/page.xen";
    shared->cmdline = "--name={id}";
    shared->standby.shells = 1;
    manager.configure({service(www)}, {}, {shared});
    pass(seconds(0));
    backend.finish_standby(5);
    manager.wake(known("a"), service::WakeReason::dns);
    EXPECT_EQ(backend.became.at(5).name(), "pages@a");
    EXPECT_EQ(backend.became.at(5)->cmdline, "--name=a");
    backend.become_ready(5);
    EXPECT_EQ(phase(known("a")), service::Phase::ready);
}

TEST_F(InstancesTest, ThousandsInTurnLeaveNothing) {
    for (unsigned n = 0; n < 10'000; ++n) {
        const service::Id instance = known("id" + std::to_string(n));
        manager.wake(instance, service::WakeReason::dns);
        backend.finish_build(n + 1);
        backend.become_ready(n + 1);
        manager.tick();
        manager.sleep(instance, false);
        backend.finish_destroy();
        if (n % 100 == 99) {
            pass(seconds(10));
            ASSERT_TRUE(there.empty());
            ASSERT_EQ(manager.statuses().size(), 1U);
        }
    }
    EXPECT_TRUE(backend.builds.empty());
    EXPECT_TRUE(backend.destroys.empty());
    EXPECT_EQ(backend.metered, (std::vector<service::Id>{www}));
    EXPECT_TRUE(ledger.kept.empty());
}

TEST_F(InstancesTest, AreNotMoreThanTheTableHolds) {
    for (unsigned n = 0; n < service::max_instances; ++n)
        known("id" + std::to_string(n));
    EXPECT_FALSE(manager.instance(pages, "one-more"));
    pass(seconds(10));
    EXPECT_TRUE(manager.instance(pages, "one-more"));
}

TEST_F(InstancesTest, ThatFailWaitLikeOthers) {
    manager.wake(known("a"), service::WakeReason::dns);
    backend.fail_build(service::WakeFailure::no_kernel);
    EXPECT_EQ(phase(known("a")), service::Phase::failed);
    pass(seconds(20));
    EXPECT_TRUE(there.empty());
}

TEST_F(InstancesTest, OfAnEarlierVmmGoOn) {
    const service::Id a = service::id_of("pages@a");
    const service::Id b = service::id_of("pages@b");
    const service::Id others = service::id_of("others@a");
    const auto found = [](DomId domid, service::Id id, bool complete, std::string name) {
        Found domain{domid, id, complete, Found::Run::running};
        domain.run = complete ? Found::Run::running : Found::Run::paused;
        domain.name = std::move(name);
        return domain;
    };
    backend.existing = {found(3, a, true, "pages@a"), found(4, b, false, "pages@b"),
                        found(5, others, true, "others@a"), found(6, 99, true, "pages@c"),
                        found(7, service::id_of("pages@.."), true, "pages@..")};
    ASSERT_TRUE(manager.adopt());
    EXPECT_EQ(there, (std::set<std::string>{"pages@a"}));
    EXPECT_EQ(phase(a), service::Phase::booting);
    std::set<DomId> destroyed;
    for (const auto& each : backend.destroys)
        destroyed.insert(each.domid);
    EXPECT_EQ(destroyed, (std::set<DomId>{4, 5, 6, 7}));
    backend.become_ready(3);
    EXPECT_EQ(phase(a), service::Phase::ready);
}

TEST_F(InstancesTest, GoWithTheirServiceOrTheirId) {
    wake("a", 5);
    wake("b", 6);
    auto listed = pattern();
    auto rule = std::make_shared<service::Pattern>(*listed->pattern);
    rule->who = service::Who::list;
    rule->list = std::make_shared<service::IdList>("b\n", rule->grammar);
    listed->pattern = std::move(rule);
    manager.configure({service(www)}, {}, {listed});
    EXPECT_EQ(phase(known("b")), service::Phase::ready);
    EXPECT_TRUE(backend.destroys.empty()) << "not before the front knows";
    manager.retire_others();
    ASSERT_EQ(backend.destroys.size(), 1U);
    EXPECT_EQ(backend.destroys[0].domid, 5U);
    backend.finish_destroy();
    pass(seconds(1));
    EXPECT_EQ(there, (std::set<std::string>{"pages@b"}));
    manager.configure({service(www)});
    manager.retire_others();
    ASSERT_EQ(backend.destroys.size(), 1U);
    backend.finish_destroy();
    pass(seconds(1));
    EXPECT_TRUE(there.empty());
    EXPECT_EQ(manager.statuses().size(), 1U);
}

TEST_F(InstancesTest, WhoCannotBeToldFromAnotherIsNotWoken) {
    auto taken = service(www);
    taken.ipv6 = {pattern()->pattern->addresses->of("a")};
    taken.ipv4.clear();
    manager.configure({taken}, {}, {pattern()});
    EXPECT_FALSE(manager.instance(pages, "a"));
    EXPECT_TRUE(manager.instance(pages, "b"));
}

}  // namespace
}  // namespace summond::vm
