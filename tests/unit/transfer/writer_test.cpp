// What is written, read by ldns.
#include <gtest/gtest.h>

#include <string>

#include "message_writer.hpp"
#include "summond/dns/name.hpp"

// After the standard library's, whose <optional> its macros break.
#include <ldns/ldns.h>

using namespace summond;
using transfer::MessageWriter;
using Octets = std::vector<std::uint8_t>;

namespace {

Octets wire(const std::string& text) {
    const auto name = *dns::Name::parse(text);
    return {name.wire().begin(), name.wire().end()};
}

Octets soa() {
    Octets rdata = wire("ns1.jit.example");
    const Octets rname = wire("hostmaster.jit.example");
    rdata.insert(rdata.end(), rname.begin(), rname.end());
    rdata.resize(rdata.size() + 20, 1);
    return rdata;
}

std::string read(const Octets& message) {
    ldns_pkt* packet = nullptr;
    if (ldns_wire2pkt(&packet, message.data(), message.size()) != LDNS_STATUS_OK)
        return "cannot be read";
    char* text = ldns_rr_list2str(ldns_pkt_answer(packet));
    std::string records = text;
    std::free(text);
    ldns_pkt_free(packet);
    return records;
}

TEST(MessageWriter, NamesAreCompressed) {
    MessageWriter writer;
    Octets question = wire("jit.example");
    question.insert(question.end(), {0, 252, 0, 1});
    writer.begin(7, 0x8400, question, MessageWriter::usual_size);
    ASSERT_TRUE(writer.add(wire("jit.example"), dns::Type::soa, 3600, soa()));
    ASSERT_TRUE(writer.add(wire("a.b.jit.example"), dns::Type::ns, 60, wire("ns1.jit.example")));
    Octets mx{0, 10};
    const Octets mail = wire("mail.b.jit.example");
    mx.insert(mx.end(), mail.begin(), mail.end());
    ASSERT_TRUE(writer.add(wire("b.jit.example"), dns::Type::mx, 60, mx));
    ASSERT_TRUE(writer.add(wire("b.jit.example"), dns::Type::txt, 60, Octets{2, 'h', 'i'}));
    const Octets message = writer.finish({true, true});
    EXPECT_EQ(read(message),
              "jit.example.\t3600\tIN\tSOA\tns1.jit.example. hostmaster.jit.example. 16843009 "
              "16843009 16843009 16843009 16843009\n"
              "a.b.jit.example.\t60\tIN\tNS\tns1.jit.example.\n"
              "b.jit.example.\t60\tIN\tMX\t10 mail.b.jit.example.\n"
              "b.jit.example.\t60\tIN\tTXT\t\"hi\"\n");
    // The question's name is written there by somebody else; all others once.
    const std::string text(message.begin(), message.end());
    EXPECT_EQ(text.find("ns1"), text.rfind("ns1"));
    EXPECT_EQ(text.find("hostmaster"), text.rfind("hostmaster"));
    EXPECT_EQ(text.find("\1b"), text.rfind("\1b"));
}

TEST(MessageWriter, ManyNamesUntilItIsFull) {
    MessageWriter writer;
    for (int turn = 0; turn < 3; ++turn) {
        writer.begin(7, 0x8400, {}, MessageWriter::usual_size);
        std::string expected;
        for (int i = 0;; ++i) {
            const std::string owner = "host" + std::to_string(i * 7 % 1000) + ".x" +
                                      std::to_string(i % 13 + turn) + ".jit.example.";
            if (!writer.add(wire(owner), dns::Type::cname, 60, wire("www." + owner)))
                break;
            expected += owner + "\t60\tIN\tCNAME\twww." + owner + "\n";
        }
        EXPECT_GT(writer.count(), 400U);
        const Octets message = writer.finish({});
        EXPECT_LE(message.size(), MessageWriter::usual_size);
        EXPECT_EQ(read(message), expected);
    }
}

TEST(MessageWriter, WhatDoesNotFitIsNotWritten) {
    MessageWriter writer;
    writer.begin(7, 0x8400, {}, 100);
    EXPECT_FALSE(writer.add(wire("jit.example"), dns::Type::txt, 60, Octets(78)));
    EXPECT_TRUE(writer.add(wire("jit.example"), dns::Type::txt, 60, Octets(65)));
    EXPECT_FALSE(writer.add(wire("jit.example"), dns::Type::txt, 60, Octets(1)));
    EXPECT_EQ(writer.count(), 1U);
}

}  // namespace
