#include "summond/sign/key_file.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

using namespace summond;
namespace fs = std::filesystem;

namespace {

constexpr std::int64_t now = 1796000000;

class KeyFile : public ::testing::Test {
  protected:
    KeyFile() {
        char path[] = "/tmp/summond-keys-XXXXXX";
        directory_ = ::mkdtemp(path);
    }
    ~KeyFile() override { fs::remove_all(directory_); }

    std::string path(const std::string& name = "keys") const { return directory_ / name; }
    sign::KeyDirectory open() const {
        auto directory = sign::KeyDirectory::open(path(), sign::KeyDirectory::Missing::make);
        EXPECT_TRUE(directory) << directory.error().what;
        return std::move(*directory);
    }
    std::string read(const std::string& name) const {
        std::ifstream stream(path("keys/" + name), std::ios::binary);
        return {std::istreambuf_iterator<char>(stream), {}};
    }
    void write(const std::string& name, const std::string& text) const {
        std::ofstream(path("keys/" + name), std::ios::binary) << text;
    }
    sign::Key written(std::uint8_t algorithm = sign::ecdsa_p256_sha256,
                      std::uint16_t flags = 257) const {
        auto key = sign::make_key(zone_, flags, algorithm, {}, now);
        EXPECT_TRUE(key);
        key->times.sync_publish = now + 3600;
        EXPECT_TRUE(open().write(*key));
        return std::move(*key);
    }
    // Of reading the zone's keys, without the directory's name.
    std::string error() const {
        const auto keys = open().read(zone_);
        if (keys)
            return "";
        std::string text = keys.error().what;
        for (auto at = text.find(path()); at != std::string::npos; at = text.find(path()))
            text.erase(at, path().size() + 1);
        return text;
    }

    const dns::Name zone_ = dns::Name::parse("jit.example").value();

  private:
    fs::path directory_;
};

unsigned mode_of(const std::string& path) {
    struct stat status {};
    EXPECT_EQ(::stat(path.c_str(), &status), 0) << path;
    return status.st_mode & 07777;
}

}  // namespace

TEST_F(KeyFile, IsReadAsItWasWritten) {
    for (const std::uint8_t algorithm : {sign::ecdsa_p256_sha256, sign::ed25519}) {
        const sign::Key key = written(algorithm, 257);
        const std::string name = key.file_name();
        EXPECT_TRUE(
            name.starts_with(algorithm == 13 ? "Kjit.example.+013+" : "Kjit.example.+015+"));
        EXPECT_EQ(mode_of(path()), 0700U);
        EXPECT_EQ(mode_of(path("keys/" + name + ".private")), 0600U);
        const auto keys = open().read(zone_);
        ASSERT_TRUE(keys) << keys.error().what;
        const auto found = std::ranges::find(*keys, key.tag, &sign::Key::tag);
        ASSERT_NE(found, keys->end());
        EXPECT_EQ(found->dnskey, key.dnskey);
        EXPECT_EQ(found->times, key.times);
        EXPECT_EQ(found->zone, zone_);
    }
    EXPECT_TRUE(open().read(dns::Name::parse("example").value())->empty());
}

TEST_F(KeyFile, TimesAreChanged) {
    sign::Key key = written();
    key.times.removed = now + 5;
    key.times.sync_publish.reset();
    ASSERT_TRUE(open().write(key));
    const auto keys = open().read(zone_);
    ASSERT_EQ(keys->size(), 1U);
    EXPECT_EQ((*keys)[0].times, key.times);
    EXPECT_NE(read(key.file_name() + ".private").find("Delete: 20261130005325\n"),
              std::string::npos)
        << read(key.file_name() + ".private");
}

TEST_F(KeyFile, IsRefusedWhereOthersMayReadIt) {
    const std::string name = written().file_name();
    fs::permissions(path("keys/" + name + ".private"), fs::perms(0640));
    EXPECT_EQ(error(), name + ".private: others may read or write it (mode 0640); `chmod 600` it");
    fs::permissions(path("keys/" + name + ".private"), fs::perms(0600));
    EXPECT_EQ(error(), "");
    fs::permissions(path(), fs::perms(0755));
    const auto directory = sign::KeyDirectory::open(path(), sign::KeyDirectory::Missing::error);
    ASSERT_FALSE(directory);
    EXPECT_EQ(directory.error().what,
              path() + ": others may read or write it (mode 0755); `chmod 700` it");
}

TEST_F(KeyFile, IsRefusedWhereAHalfIsMissingOrAnothers) {
    const sign::Key key = written();
    const std::string name = key.file_name();
    const std::string open_half = read(name + ".key");
    fs::remove(path("keys/" + name + ".key"));
    EXPECT_EQ(error(), name + ".key: cannot be read: No such file or directory");
    write(name + ".key", "; nothing\n");
    EXPECT_EQ(error(), name + ".key: has no DNSKEY record");
    std::string text = open_half;
    text.replace(text.find(" 257 "), 5, " 256 ");
    write(name + ".key", text);
    EXPECT_EQ(error().substr(0, name.size() + 10), name + ".key: is K");
    write(name + ".key", open_half);
    const std::string secret_half = read(name + ".private");
    const std::string others = written().file_name();
    write(name + ".private", read(others + ".private"));
    EXPECT_NE(error().find(name + ".private: is not the private key of "), std::string::npos)
        << error();
    write(name + ".private", "Algorithm: 8 (RSASHA256)\n");
    EXPECT_NE(error().find("is of algorithm 8; zones are signed with ecdsap256sha256 (13) or "
                           "ed25519 (15)"),
              std::string::npos)
        << error();
}

TEST_F(KeyFile, WhatWasBegunIsFinishedOrForgotten) {
    const sign::Key key = written();
    const std::string name = key.file_name();
    // Killed between the two renames, and before the first.
    fs::rename(path("keys/" + name + ".key"), path("keys/" + name + ".key.new"));
    write("Kjit.example.+013+00001.key.new", "x");
    write("Kjit.example.+013+00002.private.new", "x");
    auto directory = open();
    ASSERT_TRUE(directory.lock());
    const auto keys = directory.read(zone_);
    ASSERT_TRUE(keys) << keys.error().what;
    ASSERT_EQ(keys->size(), 1U);
    EXPECT_EQ(std::distance(fs::directory_iterator(path()), fs::directory_iterator()), 2);
}

TEST_F(KeyFile, OddNames) {
    const dns::Name odd = dns::Name::parse("a\\.b/\\032c.Example").value();
    auto key = sign::make_key(odd, 257, sign::ed25519, {}, now);
    ASSERT_TRUE(key);
    EXPECT_TRUE(key->file_name().starts_with("Ka%2Eb%2F%20c.example.+015+")) << key->file_name();
    ASSERT_TRUE(open().write(*key));
    const auto keys = open().read(odd);
    ASSERT_TRUE(keys) << keys.error().what;
    ASSERT_EQ(keys->size(), 1U);
    EXPECT_EQ((*keys)[0].zone, odd);
}

TEST(KeyTimes, AsText) {
    EXPECT_EQ(sign::time_text(0), "19700101000000");
    EXPECT_EQ(sign::time_of("20261130083000"), 1796027400);
    EXPECT_EQ(sign::time_text(1796027400), "20261130083000");
    for (const char* text : {"", "2026113008300", "20261330083000", "20260230000000",
                             "2026113008300x", "-0261130083000"})
        EXPECT_FALSE(sign::time_of(text)) << text;
}
