#include "summond/net/signing.hpp"

#include <gtest/gtest.h>

#include "fake_clock.hpp"

namespace summond::net {
namespace {

using std::chrono::seconds;

answer::Statement statement(std::uint64_t tag) {
    answer::Statement made;
    made.tag = tag;
    made.content = 42;
    made.kind = answer::Statement::Kind::types;
    made.size = 3;
    made.apex_size = 1;
    made.name = {1, 'x', 0};
    return made;
}

class SigningTest : public testing::Test {
  protected:
    void connect() {
        auto ends = ipc::Channel::pair(ipc::Role::front, ipc::Role::signer);
        ASSERT_TRUE(ends);
        signer = std::move(ends->second);
        signing.connect(io, std::move(ends->first));
    }
    // The tags of what the signer is asked for.
    std::vector<std::uint64_t> asked() {
        std::vector<std::uint64_t> tags;
        signing.take_wanted();
        for (auto received = signer.receive(); received && *received; received = signer.receive()) {
            const auto wanted = (*received)->as<ipc::SignWanted>();
            EXPECT_EQ(wanted.content, 42U);
            EXPECT_EQ(wanted.kind, 2);
            EXPECT_EQ(wanted.size, 3);
            EXPECT_EQ(wanted.apex_size, 1);
            EXPECT_EQ(wanted.name[1], 'x');
            tags.push_back(wanted.tag);
        }
        return tags;
    }
    void say(std::uint64_t tag, std::uint32_t count) {
        ipc::SignedRecord made{};
        made.tag = tag;
        made.inception = 1;
        made.due = 2;
        made.expiration = 3;
        made.count = count;
        made.signature[0].key_tag = 12345;
        made.signature[0].octets[63] = 7;
        signer.send(made);
        io.restart();
        io.poll();
    }

    using Tags = std::vector<std::uint64_t>;
    test::FakeClock clock;
    boost::asio::io_context io;
    int news = 0;
    metrics::DnsCounters counters{};
    Signing signing{{1024, 4}, {1}, clock, [this] { ++news; }, &counters};
    ipc::Channel signer;
};

TEST_F(SigningTest, WhatIsWantedIsSignedAndKept) {
    connect();
    EXPECT_TRUE(signing.want(statement(7), true));
    EXPECT_TRUE(signing.want(statement(7), true));
    EXPECT_EQ(asked(), Tags{7});
    EXPECT_FALSE(signing.signatures().find(7));
    say(7, 1);
    const auto made = signing.signatures().find(7);
    ASSERT_TRUE(made);
    EXPECT_EQ(made->count, 1);
    EXPECT_EQ(made->expiration, 3U);
    EXPECT_EQ(made->signature[0].key_tag, 12345);
    EXPECT_EQ(made->signature[0].octets[63], 7);
    EXPECT_EQ(news, 1);
    EXPECT_EQ(counters.signatures_made.get(), 1U);
    say(8, 1);
    EXPECT_FALSE(signing.signatures().find(8)) << "nobody wants it";
    EXPECT_EQ(news, 1);
}

TEST_F(SigningTest, TheNextSignerIsAskedForWhatIsMissing) {
    EXPECT_TRUE(signing.want(statement(7), true));
    connect();
    EXPECT_EQ(asked(), Tags{7});
    EXPECT_TRUE(signing.want(statement(8), true));
    EXPECT_EQ(asked(), Tags{8});
    say(7, 1);
    connect();
    EXPECT_EQ(asked(), Tags{8}) << "with the first one that it died with";
    clock.advance(seconds(11));
    signing.tick();
    connect();
    EXPECT_EQ(asked(), Tags{}) << "nobody waits any more";
}

TEST_F(SigningTest, WhatCannotBeSignedIsKnownForAWhile) {
    connect();
    signing.want(statement(7), true);
    EXPECT_EQ(asked(), Tags{7});
    say(7, 0);
    const auto made = signing.signatures().find(7);
    ASSERT_TRUE(made);
    EXPECT_EQ(made->count, 0);
    EXPECT_EQ(news, 1);
    EXPECT_EQ(counters.signatures_made.get(), 0U);
}

TEST_F(SigningTest, MoreSignaturesThanThereCanBeEndTheLink) {
    connect();
    signing.want(statement(7), true);
    EXPECT_EQ(asked(), Tags{7});
    say(7, 3);
    EXPECT_FALSE(signing.signatures().find(7));
    connect();
    EXPECT_EQ(asked(), Tags{7});
}

TEST_F(SigningTest, TooManyAreRefused) {
    connect();
    int count = 0;
    for (std::uint64_t tag = 1; tag < 100; ++tag)
        count += signing.want(statement(tag), false);
    EXPECT_EQ(count, 2) << "half of a second's";
    EXPECT_EQ(asked().size(), 2U);
}

}  // namespace
}  // namespace summond::net
