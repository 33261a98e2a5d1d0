// What has changed from load to load: what is removed and added makes one version from the other.
#include "summond/zone/journal.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <utility>

#include "builder.hpp"
#include "summond/zone/records.hpp"

using namespace summond;
using test::ZoneBuilder;
using zone::Journal;

namespace {

// One record; sets of them are versions of a zone.
std::string text_of(const zone::FlatRecord& record) {
    return std::string(record.owner.begin(), record.owner.end()) + " " +
           std::to_string(static_cast<unsigned>(record.type)) + " " + std::to_string(record.ttl) +
           " " + std::string(record.rdata.begin(), record.rdata.end());
}

std::multiset<std::string> records_of(const zone::Zones& zones) {
    const zone::ZoneNodes nodes(zones);
    zone::ZoneSets sets(nodes, 0);
    zone::RecordSet set;
    std::multiset<std::string> records;
    while (sets.next(set))
        for (const auto& record : set.records)
            records.insert(text_of({set.owner, set.type, record.ttl, set.rdata(record)}));
    return records;
}

class JournalOf : public ::testing::Test {
  protected:
    JournalOf() { builder.zone_with_file("jit.example", "zone"); }

    // A load of a zone with these records beside some that stay.
    void load(std::uint32_t serial, const std::string& records) {
        std::string text = "$TTL 300\n@ SOA ns1 hostmaster " + std::to_string(serial) +
                           " 3600 600 86400 60\n@ NS ns1\nns1 A 192.0.2.53\n";
        for (int i = 0; i < 40; ++i)
            text += "stays" + std::to_string(i) + " TXT \"always there\"\n";
        builder.file("zone", text + records);
        builder.config.zones[0].transfer.emplace();
        ASSERT_EQ(builder.errors(), "");
        before = std::move(after);
        after = std::move(builder.built.image);
        problems.clear();
        if (before.empty())
            return;
        written = open().write(builder.config, *zone::Zones::open(before),
                               *zone::Zones::open(after), problems);
        versions[serial_of(*zone::Zones::open(before), 0)] = records_of(*zone::Zones::open(before));
        versions[serial] = records_of(*zone::Zones::open(after));
    }
    Journal open() {
        journal_text = written;
        return *Journal::open(journal_text);
    }
    // Applies what the journal has to one version, and compares with the other.
    bool leads(std::uint32_t from, std::uint32_t to) {
        const Journal journal = open();
        const auto changes = journal.between(ZoneBuilder::name("jit.example"), from, to);
        if (changes.empty())
            return false;
        std::multiset<std::string> records = versions.at(from);
        for (const zone::ZoneChange& change : changes) {
            auto removed = change.removed;
            auto added = change.added;
            zone::FlatRecord record;
            bool first = true;
            while (zone::take_record(removed, record)) {
                EXPECT_EQ(record.type == dns::Type::soa, std::exchange(first, false));
                const auto found = records.find(text_of(record));
                EXPECT_NE(found, records.end());
                if (found != records.end())
                    records.erase(found);
            }
            first = true;
            while (zone::take_record(added, record)) {
                EXPECT_EQ(record.type == dns::Type::soa, std::exchange(first, false));
                records.insert(text_of(record));
            }
        }
        EXPECT_EQ(records, versions.at(to));
        return true;
    }

    ZoneBuilder builder;
    std::vector<std::uint8_t> before;
    std::vector<std::uint8_t> after;
    std::string written;
    std::string journal_text;
    std::vector<config::Problem> problems;
    std::map<std::uint32_t, std::multiset<std::string>> versions;
};

TEST_F(JournalOf, AChainOfChanges) {
    load(1, "www A 192.0.2.1\n");
    load(2, "www A 192.0.2.2\nwww A 192.0.2.1\nmail MX 10 www\n");
    load(3, "mail 60 MX 10 www\n");
    load(9, "mail 60 MX 10 www\nx TXT y\n");
    EXPECT_TRUE(problems.empty());
    EXPECT_TRUE(leads(1, 9));
    EXPECT_TRUE(leads(2, 9));
    EXPECT_TRUE(leads(3, 9));
    EXPECT_FALSE(leads(2, 3));  // it is not the newest
    EXPECT_FALSE(leads(4, 9));
    EXPECT_FALSE(leads(9, 9));
    const Journal journal = open();
    EXPECT_TRUE(journal.between(ZoneBuilder::name("other.example"), 1, 9).empty());
    // Each record that stays in a set that changes is in no change.
    auto added = journal.between(ZoneBuilder::name("jit.example"), 1, 9)[0].added;
    zone::FlatRecord record;
    int count = 0;
    while (zone::take_record(added, record))
        ++count;
    EXPECT_EQ(count, 3);  // SOA, one address, MX
}

TEST_F(JournalOf, ASerialThatDoesNotGrow) {
    load(5, "www A 192.0.2.1\n");
    load(6, "www A 192.0.2.2\n");
    EXPECT_TRUE(leads(5, 6));
    load(6, "www A 192.0.2.2\n");  // nothing has changed
    EXPECT_TRUE(problems.empty());
    EXPECT_TRUE(leads(5, 6));
    load(6, "www A 192.0.2.3\n");
    ASSERT_EQ(problems.size(), 1U);
    EXPECT_TRUE(problems[0].warning);
    EXPECT_NE(problems[0].what.find("its serial went from 6 to 6, so that secondaries keep"),
              std::string::npos);
    EXPECT_FALSE(leads(5, 6));
    load(4, "www A 192.0.2.3\n");
    EXPECT_EQ(problems.size(), 1U);
    load(4294967295, "www A 192.0.2.4\n");  // RFC 1982: that is smaller
    EXPECT_EQ(problems.size(), 1U);
    load(3, "www A 192.0.2.5\n");
    EXPECT_TRUE(problems.empty());
    EXPECT_TRUE(leads(4294967295, 3));
}

TEST_F(JournalOf, WhatIsLargerThanTheZoneIsNotKept) {
    load(1, "www A 192.0.2.1\n");
    load(2, "www A 192.0.2.2\n");
    EXPECT_TRUE(leads(1, 2));
    std::string all;
    for (int i = 0; i < 400; ++i)
        all += "new" + std::to_string(i) + " TXT \"" + std::string(200, 'x') + "\"\n";
    load(3, all);
    load(4, "www A 192.0.2.2\n");
    EXPECT_FALSE(leads(1, 4));
    EXPECT_FALSE(leads(3, 4));
}

TEST_F(JournalOf, AnythingElseIsNone) {
    load(1, "www A 192.0.2.1\n");
    load(2, "www A 192.0.2.2\n");
    for (std::size_t size = 1; size < written.size(); ++size)
        EXPECT_FALSE(Journal::open(std::string_view(written).substr(0, size))) << size;
}

// Names, types and values from small sets, so that sets grow, shrink and change.
TEST_F(JournalOf, GeneratedVersions) {
    std::mt19937 random(4711);
    const auto pick = [&random](unsigned below) { return static_cast<unsigned>(random() % below); };
    for (std::uint32_t serial = 1; serial <= 30; ++serial) {
        std::set<std::string> lines;
        std::map<std::string, std::string> ttl;
        for (unsigned i = pick(30); i > 0; --i) {
            const std::string owner = "n" + std::to_string(pick(8));
            const std::string set = owner + (pick(2) == 0 ? " A" : " TXT");
            ttl.try_emplace(set, std::to_string(60 * (1 + pick(2))));
            const bool address = set.ends_with(" A");
            lines.insert(owner + " " + ttl[set] + (address ? " A 192.0.2." : " TXT t") +
                         std::to_string(pick(5)) + "\n");
        }
        std::string text;
        for (const std::string& line : lines)
            text += line;
        load(serial, text);
        if (serial > 1) {
            EXPECT_TRUE(leads(serial - 1, serial));
            leads(std::max<std::uint32_t>(1, serial - std::min<std::uint32_t>(serial - 1, 5)),
                  serial);
        }
    }
}

}  // namespace
