// What is stated of names that are signed when they are asked for, and that it denies nothing that
// exists.
#include "summond/answer/statement.hpp"

#include <gtest/gtest.h>
#include <ldns/ldns.h>

#include <random>
#include <string>
#include <vector>

#include "engine.hpp"
#include "summond/answer/signatures.hpp"
#include "summond/sign/private_key.hpp"
#include "summond/sign/signature.hpp"

namespace summond::answer {
namespace {

using test::Ask;
using test::Engine;
using Kind = Statement::Kind;

constexpr const char* zone_text = R"($TTL 300
@           SOA ns1 hostmaster 7 3600 600 86400 60
@           NS  ns1
ns1         A   192.0.2.53
www.pages   A   192.0.2.80
a.ent.pages TXT "x"
*.wild      TXT "wild"
b.wild      TXT "b"
alias       CNAME x7f3.pages
gone        CNAME missing
sub         NS  ns.elsewhere.example.
)";
constexpr const char* reverse_text = R"($TTL 300
@           SOA ns1.jit.example. hostmaster.jit.example. 7 3600 600 86400 60
@           NS  ns1.jit.example.
)";
constexpr const char* reverse_apex = "0.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa";
constexpr std::uint32_t now = Engine::now;

dns::FoldedName folded(const std::string& text) {
    dns::FoldedName name;
    name.assign(test::name(text).wire());
    return name;
}

class StatementTest : public testing::Test {
  protected:
    StatementTest() {
        engine.add_zone("jit.example", zone_text);
        engine.add_zone(reverse_apex, reverse_text);
        engine.config().key_dir = testing::TempDir() + "/no-keys-" + std::to_string(::getpid());
        for (config::Zone& zone : engine.config().zones)
            zone.dnssec.emplace();
        pattern = &engine.add_pattern("pages", "", "pages.jit.example", "2001:db8:1::/64");
        engine.build();
        engine.set_signatures(signatures);
        engine.state(1).availability = Availability::answerable;
    }

    bool so(Kind kind, const std::string& name) {
        const auto asked = folded(name);
        const auto found = engine.zones().find(asked);
        return found.node->zone != zone::image::none &&
               state(engine.zones(), engine.rules(), found.node->zone, kind, asked, record);
    }
    // Of the last record: its types, in text.
    std::string types() {
        ldns_rdf* bitmap = nullptr;
        std::size_t at = 0;
        while (record.rdata[at] != 0)
            at += 1U + record.rdata[at];
        ++at;
        bitmap =
            ldns_rdf_new_frm_data(LDNS_RDF_TYPE_BITMAP, record.rdata_size - at, &record.rdata[at]);
        char* text = ldns_rdf2str(bitmap);
        std::string types = text;
        std::free(text);
        ldns_rdf_deep_free(bitmap);
        while (!types.empty() && types.back() == ' ')
            types.pop_back();
        return types;
    }
    // Asks until there is an answer: signs what is wanted meanwhile.
    std::string ask(const std::string& name, const std::string& type) {
        const auto query = test::query_bytes(
            {.name = name, .type = type, .edns = true, .udp_size = 1232, .dnssec_ok = true});
        for (int i = 0; i < 20; ++i) {
            const auto decision = engine.resolve(query);
            if (decision.kind != Decision::Kind::sign)
                return engine.text(decision, query);
            ++asked;
            sign(engine.wanted());
        }
        return "never";
    }
    void sign(const Statement& wanted) {
        EXPECT_EQ(signatures.want(wanted, true, base::TimePoint()), Signatures::Wanted::asked);
        dns::FoldedName name;
        ASSERT_TRUE(name.assign({wanted.name.data(), wanted.size}));
        const auto apex = std::span(wanted.name).first(wanted.size).last(wanted.apex_size);
        for (const sign::OnlineZone& zone : engine.built().online) {
            if (!std::ranges::equal(zone.apex.wire(), apex))
                continue;
            const auto found = engine.zones().find(name);
            StatedRecord stated;
            ASSERT_TRUE(
                state(engine.zones(), engine.rules(), found.node->zone, wanted.kind, name, stated));
            EXPECT_EQ(stated.content(), wanted.content);
            const sign::OnlineKey& key = zone.keys.at(0);
            const auto secret = sign::PrivateKey::from_secret(key.algorithm, key.secret.bytes());
            ASSERT_TRUE(secret);
            RrsigRdata rrsig;
            const std::size_t size = write_rrsig(
                stated, {key.algorithm, key.tag, now - 3600, now + 1000}, apex, {}, rrsig);
            std::vector<sign::Bytes> rdatas{stated.rdata_octets()};
            const auto octets = sign::signed_octets({rrsig.data(), size}, stated.owner_octets(),
                                                    stated.type, rdatas);
            SignatureSet set;
            set.inception = now - 3600;
            set.expiration = now + 1000;
            set.due = now + 500;
            set.count = 1;
            set.signature[0] = {key.algorithm, key.tag, *sign::Signer(*secret).sign(octets)};
            EXPECT_TRUE(signatures.put(wanted.tag, set));
            return;
        }
        ADD_FAILURE() << "no key";
    }

    Engine engine;
    service::Pattern* pattern;
    Signatures signatures{{1024, 1000}, {1, 2, 3}};
    StatedRecord record;
    int asked = 0;
};

TEST_F(StatementTest, OnlyWhatIsSoIsStated) {
    EXPECT_TRUE(so(Kind::address, "x7f3.pages.jit.example"));
    EXPECT_EQ(record.type, dns::Type::aaaa);
    EXPECT_FALSE(so(Kind::address, "www.pages.jit.example")) << "records of the zone are signed";
    EXPECT_FALSE(so(Kind::address, "x7f3.jit.example"));
    EXPECT_FALSE(so(Kind::address, "below.x7f3.pages.jit.example"));
    EXPECT_FALSE(so(Kind::address, "no_id.pages.jit.example"));
    EXPECT_FALSE(so(Kind::pointer, "x7f3.pages.jit.example"));
    EXPECT_FALSE(so(Kind::types, "www.pages.jit.example"));
    EXPECT_FALSE(so(Kind::types, "x.sub.jit.example")) << "of another zone";
    EXPECT_FALSE(so(Kind::covered, "x7f3.pages.jit.example")) << "it exists";
    EXPECT_FALSE(so(Kind::covered, "missing.jit.example")) << "no wildcard is for it";
    EXPECT_TRUE(so(Kind::covered, "c.wild.jit.example"));
    EXPECT_FALSE(so(Kind::covered, "b.wild.jit.example"));
}

TEST_F(StatementTest, TypesOfNames) {
    ASSERT_TRUE(so(Kind::types, "x7f3.pages.jit.example"));
    EXPECT_EQ(types(), "AAAA RRSIG NSEC");
    EXPECT_EQ(record.ttl, 60U) << "RFC 9077";
    ASSERT_TRUE(so(Kind::types, "missing.jit.example"));
    EXPECT_EQ(types(), "RRSIG NSEC TYPE128");
    ASSERT_TRUE(so(Kind::types, "below.x7f3.pages.jit.example"));
    EXPECT_EQ(types(), "RRSIG NSEC TYPE128");
    ASSERT_TRUE(so(Kind::types, "c.wild.jit.example"));
    EXPECT_EQ(types(), "TXT RRSIG NSEC");
    const std::string pointer = dns::Name::reverse(pattern->addresses->of("x7f3")).to_string();
    ASSERT_TRUE(so(Kind::types, pointer));
    EXPECT_EQ(types(), "PTR RRSIG NSEC");
    ASSERT_TRUE(so(Kind::types, pointer.substr(2)));
    EXPECT_EQ(types(), "RRSIG NSEC") << "an empty non-terminal";
    ASSERT_TRUE(so(Kind::pointer, pointer));
    EXPECT_EQ(std::span(record.rdata).first(record.rdata_size).size(),
              test::name("x7f3.pages.jit.example").wire().size());
}

// RFC 8198: resolvers believe a denial for all that it covers.
TEST_F(StatementTest, NoDenialCoversANameThatExists) {
    std::mt19937 random(7);
    std::vector<dns::FoldedName> there;
    for (const char* each :
         {"jit.example", "ns1.jit.example", "pages.jit.example", "www.pages.jit.example",
          "ent.pages.jit.example", "a.ent.pages.jit.example", "wild.jit.example",
          "*.wild.jit.example", "b.wild.jit.example", "alias.jit.example", "sub.jit.example",
          "a.pages.jit.example", "x7f3.pages.jit.example", "zzzzzzzz.pages.jit.example"})
        there.push_back(folded(each));
    const std::vector<std::string> parents{"jit.example", "pages.jit.example", "wild.jit.example",
                                           "x.wild.jit.example", "a.pages.jit.example"};
    constexpr std::string_view octets = "az09-_*@[`{~";
    int stated = 0;
    for (int i = 0; i < 3000; ++i) {
        std::string label;
        const std::size_t length = 1 + random() % (i % 10 == 0 ? 63 : 4);
        while (label.size() < length)
            label += octets[random() % octets.size()];
        std::string escaped;
        for (const char c : label)
            escaped += (c == '@' ? "\\" : "") + std::string(1, c);
        const std::string name = escaped + "." + parents[random() % parents.size()];
        const auto asked = folded(name);
        for (const Kind kind : {Kind::types, Kind::covered}) {
            if (!so(kind, name))
                continue;
            ++stated;
            dns::FoldedName owner;
            dns::FoldedName next;
            ASSERT_TRUE(owner.assign(record.owner_octets()));
            ASSERT_TRUE(next.assign(record.rdata_octets()));
            ASSERT_LT(dns::compare_canonical(owner, next, 0), 0) << name;
            const bool covered = dns::compare_canonical(owner, asked, 0) < 0 &&
                                 dns::compare_canonical(asked, next, 0) < 0;
            ASSERT_EQ(covered, kind == Kind::covered) << name;
            for (const dns::FoldedName& existing : there) {
                ASSERT_FALSE(dns::compare_canonical(owner, existing, 0) < 0 &&
                             dns::compare_canonical(existing, next, 0) < 0)
                    << name << " denies "
                    << dns::Name::from_wire({existing.wire.data(), existing.size})->to_string();
            }
        }
    }
    EXPECT_GT(stated, 1500);
}

TEST_F(StatementTest, AnswersWaitForTheirSignatures) {
    const std::string address = pattern->addresses->of("x7f3").to_string();
    ASSERT_TRUE(engine.instances().take({0, "x7f3"}, pattern->addresses->of("x7f3")));
    const std::string positive = ask("X7F3.pages.jit.example", "AAAA");
    EXPECT_EQ(positive.find("NOERROR aa\nAN X7F3.pages.jit.example. 60 IN AAAA " + address +
                            "\nAN X7F3.pages.jit.example. 60 IN RRSIG AAAA 13 4 60 "),
              0U)
        << positive;
    EXPECT_EQ(asked, 1);
    ask("x7f3.pages.jit.example", "AAAA");
    EXPECT_EQ(asked, 1) << "it is there";
    const std::string alias = ask("alias.jit.example", "AAAA");
    EXPECT_NE(alias.find("RRSIG CNAME"), std::string::npos);
    EXPECT_NE(alias.find("RRSIG AAAA"), std::string::npos);
    EXPECT_EQ(asked, 1) << "by this name, too";
}

TEST_F(StatementTest, WhatDoesNotExistIsShownAsANameWithNothing) {
    const std::string missing = ask("missing.jit.example", "A");
    EXPECT_EQ(missing.find("NOERROR aa\nAU jit.example. 60 IN SOA "), 0U) << missing;
    EXPECT_NE(missing.find("AU missing.jit.example. 60 IN NSEC \\000.missing.jit.example. RRSIG "
                           "NSEC TYPE128"),
              std::string::npos)
        << missing;
    EXPECT_EQ(asked, 1);
    EXPECT_NE(ask("gone.jit.example", "A").find("NOERROR aa\nAN gone"), std::string::npos);
    EXPECT_EQ(asked, 1);
    // What is known when the zone is loaded costs nothing.
    for (const char* name : {"www.pages.jit.example", "ent.pages.jit.example", "jit.example"})
        EXPECT_NE(ask(name, "MX").find("RRSIG NSEC"), std::string::npos) << name;
    EXPECT_NE(ask("x.sub.jit.example", "A").find("AU sub.jit.example. 60 IN NSEC \\000.sub"),
              std::string::npos);
    EXPECT_EQ(asked, 1);
    EXPECT_EQ(engine.ask({.name = "missing.jit.example"}).substr(0, 8), "NXDOMAIN")
        << "nothing is signed for who does not want it";
    EXPECT_NE(ask("missing.jit.example", "NSEC").find("AN missing.jit.example. 60 IN NSEC"),
              std::string::npos);
    EXPECT_NE(ask("missing.jit.example", "TYPE128").find("FORMERR"), std::string::npos);
}

TEST_F(StatementTest, WildcardsAreProvedToBeMeant) {
    const std::string wild = ask("c.wild.jit.example", "TXT");
    EXPECT_NE(wild.find("AN c.wild.jit.example. 300 IN RRSIG TXT 13 3 "), std::string::npos)
        << wild;
    EXPECT_NE(wild.find(" IN NSEC c\\000.wild.jit.example. RRSIG NSEC"), std::string::npos) << wild;
    EXPECT_NE(ask("c.wild.jit.example", "A").find("NSEC \\000.c.wild.jit.example. TXT RRSIG NSEC"),
              std::string::npos);
    EXPECT_NE(ask("b.wild.jit.example", "A").find("NSEC \\000.b.wild.jit.example. TXT RRSIG NSEC"),
              std::string::npos);
}

TEST_F(StatementTest, WhileADomainBootsItsAddressIsSigned) {
    const auto query = test::query_bytes(
        {.name = "asleep.pages.jit.example", .type = "AAAA", .edns = true, .dnssec_ok = true});
    const auto decision = engine.resolve(query);
    EXPECT_EQ(decision.kind, Decision::Kind::park);
    EXPECT_TRUE(decision.signs);
    EXPECT_EQ(engine.wanted().kind, Kind::address);
    sign(engine.wanted());
    EXPECT_FALSE(engine.resolve(query).signs);
}

}  // namespace
}  // namespace summond::answer
