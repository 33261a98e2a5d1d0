#include "summond/transfer/plan.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

using namespace summond;
using transfer::may_have;
using transfer::Plan;
namespace fs = std::filesystem;

namespace {

dns::Name name(const std::string& text) {
    return *dns::Name::parse(text);
}

base::IpAddress address(const char* text) {
    return *base::IpAddress::parse(text);
}

class Plans : public ::testing::Test {
  protected:
    Plans() {
        fs::create_directories(directory);
        config.zones.reserve(8);
    }
    ~Plans() override { fs::remove_all(directory); }

    std::string key_file(const std::string& file, const std::string& key, mode_t mode = 0600) {
        const std::string path = directory / file;
        std::ofstream(path) << "key " << key << " { algorithm hmac-sha256; secret MTIzNA==; };";
        ::chmod(path.c_str(), mode);
        return path;
    }
    config::Zone& zone(const std::string& apex) {
        config::Zone& zone = config.zones.emplace_back();
        zone.name = name(apex);
        zone.transfer.emplace();
        zone.transfer->where = {"c.yaml", 9, 5};
        return zone;
    }
    std::string problems() {
        std::vector<config::Problem> found;
        plan = transfer::make_plan(config, found);
        std::string text;
        for (const auto& problem : found)
            text += problem.to_string() + "\n";
        return text;
    }

    const fs::path directory =
        fs::temp_directory_path() / ("summond-plan-" + std::to_string(::getpid()));
    config::Config config;
    Plan plan;
};

TEST_F(Plans, WhatIsPackedIsUnpacked) {
    config.tsig = {{key_file("a", "a.example"), {}}, {key_file("b", "b.example"), {}}};
    config.listen = {{address("192.0.2.53"), 53}, {address("::"), 53}};
    auto& who = *zone("jit.example").transfer;
    who.to = {{address("192.0.2.0"), 24}, {address("2001:db8::"), 32}};
    who.keys = {name("a.example")};
    who.notify = {{{address("2001:db8::2"), 5353}, name("b.example")},
                  {{address("192.0.2.2"), 53}, std::nullopt}};
    zone("a.example").transfer->keys = {name("b.example")};
    config.zones.emplace_back().name = name("private.example");
    ASSERT_EQ(problems(), "");
    const std::string packed = plan.pack();
    const auto read = Plan::unpack(packed);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->pack(), packed);
    ASSERT_EQ(read->zones.size(), 2U);
    EXPECT_EQ(read->zone(name("private.example")), nullptr);
    const Plan::Zone* const jit = read->zone(name("jit.example"));
    ASSERT_NE(jit, nullptr);
    EXPECT_EQ(jit->who.to, who.to);
    EXPECT_EQ(jit->who.keys, who.keys);
    EXPECT_EQ(jit->who.notify[0].to, who.notify[0].to);
    EXPECT_EQ(jit->who.notify[0].key, who.notify[0].key);
    EXPECT_FALSE(jit->who.notify[1].key);
    EXPECT_EQ(read->key(name("b.example"))->secret, plan.key(name("b.example"))->secret);
    ASSERT_EQ(read->sources.size(), 1U);  // of IPv6 every address is listened on
    EXPECT_EQ(read->sources[0], address("192.0.2.53"));
    for (std::size_t size = 0; size < packed.size(); ++size)
        EXPECT_FALSE(Plan::unpack(std::string_view(packed).substr(0, size))) << size;
}

TEST_F(Plans, WhatIsWrongWithKeys) {
    config.tsig = {{key_file("a", "a.example", 0644), {"c.yaml", 2, 3}},
                   {key_file("b", "b.example"), {"c.yaml", 3, 3}},
                   {key_file("c", "b.example"), {"c.yaml", 4, 3}}};
    const std::string in = directory.string();
    EXPECT_EQ(problems(), "c.yaml:2:3: tsig: " + in +
                              "/a: others may read or write it; `chmod 600` it\n"
                              "c.yaml:4:3: tsig: " +
                              in + "/c: key b.example. is in another file, too; keep one\n");
    config.tsig = {{key_file("b", "b.example"), {}}};
    zone("jit.example").transfer->keys = {name("c.example")};
    EXPECT_EQ(
        problems(),
        "c.yaml:9:5: transfer.keys: c.example. is the name of no key in the files of tsig:\n");
}

TEST_F(Plans, WhoMayHaveAZone) {
    sign::TsigKey a;
    a.name = name("a.example");
    sign::TsigKey b;
    b.name = name("b.example");
    Plan::Zone zone{name("jit.example"), {}};
    const auto inside = address("192.0.2.7");
    const auto outside = address("198.51.100.7");
    EXPECT_FALSE(may_have(zone, inside, &a));  // it names nobody
    zone.who.to = {{address("192.0.2.0"), 24}};
    EXPECT_TRUE(may_have(zone, inside, nullptr));
    EXPECT_TRUE(may_have(zone, inside, &a));
    EXPECT_FALSE(may_have(zone, outside, &a));
    EXPECT_FALSE(may_have(zone, address("::ffff:192.0.2.7"), nullptr));
    zone.who.keys = {a.name};
    EXPECT_TRUE(may_have(zone, inside, &a));
    EXPECT_FALSE(may_have(zone, inside, nullptr));
    EXPECT_FALSE(may_have(zone, inside, &b));
    EXPECT_FALSE(may_have(zone, outside, &a));
    zone.who.to.clear();
    EXPECT_TRUE(may_have(zone, outside, &a));
    EXPECT_FALSE(may_have(zone, outside, nullptr));
}

}  // namespace
