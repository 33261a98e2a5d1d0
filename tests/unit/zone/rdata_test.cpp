// Data of every record type: from text to wire, and as RFC 3597 writes it; how mistakes are told.
#include "../../../src/zone/rdata.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "../../../src/zone/rdata_text.hpp"
#include "../../../src/zone/scanner.hpp"

using namespace summond;

namespace {

// RDATA in hexadecimal, or "WORD: what", the word counted from that behind the type; relative to
// t.example.
std::string read(const std::string& record) {
    zone::Scanner scanner(record);
    zone::Entry entry;
    if (!scanner.next(entry) || !entry.problem.empty())
        return "not scanned: " + entry.problem;
    zone::RdataReader reader;
    reader.set_origin(*dns::Name::parse("t.example"));
    const auto type = zone::type_from_text(entry.words[0]);
    if (!type)
        return "no type";
    const auto rdata = reader.read(*type, std::span(entry.words).subspan(1));
    if (!rdata)
        return std::to_string(rdata.error().word) + ": " + rdata.error().what;
    std::string hex;
    for (const std::uint8_t octet : *rdata) {
        constexpr char digits[] = "0123456789abcdef";
        hex += digits[octet >> 4];
        hex += digits[octet & 0xf];
    }
    return hex;
}

std::string generic(std::string type, std::size_t size, const std::string& hex) {
    type += " \\# ";
    type += std::to_string(size);
    type += ' ';
    return type += hex;
}

std::vector<std::uint8_t> octets_of(const std::string& hex) {
    std::vector<std::uint8_t> octets;
    for (std::size_t i = 0; i < hex.size(); i += 2)
        octets.push_back(static_cast<std::uint8_t>(std::stoul(hex.substr(i, 2), nullptr, 16)));
    return octets;
}

struct Vector {
    const char* text;
    const char* wire;  // "@": the origin
};

std::string with_origin(std::string wire) {
    if (const auto at = wire.find('@'); at != std::string::npos)
        return wire.substr(0, at) + "0174076578616d706c6500" + with_origin(wire.substr(at + 1));
    return wire;
}

}  // namespace

// The octets are what BIND 9.18 makes of the text.
TEST(Rdata, OfEveryType) {
    constexpr Vector vectors[] = {
        {"A 192.0.2.1", "c0000201"},
        {"NS ns1", "036e7331@"},
        {"MB mb.", "026d6200"},
        {"MINFO a b.", "0161@016200"},
        {"HINFO \"PC\" UNIX", "02504304554e4958"},
        {"MX 10 Mail", "000a044d61696c@"},
        {"TXT \"a\" b \"\"", "0161016200"},
        {"RP a b", "0161@0162@"},
        {"AFSDB 1 a", "00010161@"},
        {"X25 311061700956", "0c333131303631373030393536"},
        {"ISDN \"150862028003217\" 004", "0f31353038363230323830303332313703303034"},
        {"RT 10 a", "000a0161@"},
        {"NSAP 0x47.0005.80", "47000580"},
        {"NSAP-PTR a", "0161@"},
        {"SIG A 5 3 86400 20300101000000 20200101000000 2642 a AQI=",
         "000105030001518070dbd8805e0be1000a520161@0102"},
        {"KEY 49152 3 5", "c0000305"},
        {"PX 10 a b", "000a0161@0162@"},
        {"GPOS -32.6882 116.8652 10.0", "082d33322e36383832083131362e383635320431302e30"},
        {"AAAA 2001:db8::1", "20010db8000000000000000000000001"},
        {"LOC 42 21 54 N 71 06 18 W -24m 30m", "0033161389172dd070be15f000988d20"},
        {"NXT a A MX", "0161@4001"},
        {"EID abcd", "abcd"},
        {"NIMLOC abcd", "abcd"},
        {"SRV 1 2 3 a", "0001000200030161@"},
        {"ATMA +358400123456", "01333538343030313233343536"},
        {"NAPTR 100 50 \"s\" \"http\" \"\" a", "0064003201730468747470000161@"},
        {"KX 1 a", "00010161@"},
        {"CERT PGP 1 RSASHA256 AQI=", "00030001080102"},
        {"A6 64 ::1:2:3:4 a", "4000010002000300040161@"},
        {"DNAME a", "0161@"},
        {"SINK 1 2 3 AQI=", "0102030102"},
        {"APL 1:192.168.32.0/21 !1:192.168.38.0/28 2:ff00::/8",
         "00011503c0a82000011c83c0a82600020801ff"},
        {"DS 60485 5 1 2BB183AF5F22588179A53B0A98631FAD1A292118",
         "ec4505012bb183af5f22588179a53b0a98631fad1a292118"},
        {"SSHFP 2 1 123456789abcdef67890123456789abcdef67890",
         "0201123456789abcdef67890123456789abcdef67890"},
        {"IPSECKEY 10 3 2 gw AQNRU3mG7TVTO2BkR47usntb102uFJtugbo6BSGvgqt4AQ==",
         "0a0302026777@010351537986ed35533b6064478eeeb27b5bd74dae149b6e81ba3a0521af82ab7801"},
        {"IPSECKEY 10 1 2 192.0.2.38 AQI=", "0a0102c00002260102"},
        {"RRSIG A 5 3 86400 20030322173103 20030220173103 2642 a AQI=",
         "00010503000151803e7c9dd73e5510d70a520161@0102"},
        {"NSEC a A MX RRSIG NSEC TYPE1234",
         "0161@0006400100000003041b000000000000000000000000000000000000000000000000000020"},
        {"DNSKEY 256 3 5 AQPSKmynfzW4", "010003050103d22a6ca77f35b8"},
        {"DHCID AAIBY2/AuCccgoJbsaxcQc9TUapptP69lOjxfNuVAA2kjEA=",
         "000201636fc0b8271c82825bb1ac5c41cf5351aa69b4febd94e8f17cdb95000da48c40"},
        {"NSEC3 1 1 12 aabbccdd 2vptu5timamqttgl4luu9kg21e0aor3s MX RRSIG",
         "0101000c04aabbccdd1417f3df17b2b2adaef615257de4d2020b80ac6c7c0006000100000002"},
        {"NSEC3PARAM 1 0 0 -", "0100000000"},
        {"TLSA 3 1 1 d2abde240d7cd3ee6b4b28c54df034b97983a1d16e8a410e4561cb106618e971",
         "030101d2abde240d7cd3ee6b4b28c54df034b97983a1d16e8a410e4561cb106618e971"},
        {"SMIMEA 3 0 0 abcd", "030000abcd"},
        {"HIP 2 200100107B1A74DF365639CC39F1D578 AwEAAbdx rvs",
         "10020006200100107b1a74df365639cc39f1d57803010001b77103727673@"},
        {"NINFO a b", "01610162"},
        {"RKEY 0 3 5 AQI=", "000003050102"},
        {"TALINK a b", "0161@0162@"},
        {"CDS 0 0 0 00", "0000000000"},
        {"CDNSKEY 0 3 0 AA==", "0000030000"},
        {"OPENPGPKEY AQI=", "0102"},
        {"CSYNC 66 3 A NS AAAA", "000000420003000460000008"},
        {"ZONEMD 2018031500 1 241 000102030405060708090a0b",
         "7848b78c01f1000102030405060708090a0b"},
        {"SVCB 1 svc4 port=8004 alpn=h2,h3 ipv4hint=192.0.2.1 ech=AQI= ipv6hint=2001:db8::1",
         "00010473766334@"
         "00010006026832026833000300021f4400040004c00002010005000201020006001020010db80000000000000"
         "00000000001"},
        {"HTTPS 0 a", "00000161@"},
        {"DSYNC CDS NOTIFY 5300 a", "003b0114b40161@"},
        {"HHIT AQI=", "0102"},
        {"BRID AQI=", "0102"},
        {"SPF \"v=spf1 -all\"", "0b763d73706631202d616c6c"},
        {"NID 10 0014:4fff:ff20:ee64", "000a00144fffff20ee64"},
        {"L32 10 10.1.2.0", "000a0a010200"},
        {"L64 10 2001:0DB8:1140:1000", "000a20010db811401000"},
        {"LP 10 a", "000a0161@"},
        {"EUI48 00-00-5e-00-53-2a", "00005e00532a"},
        {"EUI64 00-00-5e-ef-10-00-00-2a", "00005eef1000002a"},
        {"URI 10 1 \"ftp://ftp1.example.com/public\"",
         "000a00016674703a2f2f667470312e6578616d706c652e636f6d2f7075626c6963"},
        {"CAA 0 issue \"ca.example.net\"", "0005697373756563612e6578616d706c652e6e6574"},
        {"AVC a", "0161"},
        {"DOA 1 2 3 \"text/plain\" AQI=", "0000000100000002030a746578742f706c61696e0102"},
        {"AMTRELAY 10 1 3 a", "0a830161@"},
        {"RESINFO qnamemin", "08716e616d656d696e"},
        {"WALLET ETH 0x1", "0345544803307831"},
        {"TA 1 8 9 abcd", "00010809abcd"},
        {"DLV 60485 5 1 2BB183AF5F22588179A53B0A98631FAD1A292118",
         "ec4505012bb183af5f22588179a53b0a98631fad1a292118"},
        {"WKS 192.0.2.1 TCP 25 80", "c0000201060000004000000000000080"},
    };
    for (const auto& [text, wire] : vectors) {
        const std::string expected = with_origin(wire);
        EXPECT_EQ(read(text), expected) << text;
        // RFC 3597 §5: the same as octets, and not under another length.
        const std::size_t size = expected.size() / 2;
        const std::string type(text, std::string_view(text).find(' '));
        EXPECT_EQ(read(generic(type, size, expected)), expected);
        EXPECT_TRUE(read(generic(type, size + 1, expected)).starts_with("3: \\# says"));
        // And back to text.
        const std::string written =
            type + " " + zone::rdata_to_text(*zone::type_from_text(type), octets_of(expected));
        EXPECT_EQ(read(written), expected) << text << "\n" << written;
    }
}

TEST(Rdata, TimesOfSoaMayHaveUnits) {
    EXPECT_EQ(read("SOA ns h 4294967295 1h 30M 2w1d 4294967295"),
              with_origin("026e73@0168@") + "ffffffff00000e100000070800" + "13c680ffffffff");
    EXPECT_EQ(read("SOA ns h 1h 1 2 3 4"), "3: \"1h\" is not a number from 0 to 4294967295");
    EXPECT_EQ(read("SOA ns h 1 1y 2 3 4"),
              "4: \"1y\" is not a number from 0 to 4294967295 or a time such as 1h");
}

// RFC 9460, appendix D.
TEST(Rdata, ServiceBindingVectors) {
    EXPECT_EQ(read("HTTPS 0 foo.example.com."), "000003666f6f076578616d706c6503636f6d00");
    EXPECT_EQ(read("SVCB 1 ."), "000100");
    EXPECT_EQ(read("SVCB 16 foo.example.com. port=53"),
              "001003666f6f076578616d706c6503636f6d00000300020035");
    EXPECT_EQ(read("SVCB 1 foo.example.com. key667=hello"),
              "000103666f6f076578616d706c6503636f6d00029b000568656c6c6f");
    EXPECT_EQ(read("SVCB 1 foo.example.com. key667=\"hello\\210qoo\""),
              "000103666f6f076578616d706c6503636f6d00029b000968656c6c6fd2716f6f");
    EXPECT_EQ(read("SVCB 1 foo.example.com. (ipv6hint=\"2001:db8::1,2001:db8::53:1\")"),
              "000103666f6f076578616d706c6503636f6d0000060020"
              "20010db800000000000000000000000120010db8000000000000000000530001");
    EXPECT_EQ(read("SVCB 16 foo.example.org. alpn=h2,h3-19 mandatory=ipv4hint,alpn "
                   "ipv4hint=192.0.2.1"),
              "001003666f6f076578616d706c65036f7267000000000400010004"
              "000100090268320568332d313900040004c0000201");
    const char* const escaped =
        "001003666f6f076578616d706c65036f726700"
        "0001000c08665c6f6f2c626172026832";
    EXPECT_EQ(read(R"(SVCB 16 foo.example.org. alpn="f\\\\oo\\,bar,h2")"), escaped);
    EXPECT_EQ(read(R"(SVCB 16 foo.example.org. alpn=f\\\092oo\092,bar,h2)"), escaped);
}

TEST(Rdata, ServiceBindingsThatAreRefused) {
    EXPECT_EQ(read("HTTPS 1 . alpn=h2 alpn=h3"), "4: alpn is there twice");
    EXPECT_EQ(read("HTTPS 1 . mandatory=port alpn=h2"),
              "4: port is mandatory, but it is not there");
    EXPECT_EQ(read("HTTPS 1 . mandatory=mandatory"), "3: mandatory cannot name itself");
    EXPECT_EQ(read("HTTPS 1 . mandatory=alpn,alpn alpn=h2"),
              "3: a key is mandatory twice, or before a smaller one");
    EXPECT_EQ(read("HTTPS 1 . no-default-alpn"), "3: no-default-alpn needs alpn beside it");
    EXPECT_EQ(read("HTTPS 1 . port=65536"), "3: \"65536\" is not a port from 0 to 65535");
    EXPECT_EQ(read("HTTPS 1 . alpn=h2,"), "3: a list has an empty item");
    EXPECT_EQ(read("HTTPS 1 . key1=h2"),
              "3: alpn takes a list of protocols, each with its length before it");
    EXPECT_EQ(read("HTTPS 1 . alpn=h2 dohpath=/q"),
              "4: dohpath takes a path with the variable dns, such as /dns-query{?dns}");
    EXPECT_EQ(read("HTTPS 1 . ALPN=h2"),
              "3: \"ALPN\" is not a key of SVCB; alpn=h2, port=443 and key65333=x are, in small "
              "letters");
    // Keys in the wrong order, cut, mandatory but not there.
    EXPECT_EQ(read("HTTPS \\# 15 000100 00030002 0050 00010002 0161"),
              "7: parameters are not in the order of their keys");
    EXPECT_EQ(read("HTTPS \\# 8 000100 00030002 00"), "5: a parameter is cut short");
}

TEST(Rdata, RefusesWhatIsCutOrTooLarge) {
    EXPECT_EQ(read("TLSA 3 1 1 abc"), "4: \"abc\" is not hexadecimal, two digits for each octet");
    EXPECT_EQ(read("DS 1 8 2 abc"), "4: \"abc\" is not hexadecimal, two digits for each octet");
    EXPECT_EQ(read("DS 1 8 2 ab zz ab").substr(0, 11), "5: \"zz\" is ");
    EXPECT_EQ(read("LOC 91 0 0 N 0 0 0 E 0"),
              "1: \"91\" is not a part of a latitude: degrees to 90, minutes and seconds below 60, "
              "then N or S");
    EXPECT_EQ(read("LOC 90 0 0.001 N 0 E 0"), "3: a latitude ends at 90 degrees");
    EXPECT_EQ(read("LOC 52 N 4 E"), "4: the altitude is missing");
    EXPECT_EQ(read("APL 1:192.168.32.0/33"), "1: \"33\" is not a prefix length from 0 to 32");
    EXPECT_EQ(read("DNSKEY 257 3 13 AQ"), "4: \"AQ\" is not complete base64");
    EXPECT_EQ(read("IPSECKEY 10 0 0 gw"), "4: \"gw\" is not \".\", as type 0 has it");
    EXPECT_EQ(read("ZONEMD 1 1 1 abcd"), "4: a digest has at least 12 octets");
    EXPECT_EQ(read("URI 1 1 \"\""), "3: \"\"\"\" is not a URI");
    EXPECT_EQ(read("RRSIG A 5 3 1 20300230000000 1 1 . AQI="),
              "5: \"20300230000000\" is not a time: YYYYMMDDHHmmSS, or seconds since 1970");
    EXPECT_EQ(read("NSEC a ANY"), "2: \"ANY\" is not a type of data that can stand here");
}

// Where a length is told by the data's own, the shortest.
TEST(Rdata, ShortestDataAreDataInOctetsToo) {
    for (const auto& [text, octets] : std::initializer_list<std::pair<const char*, const char*>>{
             {"URI 10 1 x", "000a000178"},
             {"CAA 0 issue \"\"", "00056973737565"},
             {"TLSA 3 1 1 ab", "030101ab"},
             {"SSHFP 1 1 ab", "0101ab"},
             {"DS 1 8 2 ab", "00010802ab"},
             {"ZONEMD 1 1 1 abcdabcdabcdabcdabcdabcd", "000000010101abcdabcdabcdabcdabcdabcd"},
             {"TXT \"\"", "00"}}) {
        const std::string type(text, std::string_view(text).find(' '));
        EXPECT_EQ(read(text), octets) << text;
        EXPECT_EQ(read(generic(type, std::string_view(octets).size() / 2, octets)), octets) << text;
    }
    EXPECT_EQ(read("ZONEMD \\# 17 000000010101abcdabcdabcdabcdabcdab"),
              "3: the octets are no data of this type: digest is missing or wrong");
    EXPECT_EQ(read("URI \\# 4 000a0001"),
              "3: the octets are no data of this type: target is missing or wrong");
}

TEST(Rdata, RefusesQuotationMarksWhereNoStringIs) {
    for (const char* const record :
         {"NS \"ns1\"", "NS n\"s\"1", "MX \"10\" a", "MX 10 \"a\"", "A \"192.0.2.1\"",
          "TLSA 3 1 1 \"ab\"", "DNSKEY 257 3 13 \"AQI=\"", "NSEC a \"A\"", "CAA 0 \"issue\" x",
          "HTTPS 1 . \"alpn=h2\"", "EUI48 \"00-00-5e-00-53-2a\"", "LOC \"52\" N 4 E 0",
          "APL \"1:192.0.2.0/24\""})
        EXPECT_NE(read(record).find(" is not "), std::string::npos)
            << record << ": " << read(record);
    EXPECT_EQ(read("CNAME \"a\""),
              "1: \"\"a\"\" is not a domain name: names stand without quotation marks");
}

TEST(Rdata, TakesStringsWithoutQuotationMarks) {
    EXPECT_EQ(read("CAA 0 issue ca.example.net"), read("CAA 0 issue \"ca.example.net\""));
    EXPECT_EQ(read("URI 10 1 ftp://x"), read("URI 10 1 \"ftp://x\""));
    EXPECT_EQ(read("IPSECKEY 10 0 0 ."), "0a0000");
    // RFC 8078 §4 writes the deletion of a DS like this.
    EXPECT_EQ(read("CDS 0 0 0 0"), "0000000000");
    EXPECT_EQ(read("CDNSKEY 0 3 0 0"), "0000030000");
    EXPECT_EQ(read("TXT \"over\na line\\\n\""), "0c6f7665720a61206c696e650a");
}

TEST(Rdata, SaysWhatIsMissing) {
    EXPECT_EQ(read("MX"), "0: preference is missing; the fields are: preference exchange");
    EXPECT_EQ(read("MX 10"), "1: exchange is missing; the fields are: preference exchange");
    EXPECT_EQ(read("MX 10 a b"), "3: \"b\" is too many; the fields are: preference exchange");
    EXPECT_EQ(read("KEY 0 3 5"), "3: public-key is missing");
    EXPECT_EQ(read("NULL abcd"), "0: data of this type are written as \\# LENGTH HEX (RFC 3597)");
    EXPECT_EQ(read("TYPE65280 abcd"),
              "0: data of this type are written as \\# LENGTH HEX (RFC 3597)");
    EXPECT_EQ(read("MX \\# 4 000ac00c"),
              "3: the octets are no data of this type: exchange is missing or wrong");
    EXPECT_EQ(read("A \\# 5 c000020101"), "3: the octets are more than the data of this type");
}
