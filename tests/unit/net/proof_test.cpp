// What a front makes of wakes for which clients have to show their addresses: on a UDP worker, and
// with vmm.
#include <gmock/gmock.h>

#include "summond/dns/types.hpp"
#include "summond/dns/wire.hpp"
#include "udp_fixture.hpp"

namespace summond::net {
namespace {

using answer::Availability;
using service::Phase;
using test::Bytes;
using test::Client;
using test::query;
using test::query_with_cookie;
using test::service;
using test::state;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::uint32_t the_first = 0;  // in the order of example_settings

class ProofTest : public UdpFixture {
  protected:
    ProofTest() { settings.cookie_secret.emplace(); }
    void press(bool on) {
        vmm.say(ipc::Pressure{on ? 1U : 0U});
        services.receive();
        worker->step(0);
    }
    // What comes back at once.
    Bytes ask(const Bytes& message) {
        client.send(message);
        step();
        services.take_wanted();
        return client.receive();
    }
    // It is parked instead.
    void ask_and_wait(Client& from, const Bytes& message) {
        from.send(message);
        step();
        EXPECT_TRUE(from.silent());
        services.take_wanted();
    }
    Bytes cookie() {
        const Bytes told = ask(query_with_cookie("static.jit.example", Bytes(8, 'c')));
        return {told.end() - 24, told.end()};
    }
    static bool truncated(const Bytes& answer) {
        return (dns::get16(&answer[2]) & dns::flag_tc) != 0;
    }
    // BADCOOKIE is 23: 1 in the OPT record's upper octet, 7 in the header.
    static bool bad_cookie(const Bytes& answer) {
        return test::rcode(answer) == 7 && answer[answer.size() - 28 - 11 + 5] == 1;
    }
    void start() {
        serve("127.0.0.1");
        client.emplace(Client::udp(server));
    }
    struct : std::optional<Client> {
        void send(const Bytes& bytes) { (*this)->send(bytes); }
        Bytes receive() { return (*this)->receive(); }
    } client;
};

TEST_F(ProofTest, UnderPressureOnlyWhoHasShownItsAddressWakes) {
    start();
    press(true);
    Bytes told = ask(query("booting.jit.example"));
    EXPECT_TRUE(truncated(told));
    EXPECT_EQ(test::rcode(told), test::noerror);
    EXPECT_EQ(test::answer_count(told), 0);
    told = ask(query_with_cookie("booting.jit.example", Bytes(8, 'c')));
    EXPECT_TRUE(bad_cookie(told));
    EXPECT_THAT(vmm.hear().wakes, IsEmpty());
    EXPECT_EQ(counted->unproved[0].get(), 1U);
    EXPECT_EQ(counted->unproved[1].get(), 1U);
    EXPECT_EQ(services.states()[the_first].availability, Availability::asleep);

    // As a resolver does, with the cookie that it has just been given.
    const Bytes given(told.end() - 24, told.end());
    ask_and_wait(*client, query_with_cookie("booting.jit.example", given));
    const auto heard = vmm.hear();
    EXPECT_THAT(heard.wakes, ElementsAre(service("booting")));
    EXPECT_THAT(heard.proved, ElementsAre(true));
    say(state("booting", Phase::booting));
    EXPECT_EQ(test::answer_count(client.receive()), 1);
    press(false);
    ask_and_wait(*client, query("ready.jit.example"));
    EXPECT_THAT(vmm.hear().proved, ElementsAre(false));
}

// Queries that had begun to wait when it began: vmm has begun the one wake, and not the other.
TEST_F(ProofTest, WhoWaitsForAWakeThatVmmHasRefusedIsAskedAtOnce) {
    start();
    Client lucky = Client::udp(server);
    ask_and_wait(lucky, query("ready.jit.example"));
    ask_and_wait(*client, query("booting.jit.example"));
    EXPECT_THAT(vmm.hear().wakes, ElementsAre(service("ready"), service("booting")));
    vmm.say(state("ready", Phase::building));
    press(true);
    EXPECT_TRUE(truncated(client.receive()));
    EXPECT_TRUE(lucky.silent());
    say(state("ready", Phase::ready));
    EXPECT_EQ(test::answer_count(lucky.receive()), 1);
    services.take_wanted();
    EXPECT_THAT(vmm.hear().wakes, IsEmpty());
}

// Beside one that has not shown its address, the other wakes again.
TEST_F(ProofTest, WhoHasShownItAndWaitsBehindSomebodyElseWakes) {
    start();
    const Bytes known = cookie();
    Client forged = Client::udp(server);
    ask_and_wait(forged, query("booting.jit.example"));
    ask_and_wait(*client, query_with_cookie("booting.jit.example", known));
    EXPECT_THAT(vmm.hear().proved, ElementsAre(false)) << "one Wake for both";
    press(true);
    EXPECT_TRUE(truncated(forged.receive()));
    services.take_wanted();
    EXPECT_THAT(vmm.hear().proved, ElementsAre(true));
    say(state("booting", Phase::booting));
    EXPECT_EQ(test::answer_count(client.receive()), 1);
}

TEST_F(ProofTest, AWakeThatWasPromisedIsKept) {
    start();
    say(test::waiting("booting"));
    EXPECT_EQ(test::answer_count(ask(query("booting.jit.example"))), 1);
    press(true);
    EXPECT_THAT(vmm.hear().proved, ElementsAre(true));
    EXPECT_EQ(services.states()[the_first].availability, Availability::answerable);
}

TEST_F(ProofTest, TheRateLimitDoesNotKeepTheQuestionBack) {
    config::RateLimit limit;
    limit.responses_per_second = 1;
    limit.slip = 0;
    limit.exempt.clear();
    serve("127.0.0.1", std::make_unique<RateLimiter>(limit, 1, RateLimiter::Seed{}));
    client.emplace(Client::udp(server));
    press(true);
    for (int i = 0; i < 10; ++i)
        EXPECT_TRUE(truncated(ask(query("booting.jit.example"))));
}

}  // namespace
}  // namespace summond::net
