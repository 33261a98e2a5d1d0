#include "summond/sign/private_key.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

using namespace summond;

namespace {

using Octets = std::vector<std::uint8_t>;

Octets octets(const std::string& text) {
    return {text.begin(), text.end()};
}

Octets from_hex(const std::string& text) {
    Octets result;
    for (std::size_t i = 0; i < text.size(); i += 2)
        result.push_back(static_cast<std::uint8_t>(std::stoul(text.substr(i, 2), nullptr, 16)));
    return result;
}

bool verifies(const sign::PrivateKey& key, const Octets& what, const sign::SignatureOctets& by) {
    const auto rdata = sign::dnskey_rdata(257, key.algorithm(), key.public_octets());
    const auto open = sign::PublicKey::from_dnskey(rdata);
    return open && open->verifies(what, by);
}

}  // namespace

TEST(PrivateKey, SignsWhatItsPublicKeyVerifies) {
    for (const std::uint8_t algorithm : {sign::ecdsa_p256_sha256, sign::ed25519}) {
        const auto key = sign::PrivateKey::generate(algorithm);
        ASSERT_TRUE(key) << key.error().what;
        EXPECT_EQ(key->public_octets().size(), algorithm == sign::ed25519 ? 32U : 64U);
        sign::Signer signer(*key);
        for (int i = 0; i < 300; ++i) {  // numbers with zeros in front among them
            auto what = octets("record " + std::to_string(i));
            const auto signature = signer.sign(what);
            ASSERT_TRUE(signature);
            EXPECT_TRUE(verifies(*key, what, *signature)) << i;
            what[0] ^= 1;
            EXPECT_FALSE(verifies(*key, what, *signature)) << i;
        }
        const auto other = sign::PrivateKey::generate(algorithm);
        EXPECT_NE(Octets(key->public_octets().begin(), key->public_octets().end()),
                  Octets(other->public_octets().begin(), other->public_octets().end()));
    }
}

TEST(PrivateKey, ComesBackFromItsSecret) {
    for (const std::uint8_t algorithm : {sign::ecdsa_p256_sha256, sign::ed25519}) {
        const auto key = sign::PrivateKey::generate(algorithm);
        const sign::Secret secret = key->secret();
        ASSERT_EQ(secret.bytes().size(), 32U);
        const auto again = sign::PrivateKey::from_secret(algorithm, secret.bytes());
        ASSERT_TRUE(again) << again.error().what;
        EXPECT_TRUE(std::ranges::equal(again->public_octets(), key->public_octets()));
        const auto signature = sign::Signer(*again).sign(octets("x"));
        EXPECT_TRUE(signature && verifies(*key, octets("x"), *signature));
    }
}

// RFC 8032 §7.1, test 2: its signatures have no chance in them.
TEST(PrivateKey, Ed25519AsTheRfcDoes) {
    const auto seed = from_hex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb");
    const auto key = sign::PrivateKey::from_secret(sign::ed25519, seed);
    ASSERT_TRUE(key);
    const auto expected =
        from_hex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
    EXPECT_TRUE(std::ranges::equal(key->public_octets(), expected));
    const auto signature = sign::Signer(*key).sign(Octets{0x72});
    const auto by_the_rfc = from_hex(
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00");
    ASSERT_TRUE(signature);
    EXPECT_TRUE(std::ranges::equal(*signature, by_the_rfc));
}

// RFC 6605 §6.1.
TEST(PrivateKey, EcdsaKeyOfTheRfc) {
    const auto scalar =
        from_hex("194e929d0fcebbec42e51ba6b88508b8966d7974f6cf43bfa24d6cdfc12dea64");
    const auto key = sign::PrivateKey::from_secret(sign::ecdsa_p256_sha256, scalar);
    ASSERT_TRUE(key);
    const auto expected = from_hex(
        "1a88c88615d437fbb8bf9e1942a1929f28562706ae6c2bd399e7b1bfb6d1e9e7"
        "5b92b4aa42917ae1c61b701ef035c3fe7be3009cbafe5a2f71316c902dcf0d00");
    EXPECT_TRUE(std::ranges::equal(key->public_octets(), expected));
    EXPECT_EQ(sign::key_tag(sign::dnskey_rdata(257, 13, key->public_octets())), 55648);
}

TEST(PrivateKey, RefusesWhatIsNone) {
    EXPECT_FALSE(sign::PrivateKey::from_secret(sign::ed25519, Octets(31)));
    EXPECT_FALSE(sign::PrivateKey::from_secret(sign::ecdsa_p256_sha256, Octets(33, 1)));
    EXPECT_FALSE(sign::PrivateKey::from_secret(sign::ecdsa_p256_sha256, Octets(32)));  // zero
    EXPECT_FALSE(sign::PrivateKey::from_secret(sign::ecdsa_p256_sha256, Octets(32, 0xff)));
    EXPECT_FALSE(sign::PrivateKey::from_pem(sign::Secret(std::string_view("nothing"))));
}

// RFC 4509 §2.3 has SHA-256 of an RSA key; only the form is compared here, ldns the rest.
TEST(PrivateKey, Ds) {
    const auto key = sign::PrivateKey::generate(sign::ecdsa_p256_sha256);
    const auto dnskey = sign::dnskey_rdata(257, key->algorithm(), key->public_octets());
    const Octets owner{3, 'j', 'i', 't', 0};
    const auto ds = sign::ds_rdata(owner, dnskey);
    ASSERT_EQ(ds.size(), 36U);
    EXPECT_EQ(ds[0] << 8 | ds[1], sign::key_tag(dnskey));
    EXPECT_EQ(ds[2], 13);
    EXPECT_EQ(ds[3], 2);
}
