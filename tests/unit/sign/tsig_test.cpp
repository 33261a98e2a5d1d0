// What signs and verifies on the other side is ldns.
#include "summond/sign/tsig.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>

#include "summond/dns/types.hpp"
#include "summond/dns/wire.hpp"

// After the standard library's, whose <optional> its macros break.
#include <ldns/ldns.h>

using namespace summond;
using sign::TsigError;
using sign::TsigKey;
using Octets = std::vector<std::uint8_t>;

namespace {

const std::string secret = "MTIzNDU2Nzg5MDEyMzQ1Ng==";  // "1234567890123456"
constexpr std::uint64_t signed_at = 1'900'000'000;

TsigKey tsig_key(const std::string& algorithm = "hmac-sha256") {
    return *sign::parse_tsig_key("key \"k.example\" { algorithm " + algorithm + "; secret \"" +
                                 secret + "\"; };");
}

// A query for jit.example SOA, signed by ldns with the machine's clock.
Octets signed_query(const std::string& algorithm, const std::string& with = secret,
                    const std::string& name = "k.example.") {
    ldns_pkt* packet = nullptr;
    ldns_pkt_query_new_frm_str(&packet, "jit.example.", LDNS_RR_TYPE_SOA, LDNS_RR_CLASS_IN, 0);
    ldns_pkt_set_id(packet, 4711);
    EXPECT_EQ(ldns_pkt_tsig_sign(packet, name.c_str(), with.c_str(), 300, (algorithm + ".").c_str(),
                                 nullptr),
              LDNS_STATUS_OK);
    std::uint8_t* wire = nullptr;
    std::size_t size = 0;
    ldns_pkt2wire(&wire, packet, &size);
    Octets message(wire, wire + size);
    std::free(wire);
    ldns_pkt_free(packet);
    return message;
}

std::uint64_t clock() {
    return static_cast<std::uint64_t>(std::time(nullptr));
}

TEST(TsigKeys, FormatsOfOtherServers) {
    const char* const texts[] = {
        "key \"k.example\" {\n\talgorithm hmac-sha512;\n\tsecret "
        "\"MTIzNDU2Nzg5MDEyMzQ1Ng==\";\n};\n",
        "# hmac-sha512:k.example:MTIzNDU2Nzg5MDEyMzQ1Ng==\nkey:\n  - id: k.example\n"
        "    algorithm: hmac-sha512\n    secret: MTIzNDU2Nzg5MDEyMzQ1Ng==\n",
        "key:\n  name: \"K.Example.\"\n  algorithm: HMAC-SHA512\n  secret: "
        "\"MTIzNDU2Nzg5MDEyMzQ1Ng==\"\n",
    };
    for (const char* const text : texts) {
        const auto key = sign::parse_tsig_key(text);
        ASSERT_TRUE(key) << key.error().what << text;
        EXPECT_EQ(key->name.to_string(), "k.example.");
        EXPECT_EQ(to_string(key->algorithm), "hmac-sha512");
        EXPECT_EQ(std::string(key->secret.begin(), key->secret.end()), "1234567890123456");
    }
}

TEST(TsigKeys, WhatIsWrongIsSaidWithoutTheSecret) {
    const std::pair<const char*, const char*> cases[] = {
        {"", "it needs its name, algorithm and secret"},
        {"key k { algorithm hmac-sha256; };", "it needs its name, algorithm and secret"},
        {"key k { algorithm hmac-md5; secret aaaa; };", "algorithm hmac-md5 is not known"},
        {"key k { algorithm hmac-sha256; secret aaaaa; };", "the secret is no base64"},
        {"key k..k { algorithm hmac-sha256; secret aaaa; };", "the key's name: "},
        {"key k { algorithm hmac-sha256; secret aaaa; }; key l { algorithm hmac-sha256; secret "
         "aaaa; };",
         "has more than one key"},
    };
    for (const auto& [text, error] : cases) {
        const auto key = sign::parse_tsig_key(text);
        ASSERT_FALSE(key) << text;
        EXPECT_NE(key.error().what.find(error), std::string::npos) << key.error().what;
        EXPECT_EQ(key.error().what.find("aaaa"), std::string::npos) << key.error().what;
    }
}

TEST(TsigKeys, FilesAreTheirOwnersAlone) {
    const std::string path =
        std::filesystem::temp_directory_path() / ("summond-tsig-" + std::to_string(::getpid()));
    std::ofstream(path) << "key k { algorithm hmac-sha256; secret aaaa; };";
    ::chmod(path.c_str(), 0640);
    const auto shared = sign::read_tsig_key(path);
    ASSERT_FALSE(shared);
    EXPECT_EQ(shared.error().what, path + ": others may read or write it; `chmod 600` it");
    ::chmod(path.c_str(), 0600);
    EXPECT_TRUE(sign::read_tsig_key(path));
    std::filesystem::remove(path);
    EXPECT_FALSE(sign::read_tsig_key(path));
    EXPECT_FALSE(sign::read_tsig_key("/dev/zero"));
}

TEST(Tsig, WhatLdnsSignsHolds) {
    for (const char* const algorithm : {"hmac-sha1", "hmac-sha256", "hmac-sha512"}) {
        const Octets query = signed_query(algorithm);
        const auto record = sign::read_tsig(query);
        ASSERT_TRUE(record) << algorithm;
        EXPECT_EQ(record->key.to_string(), "k.example.");
        EXPECT_EQ(record->original_id, 4711);
        const TsigKey known = tsig_key(algorithm);
        EXPECT_TRUE(sign::verify_tsig(query, *record, &known, clock()).good()) << algorithm;
        // Any other octet before it.
        Octets changed = query;
        changed[13] ^= 1;
        EXPECT_EQ(sign::verify_tsig(changed, *sign::read_tsig(changed), &known, clock()).error,
                  TsigError::badsig);
    }
}

TEST(Tsig, WhatDoesNotHold) {
    const TsigKey known = tsig_key();
    const Octets query = signed_query("hmac-sha256");
    const auto record = *sign::read_tsig(query);
    EXPECT_EQ(sign::verify_tsig(query, record, nullptr, clock()).error, TsigError::badkey);
    const TsigKey other = tsig_key("hmac-sha512");
    EXPECT_EQ(sign::verify_tsig(query, record, &other, clock()).error, TsigError::badkey);
    for (const std::uint64_t time : {record.time - 301, record.time + 301})
        EXPECT_EQ(sign::verify_tsig(query, record, &known, time).error, TsigError::badtime);
    for (const std::uint64_t time : {record.time - 300, record.time + 300})
        EXPECT_TRUE(sign::verify_tsig(query, record, &known, time).good());
    const Octets stranger = signed_query("hmac-sha256", "bm90IHRoZSBzYW1lIHNlY3JldA==");
    EXPECT_EQ(sign::verify_tsig(stranger, *sign::read_tsig(stranger), &known, clock()).error,
              TsigError::badsig);
}

TEST(Tsig, TruncatedMacs) {
    const TsigKey known = tsig_key();
    const Octets query = signed_query("hmac-sha256");
    const auto record = *sign::read_tsig(query);
    auto shorter = record;
    shorter.mac = record.mac.first(16);
    EXPECT_EQ(sign::verify_tsig(query, shorter, &known, clock()).error, TsigError::badtrunc);
    shorter.mac = record.mac.first(15);
    EXPECT_TRUE(sign::verify_tsig(query, shorter, &known, clock()).formerr);
    shorter.mac = {};
    EXPECT_TRUE(sign::verify_tsig(query, shorter, &known, clock()).formerr);
    auto longer = record;
    longer.mac = std::span(query).last(33);
    EXPECT_TRUE(sign::verify_tsig(query, longer, &known, clock()).formerr);
}

// Over what ldns has asked, and what it makes of the answer.
TEST(Tsig, LdnsTakesWhatIsSigned) {
    const TsigKey known = tsig_key();
    const Octets query = signed_query("hmac-sha256");
    const auto record = *sign::read_tsig(query);
    sign::TsigSigner signer(known, record);
    Octets response(query.begin(), query.begin() + static_cast<std::ptrdiff_t>(record.at));
    dns::put16(&response[2], dns::flag_qr);
    dns::put16(&response[10], 0);
    const std::size_t before = response.size();
    signer.sign(response, clock());
    EXPECT_EQ(response.size() - before, signer.size() - 6);  // no other data
    ldns_pkt* packet = nullptr;
    ASSERT_EQ(ldns_wire2pkt(&packet, response.data(), response.size()), LDNS_STATUS_OK);
    Octets mac{static_cast<std::uint8_t>(record.mac.size() >> 8),
               static_cast<std::uint8_t>(record.mac.size())};
    mac.insert(mac.end(), record.mac.begin(), record.mac.end());
    ldns_rdf* const of_query =
        ldns_rdf_new_frm_data(LDNS_RDF_TYPE_INT16_DATA, mac.size(), mac.data());
    EXPECT_TRUE(ldns_pkt_tsig_verify(packet, response.data(), response.size(), "k.example.",
                                     secret.c_str(), of_query));
    ldns_rdf_deep_free(of_query);
    ldns_pkt_free(packet);
}

TEST(Tsig, SeveralMessagesAreAChain) {
    const TsigKey known = tsig_key();
    sign::TsigSigner signer(known);
    Octets first(12, 0);
    signer.sign(first, signed_at);
    const Octets mac(signer.mac().begin(), signer.mac().end());
    EXPECT_TRUE(sign::verify_tsig(first, *sign::read_tsig(first), &known, signed_at).good());
    Octets second(12, 0);
    signer.sign(second, signed_at);
    EXPECT_NE(Octets(signer.mac().begin(), signer.mac().end()), mac);
    // The second has timers only, and so is no message of its own.
    EXPECT_EQ(sign::verify_tsig(second, *sign::read_tsig(second), &known, signed_at, mac).error,
              TsigError::badsig);
}

TEST(Tsig, BadTimeSaysWhatTimeItIs) {
    const TsigKey known = tsig_key();
    const Octets query = signed_query("hmac-sha256");
    const auto record = *sign::read_tsig(query);
    sign::TsigSigner signer(known, record);
    Octets response(12, 0);
    signer.sign(response, signed_at, TsigError::badtime);
    const auto answer = *sign::read_tsig(response);
    EXPECT_EQ(answer.error, TsigError::badtime);
    EXPECT_EQ(answer.time, record.time);
    ASSERT_EQ(answer.other.size(), 6U);
    EXPECT_EQ(dns::get32(&answer.other[2]), signed_at);
}

TEST(Tsig, CutShortAnywhereItIsNone) {
    const Octets query = signed_query("hmac-sha256");
    for (std::size_t size = 0; size < query.size(); ++size)
        EXPECT_FALSE(sign::read_tsig(std::span(query).first(size))) << size;
    Octets other_class = query;
    const auto record = *sign::read_tsig(query);
    // Behind an owner that ldns has compressed, "k" and a pointer.
    other_class[record.at + 4 + 3] = 1;
    EXPECT_FALSE(sign::read_tsig(other_class));
    Octets loop = query;
    dns::put16(&loop[record.at + 2], static_cast<std::uint16_t>(0xc000 | record.at));
    EXPECT_FALSE(sign::read_tsig(loop));
}

}  // namespace
