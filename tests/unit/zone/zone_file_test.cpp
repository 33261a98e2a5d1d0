// Zone files: what they may say, and how each mistake is told.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "builder.hpp"
#include "summond/dns/wire.hpp"

using summond::dns::FoldedName;
using summond::dns::Name;
using summond::dns::Type;
using summond::test::ZoneBuilder;

namespace {

constexpr const char* least = "@ 300 SOA ns h 1 2 3 4 5\n@ 300 NS ns.other.\n";

class ZoneFile : public testing::Test {
  protected:
    std::string load(const std::string& text) {
        builder.file("zone", least + text);
        builder.zone_with_file("jit.example", "zone");
        return builder.errors();
    }
    // "TTL RDATA in hexadecimal" of the records of a name, one a line.
    std::string records(const std::string& owner, Type type) {
        const auto zones = summond::zone::Zones::open(builder.built.image);
        FoldedName name;
        name.assign(Name::parse(owner)->wire());
        const auto found = zones->find(name);
        const auto* rrset = found.exact ? found.node->find(type) : nullptr;
        std::string text;
        if (rrset == nullptr)
            return "none";
        const std::uint8_t* record = rrset->records();
        for (int i = 0; i < rrset->count; ++i) {
            const unsigned size = summond::dns::get16(record + 10);
            text += std::to_string(summond::dns::get32(record + 6)) + " ";
            for (unsigned j = 0; j < size; ++j) {
                char hex[3];
                std::snprintf(hex, sizeof hex, "%02x", record[12 + j]);
                text += hex;
            }
            text += "\n";
            record += 12 + size;
        }
        return text;
    }
    ZoneBuilder builder;
};

}  // namespace

TEST_F(ZoneFile, TakesTheFormsOfRfc1035) {
    EXPECT_EQ(load(R"(; a comment
a 60 IN A 192.0.2.1 ; another
  IN 60 A 192.0.2.2
	A 192.0.2.3
b (
  60 ; within parentheses
  A ) 192.0.2.4
$TTL 1h
c A 192.0.2.5
$ORIGIN sub.jit.example.
d in a 192.0.2.6
e.jit.example. TXT "a;b (c" d\;e "\"\\" ( "f"
   "g" )
$ORIGIN x
f 1h30m CLASS1 TYPE1 \# 4 c0 00 0207
f.y.x.sub.jit.example. 2d A 192.0.2.8
)"),
              "");
    EXPECT_EQ(records("a.jit.example", Type::a), "60 c0000201\n60 c0000202\n60 c0000203\n");
    EXPECT_EQ(records("b.jit.example", Type::a), "60 c0000204\n");
    EXPECT_EQ(records("c.jit.example", Type::a), "3600 c0000205\n");
    EXPECT_EQ(records("d.sub.jit.example", Type::a), "3600 c0000206\n");
    EXPECT_EQ(records("e.jit.example", Type::txt),
              "3600 06613b62202863"
              "03643b65"
              "02225c"
              "0166"
              "0167\n");
    EXPECT_EQ(records("f.x.sub.jit.example", Type::a), "5400 c0000207\n");
    EXPECT_EQ(records("f.y.x.sub.jit.example", Type::a), "172800 c0000208\n");
}

TEST_F(ZoneFile, NumbersBesideMnemonics) {
    constexpr auto cert = static_cast<Type>(37);
    EXPECT_EQ(load(R"(a CERT PGP 0 0 AQI=
b CERT 0 65535 255 AQI=
c CERT 65534 1 RSASHA256 AQI=
d DS 1 RSASHA256 2 AB
e DS 1 255 255 AB
)"),
              "");
    EXPECT_EQ(records("a.jit.example", cert), "300 00030000000102\n");
    EXPECT_EQ(records("b.jit.example", cert), "300 0000ffffff0102\n");
    EXPECT_EQ(records("c.jit.example", cert), "300 fffe0001080102\n");
    EXPECT_EQ(records("d.jit.example", Type::ds), "300 00010802ab\n");
    EXPECT_EQ(records("e.jit.example", Type::ds), "300 0001ffffab\n");
}

TEST_F(ZoneFile, NumbersThatAreTooLargeBesideMnemonics) {
    EXPECT_EQ(load(R"(a CERT 65536 0 0 AQI=
a CERT -5 0 0 AQI=
a CERT PGP 70000 0 AQI=
a CERT PGP 0 256 AQI=
a CERT NOSUCH 0 0 AQI=
a DS 1 256 2 AB
a DS 1 8 256 AB
a DNSKEY 256 3 300 AQI=
)"),
              "zone:3:8: bad CERT record: \"65536\" is not a number from 0 to 65535 or a mnemonic "
              "such as OID\n"
              "zone:4:8: bad CERT record: \"-5\" is not a number from 0 to 65535 or a mnemonic "
              "such as OID\n"
              "zone:5:12: bad CERT record: \"70000\" is not a number from 0 to 65535\n"
              "zone:6:14: bad CERT record: \"256\" is not a number from 0 to 255 or a mnemonic "
              "such as PRIVATEOID\n"
              "zone:7:8: bad CERT record: \"NOSUCH\" is not a number from 0 to 65535 or a mnemonic "
              "such as OID\n"
              "zone:8:8: bad DS record: \"256\" is not a number from 0 to 255 or a mnemonic such "
              "as PRIVATEOID\n"
              "zone:9:10: bad DS record: \"256\" is not a number from 0 to 255\n"
              "zone:10:16: bad DNSKEY record: \"300\" is not a number from 0 to 255 or a mnemonic "
              "such as PRIVATEOID\n");
}

TEST_F(ZoneFile, IncludesOtherFiles) {
    builder.file("dir/one", "a A 192.0.2.1\n$INCLUDE two\nb A 192.0.2.2\n");
    builder.file("dir/two", "$ORIGIN deeper\nc A 192.0.2.3\n");
    EXPECT_EQ(load("x A 192.0.2.9\n$INCLUDE dir/one sub\n  A 192.0.2.8\n$INCLUDE \"dir/two\"\n"
                   "y A 192.0.2.7\n"),
              "");
    EXPECT_EQ(records("a.sub.jit.example", Type::a), "300 c0000201\n");
    EXPECT_EQ(records("c.deeper.sub.jit.example", Type::a), "300 c0000203\n");
    EXPECT_EQ(records("b.sub.jit.example", Type::a), "300 c0000202\n");
    EXPECT_EQ(records("x.jit.example", Type::a), "300 c0000209\n300 c0000208\n");
    EXPECT_EQ(records("c.deeper.jit.example", Type::a), "300 c0000203\n");
    EXPECT_EQ(records("y.jit.example", Type::a), "300 c0000207\n");
}

TEST_F(ZoneFile, SaysWhereAnIncludedFileIsWrong) {
    builder.file("dir/one", "a A 192.0.2.1\nb A nonsense\n");
    builder.file("self", "$INCLUDE self\n");
    EXPECT_EQ(load("$INCLUDE dir/one\n$INCLUDE missing\n$INCLUDE self\n$INCLUDE\n$INCLUDE dir\n"),
              "dir/one:2:5: bad A record: \"nonsense\" is not an IPv4 address\n"
              "zone:4: cannot read zone file missing: No such file or directory\n"
              "self:1: $INCLUDE within 16 others; does a file include itself?\n"
              "zone:6: $INCLUDE takes a file name and perhaps an origin\n"
              "zone:7: cannot read zone file dir: not a regular file\n");
}

TEST_F(ZoneFile, TellsEveryMistakeWithItsLine) {
    EXPECT_EQ(load(R"(a A 192.0.2.256
a AAAA 192.0.2.1
a A
a MX 65536 x
a MX mail
a SRV 1 2 70000 x
a NOSUCH x
a 60
a 60 IN
a CH TXT "x"
a 1x A 192.0.2.1
a 4294967296 A 192.0.2.1
a..b A 192.0.2.1
other.example. A 192.0.2.1
a TXT "open
a ( A
)"),
              "zone:3:5: bad A record: \"192.0.2.256\" is not an IPv4 address\n"
              "zone:4:8: bad AAAA record: \"192.0.2.1\" is not an IPv6 address\n"
              "zone:5:3: bad A record: address is missing; the fields are: address\n"
              "zone:6:6: bad MX record: \"65536\" is not a number from 0 to 65535\n"
              "zone:7:6: bad MX record: \"mail\" is not a number from 0 to 65535\n"
              "zone:8:11: bad SRV record: \"70000\" is not a number from 0 to 65535\n"
              "zone:9:3: \"NOSUCH\" is not a record type\n"
              "zone:10:3: the record type is missing\n"
              "zone:11:6: the record type is missing\n"
              "zone:12:3: class CH is not served; IN is\n"
              "zone:13:3: \"1x\" is not a TTL; 3600 or 1h is, up to 2147483647 seconds\n"
              "zone:14:3: \"4294967296\" is not a TTL; 3600 or 1h is, up to 2147483647 seconds\n"
              "zone:15:1: \"a..b\" is not a domain name: it has an empty label\n"
              "zone:16:1: other.example. is not in the zone jit.example.\n"
              "zone:17:7: a quotation mark is not closed\n"
              "zone:18:3: a parenthesis is not closed\n");
}

TEST_F(ZoneFile, TellsBadDirectivesAndGenericData) {
    EXPECT_EQ(
        load(R"($TTL
$TTL x
$ORIGIN
$ORIGIN a..b
$UNKNOWN a
a )
a ((
a TYPE65280 \# 3 abcd
a TYPE65280 \# 2 abcx
a TYPE65280 \# x
a A \# 3 c00002
a MX \# 4 0001c000
a TYpe65536 \# 0
a ANY x
a TYPE252 \# 0
)"),
        "zone:3:1: $TTL takes a time such as 3600 or 1h, up to 2147483647 seconds\n"
        "zone:4:6: $TTL takes a time such as 3600 or 1h, up to 2147483647 seconds\n"
        "zone:5:1: $ORIGIN takes one domain name\n"
        "zone:6:9: \"a..b\" is not a domain name: it has an empty label\n"
        "zone:7:1: $UNKNOWN is not a directive known here; $ORIGIN, $TTL, $INCLUDE and "
        "$GENERATE are\n"
        "zone:8:3: a parenthesis is closed that was not opened\n"
        "zone:9:4: a parenthesis within parentheses\n"
        "zone:10:18: bad TYPE65280 record: \\# says 3 octets, but 2 follow\n"
        "zone:11:18: bad TYPE65280 record: \"abcx\" is not hexadecimal, two digits for each octet\n"
        "zone:12:16: bad TYPE65280 record: \\# takes a length from 0 to 65535 and that many "
        "octets in hexadecimal\n"
        "zone:13:10: bad A record: the octets are no data of this type: address is missing or "
        "wrong\n"
        "zone:14:11: bad MX record: the octets are no data of this type: exchange is missing or "
        "wrong\n"
        "zone:15:3: \"TYpe65536\" is not a record type\n"
        "zone:16:3: ANY is not a type of data in a zone\n"
        "zone:17:3: TYPE252 is not a type of data in a zone\n");
}

TEST_F(ZoneFile, DoesNotListTheWholeOfAWrongFile) {
    std::string text;
    for (int i = 0; i < 5000; ++i)
        text += "this is not a zone file\n";
    const std::string problems = load(text);
    EXPECT_EQ(std::count(problems.begin(), problems.end(), '\n'), 101);
    EXPECT_NE(problems.find("further problems are not listed"), std::string::npos);
}

TEST_F(ZoneFile, TakesDataOfEveryUsualType) {
    EXPECT_EQ(load(R"(a HTTPS 1 . alpn=h2,h3 ipv4hint=192.0.2.1
a SVCB 0 foo
a CAA 0 issue "ca.example"
a TLSA 3 1 1 d2abde240d7cd3ee6b4b28c54df034b97983a1d16e8a410e4561cb106618e971
a SRV 1 2 443 @
a NAPTR 100 10 "u" "E2U+sip" "!^.*$!sip:info@example.com!" .
a LOC 52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000m 10m
a SSHFP 1 1 aabb
a URI 10 1 "https://x"
a HINFO "a" "b"
a RP x y
a TYPE65280 \# 0
a AAAA 2001:db8::1
b PTR @
)"),
              "");
    EXPECT_EQ(records("a.jit.example", Type::srv), "300 0001000201bb036a6974076578616d706c6500\n");
    EXPECT_EQ(records("a.jit.example", static_cast<Type>(65280)), "300 \n");
    EXPECT_EQ(records("b.jit.example", Type::ptr), "300 c00e\n");
}

TEST_F(ZoneFile, IsReadInPieces) {
    // Entries, long ones too, lie across the pieces in which a file is read.
    std::string text = "long (\n";
    std::string rdata;
    for (int i = 0; i < 60'000; ++i) {
        text += "  ; comment " + std::to_string(i) + "\n";
        if (i % 1000 == 0) {
            text += i == 0 ? " TXT t\n" : " t\n";
            rdata += "0174";
        }
    }
    text += ")\n";
    for (int i = 0; i < 40'000; ++i)
        text += "h" + std::to_string(i) + " A 10.0." + std::to_string(i / 256) + "." +
                std::to_string(i % 256) + "\n";
    text += "last A 192.0.2.1";
    EXPECT_EQ(load(text), "");
    EXPECT_EQ(records("long.jit.example", Type::txt), "300 " + rdata + "\n");
    for (const int i : {0, 12'345, 39'999}) {
        char hex[16];
        std::snprintf(hex, sizeof hex, "300 0a00%04x\n", i);
        EXPECT_EQ(records("h" + std::to_string(i) + ".jit.example", Type::a), hex);
    }
    EXPECT_EQ(records("last.jit.example", Type::a), "300 c0000201\n");
}

TEST_F(ZoneFile, TakesRecordsInAnyOrder) {
    // Each name comes back twice, the second time with its types the wrong way round and a
    // duplicate with another TTL: the file's order holds within an RRset, its first record wins.
    constexpr int names = 20'000;
    std::string text;
    for (int i = 0; i < names; ++i)
        text += "x" + std::to_string(i) + ".d TXT one\n";
    for (int i = names; i-- > 0;) {
        const std::string name = "x" + std::to_string(i) + ".d";
        text += name + " TXT two\n" + name + " 60 TXT one\n" + name + " A 192.0.2.1\n";
    }
    EXPECT_EQ(load("$TTL 300\n" + text), "");
    for (const int i : {0, 1, 777, names - 1}) {
        const std::string name = "x" + std::to_string(i) + ".d.jit.example";
        EXPECT_EQ(records(name, Type::txt), "300 036f6e65\n300 0374776f\n");
        EXPECT_EQ(records(name, Type::a), "300 c0000201\n");
    }
    EXPECT_EQ(records("d.jit.example", Type::a), "none");
    EXPECT_EQ(records("x20000.d.jit.example", Type::a), "none");
}

TEST_F(ZoneFile, IsNotWaitedFor) {
    ASSERT_EQ(::mkfifo(builder.path("pipe").c_str(), 0600), 0);
    builder.zone_with_file("jit.example", "pipe");
    EXPECT_EQ(builder.problems(),
              "summond.yaml:4:11: cannot read zone file pipe: not a regular file\n");
}

TEST_F(ZoneFile, TakesNamesInDataAsTheyAreWritten) {
    EXPECT_EQ(load(R"(a MX 1 \@.B\046c\000
  MX 2 @
  MX 3 \064
b SRV 1 2 3 \@.x.
  RP \@ A.B.
)"),
              "");
    EXPECT_EQ(records("a.jit.example", Type::mx),
              "300 0001014004422e6300c00e\n300 0002c00e\n300 00030140c00e\n");
    EXPECT_EQ(records("b.jit.example", Type::srv), "300 0001000200030140017800\n");
    EXPECT_EQ(records("b.jit.example", static_cast<Type>(17)),
              "300 0140036a6974076578616d706c65000141014200\n");
    ZoneBuilder bad;
    bad.file("zone", std::string(least) + "a MX 1 a..b\na RP a. b\\\n");
    bad.zone_with_file("jit.example", "zone");
    EXPECT_EQ(bad.problems(),
              "zone:3:8: bad MX record: \"a..b\" is not a domain name: it has an empty label\n"
              "zone:4:9: bad RP record: \"b\\\" is not a domain name: a backslash takes one "
              "character or three digits up to 255\n");
}

TEST_F(ZoneFile, TakesTextOfEverySize) {
    // As octets of 255 strings written as \\DDD: four times as long as the data.
    std::string longest;
    for (int i = 0; i < 254; ++i) {
        longest += " \"";
        for (int j = 0; j < 254; ++j)
            longest += "\\200";
        longest += "\"";
    }
    EXPECT_EQ(load("a TXT" + longest + "\nb TXT \"\"\nc TXT \"x\"\"y\" z\\032\\\"\\; \"\"\n"), "");
    EXPECT_EQ(records("a.jit.example", Type::txt).size(), 4 + 2 * 254 * 255U + 1);
    EXPECT_EQ(records("b.jit.example", Type::txt), "300 00\n");
    EXPECT_EQ(records("c.jit.example", Type::txt), "300 01780179047a20223b00\n");
    ZoneBuilder bad;
    bad.file("zone", std::string(least) + "a TXT " + std::string(256, 'x') +
                         "\nb TXT \\256\nc TXT\n" + "d TXT" + longest + longest + "\n");
    bad.zone_with_file("jit.example", "zone");
    EXPECT_EQ(
        bad.problems(),
        "zone:3:7: bad TXT record: a string is longer than 255 octets\n"
        "zone:4:7: bad TXT record: a backslash takes one character or three digits up to 255\n"
        "zone:5:3: bad TXT record: text is missing; the fields are: text ...\n"
        "zone:6:516640: bad TXT record: the data is longer than 65535 octets\n");
}

// RFC 1035 §5.1.
TEST_F(ZoneFile, TakesQuotedStringsOverTheEndOfALine) {
    std::string text =
        "a TXT \"one\n ; two\n\n(\" ; three\nb A 192.0.2.1\nc TXT (\"x\ny\\\nz\"\n w)\n";
    EXPECT_EQ(load(text + "d CAA 0 issue \"a\nb\"\n"), "");
    EXPECT_EQ(records("a.jit.example", Type::txt), "300 0d6f6e650a203b2074776f0a0a28\n");
    EXPECT_EQ(records("b.jit.example", Type::a), "300 c0000201\n");
    EXPECT_EQ(records("c.jit.example", Type::txt), "300 05780a790a7a0177\n");
    // In the pieces in which a file is read, too.
    std::string strings;
    std::string rdata;
    for (int i = 0; i < 250; ++i) {
        strings += "\"" + std::string(253, '\n') + "\"\n";
        rdata += "fd";
        for (int j = 0; j < 253; ++j)
            rdata += "0a";
    }
    ZoneFile::builder.config.zones.clear();
    std::string padding(262'000, ';');
    EXPECT_EQ(load(padding + "\na TXT (\n" + strings + ")\nb A nonsense\n").substr(0, 30),
              "zone:63506:5: bad A record: \"n");
    ZoneFile::builder.config.zones.clear();
    EXPECT_EQ(load(padding + "\na TXT (\n" + strings + ")\nb A 192.0.2.1\n"), "");
    EXPECT_EQ(records("a.jit.example", Type::txt), "300 " + rdata + "\n");
}

TEST_F(ZoneFile, SaysWhereAQuotationMarkMayBeMissing) {
    // What follows a mark that nobody closes is read as if it were not there.
    EXPECT_EQ(load("a TXT \"open\nb A nonsense\nc TXT x\n"),
              "zone:3:7: a quotation mark is not closed\n"
              "zone:4:5: bad A record: \"nonsense\" is not an IPv4 address\n");
    ZoneBuilder swallowed;
    swallowed.file("zone", std::string(least) + "a MX 10 m \"open\nb TXT \"closed\nc TXT \"x\"\n");
    swallowed.zone_with_file("jit.example", "zone");
    EXPECT_EQ(
        swallowed.problems(),
        "zone:3:11: bad MX record: \"\"open\\010b TXT \"closed\" is too many; the fields are: "
        "preference exchange; quotation marks that open on line 3 enclose the end of that line: "
        "is one missing there?\n");
    // More than any string can be.
    ZoneBuilder long_one;
    long_one.file("zone", std::string(least) + "a TXT \"open\n" + std::string(300'000, '\n') +
                              "b TXT x\"\nc A 192.0.2.1\n");
    long_one.zone_with_file("jit.example", "zone");
    EXPECT_EQ(long_one.problems(),
              "zone:3:7: a quotation mark is not closed\n"
              "zone:300004:8: a quotation mark is not closed\n");
}

TEST_F(ZoneFile, NeverServesQuotationMarksAsPartOfAName) {
    EXPECT_EQ(
        load("\"a\" A 192.0.2.1\nb NS \"ns1\"\nc MX 1 \"m\"\nd CNAME n\"a\"\n$ORIGIN \"x\"\n"
             "e A 192.0.2.1\n"),
        "zone:3:1: \"\"a\"\" is not a domain name: names stand without quotation marks\n"
        "zone:4:6: bad NS record: \"\"ns1\"\" is not a domain name: names stand without quotation "
        "marks\n"
        "zone:5:8: bad MX record: \"\"m\"\" is not a domain name: names stand without quotation "
        "marks\n"
        "zone:6:9: bad CNAME record: \"n\"a\"\" is not a domain name: names stand without "
        "quotation marks\n"
        "zone:7:9: \"\"x\"\" is not a domain name: names stand without quotation marks\n");
    ZoneBuilder escaped;
    escaped.file("zone", std::string(least) + "\\\"a\\\" TXT x\nb CNAME \\\"a\\\"\n");
    escaped.zone_with_file("jit.example", "zone");
    EXPECT_EQ(escaped.problems(), "");
}

TEST_F(ZoneFile, IsMissing) {
    builder.zone_with_file("jit.example", "none");
    EXPECT_EQ(builder.problems(),
              "summond.yaml:4:11: cannot read zone file none: No such file or directory\n");
}

TEST_F(ZoneFile, Generates) {
    EXPECT_EQ(load("$TTL 60\n"
                   "$GENERATE 1-3 host$ A 192.0.2.$\n"
                   "$GENERATE 0-4/2 ${10,4,x}.hex 120 IN TXT \"$ \\$ $$\"\n"
                   "$GENERATE 26-26 ${0,3,n}.nibbles MX $ mail${-20}\n"
                   "$ORIGIN sub\n"
                   "$GENERATE 8-8 $ CNAME $.other.\n"),
              "");
    EXPECT_EQ(records("host1.jit.example", Type::a), "60 c0000201\n");
    EXPECT_EQ(records("host3.jit.example", Type::a), "60 c0000203\n");
    EXPECT_EQ(records("host4.jit.example", Type::a), "none");
    EXPECT_EQ(records("000c.hex.jit.example", Type::txt), "120 013201240124\n");
    EXPECT_EQ(records("000b.hex.jit.example", Type::txt), "none");
    EXPECT_EQ(records("a.1.nibbles.jit.example", Type::mx).substr(0, 7), "60 001a");
    EXPECT_EQ(records("8.sub.jit.example", Type::cname), "60 0138056f7468657200\n");
}

TEST_F(ZoneFile, SaysWhatIsWrongWithGenerated) {
    EXPECT_EQ(load("$GENERATE 3-1 a$ A 192.0.2.$\n"
                   "$GENERATE 1-2/0 a$ A 192.0.2.$\n"
                   "$GENERATE 0-16777216 a$ TXT x\n"
                   "$GENERATE 250-260 a$ A 192.0.2.$\n"
                   "$GENERATE 1-2 a${x} A 192.0.2.1\n"
                   "$GENERATE 1-2 a${0,3,y} A 192.0.2.1\n"
                   "$GENERATE 1-2 a${-2} A 192.0.2.1\n"
                   "$GENERATE 1-2 a A\n"),
              "zone:3:11: $GENERATE takes a range such as 1-10 or 0-254/2\n"
              "zone:4:11: $GENERATE takes a range such as 1-10 or 0-254/2\n"
              "zone:5:11: $GENERATE makes at most 16777216 records\n"
              "zone:6: bad A record: \"192.0.2.256\" is not an IPv4 address, in \"a256 A "
              "192.0.2.256\" of "
              "$GENERATE\n"
              "zone:7:15: \"${x}\" is not ${offset}, ${offset,width} or ${offset,width,base} with "
              "a base of "
              "d, o, x, X, n or N\n"
              "zone:8:15: \"${0,3,y}\" is not ${offset}, ${offset,width} or ${offset,width,base} "
              "with a base "
              "of d, o, x, X, n or N\n"
              "zone:9:15: the offset makes -1 of 1\n"
              "zone:10: $GENERATE takes a range, an owner, a type and data\n");
}
