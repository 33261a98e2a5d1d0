// Names in the data of one RRset point at each other (RFC 1035 §4.1.4), wherever the RRset stands.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "engine.hpp"

using summond::answer::Transport;
using summond::test::Ask;
using summond::test::Engine;
using summond::test::query_bytes;

namespace {

constexpr const char* apex = "$TTL 300\n@ SOA ns.x. h.x. 1 2 3 4 60\n@ NS ns.x.\n";
constexpr std::size_t fields = 12;  // of a record whose owner is a pointer, in front of RDATA

struct Answered {
    std::string text;
    std::size_t size;
};

Answered ask(Engine& engine, const Ask& ask) {
    const auto query = query_bytes(ask);
    const auto decision = engine.resolve(query, ask.transport);
    return {engine.text(decision, query), decision.size};
}

}  // namespace

TEST(Compression, ManyRecordsWithOneNameFitWithoutEdns) {
    Engine engine;
    std::string zone = apex;
    std::string expected = "NOERROR aa\n";
    for (int i = 1; i <= 29; ++i) {
        zone += fmt::format("@ MX {} mx.example.net.\n", i);
        expected += fmt::format("AN jit.example. 300 IN MX {} mx.example.net.\n", i);
    }
    engine.add_zone("jit.example", zone);
    engine.build();
    const auto answered = ask(engine, {"jit.example", "MX"});
    EXPECT_EQ(answered.text, expected);
    const std::size_t first = fields + 2 + sizeof "2mx7example3net";
    EXPECT_EQ(answered.size, 12 + 13 + 4 + first + 28 * (fields + 2 + 2));
    EXPECT_LE(answered.size, 512U);
}

TEST(Compression, PartsOfNamesInAnyCase) {
    Engine engine;
    engine.add_zone("jit.example", std::string(apex) +
                                       "n NS a.dns.example.net.\n"
                                       "n NS b.DNS.example.net.\n"
                                       "n NS example.net.\n"
                                       "n NS dns.example.org.\n"
                                       "n NS q.jit.example.\n"
                                       "n NS r.q.jit.example.\n"
                                       "n NS net.\n"
                                       "n NS .\n");
    engine.build();
    const auto answered = ask(engine, {.name = "n.jit.example", .type = "NS"});
    EXPECT_EQ(answered.text,
              "NOERROR\n"
              "AU n.jit.example. 300 IN NS a.dns.example.net.\n"
              "AU n.jit.example. 300 IN NS b.dns.example.net.\n"
              "AU n.jit.example. 300 IN NS example.net.\n"
              "AU n.jit.example. 300 IN NS dns.example.org.\n"
              "AU n.jit.example. 300 IN NS q.jit.example.\n"
              "AU n.jit.example. 300 IN NS r.q.jit.example.\n"
              "AU n.jit.example. 300 IN NS net.\n"
              "AU n.jit.example. 300 IN NS .\n");
    const std::size_t names = sizeof "1a3dns7example3net" + (2 + 2) + 2 +
                              sizeof "3dns7example3org" + (2 + 2) + (2 + 2) + 2 + 1;
    EXPECT_EQ(answered.size, 12 + 15 + 4 + 8 * fields + names);
}

TEST(Compression, WhereverTheRecordsStand) {
    Engine engine;
    const std::string records =
        "MX 1 mx.hosting.example.net.\n"
        " MX 2 mx.hosting.example.net.\n"
        " MX 3 b.hosting.example.net.\n"
        " MX 4 mail.jit.example.\n"
        " MX 5 b.mail.jit.example.\n";
    engine.add_zone("jit.example", std::string(apex) + "a CNAME b.c\nb.c " + records + "* " +
                                       records + "longer.sub NS ns1.sub.z.example.net.\n" +
                                       " NS ns2.sub.z.example.net.\n" +
                                       " NS ns.longer.sub\n NS ns2.longer.sub\n" +
                                       "ns.longer.sub A 192.0.2.1\nns2.longer.sub A 192.0.2.2\n" +
                                       "to CNAME x.longer.sub\n");
    engine.build();
    const auto answer = [](const std::string& owner) {
        return fmt::format(
            "AN {0} 300 IN MX 1 mx.hosting.example.net.\n"
            "AN {0} 300 IN MX 2 mx.hosting.example.net.\n"
            "AN {0} 300 IN MX 3 b.hosting.example.net.\n"
            "AN {0} 300 IN MX 4 mail.jit.example.\n"
            "AN {0} 300 IN MX 5 b.mail.jit.example.\n",
            owner);
    };
    EXPECT_EQ(ask(engine, {"b.c.jit.example", "MX"}).text,
              "NOERROR aa\n" + answer("b.c.jit.example."));
    EXPECT_EQ(ask(engine, {"a.jit.example", "MX"}).text,
              "NOERROR aa\nAN a.jit.example. 300 IN CNAME b.c.jit.example.\n" +
                  answer("b.c.jit.example."));
    for (const std::string name : {"q.jit.example", "quite-long.jit.example", "a.b.jit.example"})
        EXPECT_EQ(ask(engine, {name, "MX"}).text, "NOERROR aa\n" + answer(name + "."));
    const std::string referral =
        "AU longer.sub.jit.example. 300 IN NS ns1.sub.z.example.net.\n"
        "AU longer.sub.jit.example. 300 IN NS ns2.sub.z.example.net.\n"
        "AU longer.sub.jit.example. 300 IN NS ns.longer.sub.jit.example.\n"
        "AU longer.sub.jit.example. 300 IN NS ns2.longer.sub.jit.example.\n"
        "AD ns.longer.sub.jit.example. 300 IN A 192.0.2.1\n"
        "AD ns2.longer.sub.jit.example. 300 IN A 192.0.2.2\n";
    EXPECT_EQ(ask(engine, {"x.longer.sub.jit.example"}).text, "NOERROR\n" + referral);
    EXPECT_EQ(ask(engine, {"longer.sub.jit.example"}).text, "NOERROR\n" + referral);
    EXPECT_EQ(ask(engine, {"to.jit.example"}).text,
              "NOERROR aa\nAN to.jit.example. 300 IN CNAME x.longer.sub.jit.example.\n" + referral);
}

// Nothing points further than 14 bits, behind the longest chain of aliases either.
TEST(Compression, OfMoreThanSixteenKilobytes) {
    Engine engine;
    const std::string label(60, 'l');
    const std::string end = fmt::format("{0}1.{0}2", label, label);
    std::string zone = apex;
    std::string chain;
    std::string name = "a." + end;
    for (int i = 0; i < 15; ++i) {
        const std::string to = fmt::format("{}{}.{}", 'b', i, end + fmt::format(".{}{}", label, i));
        zone += name + " CNAME " + to + "\n";
        chain += fmt::format("AN {}.jit.example. 300 IN CNAME {}.jit.example.\n", name, to);
        name = to;
    }
    std::string records;
    std::vector<std::string> answer;
    for (int i = 0; i < 1500; ++i) {
        const std::string exchange = fmt::format("mx{}.of{}.example.net.", i % 900, i % 300);
        zone += fmt::format("{} MX {} {}\n", name, i, exchange);
        records += fmt::format("AN {}.jit.example. 300 IN MX {} {}\n", name, i, exchange);
    }
    engine.add_zone("jit.example", zone);
    engine.build();
    EXPECT_EQ(ask(engine,
                  {.name = "a." + end + ".jit.example", .type = "MX", .transport = Transport::tcp})
                  .text,
              "NOERROR aa\n" + chain + records);
    EXPECT_EQ(
        ask(engine, {.name = name + ".jit.example", .type = "MX", .transport = Transport::tcp})
            .text,
        "NOERROR aa\n" + records);
}

// RFC 3597 §4: only names in the types of RFC 1035. RFC 2782 has none for SRV.
TEST(Compression, NotOfOtherTypes) {
    Engine engine;
    engine.add_zone("jit.example",
                    std::string(apex) +
                        "s SRV 1 1 1 t.s.jit.example.\ns SRV 2 1 1 t.s.jit.example.\n"
                        "k KX 1 t.jit.example.\nd DNAME t.jit.example.\n");
    engine.build();
    const std::size_t target = sizeof "1t1s3jit7example";
    EXPECT_EQ(ask(engine, {"s.jit.example", "SRV"}).size, 12 + 15 + 4 + 2 * (fields + 6 + target));
    EXPECT_EQ(ask(engine, {"k.jit.example", "KX"}).size, 12 + 15 + 4 + fields + 2 + target - 2);
    EXPECT_EQ(ask(engine, {"d.jit.example", "DNAME"}).size, 12 + 15 + 4 + fields + target - 2);
}

// RFC 2181 §5, RFC 4343 §3.
TEST(Compression, RecordsThatDifferInCaseAloneAreOne) {
    Engine engine;
    engine.add_zone("jit.example",
                    std::string(apex) +
                        "m MX 1 Mail.example.net.\nm MX 1 mail.Example.net.\n"
                        "m MX 2 mail.example.net.\n"
                        "s SRV 65 65 65 a.x.\ns SRV 97 65 65 A.x.\ns SRV 65 65 65 A.x.\n"
                        "k KX 1 a.x.\nk KX 1 A.x.\n"
                        "t TXT a\nt TXT A\n");
    engine.build();
    EXPECT_EQ(ask(engine, {"m.jit.example", "MX"}).text,
              "NOERROR aa\nAN m.jit.example. 300 IN MX 1 Mail.example.net.\n"
              "AN m.jit.example. 300 IN MX 2 Mail.example.net.\n");
    EXPECT_EQ(ask(engine, {"s.jit.example", "SRV"}).text,
              "NOERROR aa\nAN s.jit.example. 300 IN SRV 65 65 65 a.x.\n"
              "AN s.jit.example. 300 IN SRV 97 65 65 A.x.\n");
    EXPECT_EQ(ask(engine, {"k.jit.example", "KX"}).text,
              "NOERROR aa\nAN k.jit.example. 300 IN KX 1 a.x.\n");
    EXPECT_EQ(ask(engine, {"t.jit.example", "TXT"}).text,
              "NOERROR aa\nAN t.jit.example. 300 IN TXT \"a\"\n"
              "AN t.jit.example. 300 IN TXT \"A\"\n");
}
