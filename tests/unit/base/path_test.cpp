#include "summond/base/path.hpp"

#include <gtest/gtest.h>

namespace summond::base {
namespace {

TEST(Path, IsBesideTheFileThatNamesIt) {
    EXPECT_EQ(path_beside("/etc/summond/summond.yaml", "www.elf"), "/etc/summond/www.elf");
    EXPECT_EQ(path_beside("/etc/summond/summond.yaml", "/srv/www.elf"), "/srv/www.elf");
    EXPECT_EQ(path_beside("summond.yaml", "www.elf"), "www.elf");
}

// What ".." leads to is for the kernel to say: the directory before it may be a symbolic link.
TEST(Path, KeepsWhatOnlyTheKernelCanResolve) {
    EXPECT_EQ(path_beside("current/t.zone", "../common/x"), "current/../common/x");
    EXPECT_EQ(path_beside("/a/c.yaml", "b/../x"), "/a/b/../x");
    EXPECT_EQ(path_beside("/a/c.yaml", "x/"), "/a/x/");
    EXPECT_EQ(path_beside("/a/c.yaml", "x/."), "/a/x/.");
}

TEST(Path, LeavesOutWhatMeansNothing) {
    EXPECT_EQ(path_beside("./c.yaml", "./x"), "x");
    EXPECT_EQ(path_beside("/a//./c.yaml", ".//b/./x"), "/a/b/x");
    EXPECT_EQ(path_beside("c.yaml", ".//x"), "x");
    EXPECT_EQ(path_beside("c.yaml", "x/.//"), "x/");
    EXPECT_EQ(path_beside("/c.yaml", "//x"), "/x");
}

}  // namespace
}  // namespace summond::base
