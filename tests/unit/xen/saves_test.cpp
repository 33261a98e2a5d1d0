// The directory of suspended domains: what is kept, found again, and removed.
#include "saves.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace summond::xen {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class SavesTest : public testing::Test {
  protected:
    void SetUp() override {
        std::string pattern = fs::temp_directory_path() / "summond-saves-XXXXXX";
        root = ::mkdtemp(pattern.data());
        directory = root / "saved";
        kernel = root / "kernel";
        std::ofstream(kernel) << "a kernel";
        saves.use(directory);
    }
    void TearDown() override { fs::remove_all(root); }

    service::Template service(const std::string& name) const {
        service::Template s;
        s.name = name;
        s.id = service::id_of(name);
        s.kernel = kernel;
        s.memory_kib = 1024;
        return s;
    }
    // Saves it, as libxl would.
    base::Result<void> save(const service::Template& s) {
        auto file = saves.begin(s, 1024);
        if (!file)
            return tl::make_unexpected(file.error());
        EXPECT_EQ(::write(file->fd.get(), "memory", 6), 6);
        base::Result<void> result = base::error("not called");
        saves.finish(std::move(*file), [&](base::Result<void> r) { result = std::move(r); });
        io.restart();
        auto work = boost::asio::make_work_guard(io);
        io.run_one();
        return result;
    }
    std::string read(const service::Template& s) {
        const auto fd = saves.open(s.id);
        char text[16]{};
        if (!fd || ::read(fd->get(), text, sizeof text - 1) < 0)
            return "";
        return text;
    }
    std::vector<std::string> files() const {
        std::vector<std::string> names;
        if (fs::exists(directory))
            for (const auto& entry : fs::directory_iterator(directory))
                names.push_back(entry.path().filename());
        std::ranges::sort(names);
        return names;
    }

    boost::asio::io_context io;
    fs::path root, directory, kernel;
    Saves saves{io};
};

TEST_F(SavesTest, WhatIsSavedIsFoundUntilItIsDiscarded) {
    const auto www = service("www");
    EXPECT_FALSE(saves.has(www));
    ASSERT_TRUE(save(www));
    EXPECT_TRUE(saves.has(www));
    EXPECT_FALSE(saves.has(service("mail")));
    EXPECT_EQ(read(www), "memory");
    struct stat s {};
    ASSERT_EQ(::stat(directory.c_str(), &s), 0);
    EXPECT_EQ(s.st_mode & 0777, 0700u);
    ASSERT_EQ(::stat((directory / files().at(0)).c_str(), &s), 0);
    EXPECT_EQ(s.st_mode & 0777, 0600u);
    saves.discard(www.id);
    EXPECT_FALSE(saves.has(www));
    EXPECT_THAT(files(), IsEmpty());
}

TEST_F(SavesTest, AnotherProcessFindsIt) {
    const auto www = service("www");
    ASSERT_TRUE(save(www));
    Saves next(io);
    next.use(directory);
    next.keep({www, service("mail")});
    EXPECT_TRUE(next.has(www));
    EXPECT_FALSE(next.has(service("mail")));
}

TEST_F(SavesTest, FilesOfServicesThatAreGoneAreRemovedAndOtherPeoplesAreNot) {
    ASSERT_TRUE(save(service("www")));
    ASSERT_TRUE(save(service("mail")));
    for (const auto* name : {"letter.save", "a.save", ".save", "x.0123456789abcdeg.save"})
        std::ofstream(directory / name) << "not ours";
    saves.keep({service("www")});
    EXPECT_TRUE(saves.has(service("www")));
    EXPECT_FALSE(saves.has(service("mail")));
    EXPECT_EQ(files().size(), 5u);
}

TEST_F(SavesTest, HalfFilesAreRemovedByTheNextProcessAndNotByTheirOwn) {
    auto file = saves.begin(service("www"), 1024);
    ASSERT_TRUE(file);
    saves.keep({service("www")});
    EXPECT_EQ(files().size(), 1u) << "a reload during a save";
    EXPECT_FALSE(saves.has(service("www")));
    Saves next(io);
    next.use(directory);
    next.keep({service("www")});
    EXPECT_THAT(files(), IsEmpty());
}

TEST_F(SavesTest, AbandonedFilesAreRemoved) {
    auto file = saves.begin(service("www"), 1024);
    ASSERT_TRUE(file);
    saves.abandon(std::move(*file));
    EXPECT_THAT(files(), IsEmpty());
}

TEST_F(SavesTest, FileOfOtherSettingsIsNotFoundAndRemoved) {
    ASSERT_TRUE(save(service("www")));
    auto larger = service("www");
    larger.memory_kib = 2048;
    EXPECT_FALSE(saves.has(larger));
    EXPECT_THAT(files(), IsEmpty());
    ASSERT_TRUE(save(service("www")));
    saves.keep({larger});
    EXPECT_THAT(files(), IsEmpty());
}

TEST_F(SavesTest, FileOfAnotherKernelIsNotFound) {
    ASSERT_TRUE(save(service("www")));
    std::ofstream(kernel) << "another kernel";
    EXPECT_FALSE(saves.has(service("www")));
}

TEST_F(SavesTest, SettingsThatTheDomainIsNotBuiltFromDoNotMatter) {
    ASSERT_TRUE(save(service("www")));
    auto other = service("www");
    other.ttl = 5;
    other.idle_action = service::IdleAction::suspend;
    EXPECT_TRUE(saves.has(other));
}

TEST_F(SavesTest, NewFileReplacesThatOfOlderSettings) {
    ASSERT_TRUE(save(service("www")));
    auto larger = service("www");
    larger.memory_kib = 2048;
    ASSERT_TRUE(save(larger));
    EXPECT_EQ(files().size(), 1u);
    EXPECT_TRUE(saves.has(larger));
}

TEST_F(SavesTest, NoRoomIsSaid) {
    const auto file = saves.begin(service("www"), 1ULL << 60);
    ASSERT_FALSE(file);
    EXPECT_THAT(file.error().what, HasSubstr("no room in " + directory.string()));
    EXPECT_THAT(files(), IsEmpty());
}

TEST_F(SavesTest, DirectoryThatOthersCanWriteIsRefused) {
    fs::create_directory(directory);
    ::chmod(directory.c_str(), 0777);
    const auto file = saves.begin(service("www"), 1024);
    ASSERT_FALSE(file);
    EXPECT_THAT(file.error().what, HasSubstr("can be written by others"));
}

TEST_F(SavesTest, DirectoryThatCannotBeMadeIsSaid) {
    saves.use(root / "none" / "saved");
    const auto file = saves.begin(service("www"), 1024);
    ASSERT_FALSE(file);
    EXPECT_THAT(file.error().what, HasSubstr("cannot make "));
}

}  // namespace
}  // namespace summond::xen
