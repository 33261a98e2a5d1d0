// A zone's keys from load to load, as RFC 7583 has them.
#include "summond/sign/key_schedule.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

using namespace summond;

namespace {

constexpr std::int64_t start = 1796000000;
constexpr std::int64_t day = 86400;
constexpr sign::Waits waits{
    .propagation = 100, .dnskey_ttl = 1000, .max_ttl = 5000, .parent = 20000, .zsk_lifetime = 0};

class KeySchedule : public ::testing::Test {
  protected:
    sign::Key& add(std::uint16_t flags, std::int64_t now) {
        auto key = sign::make_key(dns::Name::parse("jit.example").value(), flags, sign::ed25519,
                                  keys, now);
        return keys.emplace_back(std::move(*key));
    }
    // One letter a key: as state_of, C: with CDS.
    std::string load(std::int64_t now, const sign::Waits& with = waits) {
        plan = sign::plan(keys, now, with);
        std::string text;
        for (const sign::Key& key : keys) {
            text += sign::state_of(key.times, now);
            text += sign::has_cds(key.times, now) ? "+CDS " : " ";
        }
        return text;
    }

    std::vector<sign::Key> keys;
    sign::Plan plan;
};

}  // namespace

TEST_F(KeySchedule, FirstKeysSignAtOnceAndAskForADsLater) {
    add(257, start);
    add(256, start);
    EXPECT_EQ(load(start), "active active ");
    EXPECT_EQ(plan.next, start + 100 + 5000);
    EXPECT_EQ(load(start + 5099), "active active ");
    EXPECT_EQ(load(start + 5100), "active+CDS active ");
    EXPECT_EQ(plan.next, std::nullopt);
    EXPECT_FALSE(plan.zsk_is_due);
}

TEST_F(KeySchedule, AZskIsPublishedBeforeItSigns) {
    add(257, start);
    add(256, start);
    load(start);
    const std::int64_t roll = start + day;
    load(roll);
    add(256, roll);
    EXPECT_EQ(load(roll + 50), "active+CDS active published ");
    EXPECT_EQ(plan.next, roll + 50 + 1100);  // from when it was published, not made
    EXPECT_EQ(load(roll + 1149), "active+CDS active published ");
    EXPECT_EQ(load(roll + 1150), "active+CDS retired active ");
    EXPECT_EQ(plan.next, roll + 1150 + 5100);
    EXPECT_EQ(load(roll + 1150 + 5099), "active+CDS retired active ");
    EXPECT_EQ(load(roll + 1150 + 5100), "active+CDS removed active ");
    EXPECT_EQ(plan.next, std::nullopt);
}

TEST_F(KeySchedule, AZskThatLivesLongEnoughIsDue) {
    sign::Waits limited = waits;
    limited.zsk_lifetime = 30 * day;
    add(257, start);
    add(256, start);
    load(start, limited);
    load(start + day, limited);
    EXPECT_EQ(plan.next, start + 30 * day - 1100);
    load(start + 30 * day - 1101, limited);
    EXPECT_FALSE(plan.zsk_is_due);
    load(start + 30 * day - 1100, limited);
    EXPECT_TRUE(plan.zsk_is_due);
    add(256, start + 30 * day - 1100);
    EXPECT_EQ(load(start + 30 * day - 1100, limited), "active+CDS active published ");
    EXPECT_FALSE(plan.zsk_is_due);
    EXPECT_EQ(load(start + 30 * day, limited), "active+CDS retired active ");
    EXPECT_FALSE(plan.zsk_is_due);
}

TEST_F(KeySchedule, ACskSignsBesideTheOldOneUntilTheParentHasItsDs) {
    add(257, start);
    load(start);
    const std::int64_t roll = start + day;
    load(roll);
    add(257, roll);
    EXPECT_EQ(load(roll), "active+CDS active ");
    EXPECT_EQ(sign::ds_from(keys[1].times), roll + 1100);
    EXPECT_EQ(load(roll + 1099), "active+CDS active ");
    EXPECT_EQ(load(roll + 1100), "active active+CDS ");
    // However long the parent takes.
    EXPECT_EQ(load(roll + 100 * day), "active active+CDS ");
    EXPECT_EQ(plan.next, std::nullopt);
    const std::int64_t seen = roll + 100 * day + 10;
    keys[1].times.ds_publish = seen;
    EXPECT_EQ(load(seen + 5), "active active+CDS ");
    EXPECT_EQ(plan.next, seen + 20000);
    EXPECT_EQ(load(seen + 20000), "removed active+CDS ");
    EXPECT_EQ(plan.next, std::nullopt);
}

TEST_F(KeySchedule, OfTwoKeysOfOneSecondTheLaterOneIsTheNewer) {
    add(257, start);
    load(start);
    add(257, start);
    EXPECT_EQ(load(start), "active published ");
    EXPECT_EQ(plan.next, start + 1);
    EXPECT_EQ(load(start + 1), "active active ");
    EXPECT_EQ(load(start + 1100), "active active+CDS ");
    keys[1].times.ds_publish = start + 1100;
    load(start + 1100);
    EXPECT_EQ(load(start + 1100 + 20000), "removed active+CDS ");
}

TEST_F(KeySchedule, AZskBesideACskWaitsUntilItIsKnown) {
    add(257, start);
    load(start);
    add(256, start + day);
    EXPECT_EQ(load(start + day), "active+CDS published ");
    EXPECT_EQ(load(start + day + 1100), "active+CDS active ");
}

TEST_F(KeySchedule, TimesOfOthersAreFollowed) {
    sign::Key& key = add(257, start);
    key.times = {};
    key.times.publish = start;
    key.times.activate = start + 10;
    key.times.inactive = start + 20;
    key.times.removed = start + 30;
    for (const auto& [at, state] :
         {std::pair(-1, "not yet "), std::pair(0, "published "), std::pair(10, "active "),
          std::pair(20, "retired "), std::pair(30, "removed ")})
        EXPECT_EQ(load(start + at), state);
}

TEST_F(KeySchedule, KeysOfAnotherAlgorithmSignFirstAndGoLast) {
    sign::Waits limited = waits;
    limited.zsk_lifetime = 30 * day;
    add(257, start);
    add(256, start);
    load(start, limited);
    const std::int64_t roll = start + 30 * day - 1200;
    EXPECT_EQ(load(roll, limited), "active+CDS active ");
    for (const int flags : {257, 256}) {
        sign::Key key = std::move(*sign::make_key(keys[0].zone, static_cast<std::uint16_t>(flags),
                                                  sign::ecdsa_p256_sha256, keys, roll));
        key.times.publish.reset();
        key.times.activate = roll;
        keys.push_back(std::move(key));
    }
    EXPECT_EQ(load(roll, limited), "active+CDS active signing signing ");
    EXPECT_TRUE(sign::changes_algorithm(keys, roll));
    EXPECT_EQ(plan.next, roll + 5100);
    EXPECT_EQ(load(roll + 5099, limited), "active+CDS active signing signing ");
    EXPECT_FALSE(plan.zsk_is_due);
    EXPECT_EQ(load(roll + 5100, limited), "active+CDS active active active ");
    EXPECT_EQ(sign::ds_from(keys[2].times), roll + 5100 + 1100);
    EXPECT_EQ(load(roll + 6199, limited), "active+CDS active active active ");
    EXPECT_EQ(load(roll + 6200, limited), "active active active+CDS active ");
    EXPECT_EQ(load(roll + day, limited), "active active active+CDS active ");
    EXPECT_EQ(plan.next, std::nullopt);
    const std::int64_t seen = roll + day;
    keys[2].times.ds_publish = seen;
    EXPECT_EQ(load(seen, limited), "active active active+CDS active ");
    EXPECT_EQ(plan.next, seen + 20000);
    EXPECT_EQ(load(seen + 20000, limited), "signing signing active+CDS active ");
    EXPECT_EQ(plan.next, seen + 20000 + 1100);
    EXPECT_TRUE(sign::changes_algorithm(keys, seen + 20000));
    EXPECT_EQ(load(seen + 21100, limited), "removed removed active+CDS active ");
    EXPECT_FALSE(sign::changes_algorithm(keys, seen + 21100));
    EXPECT_EQ(sign::newest_sep(keys, seen + 21100), &keys[2]);
    EXPECT_EQ(plan.next, roll + 30 * day - 1100) << "the next ZSK";
}
