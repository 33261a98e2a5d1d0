#include "summond/loop/deadline_timer.hpp"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>

namespace summond::loop {
namespace {

TEST(DeadlineTimer, CallsWhenTheTimeHasCome) {
    boost::asio::io_context io;
    int called = 0;
    DeadlineTimer timer(io, [&] { ++called; });
    timer.set(std::chrono::steady_clock::now());
    io.run();
    EXPECT_EQ(called, 1);
}

TEST(DeadlineTimer, NoneIsNever) {
    boost::asio::io_context io;
    int called = 0;
    DeadlineTimer timer(io, [&] { ++called; });
    timer.set(std::chrono::steady_clock::now() + std::chrono::hours(1));
    timer.set(std::nullopt);
    io.run();
    EXPECT_EQ(called, 0);
}

// The call of a timer that has expired waits behind what ends its owner.
TEST(DeadlineTimer, DoesNotCallAfterItsEnd) {
    boost::asio::io_context io;
    int called = 0;
    auto second = std::make_unique<DeadlineTimer>(io, [&] { ++called; });
    const auto now = std::chrono::steady_clock::now();
    const auto first = std::make_unique<DeadlineTimer>(io, [&] { second.reset(); });
    first->set(now - std::chrono::seconds(2));
    second->set(now - std::chrono::seconds(1));
    io.run();
    EXPECT_EQ(called, 0);
}

}  // namespace
}  // namespace summond::loop
