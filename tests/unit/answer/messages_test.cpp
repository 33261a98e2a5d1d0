// Headers, EDNS, errors and sizes.
#include <gtest/gtest.h>

#include "engine.hpp"

using summond::answer::Availability;
using summond::answer::Decision;
using summond::answer::Transport;
using summond::dns::get16;
using summond::service::WakeFailure;
using summond::test::answer_text;
using summond::test::Ask;
using summond::test::Engine;
using summond::test::query_bytes;

namespace {

using Bytes = std::vector<std::uint8_t>;

std::string records(const std::string& owner, const std::string& type, int count,
                    std::size_t rdata) {
    std::string text;
    for (int i = 0; i < count; ++i)
        text += owner + " " + type + " " + std::to_string(i) + std::string(rdata, 'x') + "\n";
    return text;
}

class Messages : public testing::Test {
  protected:
    void SetUp() override {
        std::string text = R"($TTL 300
@ SOA ns1 hostmaster 7 3600 600 86400 60
@ NS ns1
ns1 A 192.0.2.53
small TXT "x"
)";
        text += records("t400", "TXT", 2, 200);
        text += records("t1000", "TXT", 5, 200);
        text += records("t9000", "TXT", 45, 200);
        text += "toT400 CNAME t400\n";
        for (int i = 0; i < 12; ++i) {
            const std::string ns = "ns" + std::to_string(i) + std::string(20, 'n') + ".glue";
            text += "glue NS " + ns + "\n" + ns + " A 192.0.2.1\n" + ns + " AAAA 2001:db8::1\n";
        }
        for (int i = 0; i < 6; ++i) {
            const std::string ns = "ns" + std::to_string(i) + std::string(20, 'n') + ".out";
            text += "sibling NS " + ns + "\n";
            for (int j = 0; j < 3; ++j)
                text += ns + " AAAA 2001:db8::" + std::to_string(j) + "\n";
        }
        engine.add_zone("jit.example", text);
        engine.add_service("www", {"www.jit.example"}, {"192.0.2.80"});
        engine.build();
    }
    std::string raw(const Bytes& query, Transport transport = Transport::udp) {
        return engine.text(engine.resolve(query, transport), query);
    }
    std::size_t size(const Ask& ask) {
        return engine.resolve(query_bytes(ask), ask.transport).size;
    }
    Engine engine;
};

}  // namespace

TEST_F(Messages, EchoesIdQuestionCaseAndRecursionDesired) {
    Bytes query = query_bytes({"SmAlL.JiT.eXaMpLe", "TXT"});
    const auto out = engine.out(engine.resolve(query));
    EXPECT_TRUE(std::equal(query.begin(), query.begin() + 2, out.begin()));
    EXPECT_TRUE(std::equal(query.begin() + 12, query.end(), out.begin() + 12));
    EXPECT_EQ(get16(&out[2]), 0x8500);
    // The owner in the answer is a pointer to the question, and so has its case.
    EXPECT_EQ(answer_text(out), "NOERROR aa\nAN SmAlL.JiT.eXaMpLe. 300 IN TXT \"x\"\n");
    query[2] = 0;     // RD clear
    query[3] = 0x30;  // AD and CD are not ours to set
    EXPECT_EQ(get16(&engine.out(engine.resolve(query))[2]), 0x8400);
}

TEST_F(Messages, DropsWhatIsNoQuery) {
    Bytes query = query_bytes({"small.jit.example"});
    EXPECT_EQ(raw({}), "drop");
    EXPECT_EQ(raw(Bytes(query.begin(), query.begin() + 11)), "drop");
    query[2] = 0x81;
    EXPECT_EQ(raw(query), "drop");
    query[2] = 0xa9;
    EXPECT_EQ(raw(query), "drop");
}

TEST_F(Messages, UnknownOpcodesAreNotimp) {
    for (const unsigned opcode : {1U, 2U, 4U, 5U, 6U, 15U}) {
        Bytes query = query_bytes({"small.jit.example"});
        query[2] = static_cast<std::uint8_t>(opcode << 3);
        const auto decision = engine.resolve(query);
        const auto out = engine.out(decision);
        EXPECT_EQ(get16(&out[2]), 0x8004 | opcode << 11);
        EXPECT_EQ(out.size(), query.size());
        EXPECT_TRUE(std::equal(query.begin() + 12, query.end(), out.begin() + 12));
        EXPECT_EQ(raw(Bytes(query.begin(), query.begin() + 12)), "NOTIMPL\n");
        // RFC 6891 §6.1.1, as far as another opcode's message can be read.
        query = query_bytes({.name = "small.jit.example", .edns = true, .dnssec_ok = true});
        query[2] = static_cast<std::uint8_t>(opcode << 3);
        EXPECT_EQ(raw(query), "NOTIMPL\nEDNS size=1232 do\n");
        query.pop_back();
        EXPECT_EQ(raw(query), "NOTIMPL\n");
    }
}

TEST_F(Messages, MalformedQueriesAreFormerr) {
    const Bytes good = query_bytes({.name = "small.jit.example", .type = "TXT", .edns = true});
    EXPECT_EQ(raw(good), "NOERROR aa\nAN small.jit.example. 300 IN TXT \"x\"\nEDNS size=1232\n");
    // Cut anywhere behind the header.
    for (std::size_t size = 12; size < good.size(); ++size)
        EXPECT_EQ(raw(Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size))),
                  "FORMERR\n")
            << size;
    Bytes query = good;
    query.push_back(0);
    EXPECT_EQ(raw(query), "FORMERR\nEDNS size=1232\n");
    for (const std::uint8_t count : Bytes{0, 2}) {
        query = good;
        query[5] = count;
        EXPECT_EQ(raw(query), "FORMERR\n");
    }
    query = good;
    query[12] = 0xc0;  // a compressed name
    EXPECT_EQ(raw(query), "FORMERR\n");
    query = good;
    query[12] = 0x40;  // an unknown label type
    EXPECT_EQ(raw(query), "FORMERR\n");
}

TEST_F(Messages, EdnsFollowsRfc6891) {
    const std::string answer = "NOERROR aa\nAN small.jit.example. 300 IN TXT \"x\"\n";
    EXPECT_EQ(
        engine.ask({.name = "small.jit.example", .type = "TXT", .edns = true, .dnssec_ok = true}),
        answer + "EDNS size=1232 do\n");
    EXPECT_EQ(engine.ask({.name = "small.jit.example",
                          .type = "TXT",
                          .edns = true,
                          .version = 1,
                          .dnssec_ok = true}),
              "EXTENDED16\nEDNS size=1232 do\n");
    // Unknown options are ignored, ill-formed ones are not.
    EXPECT_EQ(engine.ask({.name = "small.jit.example",
                          .type = "TXT",
                          .edns = true,
                          .options = std::string("\xff\xf0\0\2ab\xff\xf1\0\0", 10)}),
              answer + "EDNS size=1232\n");
    EXPECT_EQ(engine.ask({.name = "small.jit.example",
                          .type = "TXT",
                          .edns = true,
                          .options = std::string("\xff\xf0\0\3ab", 6)}),
              "FORMERR\n");
    EXPECT_EQ(engine.ask({.name = "small.jit.example",
                          .type = "TXT",
                          .edns = true,
                          .options = std::string("\xff\xf0\0", 3)}),
              "FORMERR\n");
    // Two OPT records, one not of the root, one in the answer section.
    Bytes query = query_bytes({.name = "small.jit.example", .type = "TXT", .edns = true});
    const Bytes opt(query.end() - 11, query.end());
    query.insert(query.end(), opt.begin(), opt.end());
    query[11] = 2;
    EXPECT_EQ(raw(query), "FORMERR\nEDNS size=1232\n");
    query = query_bytes({.name = "small.jit.example", .type = "TXT", .edns = true});
    query.insert(query.end() - 11, {1, 'x'});
    EXPECT_EQ(raw(query), "FORMERR\n");
    query = query_bytes({.name = "small.jit.example", .type = "TXT", .edns = true});
    std::swap(query[7], query[11]);
    EXPECT_EQ(raw(query), "FORMERR\n");
}

TEST_F(Messages, RefusesTransfersAndOtherClasses) {
    EXPECT_EQ(engine.ask({"jit.example", "AXFR"}), "REFUSED\n");
    EXPECT_EQ(engine.ask({"jit.example", "IXFR"}), "REFUSED\n");
    EXPECT_EQ(engine.ask({"jit.example", "MAILB"}), "NOTIMPL\n");
    EXPECT_EQ(engine.ask({"jit.example", "MAILA"}), "NOTIMPL\n");
    EXPECT_EQ(engine.ask({"jit.example", "OPT"}), "FORMERR\n");
    EXPECT_EQ(engine.ask({.name = "version.bind", .type = "TXT", .klass = 3}), "REFUSED\n");
    EXPECT_EQ(engine.ask({.name = "small.jit.example", .type = "TXT", .edns = true, .klass = 4}),
              "REFUSED\nEDNS size=1232 ede=21:only class IN\n");
    // RFC 1035 §6.2: never authoritative.
    EXPECT_EQ(engine.ask({.name = "small.jit.example", .type = "TXT", .klass = 255}),
              "NOERROR\nAN small.jit.example. 300 IN TXT \"x\"\n");
}

TEST_F(Messages, NeverCutsAnRrset) {
    const std::string truncated = "NOERROR aa tc\n";
    EXPECT_EQ(size({"t400.jit.example", "TXT"}), 34U + 2 * (12 + 202));
    EXPECT_EQ(engine.ask({"t1000.jit.example", "TXT"}), truncated);
    EXPECT_EQ(
        engine.ask({.name = "t1000.jit.example", .type = "TXT", .edns = true, .udp_size = 1000}),
        truncated + "EDNS size=1232\n");
    EXPECT_EQ(size({.name = "t1000.jit.example", .type = "TXT", .edns = true}),
              35U + 5 * (12 + 202) + 11);
    // What a client asks for beyond our own limit does not count.
    EXPECT_EQ(
        engine.ask({.name = "t9000.jit.example", .type = "TXT", .edns = true, .udp_size = 65535}),
        truncated + "EDNS size=1232\n");
    EXPECT_EQ(size({.name = "t9000.jit.example", .type = "TXT", .transport = Transport::tcp}),
              35U + 10 * (12 + 202) + 35 * (12 + 203));
    // Sizes below 512 mean 512.
    EXPECT_EQ(size({.name = "t400.jit.example", .type = "TXT", .edns = true, .udp_size = 100}),
              34U + 2 * (12 + 202) + 11);
    // 36 + 14 + 434 octets are less than 512, with OPT they are not more either.
    EXPECT_EQ(engine.ask({"tot400.jit.example", "TXT"}).substr(0, 11), "NOERROR aa\n");
}

TEST_F(Messages, FitsExactlyOrNotAtAll) {
    const std::size_t whole = size({.name = "t1000.jit.example", .type = "TXT", .edns = true});
    const auto sized = [&](std::size_t udp_size) {
        return Ask{.name = "t1000.jit.example",
                   .type = "TXT",
                   .edns = true,
                   .udp_size = static_cast<std::uint16_t>(udp_size)};
    };
    EXPECT_EQ(size(sized(whole)), whole);
    EXPECT_EQ(engine.ask(sized(whole - 1)), "NOERROR aa tc\nEDNS size=1232\n");
}

TEST_F(Messages, ReferralsWithoutAllTheirGlueAreTruncated) {
    const std::string small = engine.ask({"x.glue.jit.example"});
    EXPECT_EQ(small.substr(0, small.find('\n')), "NOERROR tc");
    const std::string whole =
        engine.ask({.name = "x.glue.jit.example", .transport = Transport::tcp});
    EXPECT_EQ(whole.substr(0, whole.find('\n')), "NOERROR");
    EXPECT_EQ(std::count(whole.begin(), whole.end(), '\n'), 1 + 12 + 24);
    // Addresses of name servers elsewhere in the zone are a help that may be left out.
    const std::string sibling = engine.ask({"x.sibling.jit.example"});
    EXPECT_EQ(sibling.substr(0, sibling.find('\n')), "NOERROR");
}

TEST_F(Messages, ParkedQueriesGetTheirServfail) {
    const Bytes query = query_bytes({.name = "wWw.jit.example", .edns = true, .dnssec_ok = true});
    Bytes out(summond::answer::max_udp_answer);
    const summond::answer::Context context{engine.zones(), {}};
    const auto text = [&](WakeFailure why) {
        const auto size = summond::answer::servfail(query, out, why, context);
        EXPECT_TRUE(std::equal(query.begin() + 12, query.begin() + 33, out.begin() + 12));
        return answer_text({out.data(), size});
    };
    EXPECT_EQ(text(WakeFailure::not_ready),
              "SERVFAIL\nEDNS size=1232 do ede=14:service did not become ready in time\n");
    EXPECT_EQ(text(WakeFailure::no_controller),
              "SERVFAIL\nEDNS size=1232 do ede=14:services cannot be started now\n");
    EXPECT_EQ(text(WakeFailure::powered_off),
              "SERVFAIL\nEDNS size=1232 do ede=0:service powered off while booting\n");
    EXPECT_EQ(text(WakeFailure::keeps_ending),
              "SERVFAIL\nEDNS size=1232 do ede=0:service keeps ending soon after its start\n");
    EXPECT_EQ(text(WakeFailure::none),
              "SERVFAIL\nEDNS size=1232 do ede=0:service is not available\n");
    EXPECT_EQ(summond::answer::servfail(Bytes(5), out, WakeFailure::none, context), 0U);
}

TEST_F(Messages, SaysOfItselfWhatIsConfigured) {
    for (const char* name : {"version.bind", "version.server", "hostname.bind", "id.server"})
        EXPECT_EQ(engine.ask({.name = name, .type = "TXT", .klass = 3}), "REFUSED\n") << name;
    engine.settings() = {.version = "summond 1", .identity = "ns1", .cookie_secret = {}};
    for (const char* name : {"VERSION.bind", "version.server"})
        EXPECT_EQ(engine.ask({.name = name, .type = "TXT", .klass = 3}),
                  std::string("NOERROR aa\nAN ") + name + ". 0 CH TXT \"summond 1\"\n");
    for (const char* name : {"hostname.bind", "id.server"})
        EXPECT_EQ(engine.ask({.name = name, .type = "ANY", .klass = 3}),
                  std::string("NOERROR aa\nAN ") + name + ". 0 CH TXT \"ns1\"\n");
    EXPECT_EQ(engine.ask({.name = "version.bind", .type = "A", .klass = 3}), "REFUSED\n");
    EXPECT_EQ(engine.ask({.name = "x.version.bind", .type = "TXT", .klass = 3}), "REFUSED\n");
    EXPECT_EQ(engine.ask({.name = "version.bind", .type = "TXT"}), "REFUSED\n");
    engine.settings() = {.version = std::string(255, 'v'), .identity = {}, .cookie_secret = {}};
    EXPECT_EQ(size({.name = "version.bind", .type = "TXT", .klass = 3}), 30U + 12 + 256);
    EXPECT_EQ(engine.ask({.name = "id.server", .type = "TXT", .klass = 3}), "REFUSED\n");
}

TEST_F(Messages, NsidIsSentToThoseWhoAsk) {
    const std::string answer = "NOERROR aa\nAN small.jit.example. 300 IN TXT \"x\"\n";
    const Ask ask{.name = "small.jit.example",
                  .type = "TXT",
                  .edns = true,
                  .options = std::string("\xff\xf0\0\1a\0\3\0\0", 9)};
    EXPECT_EQ(engine.ask(ask), answer + "EDNS size=1232\n");
    engine.settings().identity = "ns1";
    EXPECT_EQ(engine.ask(ask), answer + "EDNS size=1232 nsid=ns1\n");
    EXPECT_EQ(engine.ask({.name = "small.jit.example", .type = "TXT", .edns = true}),
              answer + "EDNS size=1232\n");
    EXPECT_EQ(engine.ask({.name = "other", .edns = true, .options = ask.options}),
              "REFUSED\nEDNS size=1232 nsid=ns1 ede=20:\n");
    // Its room is kept free: what fits exactly without it does not with it.
    Ask large{.name = "t1000.jit.example", .type = "TXT", .edns = true};
    large.udp_size = static_cast<std::uint16_t>(size(large));
    large.options = ask.options;
    EXPECT_EQ(engine.ask(large), "NOERROR aa tc\nEDNS size=1232 nsid=ns1\n");
    large.udp_size = static_cast<std::uint16_t>(large.udp_size + 7);
    EXPECT_EQ(size(large), large.udp_size);
    // Also with the answer to a query that has waited in vain.
    const Bytes query = query_bytes(ask);
    Bytes out(summond::answer::max_udp_answer);
    const summond::answer::Context context{
        .zones = engine.zones(), .services = {}, .settings = engine.settings()};
    out.resize(summond::answer::servfail(query, out, WakeFailure::refused, context));
    EXPECT_EQ(answer_text(out),
              "SERVFAIL\nEDNS size=1232 nsid=ns1 ede=14:service may not be started now\n");
}

TEST_F(Messages, CookiesAreExchanged) {
    const std::string answer = "NOERROR aa\nAN small.jit.example. 300 IN TXT \"x\"\n";
    const std::string client("\0\12\0\10\x24\x64\xc4\xab\xcf\x10\xc9\x57", 12);
    Ask ask{.name = "small.jit.example", .type = "TXT", .edns = true, .options = client};
    EXPECT_EQ(engine.ask(ask), answer + "EDNS size=1232\n");  // off
    engine.settings().cookie_secret = {0xe5, 0xe9, 0x73, 0xe5, 0xa6, 0xb2, 0xa4, 0x3f,
                                       0x48, 0xe7, 0xdc, 0x84, 0x9e, 0x37, 0xbf, 0xcf};
    EXPECT_EQ(engine.ask(ask), answer + "EDNS size=1232 cookie\n");
    // The first vector of RFC 9018 Appendix A.
    const auto out = engine.out(engine.resolve(query_bytes(ask)));
    const Bytes cookie{0x24, 0x64, 0xc4, 0xab, 0xcf, 0x10, 0xc9, 0x57, 1,    0,    0,    0,
                       0x5c, 0xf7, 0x9f, 0x11, 0x1f, 0x81, 0x30, 0xc3, 0xee, 0xe2, 0x94, 0x80};
    EXPECT_EQ(Bytes(out.end() - 24, out.end()), cookie);
    // A wrong one does no harm; only the first counts.
    std::string wrong("\0\12\0\30", 4);
    wrong += std::string(24, 'w');
    ask.options = wrong + std::string("\0\12\0\1x", 5);
    EXPECT_EQ(engine.ask(ask), answer + "EDNS size=1232 cookie\n");
    ask.options = std::string("\0\12\0\7ccccccc", 11) + client;
    EXPECT_EQ(engine.ask(ask), "FORMERR\nEDNS size=1232\n");
    ask = {.name = "other", .edns = true, .options = client};
    EXPECT_EQ(engine.ask(ask), "REFUSED\nEDNS size=1232 cookie ede=20:\n");
    EXPECT_EQ(engine.ask({.name = "small.jit.example", .type = "TXT", .edns = true}),
              answer + "EDNS size=1232\n");
}

TEST_F(Messages, AQueryForACookieOnlyHasNoQuestion) {
    const auto ask = [&](const std::string& options) {
        Bytes query = query_bytes({.name = ".", .edns = true, .options = options});
        query.erase(query.begin() + 12, query.begin() + 17);
        query[5] = 0;
        return raw(query);
    };
    const std::string client("\0\12\0\10cccccccc", 12);
    EXPECT_EQ(ask(client), "FORMERR\nEDNS size=1232\n");  // off
    engine.settings().cookie_secret.emplace();
    EXPECT_EQ(ask(client), "NOERROR\nEDNS size=1232 cookie\n");
    EXPECT_EQ(ask(std::string("\0\12\0\20cccccccc12345678", 20)),
              "EXTENDED23\nEDNS size=1232 cookie\n");
    EXPECT_EQ(ask(""), "FORMERR\nEDNS size=1232\n");
    EXPECT_EQ(ask(std::string("\0\12\0\1c", 5)), "FORMERR\nEDNS size=1232\n");
}

TEST_F(Messages, KeepaliveIsForTcp) {
    const std::string answer = "NOERROR aa\nAN small.jit.example. 300 IN TXT \"x\"\n";
    Ask ask{.name = "small.jit.example",
            .type = "TXT",
            .edns = true,
            .transport = Transport::tcp,
            .options = std::string("\0\13\0\0", 4)};
    EXPECT_EQ(engine.ask(ask), answer + "EDNS size=1232 idle=100\n");
    EXPECT_EQ(
        engine.ask(
            {.name = "other", .edns = true, .transport = Transport::tcp, .options = ask.options}),
        "REFUSED\nEDNS size=1232 idle=100 ede=20:\n");
    EXPECT_EQ(engine.ask({.name = "small.jit.example",
                          .type = "TXT",
                          .edns = true,
                          .transport = Transport::tcp}),
              answer + "EDNS size=1232\n");
    ask.transport = Transport::udp;
    EXPECT_EQ(engine.ask(ask), answer + "EDNS size=1232\n");
    // RFC 7828 §3.2.1: a client sends no value. Over UDP not even that is looked at.
    ask.options = std::string("\0\13\0\2\0\1", 6);
    EXPECT_EQ(engine.ask(ask), answer + "EDNS size=1232\n");
    ask.transport = Transport::tcp;
    EXPECT_EQ(engine.ask(ask), "FORMERR\nEDNS size=1232\n");
    ask.options += std::string("\0\13\0\0", 4);
    EXPECT_EQ(engine.ask(ask), "FORMERR\nEDNS size=1232\n");
    // Also with the answer to a query that has waited in vain.
    ask.options = std::string("\0\13\0\0", 4);
    Bytes out(summond::answer::max_tcp_answer);
    const summond::answer::Context context{.zones = engine.zones(),
                                           .services = {},
                                           .transport = Transport::tcp,
                                           .settings = engine.settings(),
                                           .idle_timeout = 7};
    out.resize(summond::answer::servfail(query_bytes(ask), out, WakeFailure::refused, context));
    EXPECT_EQ(answer_text(out),
              "SERVFAIL\nEDNS size=1232 idle=7 ede=14:service may not be started now\n");
}

TEST_F(Messages, AnswersArePaddedOverTcpOnly) {
    const std::string answer = "NOERROR aa\nAN small.jit.example. 300 IN TXT \"x\"\n";
    Ask ask{.name = "small.jit.example",
            .type = "TXT",
            .edns = true,
            .options = std::string("\0\14\0\3abc", 7)};
    EXPECT_EQ(engine.ask(ask), answer + "EDNS size=1232\n");
    EXPECT_LT(size(ask), 100U);
    ask.transport = Transport::tcp;
    EXPECT_EQ(engine.ask(ask), answer + "EDNS size=1232 padding\n");
    EXPECT_EQ(size(ask), 468U);  // RFC 8467 §4.1
    ask.options += std::string("\0\13\0\0", 4);
    EXPECT_EQ(engine.ask(ask), answer + "EDNS size=1232 idle=100 padding\n");
    EXPECT_EQ(size(ask), 468U);
    EXPECT_EQ(
        size({.name = "other", .edns = true, .transport = Transport::tcp, .options = ask.options}),
        468U);
    EXPECT_EQ(size({.name = "t1000.jit.example",
                    .type = "TXT",
                    .edns = true,
                    .transport = Transport::tcp,
                    .options = ask.options}),
              3U * 468);
    // As far as there is room: 65535 is no multiple.
    for (std::size_t room = 200; room < 1000; ++room) {
        const Bytes query = query_bytes(ask);
        Bytes out(room);
        summond::answer::Context context{.zones = engine.zones(),
                                         .services = {},
                                         .transport = Transport::tcp,
                                         .settings = engine.settings()};
        const auto decision = summond::answer::resolve(query, out, context);
        ASSERT_EQ(decision.size, room < 468 ? room : 468);
        out.resize(decision.size);
        ASSERT_EQ(answer_text(out), answer + "EDNS size=1232 idle=0 padding\n");
    }
}
