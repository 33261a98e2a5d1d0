#include "summond/answer/signatures.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace summond::answer {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Wanted = Signatures::Wanted;

Statement statement(std::uint64_t tag) {
    Statement made;
    made.tag = tag;
    made.content = ~tag;
    return made;
}

// All of it follows from one number.
SignatureSet set_of(std::uint32_t number) {
    SignatureSet set;
    set.inception = number;
    set.expiration = number + 2;
    set.due = number + 1;
    set.count = 2;
    for (std::uint8_t i = 0; i < 2; ++i) {
        set.signature[i].algorithm = static_cast<std::uint8_t>(13 + i);
        set.signature[i].key_tag = static_cast<std::uint16_t>(number + i);
        set.signature[i].octets.fill(static_cast<std::uint8_t>(number + i));
    }
    return set;
}

bool same(const SignatureSet& a, const SignatureSet& b) {
    bool all = a.inception == b.inception && a.expiration == b.expiration && a.due == b.due &&
               a.count == b.count;
    for (std::size_t i = 0; i < 2; ++i)
        all = all && a.signature[i].algorithm == b.signature[i].algorithm &&
              a.signature[i].key_tag == b.signature[i].key_tag &&
              a.signature[i].octets == b.signature[i].octets;
    return all;
}

class SignaturesTest : public testing::Test {
  protected:
    void put(std::uint64_t tag, std::uint32_t number) {
        ASSERT_EQ(signatures.want(statement(tag), true, now), Wanted::asked);
        ASSERT_TRUE(signatures.put(tag, set_of(number)));
    }
    Signatures signatures{{1024, 100}, {1}};
    base::TimePoint now{seconds(100)};
};

TEST_F(SignaturesTest, WhatIsWantedIsAskedForOnce) {
    EXPECT_FALSE(signatures.find(7));
    EXPECT_EQ(signatures.want(statement(7), false, now), Wanted::asked);
    EXPECT_EQ(signatures.want(statement(7), false, now), Wanted::waiting);
    const auto asked = signatures.take_asked();
    ASSERT_TRUE(asked);
    EXPECT_EQ(asked->tag, 7U);
    EXPECT_EQ(asked->content, ~std::uint64_t{7});
    EXPECT_FALSE(signatures.take_asked());
    EXPECT_TRUE(signatures.put(7, set_of(9)));
    ASSERT_TRUE(signatures.find(7));
    EXPECT_TRUE(same(*signatures.find(7), set_of(9)));
    EXPECT_FALSE(signatures.put(8, set_of(9))) << "nobody wants it";
    EXPECT_FALSE(signatures.find(8));
}

TEST_F(SignaturesTest, WhatASignerTookToItsGraveIsAskedForAgain) {
    signatures.want(statement(7), false, now);
    signatures.want(statement(8), false, now);
    EXPECT_TRUE(signatures.take_asked());
    signatures.take_all_again();
    EXPECT_TRUE(signatures.take_asked());
    EXPECT_TRUE(signatures.take_asked());
    EXPECT_FALSE(signatures.take_asked());
    signatures.take_again(8);
    EXPECT_EQ(signatures.take_asked()->tag, 8U);
    EXPECT_TRUE(signatures.put(7, set_of(1)));
    signatures.take_all_again();
    EXPECT_EQ(signatures.take_asked()->tag, 8U);
    EXPECT_FALSE(signatures.take_asked());
    signatures.forget_older_than(now + milliseconds(1));
    EXPECT_EQ(signatures.want(statement(8), false, now), Wanted::asked);
}

// 100 in a second; half of that for those whose address may be forged.
TEST_F(SignaturesTest, ThereIsABudget) {
    std::uint64_t tag = 1;
    const auto asked = [&](bool verified) {
        int count = 0;
        while (signatures.want(statement(tag++), verified, now) == Wanted::asked)
            ++count;
        return count;
    };
    EXPECT_EQ(asked(false), 50);
    EXPECT_EQ(asked(true), 50);
    EXPECT_EQ(signatures.want(statement(1), false, now), Wanted::waiting) << "costs nothing";
    now += milliseconds(100);
    EXPECT_EQ(asked(false), 0) << "others have used it up";
    EXPECT_EQ(asked(true), 10);
    now += seconds(10);
    EXPECT_EQ(asked(false), 50) << "what was not used does not add up";
}

TEST_F(SignaturesTest, AFloodDoesNotDriveOutWhatIsUsed) {
    Signatures many({1024, 1'000'000}, {1});
    const auto make = [&](std::uint64_t tag) {
        now += milliseconds(1);
        ASSERT_EQ(many.want(statement(tag), true, now), Wanted::asked);
        ASSERT_TRUE(many.put(tag, set_of(static_cast<std::uint32_t>(tag))));
    };
    constexpr std::uint64_t used = 100;
    for (std::uint64_t tag = 1; tag <= used; ++tag)
        make(tag);
    for (std::uint64_t tag = 1000; tag < 8000; ++tag) {
        make(tag);
        for (std::uint64_t each = 1; tag % 100 == 0 && each <= used; ++each) {
            ASSERT_TRUE(many.find(each)) << each << " after " << tag;
        }
    }
    int kept = 0;
    for (std::uint64_t tag = 1000; tag < 8000; ++tag)
        kept += many.find(tag).has_value();
    EXPECT_LE(kept, 1024) << "it is bounded";
    EXPECT_GE(kept, 512);
}

TEST_F(SignaturesTest, TagsTellNamesZonesAndKindsApart) {
    dns::FoldedName a;
    dns::FoldedName b;
    a.assign(std::array<std::uint8_t, 3>{1, 'a', 0});
    b.assign(std::array<std::uint8_t, 3>{1, 'b', 0});
    const auto tag = signatures.tag_of(0, Statement::Kind::types, a);
    EXPECT_EQ(tag, signatures.tag_of(0, Statement::Kind::types, a));
    EXPECT_NE(tag, signatures.tag_of(0, Statement::Kind::types, b));
    EXPECT_NE(tag, signatures.tag_of(1, Statement::Kind::types, a));
    EXPECT_NE(tag, signatures.tag_of(0, Statement::Kind::covered, a));
}

// Whoever reads while it is written sees one or the other.
TEST_F(SignaturesTest, ReadersSeeWholeSets) {
    Signatures busy({4, 1'000'000}, {1});
    std::atomic<bool> over{false};
    std::atomic<std::uint64_t> seen{0};
    std::thread reader([&] {
        while (!over) {
            for (std::uint64_t tag = 1; tag <= 8; ++tag) {
                const auto set = busy.find(tag);
                if (!set)
                    continue;
                EXPECT_TRUE(same(*set, set_of(set->inception)));
                EXPECT_EQ(set->inception % 8 + 1, tag);
                ++seen;
            }
        }
    });
    for (std::uint32_t i = 0; i < 4000 || seen == 0; ++i) {
        now += milliseconds(1);
        busy.want(statement(i % 8 + 1), true, now);
        busy.put(i % 8 + 1, set_of(i));
    }
    over = true;
    reader.join();
}

}  // namespace
}  // namespace summond::answer
