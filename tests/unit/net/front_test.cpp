// All of it together, with the workers' threads: real sockets, real time.

#include "summond/net/front.hpp"

#include <gmock/gmock.h>
#include <poll.h>

#include <boost/asio/post.hpp>
#include <future>

#include "net_fixture.hpp"
#include "summond/net/bind.hpp"

namespace summond::net {
namespace {

using service::Phase;
using test::Bytes;
using test::Client;
using test::endpoint;
using test::framed;
using test::query;
using test::service;
using test::state;
using testing::ElementsAre;

class FrontTest : public testing::Test {
  protected:
    static constexpr unsigned workers = 2;

    void SetUp() override {
        std::vector<base::UniqueFd> sockets;
        for (const auto& where : {endpoint("127.0.0.1"), endpoint("::1")}) {
            // One more than workers, as after a reload with fewer.
            auto bound = test::bind(where, workers + 1);
            addresses.push_back(describe(bound[0].get())->local);
            for (auto& socket : bound)
                sockets.push_back(std::move(socket));
        }
        config::Config config = test::example_config();
        config.workers = workers;
        auto made = Front::make(io, config, test::example_zones(), std::move(sockets), clock,
                                answer::CookieSecret{});
        ASSERT_TRUE(made) << made.error().what;
        front = std::move(*made);
        EXPECT_EQ(front->worker_count(), workers);
        front->connect_vmm(vmm.connect());
        ASSERT_TRUE(front->start());
        thread = std::thread([this] { io.run(); });
    }
    void TearDown() override {
        io.stop();
        thread.join();
        front.reset();
    }
    // On the front's thread.
    void on_front(const std::function<void()>& work) {
        std::promise<void> done;
        boost::asio::post(io, [&] {
            work();
            done.set_value();
        });
        done.get_future().wait();
    }
    // The next messages to vmm; waits for them up to 10 s.
    test::FakeVmm::Heard hear() {
        pollfd p{vmm.fd(), POLLIN, 0};
        ::poll(&p, 1, 10'000);
        return vmm.hear();
    }

    boost::asio::io_context io{1};
    base::SteadyClock clock;
    test::FakeVmm vmm;
    std::vector<base::Endpoint> addresses;
    std::unique_ptr<Front> front;
    std::thread thread;
};

TEST_F(FrontTest, ServesAllEndpoints) {
    for (const base::Endpoint& address : addresses) {
        for (int i = 0; i < 20; ++i) {  // different ports, so all sockets
            Client udp = Client::udp(address);
            udp.send(query("static.jit.example", test::type_txt));
            EXPECT_EQ(test::answer_count(udp.receive()), 1);
        }
        Client tcp = Client::tcp(address);
        tcp.send(framed(query("static.jit.example", test::type_txt)));
        EXPECT_EQ(test::answer_count(tcp.receive()), 1);
    }
}

TEST_F(FrontTest, ManyClientsOneWake) {
    std::vector<Client> clients;
    const auto each_asks = [&](const char* name, std::uint16_t type, std::uint16_t from) {
        for (std::uint16_t i = 0; i < 210; ++i) {
            const Bytes asked = query(name, type, static_cast<std::uint16_t>(from + i));
            clients[i].send(i < 200 ? asked : framed(asked));
        }
    };
    for (std::uint16_t i = 0; i < 210; ++i)
        clients.push_back(i < 200 ? Client::udp(addresses[i % 2]) : Client::tcp(addresses[i % 2]));
    each_asks("booting.jit.example", test::type_a, 0);
    EXPECT_THAT(hear().wakes, ElementsAre(service("booting")));
    // Whose next query is answered has one that waits.
    each_asks("static.jit.example", test::type_txt, 1000);
    for (std::uint16_t i = 0; i < clients.size(); ++i)
        EXPECT_EQ(test::id(clients[i].receive()), 1000 + i);
    vmm.say(state("booting", Phase::building));
    vmm.say(state("booting", Phase::booting));
    for (std::uint16_t i = 0; i < clients.size(); ++i) {
        const Bytes answer = clients[i].receive();
        EXPECT_EQ(test::id(answer), i);
        EXPECT_EQ(test::rcode(answer), test::noerror);
        EXPECT_EQ(test::answer_count(answer), 1);
    }
    std::uint32_t waited = 0;
    std::vector<std::vector<service::Id>> touches;
    while (touches.empty() || waited < clients.size()) {  // fails when nothing comes any more
        const auto heard = hear();
        ASSERT_FALSE(heard.touches.empty() && heard.waited.empty());
        EXPECT_THAT(heard.wakes, testing::IsEmpty());
        touches.insert(touches.end(), heard.touches.begin(), heard.touches.end());
        for (const ipc::Waited& each : heard.waited)
            waited += each.queries;
    }
    EXPECT_EQ(waited, clients.size());
    EXPECT_THAT(touches, ElementsAre(ElementsAre(service("booting"))));
}

TEST_F(FrontTest, NextVmmIsAskedAgain) {
    Client client = Client::udp(addresses[0]);
    client.send(query("ready.jit.example"));
    EXPECT_THAT(hear().wakes, ElementsAre(service("ready")));
    vmm.die();
    // What is up is still answered.
    Client other = Client::udp(addresses[0]);
    other.send(query("static.jit.example", test::type_txt));
    EXPECT_EQ(test::rcode(other.receive()), test::noerror);
    ipc::Channel channel = vmm.connect();
    on_front([&] { front->connect_vmm(std::move(channel)); });
    EXPECT_THAT(hear().wakes, ElementsAre(service("ready")));
    vmm.say(state("ready", Phase::ready));
    EXPECT_EQ(test::rcode(client.receive()), test::noerror);
}

TEST_F(FrontTest, DrainAnswersThoseWhoWait) {
    Client udp = Client::udp(addresses[0]);
    udp.send(query("booting.jit.example"));
    Client tcp = Client::tcp(addresses[0]);
    tcp.send(framed(query("ready.jit.example")));
    std::vector<service::Id> wakes;
    while (wakes.size() < 2) {
        const auto heard = hear().wakes;
        ASSERT_FALSE(heard.empty());
        wakes.insert(wakes.end(), heard.begin(), heard.end());
    }
    std::promise<void> quiet;
    std::promise<void> drained;
    auto is_drained = drained.get_future();
    on_front([&] { front->drain([&] { quiet.set_value(); }, [&] { drained.set_value(); }); });
    EXPECT_EQ(quiet.get_future().wait_for(std::chrono::seconds(60)), std::future_status::ready);
    EXPECT_EQ(is_drained.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
    vmm.say(state("booting", Phase::booting));
    vmm.say(state("ready", Phase::ready));
    EXPECT_EQ(test::rcode(udp.receive()), test::noerror);
    EXPECT_EQ(test::rcode(tcp.receive()), test::noerror);
    EXPECT_TRUE(tcp.at_end());
    { Client closed = std::move(tcp); }
    EXPECT_EQ(is_drained.wait_for(std::chrono::seconds(60)), std::future_status::ready);
    std::vector<service::Id> touched;
    for (const auto& touch : vmm.hear().touches)
        touched.insert(touched.end(), touch.begin(), touch.end());
    EXPECT_THAT(touched, testing::UnorderedElementsAre(service("booting"), service("ready")));
}

}  // namespace
}  // namespace summond::net
