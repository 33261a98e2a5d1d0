// Over loopback, where a port that nobody listens on refuses.
#include "tcp_probe.hpp"

#include <gtest/gtest.h>

#include <optional>

namespace summond::xen {
namespace {

using boost::asio::ip::tcp;

class TcpProbeTest : public testing::Test {
  protected:
    // A port that is nobody's: bound, but not listening.
    TcpProbeTest() : server_(io_, tcp::v4()) {
        server_.bind({boost::asio::ip::address_v4::loopback(), 0});
    }
    void probe() {
        probe_.emplace(
            io_, server_.local_endpoint(), [this] { ++tries_; },
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

TEST_F(TcpProbeTest, GivenUpWhenDestroyed) {
    probe();
    run_until([this] { return tries_ == 2; });
    probe_.reset();
    io_.run();
    EXPECT_EQ(tries_, 2);
}

}  // namespace
}  // namespace summond::xen
