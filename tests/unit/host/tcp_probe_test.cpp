// Over loopback, where a port that nobody listens on refuses.
#include "summond/host/tcp_probe.hpp"

#include <gtest/gtest.h>

#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <optional>
#include <string>

namespace summond::host {
namespace {

using boost::asio::ip::tcp;

class TcpProbeTest : public testing::Test {
  protected:
    // A port that is nobody's: bound, but not listening.
    TcpProbeTest() : server_(io_, tcp::v4()) {
        server_.bind({boost::asio::ip::address_v4::loopback(), 0});
    }
    void probe(const std::string& request = {}) {
        probe_.emplace(
            io_, server_.local_endpoint(), request, [this] { ++tries_; },
            [this] {
                accepted_ = true;
                probe_.reset();
            });
    }
    void run_until(const std::function<bool()>& done) {
        while (!done() && io_.run_one() > 0)
            ;
    }

    boost::asio::io_context io_;
    tcp::acceptor server_;
    std::optional<TcpProbe> probe_;
    int tries_ = 0;
    bool accepted_ = false;
};

TEST_F(TcpProbeTest, AcceptedAtTheFirstTry) {
    server_.listen();
    probe();
    run_until([this] { return accepted_; });
    EXPECT_TRUE(accepted_);
    EXPECT_EQ(tries_, 1);
    tcp::socket connection = server_.accept();
    boost::system::error_code error;
    char octet;
    connection.read_some(boost::asio::buffer(&octet, 1), error);
    EXPECT_EQ(error, boost::asio::error::connection_reset) << "it is not left open";
    io_.run();
    EXPECT_EQ(tries_, 1) << "nothing goes on";
}

TEST_F(TcpProbeTest, RefusalsAreTriedAgain) {
    probe();
    run_until([this] { return tries_ == 3; });
    EXPECT_FALSE(accepted_);
    server_.listen();
    run_until([this] { return accepted_; });
    EXPECT_TRUE(accepted_);
}

// A listener whose queue is full drops SYNs: silence.
TEST_F(TcpProbeTest, SilenceIsTriedAgain) {
    server_.listen(0);
    tcp::socket filler(io_);
    filler.connect(server_.local_endpoint());
    probe();
    run_until([this] { return tries_ == 12; });
    EXPECT_FALSE(accepted_) << "more tries than are kept at a time, and none was answered";
    tcp::socket taken = server_.accept();
    run_until([this] { return accepted_; });
    EXPECT_TRUE(accepted_);
}

TEST_F(TcpProbeTest, AsksUntilTheServerSaysThatItIsUp) {
    server_.listen();
    probe("GET / HTTP/1.1\r\n\r\n");
    for (const std::string answer :
         {"HTTP/1.1 503 Service Unavailable\r\n", "", "HTTP/1.1 200 OK"}) {
        std::optional<tcp::socket> connection;
        server_.async_accept([&](auto, tcp::socket socket) { connection = std::move(socket); });
        run_until([&] { return connection.has_value(); });
        std::string request(18, ' ');
        bool read = false;
        boost::asio::async_read(*connection, boost::asio::buffer(request),
                                [&](auto, auto) { read = true; });
        run_until([&] { return read; });
        EXPECT_EQ(request, "GET / HTTP/1.1\r\n\r\n");
        EXPECT_FALSE(accepted_);
        boost::asio::write(*connection, boost::asio::buffer(answer));
    }
    run_until([this] { return accepted_; });
    EXPECT_TRUE(accepted_);
}

TEST_F(TcpProbeTest, GivenUpWhenDestroyed) {
    probe();
    run_until([this] { return tries_ == 2; });
    probe_.reset();
    io_.run();
    EXPECT_EQ(tries_, 2);
}

}  // namespace
}  // namespace summond::host
