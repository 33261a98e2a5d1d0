// The kernel of another network namespace is the guest; a veth pair is its vif, on no bridge.
#include "summond/host/vif_probe.hpp"

#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <algorithm>
#include <csignal>
#include <optional>
#include <thread>

#include "own_network.hpp"
#include "summond/host/http.hpp"

namespace summond::host {
namespace {

constexpr std::uint16_t port = 80;
constexpr service::Mac guest_mac{0x00, 0x16, 0x3e, 0x80, 0x00, 0x01};
constexpr service::Mac dom0_mac{0x02, 0x00, 0x00, 0x00, 0x00, 0x99};

frames::Station station(const char* address) {
    return {guest_mac, {*base::IpAddress::parse(address), port}};
}

class VifProbeTest : public test::OwnNetwork {
  protected:
    void SetUp() override {
        OwnNetwork::SetUp();
        if (IsSkipped())
            return;
        int ready[2];
        ASSERT_EQ(::pipe2(ready, O_CLOEXEC), 0);
        guest_ = ::fork();
        ASSERT_GE(guest_, 0);
        if (guest_ == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            if (::unshare(CLONE_NEWNET) == 0 && ::write(ready[1], "1", 1) == 1)
                ::pause();
            ::_exit(1);
        }
        char octet;
        ASSERT_EQ(::read(ready[0], &octet, 1), 1);
        ::close(ready[0]);
        ::close(ready[1]);
        ip("link add vif type veth peer name eth0 address 00:16:3e:80:00:01 netns " +
           std::to_string(guest_));
        ip("link set vif up");
        in_guest("ip addr add 10.9.0.18/24 dev eth0");
        in_guest("ip addr add fd09::18/64 dev eth0 nodad");
        in_guest("ip link set eth0 up");
    }
    void TearDown() override {
        if (guest_ <= 0)
            return;
        ::kill(guest_, SIGKILL);
        ::waitpid(guest_, nullptr, 0);
    }
    std::string enter() const { return "nsenter -t " + std::to_string(guest_) + " -n "; }
    void in_guest(const std::string& command) const {
        ASSERT_EQ(std::system((enter() + command).c_str()), 0) << command;
    }
    // A listening socket of the guest's, for both families.
    base::UniqueFd listen() const {
        const std::string ns = "/proc/" + std::to_string(guest_) + "/ns/net";
        const base::UniqueFd here(::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
        const base::UniqueFd there(::open(ns.c_str(), O_RDONLY | O_CLOEXEC));
        EXPECT_EQ(::setns(there.get(), CLONE_NEWNET), 0);
        base::UniqueFd socket(::socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
        EXPECT_EQ(::setns(here.get(), CLONE_NEWNET), 0);
        sockaddr_in6 at{};
        at.sin6_family = AF_INET6;
        at.sin6_port = htons(port);
        EXPECT_EQ(::bind(socket.get(), reinterpret_cast<sockaddr*>(&at), sizeof at), 0);
        EXPECT_EQ(::listen(socket.get(), 8), 0);
        return socket;
    }
    void probe(const VifProbe::Asks& asks) {
        auto socket = VifProbe::open(static_cast<int>(::if_nametoindex("vif")));
        ASSERT_TRUE(socket) << socket.error().what;
        probe_.emplace(io_, closer_, std::move(*socket), asks, [this] {
            accepted_ = true;
            probe_.reset();
        });
    }
    void run_for(std::chrono::milliseconds time) {
        const auto end = std::chrono::steady_clock::now() + time;
        while (!accepted_ && std::chrono::steady_clock::now() < end)
            io_.run_one_until(end);
    }
    static VifProbe::Asks as_dom0(const char* dom0, const char* guest_address) {
        return {.from = {dom0_mac, {*base::IpAddress::parse(dom0), 0}},
                .guest = station(guest_address)};
    }

    pid_t guest_ = 0;
    boost::asio::io_context io_;
    boost::asio::thread_pool closer_{1};
    std::optional<VifProbe> probe_;
    bool accepted_ = false;
};

constexpr std::chrono::seconds patience{20};

TEST_F(VifProbeTest, AcceptedAndNothingLeftOfIt) {
    const auto server = listen();
    probe(as_dom0("10.9.0.1", "10.9.0.18"));
    run_for(patience);
    EXPECT_TRUE(accepted_);
    EXPECT_EQ(output(enter() + "ss -Htan state connected exclude listening"), "");
    EXPECT_LT(::accept4(server.get(), nullptr, nullptr, 0), 0);
    const auto cache = output(enter() + "ip neigh show 10.9.0.1");
    EXPECT_NE(cache.find("02:00:00:00:00:99"), cache.npos) << cache;
}

TEST_F(VifProbeTest, AcceptedIpv6) {
    const auto server = listen();
    probe(as_dom0("fd09::1", "fd09::18"));
    run_for(patience);
    EXPECT_TRUE(accepted_);
}

TEST_F(VifProbeTest, RefusalsAreTriedAgain) {
    probe(as_dom0("10.9.0.1", "10.9.0.18"));
    run_for(std::chrono::milliseconds(100));
    EXPECT_FALSE(accepted_);
    const auto server = listen();
    run_for(patience);
    EXPECT_TRUE(accepted_);
}

TEST_F(VifProbeTest, APortThatIsOpenForAMomentOnlyIsNotReady) {
    probe(as_dom0("10.9.0.1", "10.9.0.18"));
    run_for(std::chrono::seconds(4));
    {
        const auto tried_out = listen();
        run_for(std::chrono::milliseconds(100));
    }
    run_for(std::chrono::milliseconds(700));
    EXPECT_FALSE(accepted_);
    const auto server = listen();
    run_for(patience);
    EXPECT_TRUE(accepted_);
}

TEST_F(VifProbeTest, SilenceIsTriedAgain) {
    const auto server = listen();
    in_guest("ip link set eth0 down");
    probe(as_dom0("10.9.0.1", "10.9.0.18"));
    run_for(std::chrono::milliseconds(100));
    EXPECT_FALSE(accepted_);
    in_guest("ip link set eth0 up");
    run_for(patience);
    EXPECT_TRUE(accepted_);
}

TEST_F(VifProbeTest, AsksUntilTheServerSaysThatItIsUp) {
    for (const auto& [dom0, address] :
         {std::pair("10.9.0.1", "10.9.0.18"), std::pair("fd09::1", "fd09::18")}) {
        const auto server = listen();
        ASSERT_EQ(::fcntl(server.get(), F_SETFL, 0), 0);
        std::vector<std::string> requests;
        std::thread serves([&] {
            for (const std::string_view answer :
                 {"HTTP/1.1 503 Service Unavailable\r\n", "", "HTTP/1.1 200 OK\r\n"}) {
                const base::UniqueFd connection(::accept(server.get(), nullptr, nullptr));
                std::array<char, 512> request;
                const auto size = ::recv(connection.get(), request.data(), request.size(), 0);
                requests.emplace_back(request.data(),
                                      static_cast<std::size_t>(std::max<ssize_t>(0, size)));
                if (!answer.empty() &&
                    ::send(connection.get(), answer.data(), answer.size(), MSG_NOSIGNAL) < 0)
                    return;
            }
        });
        auto asks = as_dom0(dom0, address);
        asks.request = http_get("/", asks.guest.at);
        accepted_ = false;
        io_.restart();
        probe(asks);
        run_for(patience);
        EXPECT_TRUE(accepted_) << address;
        ::shutdown(server.get(), SHUT_RD);  // where it still waits
        serves.join();
        EXPECT_EQ(requests, std::vector<std::string>(3, asks.request)) << address;
        EXPECT_EQ(output(enter() + "ss -Htan state connected exclude listening"), "") << address;
    }
}

TEST_F(VifProbeTest, StationBesideTheGuest) {
    const auto server = listen();
    const auto asks = made_up(station("10.9.0.18"));
    EXPECT_EQ(asks.from.at.address.to_string(), "10.9.0.17");
    EXPECT_TRUE(asks.may_be_anothers);
    probe(asks);
    run_for(patience);
    EXPECT_TRUE(accepted_);
}

TEST_F(VifProbeTest, LinkLocalStation) {
    const auto server = listen();
    probe(made_up(station("fd09::18")));
    run_for(patience);
    EXPECT_TRUE(accepted_);
}

TEST_F(VifProbeTest, GivenUpWhenDestroyed) {
    probe(as_dom0("10.9.0.1", "10.9.0.18"));
    run_for(std::chrono::milliseconds(10));
    probe_.reset();
    io_.restart();
    io_.run();
    EXPECT_FALSE(accepted_);
}

TEST(MadeUpStation, IsNeitherNetworkNorBroadcast) {
    for (const auto& [address, beside] : {std::pair("10.0.0.1", "10.0.0.2"),
                                          {"10.0.0.2", "10.0.0.1"},
                                          {"10.0.0.3", "10.0.0.2"},
                                          {"10.0.0.4", "10.0.0.5"},
                                          {"10.0.0.254", "10.0.0.253"}})
        EXPECT_EQ(made_up(station(address)).from.at.address.to_string(), beside);
}

}  // namespace
}  // namespace summond::host
