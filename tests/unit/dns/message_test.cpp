#include "summond/dns/message.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

using namespace summond::dns;

namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes bytes(std::string_view text) {
    return {text.begin(), text.end()};
}

// www.x A IN.
const std::string header("\x12\x34\1\0\0\1\0\0\0\0\0\0", 12);
const std::string question("\3wWw\1x\0\0\1\0\1", 11);

std::string with_counts(std::uint8_t an, std::uint8_t ns, std::uint8_t ar) {
    std::string text = header;
    text[7] = static_cast<char>(an);
    text[9] = static_cast<char>(ns);
    text[11] = static_cast<char>(ar);
    return text + question;
}

Parsed parse(const std::string& text, Query& query) {
    static Bytes message;
    message = bytes(text);
    message.shrink_to_fit();  // the address sanitizer sees a read past the end
    return parse_query(message, query);
}

Parsed parse(const std::string& text) {
    Query query;
    return parse(text, query);
}

}  // namespace

TEST(ParseQuery, TellsEverythingAboutAQuery) {
    Query query;
    ASSERT_EQ(parse(header + question, query), Parsed::query);
    EXPECT_EQ(query.id, 0x1234);
    EXPECT_EQ(query.flags, 0x0100);
    EXPECT_EQ(query.type, Type::a);
    EXPECT_EQ(query.klass, Class::in);
    EXPECT_EQ(query.name.size, 7);
    EXPECT_EQ(query.name.labels, 2);
    EXPECT_EQ(Bytes(query.name.wire.begin(), query.name.wire.begin() + 7),
              bytes(std::string_view("\3www\1x\0", 7)));
    EXPECT_EQ(Bytes(query.question.begin(), query.question.end()), bytes(question));
    EXPECT_FALSE(query.edns.present);
    EXPECT_EQ(query.name.suffix(1), query.name.wire.data() + 4);
    EXPECT_EQ(query.name.suffix_size(1), 3);
    EXPECT_EQ(query.name.suffix_size(0), 1);
}

TEST(ParseQuery, ReadsEdnsBesideOtherRecords) {
    const std::string opt("\0\0\x29\x04\xd0\1\2\x80\0\0\0", 11);
    const std::string other("\xc0\x0c\0\1\0\1\0\0\0\0\0\4abcd", 16);
    Query query;
    ASSERT_EQ(parse(with_counts(1, 1, 2) + other + other + opt + other, query), Parsed::query);
    EXPECT_TRUE(query.edns.present);
    EXPECT_EQ(query.edns.udp_size, 1232);
    EXPECT_EQ(query.edns.version, 2);
    EXPECT_TRUE(query.edns.dnssec_ok);
    // What an earlier query had does not stay.
    ASSERT_EQ(parse(header + question, query), Parsed::query);
    EXPECT_FALSE(query.edns.present);
}

TEST(ParseQuery, SaysWhatIsNotAQuery) {
    EXPECT_EQ(parse(""), Parsed::drop);
    EXPECT_EQ(parse(header.substr(0, 11)), Parsed::drop);
    std::string message = header + question;
    message[2] = '\x81';
    EXPECT_EQ(parse(message), Parsed::drop);
    message[2] = '\x20';
    EXPECT_EQ(parse(message), Parsed::notimp);
}

TEST(ParseQuery, RefusesWhatIsMalformed) {
    const std::string record("\0\0\1\0\1\0\0\0\0\0\0", 11);
    const std::string messages[] = {
        header,                                       // no question
        header + std::string("\3www", 4),             // cut in the name
        header + std::string("\3www\0\0\1\0", 8),     // cut in the class
        header + std::string("\xc0\x0c\0\1\0\1", 6),  // a pointer
        header + std::string("\x41"
                             "x\0\0\1\0\1",
                             7),                      // label type 01
        header + std::string(260, '\1') + question,   // over 255 octets
        header + question + "x",                      // trailing octet
        with_counts(0, 0, 1),                         // a record that is not there
        with_counts(0, 0, 1) + record.substr(0, 10),  // cut in its fixed part
        with_counts(1, 0, 0) + std::string("\0\0\1\0\1\0\0\0\0\0\1", 11),    // cut in RDATA
        with_counts(0, 1, 0) + std::string("\xc0", 1),                       // cut in a pointer
        with_counts(0, 0, 1) + std::string("\x80\0\1\0\1\0\0\0\0\0\0", 11),  // label type 10
        with_counts(255, 255, 255) + record,                                 // fewer than said
    };
    for (const std::string& message : messages)
        EXPECT_EQ(parse(message), Parsed::formerr) << &message - messages;
    EXPECT_EQ(parse(with_counts(0, 0, 1) + record), Parsed::query);
}

TEST(FoldedName, TakesNamesUpToTheLimits) {
    FoldedName name;
    Bytes wire;
    for (int i = 0; i < 127; ++i) {
        wire.push_back(1);
        wire.push_back('A');
    }
    wire.push_back(0);
    ASSERT_TRUE(name.assign(wire));
    EXPECT_EQ(name.size, 255);
    EXPECT_EQ(name.labels, 127);
    EXPECT_EQ(name.suffix(127), name.wire.data());
    EXPECT_EQ(name.wire[253], 'a');
    wire.insert(wire.begin(), {1, 'A'});
    EXPECT_FALSE(name.assign(wire));
    ASSERT_TRUE(name.assign(Bytes{0}));
    EXPECT_EQ(name.labels, 0);
    // Hashing reads whole words.
    for (std::size_t i = 1; i < 9; ++i)
        EXPECT_EQ(name.wire[i], 0);
}

TEST(FoldedName, FoldsLettersOnly) {
    for (unsigned octet = 0; octet < 256; ++octet) {
        const bool upper = octet >= 'A' && octet <= 'Z';
        EXPECT_EQ(fold(static_cast<std::uint8_t>(octet)), upper ? octet + 32 : octet);
    }
}
