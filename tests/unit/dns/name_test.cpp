#include "summond/dns/name.hpp"

#include <gtest/gtest.h>

#include <vector>

using summond::base::IpAddress;
using summond::dns::Name;

namespace {

Name name(std::string_view text) {
    const auto parsed = Name::parse(text);
    EXPECT_TRUE(parsed) << text << ": " << (parsed ? "" : parsed.error().what);
    return parsed.value_or(Name());
}

std::string wire(const Name& name) {
    return {reinterpret_cast<const char*>(name.wire().data()), name.wire().size()};
}

// A name of exactly 255 octets: three labels of 63 and one of 61.
std::string longest_text() {
    return std::string(63, 'a') + "." + std::string(63, 'b') + "." + std::string(63, 'c') + "." +
           std::string(61, 'd');
}

}  // namespace

TEST(Name, StandsWithoutQuotationMarks) {
    for (const char* const text : {"\"a\"", "a\"", "a\"b.c"})
        EXPECT_FALSE(Name::parse(text)) << text;
    EXPECT_EQ(Name::parse("\\\"a\\034")->to_string(), "\\\"a\\\".");
}

TEST(Name, TheRootIsOneOctet) {
    EXPECT_EQ(wire(Name()), std::string(1, '\0'));
    EXPECT_TRUE(name(".").is_root());
    EXPECT_EQ(Name().to_string(), ".");
    EXPECT_EQ(Name().label_count(), 0U);
}

TEST(Name, IsFoldedAndAbsoluteWithOrWithoutTheFinalDot) {
    EXPECT_EQ(wire(name("WWW.Jit.Example")), std::string("\3www\3jit\7example\0", 17));
    EXPECT_EQ(name("www.jit.example."), name("www.JIT.example"));
    EXPECT_EQ(name("www.jit.example").to_string(), "www.jit.example.");
    EXPECT_EQ(name("www.jit.example").label_count(), 3U);
}

TEST(Name, FoldsAsciiLettersOnly) {
    EXPECT_EQ(wire(name("\\192\\[\\@A")), std::string("\4\300[@a\0", 6));
}

TEST(Name, IsRelativeToAnOriginWithoutTheFinalDot) {
    const Name origin = name("jit.example");
    EXPECT_EQ(Name::parse("www", origin)->to_string(), "www.jit.example.");
    EXPECT_EQ(Name::parse("www.", origin)->to_string(), "www.");
    EXPECT_EQ(Name::parse("@", origin), origin);
    EXPECT_EQ(Name::parse("\\@", origin)->to_string(), "\\@.jit.example.");
    EXPECT_EQ(Name::parse("a\\.", origin)->to_string(), "a\\..jit.example.");
    EXPECT_TRUE(Name::parse(".", origin)->is_root());
}

TEST(Name, TakesAndWritesEscapes) {
    EXPECT_EQ(wire(name("a\\.b.c\\\\d")), std::string("\3a.b\3c\\d\0", 9));
    EXPECT_EQ(wire(name("\\000\\255\\065")), std::string("\3\0\377a\0", 5));
    for (const char* text : {"a\\.b.c\\\\d.", "\\000\\255.", "\\\"\\(\\)\\;\\@\\$.", "\\032x."})
        EXPECT_EQ(name(text).to_string(), text);
    EXPECT_EQ(name("*._tcp").to_string(), "*._tcp.");
}

TEST(Name, RefusesWhatIsNotAName) {
    for (const std::string text :
         {"", ".a", "a..b", "..", "a\\", "a\\25", "a\\256", "a\\2x5", "a.\\9"})
        EXPECT_FALSE(Name::parse(text)) << text;
}

TEST(Name, KeepsTheLimits) {
    EXPECT_TRUE(Name::parse(std::string(63, 'a')));
    EXPECT_FALSE(Name::parse(std::string(64, 'a')));
    EXPECT_EQ(name(longest_text()).wire().size(), 255U);
    EXPECT_FALSE(Name::parse(longest_text() + "d"));
    EXPECT_TRUE(Name::parse(longest_text(), Name()));
    EXPECT_FALSE(Name::parse(longest_text(), name("a")));
}

TEST(Name, IsParsedInItsCaseWhereThatMatters) {
    summond::dns::NameBuffer buffer;
    const auto text = [&](std::string_view name, summond::dns::Case letters) {
        const auto size = parse_name(name, Name().wire(), letters, buffer);
        return std::string(reinterpret_cast<const char*>(buffer.data()), size.value_or(0));
    };
    EXPECT_EQ(text("WwW.X\\065.", summond::dns::Case::keep), std::string("\3WwW\2XA\0", 8));
    EXPECT_EQ(text("WwW.X\\065.", summond::dns::Case::fold), std::string("\3www\2xa\0", 8));
    EXPECT_EQ(text("\\@.", summond::dns::Case::keep), std::string("\1@\0", 3));
    EXPECT_EQ(text("a..", summond::dns::Case::keep), "");
}

TEST(Name, TellsWhichLimitIsBroken) {
    const auto problem = [](const std::string& text, const Name& origin = {}) {
        const auto parsed = Name::parse(text, origin);
        return parsed ? "" : parsed.error().what.substr(parsed.error().what.rfind('"') + 2);
    };
    const std::string name_limit = "is not a domain name: it is longer than 255 octets";
    const std::string label_limit = "is not a domain name: a label is longer than 63 octets";
    EXPECT_EQ(problem(std::string(64, 'a')), label_limit);
    EXPECT_EQ(problem(std::string(300, 'a')), label_limit);
    EXPECT_EQ(problem(longest_text() + "d"), name_limit);
    EXPECT_EQ(problem(longest_text() + ".d"), name_limit);
    EXPECT_EQ(problem(longest_text() + "."), "");
    EXPECT_EQ(problem(longest_text() + ".."), name_limit);
    EXPECT_EQ(problem(longest_text(), name("a")), "below a. is longer than 255 octets");
    std::string labels;
    for (int i = 0; i < 127; ++i)
        labels += "a.";
    EXPECT_EQ(problem(labels), "");
    EXPECT_EQ(problem(labels + "a"), name_limit);
}

TEST(Name, ComesFromTheWire) {
    const auto parse = [](std::string_view bytes) {
        return Name::from_wire({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
    };
    EXPECT_EQ(*parse(std::string_view("\3WwW\1x\0", 7)), name("www.x"));
    EXPECT_EQ(*parse(wire(name(longest_text()))), name(longest_text()));
    EXPECT_FALSE(parse(""));
    EXPECT_FALSE(parse("\3ww"));
    EXPECT_FALSE(parse("\3www"));
    EXPECT_FALSE(parse(std::string_view("\3www\0x", 6)));
    EXPECT_FALSE(parse(std::string_view("\3www\300\0", 6)));
    EXPECT_FALSE(parse(std::string_view("\100a\0", 3)));
    std::string too_long = wire(name(longest_text()));
    too_long.insert(0, "\1x");
    EXPECT_FALSE(parse(too_long));
}

TEST(Name, ReversesAddresses) {
    EXPECT_EQ(Name::reverse(*IpAddress::parse("192.0.2.10")).to_string(),
              "10.2.0.192.in-addr.arpa.");
    EXPECT_EQ(Name::reverse(*IpAddress::parse("4321:0:1:2:3:4:567:89ab")).to_string(),
              "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.0.0.0.0.1.2.3.4.ip6.arpa.");
}

TEST(Name, KnowsItsAncestors) {
    const Name www = name("www.jit.example");
    EXPECT_TRUE(www.is_at_or_below(www));
    EXPECT_TRUE(www.is_at_or_below(name("example")));
    EXPECT_TRUE(www.is_at_or_below(Name()));
    EXPECT_FALSE(name("example").is_at_or_below(www));
    EXPECT_FALSE(name("notjit.example").is_at_or_below(name("jit.example")));
    // The bytes of "\3jit" inside a longer label are no ancestor.
    EXPECT_FALSE(name("ab\\003jit").is_at_or_below(name("jit")));
    EXPECT_EQ(www.parent(), name("jit.example"));
    EXPECT_TRUE(name("example").parent().is_root());
}
