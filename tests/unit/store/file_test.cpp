// Files and disks that cannot be used, or not any more: each costs what is in it, and is said.
#include "file.hpp"

#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <random>

#include "schema.hpp"
#include "store_fixture.hpp"

namespace summond::store {
namespace {

using std::chrono::seconds;

class FileTest : public StoreFixture {
  protected:
    Opened opened() { return open_file(file, {clock.now(), wall_clock.now(), "boot"}, 100); }
    void fill() {
        auto ledger = open();
        for (std::uint64_t i = 1; i <= 200; ++i) {
            ledger.keep(kept(i));
            ledger.woke(wake(i));
        }
    }
    // A small disk of this test's own over the directory.
    bool mount_small_disk() {
        return ::unshare(CLONE_NEWNS) == 0 &&
               ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
               ::mount("none", directory.c_str(), "tmpfs", 0, "size=400k,mode=700") == 0;
    }
};

TEST_F(FileTest, VersionZeroBecomesVersionOne) {
    auto file_of_now = opened();
    ASSERT_TRUE(file_of_now.database);
    EXPECT_EQ(number("PRAGMA user_version"), schema_version());
    EXPECT_EQ(number("SELECT count(*) FROM service"), 0);
    // An empty file is the same; and one of now is left as it is.
    file_of_now.database.reset();
    std::filesystem::remove(file);
    write("");
    ASSERT_TRUE(opened().database);
    EXPECT_EQ(number("PRAGMA user_version"), schema_version());
    fill();
    ASSERT_TRUE(opened().database);
    EXPECT_EQ(number("SELECT count(*) FROM service"), 200);
}

TEST_F(FileTest, AMigrationThatFailsLeavesTheFileAsItWas) {
    sql("CREATE TABLE wake (x)");  // in the way
    EXPECT_FALSE(opened().database);
    EXPECT_EQ(number("PRAGMA user_version"), 0);
    EXPECT_EQ(number("SELECT count(*) FROM sqlite_schema"), 1);
}

TEST_F(FileTest, AFileOfANewerVersionIsRefusedAndLeftAlone) {
    fill();
    sql("PRAGMA user_version = 9; PRAGMA wal_checkpoint(TRUNCATE)");
    const std::string before = content();
    auto refused = open_for_writing(file);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().what,
              "it is of a newer summond (version 9 of the tables, this one knows 3); go back to "
              "that one, or move the file away");
    const auto result = opened();
    EXPECT_FALSE(result.database);
    EXPECT_FALSE(result.read);
    {
        auto ledger = open();  // serves all the same
        ledger.keep(kept(1));
        ledger.flush();
        EXPECT_FALSE(ledger.health().usable);
    }
    EXPECT_EQ(content(), before);
    EXPECT_FALSE(is_set_aside());
}

TEST_F(FileTest, WhatIsNoDatabaseIsSetAside) {
    write(std::string(5000, 'x'));
    auto result = opened();
    EXPECT_TRUE(result.database);
    EXPECT_TRUE(result.read);
    EXPECT_TRUE(is_set_aside());
    EXPECT_EQ(number("PRAGMA user_version"), schema_version());
}

TEST_F(FileTest, OfThoseSetAsideTheNewestThreeStay) {
    const auto asides = [this] {
        auto all = names();
        std::erase_if(all, [](const auto& each) { return !each.starts_with("state.db.damaged-"); });
        std::ranges::sort(all);
        return all;
    };
    std::vector<std::string> all;
    for (int i = 0; i < 5; ++i) {
        write(std::string(5000, 'x'));
        std::filesystem::permissions(file, std::filesystem::perms(0600));
        ASSERT_TRUE(opened().database);
        all.push_back(asides().back());
        wall_clock.advance(seconds(1));
    }
    EXPECT_EQ(asides(), (std::vector<std::string>{all[2], all[3], all[4]}));
}

// As summond 1 has left it: made by its own statements.
TEST_F(FileTest, AFileOfVersionOneGoesOn) {
    sql("CREATE TABLE service (id INTEGER PRIMARY KEY, pinned INTEGER NOT NULL, pin_until INTEGER,"
        " failures INTEGER NOT NULL, short_lives INTEGER NOT NULL, why TEXT NOT NULL,"
        " retry_at INTEGER, last_used INTEGER, boot TEXT NOT NULL, offset INTEGER NOT NULL,"
        " told INTEGER NOT NULL) STRICT;"
        "CREATE TABLE host (id INTEGER PRIMARY KEY CHECK (id = 1), drained INTEGER NOT NULL) "
        "STRICT;"
        "CREATE TABLE wake (number INTEGER PRIMARY KEY, service INTEGER NOT NULL,"
        " name TEXT NOT NULL, why TEXT NOT NULL, how TEXT, failure TEXT NOT NULL,"
        " what TEXT NOT NULL, asked INTEGER NOT NULL, admitted INTEGER, built INTEGER,"
        " unpaused INTEGER, answerable INTEGER, ready INTEGER, handed_over INTEGER,"
        " failed INTEGER, packets INTEGER NOT NULL, boot TEXT NOT NULL, offset INTEGER NOT NULL,"
        " told INTEGER NOT NULL) STRICT;"
        "INSERT INTO service VALUES (7, 1, NULL, 0, 0, 'none', NULL, NULL, 'boot', 0, 1);"
        "INSERT INTO host VALUES (1, 1);"
        "INSERT INTO wake VALUES (41, 11, 'www', 'packet', 'build', 'none', '', 1000, 1, 2, 3,"
        " NULL, 4, 5, NULL, 6, 'another boot', 0, 1000);"
        "PRAGMA user_version = 1");
    std::filesystem::permissions(file, std::filesystem::perms(0600));
    const auto result = opened();
    ASSERT_TRUE(result.database);
    ASSERT_TRUE(result.read);
    EXPECT_EQ(number("PRAGMA user_version"), schema_version());
    EXPECT_TRUE(result.read->remembered.drained);
    EXPECT_TRUE(result.read->remembered.services.at(0).pin);
    EXPECT_FALSE(result.read->remembered.services.at(0).rest);
    const vm::WakeRecord& wake = result.read->remembered.wakes.at(0);
    EXPECT_EQ(wake.number, 41u);
    EXPECT_EQ(wake.ready, std::chrono::microseconds(4));
    EXPECT_EQ(wake.packets, 6u);
    EXPECT_EQ(wake.query_type, 0);
    EXPECT_EQ(wake.queries, 0u);
    EXPECT_FALSE(wake.first_byte);
    EXPECT_FALSE(wake.first_waited);
}

TEST_F(FileTest, ATruncatedFileIsSetAside) {
    fill();
    const std::string whole = content();
    ASSERT_GT(whole.size(), 8192u);
    write(whole.substr(0, whole.size() / 2));
    EXPECT_TRUE(opened().database);
    EXPECT_TRUE(is_set_aside());
}

// Whatever single damage there is: it is read, or set aside; there is a file to write to after.
TEST_F(FileTest, DamageAnywhere) {
    fill();
    const std::string whole = content();
    std::mt19937 random(1);
    unsigned set_aside_times = 0;
    for (int i = 0; i < 200; ++i) {
        std::string damaged = whole;
        const std::size_t at = random() % damaged.size();
        for (std::size_t n = at; n < std::min(damaged.size(), at + 64); ++n)
            damaged[n] = static_cast<char>(random());
        std::filesystem::remove_all(directory);
        std::filesystem::create_directory(directory);
        std::filesystem::permissions(directory, std::filesystem::perms::owner_all);
        write(damaged);
        {
            auto ledger = open();
            (void)ledger.remembered();
            ledger.keep(kept(4711));
            ledger.woke(wake(4711));
            ledger.flush();
            ledger.flush();
        }
        set_aside_times += is_set_aside() ? 1 : 0;
    }
    EXPECT_GT(set_aside_times, 20u);
}

TEST_F(FileTest, OfAnotherOwnerOrWritableByOthers) {
    fill();
    std::filesystem::permissions(file, std::filesystem::perms(0620));
    EXPECT_FALSE(opened().database);
    std::filesystem::permissions(file, std::filesystem::perms(0600));
    if (::geteuid() != 0)
        GTEST_SKIP() << "needs root to give a file away";
    ASSERT_EQ(::chown(file.c_str(), 12345, 12345), 0);
    auto refused = open_for_writing(file);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().what,
              "it can be written by others (owner 12345, mode 0600); chown 0 and chmod 600 it if "
              "it is good, or move it away");
    EXPECT_FALSE(opened().read);
}

TEST_F(FileTest, ALinkOrADirectoryInItsPlace) {
    std::filesystem::create_symlink("/etc/passwd", file);
    EXPECT_FALSE(opened().database);
    std::filesystem::remove(file);
    std::filesystem::create_directory(file);
    EXPECT_FALSE(opened().database);
}

TEST_F(FileTest, ADirectoryThatIsMissingIsMade) {
    std::filesystem::remove(directory);
    EXPECT_TRUE(opened().database);
    struct stat of {};
    ASSERT_EQ(::stat(directory.c_str(), &of), 0);
    EXPECT_EQ(of.st_mode & 07777U, 0700u);
    ASSERT_EQ(::stat(file.c_str(), &of), 0);
    EXPECT_EQ(of.st_mode & 07777U, 0600u);
}

TEST_F(FileTest, ADirectoryThatCannotBeMade) {
    file = directory / "no" / "such" / "state.db";
    EXPECT_FALSE(opened().database);
    auto ledger = open();
    EXPECT_TRUE(ledger.remembered().services.empty());
    ledger.keep(kept(1));
    ledger.flush();
    EXPECT_FALSE(ledger.health().usable);
    // It is there later: what waits is written.
    std::filesystem::create_directories(directory / "no" / "such");
    std::filesystem::permissions(directory / "no" / "such", std::filesystem::perms::owner_all);
    while (!ledger.health().usable)
        ledger.flush();
    EXPECT_EQ(number("SELECT count(*) FROM service"), 1);
}

TEST_F(FileTest, ADirectoryThatOthersMayWriteIsRefused) {
    std::filesystem::permissions(directory, std::filesystem::perms::all);
    EXPECT_FALSE(opened().database);
    std::filesystem::permissions(directory, std::filesystem::perms::owner_all);
}

TEST_F(FileTest, AFullDisk) {
    if (!mount_small_disk())
        GTEST_SKIP() << "needs CAP_SYS_ADMIN";
    {
        auto ledger = open();
        std::uint64_t told = 0;
        while (ledger.health().failures == 0) {
            auto each = wake(++told);
            each.what = std::string(10'000, 'x');
            ledger.woke(each);
            ledger.flush();
        }
        EXPECT_FALSE(ledger.health().usable);
        ledger.keep(kept(1));  // nobody waits
        // There is room again.
        ASSERT_EQ(::mount("none", directory.c_str(), "tmpfs", MS_REMOUNT, "size=4m"), 0);
        while (!ledger.health().usable)
            ledger.flush();
    }
    EXPECT_EQ(number("SELECT count(*) FROM service"), 1);
    EXPECT_EQ(opened().read->remembered.services.size(), 1u);
    EXPECT_FALSE(is_set_aside());
    ::umount2(directory.c_str(), MNT_DETACH);
}

TEST_F(FileTest, AFullDiskFromTheStart) {
    if (!mount_small_disk())
        GTEST_SKIP() << "needs CAP_SYS_ADMIN";
    {
        std::ofstream filler(directory / "filler");
        while (filler << std::string(4096, 'x') << std::flush)
            ;
    }
    {
        auto ledger = open();
        EXPECT_TRUE(ledger.remembered().services.empty());
        ledger.keep(kept(1));
        ledger.flush();
        EXPECT_FALSE(ledger.health().usable);
        std::filesystem::remove(directory / "filler");
        while (!ledger.health().usable)
            ledger.flush();
    }
    EXPECT_EQ(number("SELECT count(*) FROM service"), 1);
    ::umount2(directory.c_str(), MNT_DETACH);
}

TEST_F(FileTest, AReadOnlyDiskIsReadAndNotWritten) {
    if (!mount_small_disk())
        GTEST_SKIP() << "needs CAP_SYS_ADMIN";
    for (const bool clean : {true, false}) {
        {
            auto ledger = open();
            ledger.keep(kept(7));
            ledger.flush();
            if (!clean) {  // as after a kill: its log is still there
                std::filesystem::copy(file, directory / "copy");
                std::filesystem::copy(directory / "state.db-wal", directory / "copy-wal");
            }
        }
        if (!clean) {
            std::filesystem::rename(directory / "copy", file);
            std::filesystem::rename(directory / "copy-wal", directory / "state.db-wal");
        }
        ASSERT_EQ(::mount("none", directory.c_str(), "tmpfs", MS_REMOUNT | MS_RDONLY, "size=400k"),
                  0);
        const auto result = opened();
        EXPECT_FALSE(result.database);
        ASSERT_TRUE(result.read) << (clean ? "clean" : "after a kill");
        EXPECT_EQ(result.read->remembered.services.at(0).service, 7u);
        ASSERT_EQ(::mount("none", directory.c_str(), "tmpfs", MS_REMOUNT, "size=400k"), 0);
        std::filesystem::remove(file);
    }
    ::umount2(directory.c_str(), MNT_DETACH);
}

}  // namespace
}  // namespace summond::store
