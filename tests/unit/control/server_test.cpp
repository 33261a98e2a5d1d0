// Real sockets: what slow, silent and greedy clients come to.
#include "summond/control/server.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <filesystem>
#include <future>
#include <string>
#include <thread>
#include <utility>

#include "summond/control/events.hpp"

namespace summond::control {
namespace {

using namespace std::chrono_literals;

sockaddr_un address_of(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    return address;
}

class ServerTest : public testing::Test {
  protected:
    ServerTest() {
        char name[] = "/tmp/summond-control-XXXXXX";
        directory_ = ::mkdtemp(name);
        path_ = directory_ + "/s";
    }
    ~ServerTest() override {
        io_.stop();
        if (thread_.joinable())
            thread_.join();
        std::filesystem::remove_all(directory_);
    }

    // Answers /large with 8 MiB, /silence never, /events with events, else its target.
    void serve(Server::Bounds bounds) {
        server_ = std::make_unique<Server>(
            io_, bounds, [this](const Request& request, std::shared_ptr<Exchange> exchange) {
                if (request.target == "/silence") {
                    exchange->on_gone([this] {
                        if (!std::exchange(has_gone_, true))
                            gone_.set_value();
                    });
                    kept_ = std::move(exchange);
                } else if (request.target == "/who") {
                    exchange->respond({200, std::make_shared<const std::string>(
                                                request.client.over_tcp ? "tcp" : "socket")});
                } else if (request.target == "/events")
                    fill(*exchange->stream(lagged()));
                else if (request.target == "/large")
                    exchange->respond({200, std::make_shared<const std::string>(8 << 20, 'x')});
                else
                    exchange->respond({200, std::make_shared<const std::string>(request.target)});
            });
        base::UniqueFd listening(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        const auto address = address_of(path_);
        ASSERT_EQ(
            ::bind(listening.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address),
            0);
        ASSERT_EQ(::listen(listening.get(), 16), 0);
        server_->listen(0, std::move(listening));
        base::UniqueFd tcp(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        tcp_.sin_family = AF_INET;
        tcp_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof tcp_;
        ASSERT_EQ(::bind(tcp.get(), reinterpret_cast<const sockaddr*>(&tcp_), sizeof tcp_), 0);
        ASSERT_EQ(::getsockname(tcp.get(), reinterpret_cast<sockaddr*>(&tcp_), &size), 0);
        ASSERT_EQ(::listen(tcp.get(), 16), 0);
        server_->listen(1, std::move(tcp));
        thread_ = std::thread([this] {
            io_.run();
            kept_.reset();
            server_.reset();
        });
    }
    void fill(Stream& stream) {
        const auto text = std::make_shared<const std::string>(std::string(64 << 10, 'e'));
        while (stream.send(text))
            ;
    }

    base::UniqueFd connect() const {
        base::UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        const auto address = address_of(path_);
        EXPECT_EQ(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address),
                  0);
        return fd;
    }
    base::UniqueFd connect_by_tcp(in_addr_t from = INADDR_LOOPBACK) const {
        base::UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_in own{};
        own.sin_family = AF_INET;
        own.sin_addr.s_addr = htonl(from);
        EXPECT_EQ(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&own), sizeof own), 0);
        EXPECT_EQ(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&tcp_), sizeof tcp_), 0);
        return fd;
    }
    static void send(const base::UniqueFd& fd, const std::string& text) {
        EXPECT_EQ(::send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL), ssize_t(text.size()));
    }
    // All that comes until the other side ends.
    static std::string rest(const base::UniqueFd& fd) {
        std::string all;
        char piece[65536];
        for (ssize_t r = 0; (r = ::recv(fd.get(), piece, sizeof piece, 0)) > 0;)
            all.append(piece, static_cast<std::size_t>(r));
        return all;
    }
    static std::string get(const std::string& target) {
        return "GET " + target + " HTTP/1.1\r\nHost: x\r\n\r\n";
    }

    boost::asio::io_context io_{1};
    std::unique_ptr<Server> server_;
    std::shared_ptr<Exchange> kept_;
    std::promise<void> gone_;
    bool has_gone_ = false;
    sockaddr_in tcp_{};
    std::string directory_;
    std::string path_;
    std::thread thread_;
};

TEST_F(ServerTest, ASilentClientIsEnded) {
    serve({.request = 50ms});
    EXPECT_EQ(rest(connect()), "");
}

TEST_F(ServerTest, ARequestThatDoesNotArriveIsEnded) {
    serve({.request = 200ms});
    const auto client = connect();
    send(client, "GET / HTTP/1.1\r\nHo");
    EXPECT_EQ(rest(client), "");
}

TEST_F(ServerTest, AConnectionThatIsNotUsedAgainIsEnded) {
    serve({.request = 200ms});
    const auto client = connect();
    send(client, get("/a"));
    EXPECT_TRUE(rest(client).ends_with("\r\n\r\n/a"));
}

TEST_F(ServerTest, WhoTakesNoAnswerIsEnded) {
    serve({.answers = 10 << 20, .answer = 200ms});
    const auto client = connect();
    send(client, get("/large"));
    const auto other = connect();  // there is no room for two of them
    send(other, "GET /large HTTP/1.0\r\n\r\n");
    const std::string refused = rest(other);
    EXPECT_TRUE(refused.starts_with("HTTP/1.1 503 ") || refused.size() > 8 << 20);
    // The first one's room is free when its time is over.
    for (std::string answer; !answer.starts_with("HTTP/1.1 200 ");) {
        const auto later = connect();
        send(later, "GET /large HTTP/1.0\r\n\r\n");
        answer = rest(later);
    }
}

TEST_F(ServerTest, OneUserHasNoMoreConnectionsThanThat) {
    serve({.per_user = 2});
    const auto first = connect();
    const auto second = connect();
    EXPECT_TRUE(rest(connect()).starts_with("HTTP/1.1 503 "));
}

TEST_F(ServerTest, ClientsOfTcpAreKnownAsSuch) {
    serve({});
    const auto far = connect_by_tcp();
    send(far, "GET /who HTTP/1.0\r\n\r\n");
    EXPECT_TRUE(rest(far).ends_with("\r\n\r\ntcp"));
    const auto near = connect();
    send(near, "GET /who HTTP/1.0\r\n\r\n");
    EXPECT_TRUE(rest(near).ends_with("\r\n\r\nsocket"));
}

TEST_F(ServerTest, OneAddressHasNoMoreConnectionsThanThatAndTakesNobodyElses) {
    serve({.connections = 3, .per_user = 2});
    const auto first = connect_by_tcp();
    const auto second = connect_by_tcp();
    EXPECT_TRUE(rest(connect_by_tcp()).starts_with("HTTP/1.1 503 "));
    const auto third = connect_by_tcp(INADDR_LOOPBACK + 1);
    EXPECT_TRUE(rest(connect_by_tcp(INADDR_LOOPBACK + 2)).starts_with("HTTP/1.1 503 "));
    const auto near = connect();
    send(near, "GET /who HTTP/1.0\r\n\r\n");
    EXPECT_TRUE(rest(near).ends_with("socket")) << "the socket has room of its own";
}

TEST_F(ServerTest, AListenerThatIsGivenUpTakesNobody) {
    serve({});
    boost::asio::post(io_, [this] { server_->close_beyond(0); });
    for (bool open = true; open;) {  // until it has been done
        base::UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        open = ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&tcp_), sizeof tcp_) == 0;
    }
    const auto near = connect();
    send(near, "GET /who HTTP/1.0\r\n\r\n");
    EXPECT_TRUE(rest(near).ends_with("socket"));
}

TEST_F(ServerTest, WhoLeavesWhileItWaitsIsNoticed) {
    serve({});
    auto client = connect();
    send(client, get("/silence"));
    const auto gone = gone_.get_future();
    EXPECT_EQ(gone.wait_for(50ms), std::future_status::timeout);
    client.reset();
    EXPECT_EQ(gone.wait_for(30s), std::future_status::ready);
}

TEST_F(ServerTest, WhoIsBehindIsToldAndEnded) {
    serve({.events = 100});
    const auto client = connect();
    send(client, get("/events"));
    const std::string all = rest(client);
    EXPECT_TRUE(all.starts_with("HTTP/1.1 200 OK\r\n"));
    EXPECT_TRUE(all.ends_with(*lagged()));
    EXPECT_LT(all.size(), 64U * 110 * 1024);
}

TEST_F(ServerTest, AnExchangeThatNobodyAnswersEndsTheConnection) {
    serve({});
    const auto client = connect();
    send(client, get("/silence"));
    const auto other = connect();
    send(other, get("/silence"));  // in place of the first
    EXPECT_EQ(rest(client), "");
}

}  // namespace
}  // namespace summond::control
