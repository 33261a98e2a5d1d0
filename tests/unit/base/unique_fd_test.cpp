#include "summond/base/unique_fd.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <utility>

namespace summond::base {
namespace {

bool is_open(int fd) {
    return ::fcntl(fd, F_GETFD) >= 0;
}

UniqueFd some_fd() {
    return UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
}

TEST(UniqueFd, ClosesAtTheEnd) {
    int number;
    {
        const UniqueFd fd = some_fd();
        number = fd.get();
        ASSERT_TRUE(fd);
        EXPECT_TRUE(is_open(number));
    }
    EXPECT_FALSE(is_open(number));
}

TEST(UniqueFd, MovesOwnership) {
    UniqueFd first = some_fd();
    const int number = first.get();
    UniqueFd second(std::move(first));
    EXPECT_EQ(second.get(), number);
    UniqueFd third = some_fd();
    const int replaced = third.get();
    third = std::move(second);
    EXPECT_EQ(third.get(), number);
    EXPECT_FALSE(is_open(replaced));
    EXPECT_TRUE(is_open(number));
}

TEST(UniqueFd, ReleasesAndResets) {
    UniqueFd fd = some_fd();
    const int number = fd.release();
    EXPECT_FALSE(fd);
    EXPECT_TRUE(is_open(number));
    fd.reset(number);
    fd.reset();
    EXPECT_FALSE(is_open(number));
}

}  // namespace
}  // namespace summond::base
