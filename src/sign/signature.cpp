#include "summond/sign/signature.hpp"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include <algorithm>

#include "owned.hpp"
#include "summond/dns/folded_name.hpp"
#include "summond/dns/wire.hpp"

namespace summond::sign {

namespace {

enum Algorithm : std::uint8_t {
    rsa_sha1 = 5,
    rsa_sha1_nsec3 = 7,
    rsa_sha256 = 8,
    rsa_sha512 = 10,
    ecdsa_p384 = 14,
    ed448 = 16,
};

const EVP_MD* digest_of(std::uint8_t algorithm) {
    switch (algorithm) {
        case rsa_sha1:
        case rsa_sha1_nsec3:
            return EVP_sha1();
        case rsa_sha256:
        case ecdsa_p256_sha256:
            return EVP_sha256();
        case ecdsa_p384:
            return EVP_sha384();
        case rsa_sha512:
            return EVP_sha512();
        default:
            return nullptr;  // Ed25519 and Ed448 have their own
    }
}

// Octets of one of the two numbers of an ECDSA signature; 0: another algorithm.
std::size_t ecdsa_half(std::uint8_t algorithm) {
    return algorithm == ecdsa_p256_sha256 ? 32 : algorithm == ecdsa_p384 ? 48 : 0;
}

EVP_PKEY* from_parameters(const char* kind, OSSL_PARAM_BLD* build) {
    const Owned<OSSL_PARAM, &OSSL_PARAM_free> parameters(OSSL_PARAM_BLD_to_param(build));
    const Owned<EVP_PKEY_CTX, &EVP_PKEY_CTX_free> context(
        EVP_PKEY_CTX_new_from_name(nullptr, kind, nullptr));
    EVP_PKEY* key = nullptr;
    if (!parameters || !context || EVP_PKEY_fromdata_init(context.get()) <= 0 ||
        EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, parameters.get()) <= 0)
        return nullptr;
    return key;
}

// RFC 3110 §2: the exponent's length in one octet, or 0 and two, the exponent, the modulus.
EVP_PKEY* rsa_key(Bytes key) {
    std::size_t size = key.empty() ? 0 : key[0];
    std::size_t at = 1;
    if (size == 0 && key.size() > 3) {
        size = dns::get16(&key[1]);
        at = 3;
    }
    constexpr std::size_t most = 512;  // octets of a modulus, RFC 3110 §2
    if (size == 0 || key.size() <= at + size || key.size() - at - size > most || size > most)
        return nullptr;
    const Owned<BIGNUM, &BN_free> e(BN_bin2bn(&key[at], static_cast<int>(size), nullptr));
    const Owned<BIGNUM, &BN_free> n(
        BN_bin2bn(&key[at + size], static_cast<int>(key.size() - at - size), nullptr));
    const Owned<OSSL_PARAM_BLD, &OSSL_PARAM_BLD_free> build(OSSL_PARAM_BLD_new());
    OSSL_PARAM_BLD_push_BN(build.get(), OSSL_PKEY_PARAM_RSA_N, n.get());
    OSSL_PARAM_BLD_push_BN(build.get(), OSSL_PKEY_PARAM_RSA_E, e.get());
    return from_parameters("RSA", build.get());
}

// RFC 6605 §4: the point without the octet that says that it is not compressed.
EVP_PKEY* ecdsa_key(Bytes key, const char* curve, std::size_t half) {
    if (key.size() != 2 * half)
        return nullptr;
    std::vector<std::uint8_t> point{POINT_CONVERSION_UNCOMPRESSED};
    point.insert(point.end(), key.begin(), key.end());
    const Owned<OSSL_PARAM_BLD, &OSSL_PARAM_BLD_free> build(OSSL_PARAM_BLD_new());
    OSSL_PARAM_BLD_push_utf8_string(build.get(), OSSL_PKEY_PARAM_GROUP_NAME, curve, 0);
    OSSL_PARAM_BLD_push_octet_string(build.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                     point.size());
    return from_parameters("EC", build.get());
}

EVP_PKEY* read_key(std::uint8_t algorithm, Bytes key) {
    switch (algorithm) {
        case rsa_sha1:
        case rsa_sha1_nsec3:
        case rsa_sha256:
        case rsa_sha512:
            return rsa_key(key);
        case ecdsa_p256_sha256:
        case ecdsa_p384:
            return ecdsa_key(key, algorithm == ecdsa_p256_sha256 ? "P-256" : "P-384",
                             ecdsa_half(algorithm));
        case ed25519:
            return EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, key.data(), key.size());
        case ed448:
            return EVP_PKEY_new_raw_public_key(EVP_PKEY_ED448, nullptr, key.data(), key.size());
        default:
            return nullptr;
    }
}

// RFC 6605 §4 has the two numbers side by side, OpenSSL wants them in DER. Empty: not of that size.
std::vector<std::uint8_t> to_der(Bytes signature, std::size_t half) {
    if (signature.size() != 2 * half)
        return {};
    const Owned<ECDSA_SIG, &ECDSA_SIG_free> pair(ECDSA_SIG_new());
    ECDSA_SIG_set0(pair.get(), BN_bin2bn(signature.data(), static_cast<int>(half), nullptr),
                   BN_bin2bn(&signature[half], static_cast<int>(half), nullptr));
    const int size = i2d_ECDSA_SIG(pair.get(), nullptr);
    std::vector<std::uint8_t> der(static_cast<std::size_t>(std::max(size, 0)));
    std::uint8_t* to = der.data();
    i2d_ECDSA_SIG(pair.get(), &to);
    return der;
}

std::size_t name_size(Bytes wire) {
    std::size_t at = 0;
    while (at < wire.size() && wire[at] != 0)
        at += 1U + wire[at];
    return at + 1;
}

constexpr std::size_t rrsig_fixed = 18;

}  // namespace

std::uint16_t key_tag(Bytes dnskey) noexcept {
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i < dnskey.size(); ++i)
        sum += (i & 1) != 0 ? dnskey[i] : std::uint32_t{dnskey[i]} << 8;
    return static_cast<std::uint16_t>(sum + (sum >> 16));
}

std::optional<Rrsig> read_rrsig(Bytes rdata) noexcept {
    if (rdata.size() <= rrsig_fixed)
        return std::nullopt;
    const std::size_t signer = name_size(rdata.subspan(rrsig_fixed));
    if (rdata.size() <= rrsig_fixed + signer)
        return std::nullopt;
    return Rrsig{static_cast<dns::Type>(dns::get16(rdata.data())),
                 rdata[2],
                 rdata[3],
                 dns::get32(&rdata[4]),
                 dns::get32(&rdata[8]),
                 dns::get32(&rdata[12]),
                 dns::get16(&rdata[16]),
                 rdata.subspan(rrsig_fixed, signer),
                 rdata.subspan(rrsig_fixed + signer)};
}

std::vector<std::uint8_t> signed_octets(Bytes rrsig, Bytes owner, dns::Type type,
                                        std::vector<Bytes>& rdatas) {
    const std::size_t signer = name_size(rrsig.subspan(rrsig_fixed));
    std::vector<std::uint8_t> octets(rrsig.begin(),
                                     rrsig.begin() + static_cast<std::ptrdiff_t>(rrsig_fixed));
    for (const std::uint8_t octet : rrsig.subspan(rrsig_fixed, signer))
        octets.push_back(dns::fold(octet));
    // RFC 4034 §6.3: as left-justified octets.
    std::ranges::sort(rdatas,
                      [](Bytes a, Bytes b) { return std::ranges::lexicographical_compare(a, b); });
    for (const Bytes rdata : rdatas) {
        octets.insert(octets.end(), owner.begin(), owner.end());
        const std::size_t at = octets.size();
        octets.resize(at + 10);
        dns::put16(&octets[at], static_cast<std::uint16_t>(type));
        dns::put16(&octets[at + 2], static_cast<std::uint16_t>(dns::Class::in));
        std::copy_n(rrsig.begin() + 4, 4, octets.begin() + static_cast<std::ptrdiff_t>(at + 4));
        dns::put16(&octets[at + 8], static_cast<std::uint16_t>(rdata.size()));
        octets.insert(octets.end(), rdata.begin(), rdata.end());
    }
    return octets;
}

void PublicKey::Free::operator()(void* key) const {
    EVP_PKEY_free(static_cast<EVP_PKEY*>(key));
}

std::optional<PublicKey> PublicKey::from_dnskey(Bytes rdata) {
    constexpr std::size_t fixed = 4;
    if (rdata.size() <= fixed)
        return std::nullopt;
    EVP_PKEY* const key = read_key(rdata[3], rdata.subspan(fixed));
    if (key == nullptr)
        return std::nullopt;
    return PublicKey(rdata[3], key);
}

bool PublicKey::verifies(Bytes octets, Bytes signature) const {
    std::vector<std::uint8_t> der;
    if (const std::size_t half = ecdsa_half(algorithm_); half != 0) {
        der = to_der(signature, half);
        signature = der;
    }
    const Owned<EVP_MD_CTX, &EVP_MD_CTX_free> context(EVP_MD_CTX_new());
    return context &&
           EVP_DigestVerifyInit(context.get(), nullptr, digest_of(algorithm_), nullptr,
                                static_cast<EVP_PKEY*>(key_.get())) == 1 &&
           EVP_DigestVerify(context.get(), signature.data(), signature.size(), octets.data(),
                            octets.size()) == 1;
}

}  // namespace summond::sign
