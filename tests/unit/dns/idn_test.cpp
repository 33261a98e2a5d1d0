// Names outside ASCII: refused, with the form that DNS has for them (RFC 5890, UTS #46).
#include <gtest/gtest.h>

#include "summond/dns/name.hpp"

namespace summond::dns {
namespace {

std::string fault(std::string_view text) {
    const auto name = Name::parse(text);
    return name ? "taken as " + name->to_string() : name.error().what;
}

std::string written(const std::string& text, const std::string& ascii) {
    return "\"" + text + "\" is not a domain name: DNS writes it " + ascii;
}

std::string nameless(const std::string& text) {
    return "\"" + text +
           "\" is not a domain name: it has characters outside ASCII; DNS writes words of other "
           "scripts as xn--..., and any other octet as \\DDD";
}

}  // namespace

TEST(OutsideAscii, HasAnAsciiForm) {
    EXPECT_EQ(fault("bücher.example"), written("bücher.example", "xn--bcher-kva.example"));
    EXPECT_EQ(fault("www.BÜCHER.Example."),
              written("www.BÜCHER.Example.", "www.xn--bcher-kva.Example."));
    // Composed or not (NFC), and not as IDNA2003 had it.
    EXPECT_EQ(fault("bu\u0308cher"), written("bu\u0308cher", "xn--bcher-kva"));
    EXPECT_EQ(fault("straße.de"), written("straße.de", "xn--strae-oqa.de"));
    EXPECT_EQ(fault("例え.テスト"), written("例え.テスト", "xn--r8jz45g.xn--zckzah"));
    // What IDNA does not know stays.
    EXPECT_EQ(fault("*._tcp.ü"), written("*._tcp.ü", "*._tcp.xn--tda"));
}

TEST(OutsideAscii, MayHaveNone) {
    for (const std::string text :
         {"\xfc.example", "a\u2028b.example", "ü..example\xc3", "\\195\\188\xc3\xbc"})
        EXPECT_EQ(fault(text), nameless(text));
}

TEST(OutsideAscii, IsTakenAsEscapes) {
    EXPECT_EQ(fault("b\\195\\188cher"), "taken as b\\195\\188cher.");
}

}  // namespace summond::dns
