#include "summond/sign/signature.hpp"

#include <gtest/gtest.h>
#include <ldns/ldns.h>

#include <string>
#include <vector>

using namespace summond;

namespace {

using Octets = std::vector<std::uint8_t>;

// RDATA of a record in presentation format.
Octets rdata(const char* text) {
    ldns_rr* record = nullptr;
    EXPECT_EQ(ldns_rr_new_frm_str(&record, text, 0, nullptr, nullptr), LDNS_STATUS_OK) << text;
    ldns_buffer* buffer = ldns_buffer_new(4096);
    EXPECT_EQ(ldns_rr_rdata2buffer_wire(buffer, record), LDNS_STATUS_OK);
    const Octets octets(ldns_buffer_begin(buffer), ldns_buffer_current(buffer));
    ldns_buffer_free(buffer);
    ldns_rr_free(record);
    return octets;
}

// RFC 8080 §6.1.
const Octets key =
    rdata("example.com. IN DNSKEY 257 3 15 l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4=");
const Octets signature = rdata(
    "example.com. IN RRSIG MX 15 2 3600 1440021600 1438207200 3613 example.com. "
    "oL9krJun7xfBOIWcGHi7mag5/hdZrKWw15jPGrHpjQeRAvTdszaPD+QLs3fx8A4M3e23mRZ9VrbpMngwcrqNAg==");
const Octets owner{7, 'e', 'x', 'a', 'm', 'p', 'l', 'e', 3, 'c', 'o', 'm', 0};

}  // namespace

TEST(Signature, KeyTags) {
    EXPECT_EQ(sign::key_tag(key), 3613);
    for (std::size_t size = 5; size < 300; ++size) {
        Octets octets(size);
        for (std::size_t i = 0; i < size; ++i)
            octets[i] = static_cast<std::uint8_t>(i < 4 ? 3 : 255 - i * size);
        EXPECT_EQ(sign::key_tag(octets), ldns_calc_keytag_raw(octets.data(), octets.size()))
            << size;
    }
}

TEST(Signature, TimesAreSerialNumbers) {
    EXPECT_TRUE(sign::is_before(1, 2));
    EXPECT_FALSE(sign::is_before(2, 2));
    EXPECT_TRUE(sign::is_before(0xffffffff, 5));
    EXPECT_FALSE(sign::is_before(5, 0xffffffff));
}

TEST(Signature, VerifiesTheExampleOfTheRfc) {
    const auto fields = sign::read_rrsig(signature);
    ASSERT_TRUE(fields);
    EXPECT_EQ(fields->key_tag, 3613);
    EXPECT_EQ(fields->expiration, 1440021600U);
    const auto mx = rdata("example.com. IN MX 10 mail.example.com.");
    std::vector<sign::Bytes> rdatas{mx};
    auto octets = sign::signed_octets(signature, owner, fields->covered, rdatas);
    const auto public_key = sign::PublicKey::from_dnskey(key);
    ASSERT_TRUE(public_key);
    EXPECT_TRUE(public_key->verifies(octets, fields->signature));
    octets.back() ^= 1;
    EXPECT_FALSE(public_key->verifies(octets, fields->signature));
}

TEST(Signature, WhatIsCutShortIsNone) {
    for (std::size_t size = 0; size < signature.size(); ++size) {
        const auto part = sign::Bytes(signature).first(size);
        EXPECT_EQ(sign::read_rrsig(part).has_value(), size > 18 + owner.size()) << size;
    }
    for (std::size_t size = 0; size < key.size(); ++size)
        EXPECT_FALSE(sign::PublicKey::from_dnskey(sign::Bytes(key).first(size))) << size;
    // Algorithms that are not known, and keys that are none.
    for (unsigned algorithm = 0; algorithm < 256; ++algorithm) {
        auto other = key;
        other[3] = static_cast<std::uint8_t>(algorithm);
        sign::PublicKey::from_dnskey(other);
    }
}
