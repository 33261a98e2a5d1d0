#include "summond/proc/memfd.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <string>
#include <utility>

namespace summond::proc {
namespace {

base::UniqueFd filled(std::string_view text) {
    auto fd = create_memfd("test");
    EXPECT_TRUE(fd);
    EXPECT_TRUE(write_all(fd->get(), text));
    return std::move(*fd);
}

std::string text_of(const Mapping& mapping) {
    return {reinterpret_cast<const char*>(mapping.bytes().data()), mapping.bytes().size()};
}

TEST(Memfd, IsReadWholeWhereverTheOffsetStands) {
    const base::UniqueFd fd = filled("listen: here\n");
    EXPECT_EQ(*read_memfd(fd.get()), "listen: here\n");
    EXPECT_EQ(*read_memfd(fd.get()), "listen: here\n");
    EXPECT_EQ(::lseek(fd.get(), 0, SEEK_CUR), 13) << "shared with other processes";
}

TEST(Memfd, OnceSealedCannotBeChanged) {
    const base::UniqueFd fd = filled("abc");
    ASSERT_TRUE(seal(fd.get()));
    EXPECT_FALSE(write_all(fd.get(), "d"));
    EXPECT_NE(::ftruncate(fd.get(), 0), 0);
    EXPECT_NE(::ftruncate(fd.get(), 10), 0);
    EXPECT_EQ(::mmap(nullptr, 3, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0), MAP_FAILED);
    EXPECT_NE(::fcntl(fd.get(), F_ADD_SEALS, 0), 0);
    EXPECT_EQ(*read_memfd(fd.get()), "abc");
}

TEST(Memfd, IsMappedOnlyWhenSealed) {
    const base::UniqueFd fd = filled("abc");
    EXPECT_FALSE(Mapping::map(fd.get()));
    ASSERT_TRUE(seal(fd.get()));
    auto mapping = Mapping::map(fd.get());
    ASSERT_TRUE(mapping);
    EXPECT_EQ(text_of(*mapping), "abc");
    const Mapping moved = std::move(*mapping);
    EXPECT_EQ(text_of(moved), "abc");
    EXPECT_TRUE(mapping->bytes().empty());
}

TEST(Memfd, MayBeEmpty) {
    const base::UniqueFd fd = filled("");
    ASSERT_TRUE(seal(fd.get()));
    EXPECT_EQ(*read_memfd(fd.get()), "");
    EXPECT_TRUE(Mapping::map(fd.get())->bytes().empty());
}

// Whether there are huge pages is the machine's affair; the content is not.
TEST(Memfd, LargeFilesAreMappedForHugePages) {
    constexpr std::size_t huge_page = std::size_t{2} << 20;
    for (const std::size_t size : {huge_page - 1, huge_page, 3 * huge_page + 4097}) {
        std::string text(size, 'a');
        for (std::size_t i = 0; i < size; i += 1000)
            text[i] = static_cast<char>(i / 1000);
        const base::UniqueFd fd = filled(text);
        use_huge_pages(fd.get());
        ASSERT_TRUE(seal(fd.get()));
        const auto mapping = Mapping::map(fd.get());
        ASSERT_TRUE(mapping);
        EXPECT_TRUE(text_of(*mapping) == text) << size;
        EXPECT_FALSE(mapping->use_huge_page(size / huge_page)) << size;
        (void)mapping->use_huge_page(0);
        EXPECT_TRUE(text_of(*mapping) == text) << size;
        if (size >= huge_page) {
            EXPECT_EQ(reinterpret_cast<std::uintptr_t>(mapping->bytes().data()) % huge_page, 0U);
        }
    }
}

TEST(Memfd, OtherFilesAreErrors) {
    const base::UniqueFd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    EXPECT_FALSE(Mapping::map(null.get()));
    EXPECT_FALSE(seal(null.get()));
    EXPECT_FALSE(read_memfd(-1));
}

}  // namespace
}  // namespace summond::proc
