#include "summond/proc/shared_memory.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

#include "summond/proc/memfd.hpp"

namespace summond::proc {
namespace {

using Access = SharedMapping::Access;
constexpr std::size_t size = 10'000;

TEST(SharedMemory, WhatOneWritesAnotherReads) {
    const auto file = create_shared_memory("test", size).value();
    const auto readable = open_read_only(file.get()).value();
    const auto written = SharedMapping::map(file.get(), size, Access::write).value();
    const auto read = SharedMapping::map(readable.get(), size, Access::read).value();
    EXPECT_EQ(read.as<std::uint64_t>()[size / 8 - 1], 0U);
    written.as<std::uint64_t>()[size / 8 - 1] = 7;
    EXPECT_EQ(read.as<std::uint64_t>()[size / 8 - 1], 7U);
}

TEST(SharedMemory, AReaderCannotWrite) {
    const auto file = create_shared_memory("test", size).value();
    const auto readable = open_read_only(file.get()).value();
    EXPECT_EQ(::write(readable.get(), "x", 1), -1);
    EXPECT_FALSE(SharedMapping::map(readable.get(), size, Access::write));
    EXPECT_EQ(errno, EACCES);
}

TEST(SharedMemory, HasItsSizeForGood) {
    const auto file = create_shared_memory("test", size).value();
    EXPECT_EQ(::ftruncate(file.get(), 0), -1);
    EXPECT_EQ(::ftruncate(file.get(), 2 * size), -1);
    EXPECT_EQ(::fcntl(file.get(), F_ADD_SEALS, F_SEAL_WRITE), -1);
    EXPECT_FALSE(SharedMapping::map(file.get(), size + 1, Access::read));
}

TEST(SharedMemory, OtherFilesAreErrors) {
    const auto could_shrink = create_memfd("test").value();
    ASSERT_EQ(::ftruncate(could_shrink.get(), size), 0);
    EXPECT_FALSE(SharedMapping::map(could_shrink.get(), size, Access::read));
    const base::UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
    EXPECT_FALSE(SharedMapping::map(null.get(), size, Access::read));
}

}  // namespace
}  // namespace summond::proc
