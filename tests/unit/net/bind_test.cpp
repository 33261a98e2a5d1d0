#include "summond/net/bind.hpp"

#include <gmock/gmock.h>
#include <sched.h>
#include <sys/socket.h>

#include "net_fixture.hpp"
#include "socket_address.hpp"

namespace summond::net {
namespace {

using test::endpoint;
using testing::HasSubstr;

TEST(Bind, OneUdpSocketAWorkerAndOneListener) {
    const auto sockets = test::bind(endpoint("127.0.0.1"), 3);
    ASSERT_EQ(sockets.size(), 4u);
    const auto first = describe(sockets[0].get());
    ASSERT_TRUE(first);
    EXPECT_NE(first->local.port, 0);
    for (std::size_t i = 0; i < 4; ++i) {
        const auto info = describe(sockets[i].get());
        ASSERT_TRUE(info);
        EXPECT_EQ(info->local, first->local);
        EXPECT_EQ(info->kind, i < 3 ? SocketInfo::Kind::udp : SocketInfo::Kind::tcp_listener);
    }
}

TEST(Bind, MoreSocketsOfABoundEndpoint) {
    const auto sockets = test::bind(endpoint("127.0.0.1"), 1);
    const auto local = describe(sockets[0].get())->local;
    const auto more = prepare_more_udp(local, 2);
    ASSERT_TRUE(more) << more.error().what;
    ASSERT_EQ(more->size(), 2u);
    for (const auto& socket : *more) {
        EXPECT_EQ(describe(socket.get())->local, endpoint("0.0.0.0"));
        ASSERT_TRUE(open_socket(socket.get(), local));
        EXPECT_EQ(describe(socket.get())->local, local);
    }
}

OwnSockets own(const std::vector<base::UniqueFd>& sockets) {
    OwnSockets fds;
    for (const base::UniqueFd& socket : sockets)
        fds.push_back(socket.get());
    return fds;
}

// One address and all addresses beside each other, in either order; but not beside others' sockets.
TEST(Bind, WildcardBesideAnAddressOfOurs) {
    for (const auto& [one, all] : {std::pair("127.0.0.1", "0.0.0.0"), std::pair("::1", "::")}) {
        for (const bool one_first : {true, false}) {
            const auto first = test::bind(endpoint(one_first ? one : all), 2);
            const std::uint16_t port = describe(first[0].get())->local.port;
            const base::Endpoint second = endpoint(one_first ? all : one, port);
            EXPECT_FALSE(bind_endpoint(second, 2)) << "others' as far as it knows";
            const auto bound = bind_endpoint(second, 2, own(first));
            ASSERT_TRUE(bound) << bound.error().what;
            EXPECT_EQ(bound->sockets.size(), 3u);
            const auto prepared = prepare_endpoint(second, 1, own(first));
            ASSERT_FALSE(prepared) << "the second ones are others'";
            EXPECT_THAT(prepared.error().what, HasSubstr("another server has this port"));
        }
    }
}

TEST(Bind, AnotherServerBesideOursIsSeen) {
    const auto ours = test::bind(endpoint("127.0.0.1"), 1);
    const std::uint16_t port = describe(ours[0].get())->local.port;
    for (const int type : {SOCK_DGRAM, SOCK_STREAM}) {
        // As NSD and Knot do, and as the same user.
        const base::UniqueFd theirs(::socket(AF_INET, type | SOCK_CLOEXEC, 0));
        const int on = 1;
        ::setsockopt(theirs.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
        ::setsockopt(theirs.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        const auto [address, size] = to_socket_address(endpoint("127.0.0.2", port));
        ASSERT_EQ(::bind(theirs.get(), &address.any, size), 0);
        if (type == SOCK_STREAM) {
            ASSERT_EQ(::listen(theirs.get(), 1), 0);
        }
        EXPECT_FALSE(bind_endpoint(endpoint("0.0.0.0", port), 1, own(ours)));
        EXPECT_TRUE(bind_endpoint(endpoint("127.0.0.3", port), 1, own(ours)));
    }
    EXPECT_TRUE(bind_endpoint(endpoint("0.0.0.0", port), 1, own(ours)));
}

TEST(Bind, ClosedForAllWhoShareIt) {
    for (const char* address : {"127.0.0.1", "0.0.0.0"}) {
        const auto sockets = test::bind(endpoint(address), 1);
        const auto local = describe(sockets[0].get())->local;
        const auto at = endpoint("127.0.0.1", local.port);
        test::Client before = test::Client::udp(at);
        before.send({1});
        for (const auto& socket : sockets)
            close_shared(socket.get());
        char byte;
        EXPECT_EQ(::recv(sockets[0].get(), &byte, 1, MSG_DONTWAIT), 1) << "what came before";
        test::Client after = test::Client::udp(at);
        after.send({2});
        EXPECT_EQ(::recv(sockets[0].get(), &byte, 1, MSG_DONTWAIT), -1);
        EXPECT_THROW(test::Client::tcp(at), std::runtime_error);
    }
}

TEST(Bind, OneWorkerACpuUnlessToldOtherwise) {
    config::Config config;
    EXPECT_GE(udp_worker_count(config), 1u);
    config.workers = 5;
    EXPECT_EQ(udp_worker_count(config), 5u);
    cpu_set_t before;
    ASSERT_EQ(::sched_getaffinity(0, sizeof before, &before), 0);
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(::sched_getcpu(), &one);
    ASSERT_EQ(::sched_setaffinity(0, sizeof one, &one), 0);
    EXPECT_EQ(udp_worker_count({}), 1u);
    ::sched_setaffinity(0, sizeof before, &before);
}

TEST(Bind, Ipv6LeavesIpv4Alone) {
    base::Result<Bound> v4 = base::error("");
    for (int tries = 0; !v4 && tries < 20; ++tries) {  // somebody else may use the port for IPv4
        const auto v6 = test::bind(endpoint("::"), 1);
        const auto info = describe(v6[0].get());
        ASSERT_TRUE(info);
        EXPECT_TRUE(info->local.address.is_v6());
        v4 = bind_endpoint(endpoint("0.0.0.0", info->local.port), 1);
    }
    EXPECT_TRUE(v4) << v4.error().what;
}

TEST(Bind, PortInUseIsAnErrorEvenWithReusePort) {
    const auto sockets = test::bind(endpoint("127.0.0.1"), 2);
    const auto local = describe(sockets[0].get())->local;
    const auto again = bind_endpoint(local, 2);
    ASSERT_FALSE(again);
    EXPECT_THAT(again.error().what, HasSubstr("listen " + local.to_string() + ", UDP"));
    EXPECT_THAT(again.error().what, HasSubstr("Address already in use"));
    EXPECT_THAT(again.error().what, HasSubstr("choose another address or port"));
}

TEST(Bind, TcpPortInUse) {
    auto sockets = test::bind(endpoint("127.0.0.1"), 1);
    const auto local = describe(sockets[0].get())->local;
    sockets.erase(sockets.begin());
    const auto again = bind_endpoint(local, 1);
    ASSERT_FALSE(again);
    EXPECT_THAT(again.error().what, HasSubstr("listen " + local.to_string() + ", TCP"));
}

TEST(Bind, AddressThatComesLater) {
    const auto bound = bind_endpoint(endpoint("192.0.2.77"), 2);  // RFC 5737: nobody's
    ASSERT_TRUE(bound) << bound.error().what;
    EXPECT_EQ(bound->sockets.size(), 3u);
    ASSERT_EQ(bound->warnings.size(), 1u);
    EXPECT_THAT(bound->warnings[0], HasSubstr("192.0.2.77"));
}

TEST(Bind, OnlyInternetSocketsAreDescribed) {
    int fds[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    const base::UniqueFd a(fds[0]);
    const base::UniqueFd b(fds[1]);
    EXPECT_FALSE(describe(a.get()));
    EXPECT_FALSE(describe(-1));
}

}  // namespace
}  // namespace summond::net
