// Instances of services with many, from the first query until their place is another's.
#include <gmock/gmock.h>

#include <algorithm>
#include <array>

#include "net_fixture.hpp"
#include "summond/service/instance.hpp"
#include "summond/zone/zone.hpp"

namespace summond::net {
namespace {

using answer::Availability;
using service::Phase;
using test::state;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr char text[] = R"(
zones: [{name: jit.example, ns: ns1.jit.example, records: ["ns1 A 192.0.2.53"]}]
services:
  - {name: www, names: www.jit.example, addresses: 192.0.2.1, kernel: /k}
  - {name: pages, names: "{id}.pages.jit.example", ids: any, addresses: "2001:db8:1::/64", kernel: /k}
)";

class InstancesTest : public testing::Test {
  protected:
    static constexpr std::uint32_t first = 2;
    static constexpr std::uint32_t places = 8;

    InstancesTest()
        : config(config::parse(text, "c.yaml").config.value()),
          built(zone::build(config)),
          zones(zone::Zones::open(built.image).value()),
          rules(zones, config.services, places) {
        services.connect(io, vmm.connect());
    }
    // As a worker does.
    std::optional<std::uint32_t> want(const std::string& id) {
        const auto found =
            rules.instances().take({1, id}, config.services[1].pattern->addresses->of(id));
        if (!found)
            return std::nullopt;
        services.want(found->number, {}, {28});
        services.take_wanted();
        return found->number;
    }
    void say(const std::string& id, Phase phase) {
        vmm.say(state("pages@" + id, phase));
        services.receive();
    }
    void pass(int seconds) {
        for (int i = 0; i < seconds; ++i) {
            clock.advance(std::chrono::seconds(1));
            services.run_timers();
            services.release_quiet();
        }
    }
    Availability availability(std::uint32_t i) { return services.states()[i].availability; }

    config::Config config;
    zone::Built built;
    zone::Zones zones;
    answer::Rules rules;
    test::FakeClock clock;
    test::FakeVmm vmm;
    boost::asio::io_context io;
    int changes = 0;
    std::string pages = std::to_string(test::service("pages"));
    Services services{{{test::service("www"), {}}, {test::service("pages"), {}, {}, true, "pages"}},
                      clock,
                      [this] { ++changes; },
                      {},
                      &rules};
};

TEST_F(InstancesTest, AreWokenByTheirIdAndThenAsServicesAre) {
    const auto place = want("x7f3");
    ASSERT_EQ(place, first);
    EXPECT_EQ(availability(*place), Availability::starting);
    EXPECT_EQ(want("x7f3"), place);
    EXPECT_EQ(want("other"), first + 1);
    const auto heard = vmm.hear();
    EXPECT_THAT(heard.instances, ElementsAre("x7f3 of " + pages, "other of " + pages));
    EXPECT_THAT(heard.wakes, IsEmpty());
    say("x7f3", Phase::booting);
    EXPECT_EQ(availability(*place), Availability::answerable);
    services.states()[*place].asked = true;
    services.send_touches();
    EXPECT_THAT(vmm.hear().touches, ElementsAre(ElementsAre(test::service("pages@x7f3"))));
}

TEST_F(InstancesTest, KeepTheirPlaceUntilNobodyCanWaitForThem) {
    const auto place = want("x7f3");
    say("x7f3", Phase::ready);
    pass(60);
    EXPECT_TRUE(rules.instances().owner(*place)) << "it is up";
    say("x7f3", Phase::asleep);
    pass(10);
    EXPECT_TRUE(rules.instances().owner(*place)) << "a query may be parked for so long";
    EXPECT_EQ(want("x7f3"), place);
    say("x7f3", Phase::ready);
    say("x7f3", Phase::asleep);
    pass(20);
    EXPECT_FALSE(rules.instances().owner(*place));
    EXPECT_EQ(want("other"), place) << "the place, not the instance";
    say("x7f3", Phase::ready);
    EXPECT_EQ(availability(*place), Availability::starting) << "of whom nobody asks";
}

TEST_F(InstancesTest, OfThousandsNoneIsLeft) {
    for (unsigned n = 0; n < 10'000; ++n) {
        const std::string id = "id" + std::to_string(n);
        ASSERT_TRUE(want(id)) << n;
        say(id, Phase::ready);
        say(id, Phase::asleep);
        if (n % places == places - 1)
            pass(20);
        vmm.hear();
    }
    EXPECT_EQ(rules.instances().end(), first + places);
    for (std::uint32_t i = first; i < first + places; ++i)
        EXPECT_FALSE(rules.instances().owner(i));
    EXPECT_FALSE(services.next_timer());
}

TEST_F(InstancesTest, ThatVmmRefusesAreAskedForAgain) {
    const auto place = want("x7f3");
    vmm.say(state("pages@x7f3", Phase::failed, service::WakeFailure::no_kernel, 1000));
    services.receive();
    EXPECT_EQ(availability(*place), Availability::failed);
    pass(3);
    EXPECT_EQ(availability(*place), Availability::asleep);
    vmm.hear();
    want("x7f3");
    EXPECT_THAT(vmm.hear().instances, ElementsAre("x7f3 of " + pages));
}

TEST_F(InstancesTest, ANewVmmIsAskedForThoseThatAreWaitedFor) {
    want("x7f3");
    want("up");
    say("up", Phase::ready);
    vmm.die();
    services.receive();
    services.connect(io, vmm.connect());
    EXPECT_THAT(vmm.hear().instances, ElementsAre("x7f3 of " + pages));
    EXPECT_EQ(availability(first + 1), Availability::answerable);
}

TEST_F(InstancesTest, HaveTheAddressThatVmmSaysIsKept) {
    const auto place = want("x7f3");
    const auto address = [&] { return rules.instances().find({1, "x7f3"})->ipv4; };
    auto told = state("pages@x7f3", Phase::ready);
    vmm.say(told);
    services.receive();
    EXPECT_EQ(address(), answer::Instances::Ipv4{});
    changes = 0;
    std::ranges::copy(std::array{192, 0, 2, 7}, told.ipv4);
    vmm.say(told);
    services.receive();
    EXPECT_EQ(changes, 1) << "whoever is parked for it";
    EXPECT_EQ(address(), (answer::Instances::Ipv4{192, 0, 2, 7}));
    EXPECT_EQ(rules.instances().leased({192, 0, 2, 7})->id.view(), "x7f3");
    told.phase = Phase::asleep;
    vmm.say(told);
    services.receive();
    pass(20);
    EXPECT_FALSE(rules.instances().leased({192, 0, 2, 7})) << "its place is given back";
    EXPECT_FALSE(rules.instances().owner(*place));
}

TEST_F(InstancesTest, SleepWhereANewVmmKnowsNothingOfThem) {
    const auto gone = want("gone");
    const auto adopted = want("adopted");
    const auto failed = want("failed");
    say("gone", Phase::ready);
    say("adopted", Phase::ready);
    say("failed", Phase::failed);
    want("waited");
    vmm.die();
    services.receive();
    services.connect(io, vmm.connect());
    say("adopted", Phase::ready);
    EXPECT_EQ(availability(*gone), Availability::answerable) << "it may be told of yet";
    vmm.say_all();
    services.receive();
    EXPECT_EQ(availability(*gone), Availability::asleep);
    EXPECT_EQ(availability(*failed), Availability::asleep);
    EXPECT_EQ(availability(*adopted), Availability::answerable);
    EXPECT_EQ(availability(first + 3), Availability::starting);
    EXPECT_THAT(vmm.hear().instances, ElementsAre("waited of " + pages));
    want("gone");
    EXPECT_THAT(vmm.hear().instances, ElementsAre("gone of " + pages));
    say("gone", Phase::booting);
    pass(60);
    EXPECT_EQ(availability(*gone), Availability::answerable) << "it is known now";
    EXPECT_FALSE(rules.instances().owner(*failed)) << "a place is not kept for it";
}

TEST_F(InstancesTest, WhoHasBeenSentToADomainThatIsGoneFindsItWoken) {
    const auto gone = want("gone");
    say("gone", Phase::ready);
    vmm.hear();
    vmm.die();
    services.receive();
    services.states()[*gone].asked = true;
    services.connect(io, vmm.connect());
    services.send_touches();
    EXPECT_THAT(vmm.hear().touches, IsEmpty()) << "of which this vmm knows nothing";
    vmm.say_all();
    services.receive();
    EXPECT_EQ(availability(*gone), Availability::starting);
    const auto heard = vmm.hear();
    EXPECT_THAT(heard.instances, ElementsAre("gone of " + pages));
    EXPECT_THAT(heard.proved, ElementsAre(true)) << "as any promised wake";
    EXPECT_EQ(heard.clients.at(0).size, 0) << "nobody knows whose it is";
}

}  // namespace
}  // namespace summond::net
