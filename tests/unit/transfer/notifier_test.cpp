#include "summond/transfer/notifier.hpp"

#include <gtest/gtest.h>

#include "../zone/builder.hpp"
#include "fake_clock.hpp"
#include "summond/dns/wire.hpp"

using namespace summond;
using namespace std::chrono_literals;
using transfer::Notifier;
using Octets = std::vector<std::uint8_t>;

namespace {

constexpr std::uint64_t unix_now = 1'900'000'000;

class Notify : public ::testing::Test {
  protected:
    struct Sent {
        base::Endpoint to;
        std::optional<base::IpAddress> source;
        Octets message;
    };

    Notify()
        : notifier(clock, count, [this](const auto& to, const auto& source, auto message) {
              sent.push_back({to, source, Octets(message.begin(), message.end())});
          }) {
        builder.zone("jit.example").soa.serial = 7;
        who.notify = {{second, std::nullopt}};
    }

    void serve(std::uint32_t serial = 7) {
        builder.config.zones[0].soa.serial = serial;
        ASSERT_EQ(builder.errors(), "");
        const auto image =
            std::make_shared<std::vector<std::uint8_t>>(std::move(builder.built.image));
        transfer::Plan plan;
        plan.keys = keys;
        plan.zones = {{test::ZoneBuilder::name("jit.example"), who}};
        plan.sources = {*base::IpAddress::parse("192.0.2.53")};
        notifier.serve(std::make_shared<transfer::Serving>(image, *zone::Zones::open(*image),
                                                           std::move(plan), zone::Journal()));
        notifier.tick(unix_now);
    }
    Octets answer(std::uint16_t rcode = 0) {
        Octets answer = sent.back().message;
        dns::put16(&answer[2], static_cast<std::uint16_t>(0xa400 | rcode));
        return answer;
    }

    const base::Endpoint second{*base::IpAddress::parse("192.0.2.2"), 53};
    test::ZoneBuilder builder;
    config::Transfer who;
    std::vector<sign::TsigKey> keys;
    test::FakeClock clock;
    std::vector<Sent> sent;
    std::unique_ptr<metrics::TransferCounters> counters =
        std::make_unique<metrics::TransferCounters>();
    metrics::TransferCount count{counters.get()};
    Notifier notifier;
};

TEST_F(Notify, AtTheStartAndWhenTheSerialChanges) {
    serve();
    ASSERT_EQ(sent.size(), 1U);
    EXPECT_EQ(sent[0].to, second);
    EXPECT_EQ(sent[0].source->to_string(), "192.0.2.53");
    // NOTIFY, AA; one question, one answer: the SOA record.
    EXPECT_EQ(dns::get16(&sent[0].message[2]), 0x2400);
    EXPECT_EQ(dns::get16(&sent[0].message[4]), 1);
    EXPECT_EQ(dns::get16(&sent[0].message[6]), 1);
    EXPECT_EQ(dns::get32(&sent[0].message[sent[0].message.size() - 20]), 7U);
    notifier.count_waiting();
    EXPECT_EQ(counters->now.secondary[0].waiting.get(), 1U);
    notifier.receive(answer(), second, unix_now);
    EXPECT_EQ(notifier.pending(), 0U);
    notifier.count_waiting();
    EXPECT_EQ(counters->now.secondary[0].waiting.get(), 0U);
    EXPECT_EQ(counters->secondary[0].sent.get(), 1U);
    EXPECT_EQ(counters->secondary[0].results[0].get(), 1U);
    serve();
    EXPECT_EQ(sent.size(), 1U);
    serve(8);
    EXPECT_EQ(sent.size(), 2U);
    EXPECT_EQ(dns::get32(&sent[1].message[sent[1].message.size() - 20]), 8U);
}

TEST_F(Notify, UntilThereIsAnAnswer) {
    serve();
    auto wait = 2s;
    for (unsigned tries = 1; tries < Notifier::tries; ++tries, wait *= 2) {
        EXPECT_EQ(sent.size(), tries);
        clock.advance(wait - 1ms);
        notifier.tick(unix_now);
        EXPECT_EQ(sent.size(), tries);
        EXPECT_EQ(*notifier.next(), clock.now() + 1ms);
        clock.advance(1ms);
        notifier.tick(unix_now);
    }
    EXPECT_EQ(sent.size(), Notifier::tries);
    clock.advance(wait);
    notifier.tick(unix_now);
    EXPECT_EQ(sent.size(), Notifier::tries);
    EXPECT_EQ(notifier.pending(), 0U);
    EXPECT_EQ(counters->secondary[0].sent.get(), Notifier::tries);
    EXPECT_EQ(counters->secondary[0].results[2].get(), 1U);
    EXPECT_FALSE(notifier.next());
}

TEST_F(Notify, AnswersOfOthersAreNone) {
    serve();
    const Octets right = answer();
    notifier.receive(right, {second.address, 54}, unix_now);
    notifier.receive(right, {*base::IpAddress::parse("192.0.2.3"), 53}, unix_now);
    Octets wrong = right;
    wrong[1] ^= 1;
    notifier.receive(wrong, second, unix_now);
    wrong = sent.back().message;  // no response
    notifier.receive(wrong, second, unix_now);
    wrong = right;
    wrong[13] ^= 1;  // another zone
    notifier.receive(wrong, second, unix_now);
    for (std::size_t size = 0; size < 12; ++size)
        notifier.receive(std::span(right).first(size), second, unix_now);
    notifier.receive(answer(2), second, unix_now);  // SERVFAIL: later
    EXPECT_EQ(notifier.pending(), 1U);
    notifier.receive(right, second, unix_now);
    EXPECT_EQ(notifier.pending(), 0U);
}

TEST_F(Notify, OneThatRefusesIsNotAskedAgain) {
    serve();
    notifier.receive(answer(5), second, unix_now);
    EXPECT_EQ(notifier.pending(), 0U);
    EXPECT_EQ(counters->secondary[0].results[1].get(), 1U);
}

TEST_F(Notify, SignedAnswersOnly) {
    keys = {*sign::parse_tsig_key("key k { algorithm hmac-sha256; secret MTIzNA==; };")};
    who.notify[0].key = keys[0].name;
    serve();
    const Octets query = sent.back().message;
    const auto record = sign::read_tsig(query);
    ASSERT_TRUE(record);
    EXPECT_TRUE(sign::verify_tsig(query, *record, keys.data(), unix_now).good());
    Octets response(query.begin(), query.begin() + static_cast<std::ptrdiff_t>(record->at));
    dns::put16(&response[2], 0xa400);
    dns::put16(&response[10], 0);
    notifier.receive(response, second, unix_now);  // unsigned
    Octets forged = response;
    const auto other = *sign::parse_tsig_key("key k { algorithm hmac-sha256; secret MTIzNQ==; };");
    sign::TsigSigner(other, *record).sign(forged, unix_now);
    notifier.receive(forged, second, unix_now);
    EXPECT_EQ(notifier.pending(), 1U);
    sign::TsigSigner(keys[0], *record).sign(response, unix_now);
    notifier.receive(response, second, unix_now);
    EXPECT_EQ(notifier.pending(), 0U);
}

TEST_F(Notify, ManySecondariesAFewAtATime) {
    who.notify.clear();
    for (std::uint16_t port = 1; port <= 100; ++port)
        who.notify.push_back({{second.address, port}, std::nullopt});
    serve();
    EXPECT_EQ(sent.size(), Notifier::batch);
    notifier.tick(unix_now);
    EXPECT_EQ(sent.size(), Notifier::batch);
    EXPECT_EQ(*notifier.next(), clock.now() + Notifier::pause);
    clock.advance(Notifier::pause);
    notifier.tick(unix_now);
    EXPECT_EQ(sent.size(), 2 * Notifier::batch);
}

TEST_F(Notify, WhoIsNotASecondaryAnyMoreIsNotTold) {
    serve();
    who.notify = {{{second.address, 54}, std::nullopt}};
    serve(8);
    EXPECT_EQ(notifier.pending(), 1U);
    EXPECT_EQ(sent.back().to.port, 54);
}

}  // namespace
