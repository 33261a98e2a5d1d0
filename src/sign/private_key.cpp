#include "summond/sign/private_key.hpp"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/sha.h>

#include <algorithm>

#include "owned.hpp"
#include "summond/dns/wire.hpp"

namespace summond::sign {

namespace {

constexpr std::size_t secret_size = 32;  // of both algorithms
constexpr int half_size = signature_size / 2;

EVP_PKEY* evp(void* key) {
    return static_cast<EVP_PKEY*>(key);
}

// OpenSSL wants the public key beside the private one, and does not compute it.
EVP_PKEY* p256_key(Bytes secret) {
    const Owned<BIGNUM, &BN_clear_free> scalar(
        BN_bin2bn(secret.data(), static_cast<int>(secret.size()), nullptr));
    const Owned<EC_GROUP, &EC_GROUP_free> group(EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1));
    if (!scalar || !group || BN_is_zero(scalar.get()) ||
        BN_cmp(scalar.get(), EC_GROUP_get0_order(group.get())) >= 0)
        return nullptr;
    BN_set_flags(scalar.get(), BN_FLG_CONSTTIME);
    const Owned<EC_POINT, &EC_POINT_free> point(EC_POINT_new(group.get()));
    std::array<std::uint8_t, 2 * half_size + 1> octets;
    if (!point ||
        EC_POINT_mul(group.get(), point.get(), scalar.get(), nullptr, nullptr, nullptr) != 1 ||
        EC_POINT_point2oct(group.get(), point.get(), POINT_CONVERSION_UNCOMPRESSED, octets.data(),
                           octets.size(), nullptr) != octets.size())
        return nullptr;
    const Owned<OSSL_PARAM_BLD, &OSSL_PARAM_BLD_free> build(OSSL_PARAM_BLD_new());
    OSSL_PARAM_BLD_push_utf8_string(build.get(), OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0);
    OSSL_PARAM_BLD_push_octet_string(build.get(), OSSL_PKEY_PARAM_PUB_KEY, octets.data(),
                                     octets.size());
    OSSL_PARAM_BLD_push_BN(build.get(), OSSL_PKEY_PARAM_PRIV_KEY, scalar.get());
    const Owned<OSSL_PARAM, &OSSL_PARAM_free> parameters(OSSL_PARAM_BLD_to_param(build.get()));
    const Owned<EVP_PKEY_CTX, &EVP_PKEY_CTX_free> context(
        EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
    EVP_PKEY* key = nullptr;
    if (!parameters || !context || EVP_PKEY_fromdata_init(context.get()) <= 0 ||
        EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_KEYPAIR, parameters.get()) <= 0)
        return nullptr;
    return key;
}

std::vector<std::uint8_t> public_of(std::uint8_t algorithm, EVP_PKEY* key) {
    // ECDSA: with the octet that says that the point is not compressed, which a DNSKEY has not.
    std::array<std::uint8_t, 2 * half_size + 1> octets;
    std::size_t size = octets.size();
    if (algorithm == ed25519) {
        if (EVP_PKEY_get_raw_public_key(key, octets.data(), &size) != 1)
            return {};
        return {octets.begin(), octets.begin() + static_cast<std::ptrdiff_t>(size)};
    }
    if (EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, octets.data(), octets.size(),
                                        &size) != 1 ||
        size != octets.size() || octets[0] != POINT_CONVERSION_UNCOMPRESSED)
        return {};
    return {octets.begin() + 1, octets.end()};
}

}  // namespace

Secret::~Secret() {
    OPENSSL_cleanse(octets_.data(), octets_.size());
}

std::string_view algorithm_name(std::uint8_t algorithm) {
    return algorithm == ecdsa_p256_sha256 ? "ecdsap256sha256"
           : algorithm == ed25519         ? "ed25519"
                                          : std::string_view();
}

std::optional<std::uint8_t> algorithm_of(std::string_view name) {
    for (const std::uint8_t algorithm : {ecdsa_p256_sha256, ed25519})
        if (algorithm_name(algorithm) == name)
            return algorithm;
    return std::nullopt;
}

void PrivateKey::Free::operator()(void* key) const {
    EVP_PKEY_free(evp(key));
}

base::Result<PrivateKey> PrivateKey::of(std::uint8_t algorithm, void* key) {
    if (key == nullptr)
        return base::error("is no private key of algorithm " +
                           std::string(algorithm_name(algorithm)));
    PrivateKey made(algorithm, key);
    made.public_ = public_of(algorithm, evp(key));
    if (made.public_.empty())
        return base::error("has a public key in a form that is not known");
    return made;
}

base::Result<PrivateKey> PrivateKey::generate(std::uint8_t algorithm) {
    EVP_PKEY* const key = algorithm == ed25519 ? EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")
                                               : EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256");
    if (key == nullptr)
        return base::error("libcrypto makes no key");
    return of(algorithm, key);
}

base::Result<PrivateKey> PrivateKey::from_secret(std::uint8_t algorithm, Bytes secret) {
    if (secret.size() != secret_size)
        return base::error("has a private key of " + std::to_string(secret.size()) +
                           " octets; one of algorithm " + std::string(algorithm_name(algorithm)) +
                           " has 32");
    return of(algorithm, algorithm == ed25519
                             ? EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr,
                                                            secret.data(), secret.size())
                             : p256_key(secret));
}

base::Result<PrivateKey> PrivateKey::from_pem(const Secret& pem) {
    const Owned<BIO, &BIO_free_all> bio(
        BIO_new_mem_buf(pem.bytes().data(), static_cast<int>(pem.bytes().size())));
    // Keys with a password are not read: nobody is there to be asked for it.
    const auto no_password = [](char*, int, int, void*) { return -1; };
    EVP_PKEY* const key = PEM_read_bio_PrivateKey(bio.get(), nullptr, no_password, nullptr);
    if (key == nullptr)
        return base::error("has no private key in PEM that can be read");
    const Owned<EVP_PKEY, &EVP_PKEY_free> owned(key);
    char group[32] = "";
    if (EVP_PKEY_is_a(key, "ED25519") == 1) {
        EVP_PKEY_up_ref(key);
        return of(ed25519, key);
    }
    if (EVP_PKEY_is_a(key, "EC") != 1 ||
        EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof group,
                                       nullptr) != 1 ||
        std::string_view(group) != SN_X9_62_prime256v1)
        return base::error("has a key that is neither ECDSA P-256 nor Ed25519");
    // By way of its number: a file may leave the point out.
    BIGNUM* scalar = nullptr;
    if (EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_PRIV_KEY, &scalar) != 1)
        return base::error("has no private key");
    Secret secret{std::vector<std::uint8_t>(secret_size)};
    BN_bn2binpad(scalar, secret.octets().data(), secret_size);
    BN_clear_free(scalar);
    return from_secret(ecdsa_p256_sha256, secret.bytes());
}

Secret PrivateKey::secret() const {
    Secret secret{std::vector<std::uint8_t>(secret_size)};
    if (algorithm_ == ed25519) {
        std::size_t size = secret_size;
        EVP_PKEY_get_raw_private_key(evp(key_.get()), secret.octets().data(), &size);
        return secret;
    }
    BIGNUM* scalar = nullptr;
    EVP_PKEY_get_bn_param(evp(key_.get()), OSSL_PKEY_PARAM_PRIV_KEY, &scalar);
    BN_bn2binpad(scalar, secret.octets().data(), secret_size);
    BN_clear_free(scalar);
    return secret;
}

// ECDSA: the context is made once and used for all signatures. Ed25519 has no digest to sign, and
// its context is begun for each.
struct Signer::State {
    const PrivateKey& key;
    Owned<EVP_PKEY_CTX, &EVP_PKEY_CTX_free> ecdsa;
    Owned<EVP_MD_CTX, &EVP_MD_CTX_free> eddsa;
};

Signer::Signer(const PrivateKey& key) : state_(new State{key, {}, {}}) {
    if (key.algorithm() == ed25519) {
        state_->eddsa.reset(EVP_MD_CTX_new());
        return;
    }
    state_->ecdsa.reset(EVP_PKEY_CTX_new(evp(key.key_.get()), nullptr));
    if (state_->ecdsa && (EVP_PKEY_sign_init(state_->ecdsa.get()) != 1 ||
                          EVP_PKEY_CTX_set_signature_md(state_->ecdsa.get(), EVP_sha256()) != 1))
        state_->ecdsa.reset();
}
Signer::Signer(Signer&&) noexcept = default;
Signer::~Signer() = default;

std::optional<SignatureOctets> Signer::sign(Bytes octets) {
    SignatureOctets signature;
    if (state_->eddsa) {
        std::size_t size = signature.size();
        if (EVP_DigestSignInit(state_->eddsa.get(), nullptr, nullptr, nullptr,
                               evp(state_->key.key_.get())) != 1 ||
            EVP_DigestSign(state_->eddsa.get(), signature.data(), &size, octets.data(),
                           octets.size()) != 1 ||
            size != signature.size())
            return std::nullopt;
        return signature;
    }
    if (!state_->ecdsa)
        return std::nullopt;
    std::array<std::uint8_t, SHA256_DIGEST_LENGTH> digest;
    ::SHA256(octets.data(), octets.size(), digest.data());
    std::array<std::uint8_t, 80> der;  // two numbers of 33 octets, and DER's own 6 to 8
    std::size_t size = der.size();
    if (EVP_PKEY_sign(state_->ecdsa.get(), der.data(), &size, digest.data(), digest.size()) != 1)
        return std::nullopt;
    const std::uint8_t* from = der.data();
    const Owned<ECDSA_SIG, &ECDSA_SIG_free> pair(
        d2i_ECDSA_SIG(nullptr, &from, static_cast<long>(size)));
    // RFC 6605 §4: the two numbers side by side.
    if (!pair ||
        BN_bn2binpad(ECDSA_SIG_get0_r(pair.get()), signature.data(), half_size) != half_size ||
        BN_bn2binpad(ECDSA_SIG_get0_s(pair.get()), &signature[half_size], half_size) != half_size)
        return std::nullopt;
    return signature;
}

std::vector<std::uint8_t> dnskey_rdata(std::uint16_t flags, std::uint8_t algorithm,
                                       Bytes public_key) {
    constexpr std::uint8_t protocol = 3;
    std::vector<std::uint8_t> rdata(4);
    dns::put16(rdata.data(), flags);
    rdata[2] = protocol;
    rdata[3] = algorithm;
    rdata.insert(rdata.end(), public_key.begin(), public_key.end());
    return rdata;
}

std::vector<std::uint8_t> ds_rdata(Bytes owner, Bytes dnskey) {
    constexpr std::uint8_t sha256 = 2;
    std::vector<std::uint8_t> hashed(owner.begin(), owner.end());
    hashed.insert(hashed.end(), dnskey.begin(), dnskey.end());
    std::vector<std::uint8_t> rdata(4 + SHA256_DIGEST_LENGTH);
    dns::put16(rdata.data(), key_tag(dnskey));
    rdata[2] = dnskey[3];
    rdata[3] = sha256;
    ::SHA256(hashed.data(), hashed.size(), &rdata[4]);
    return rdata;
}

}  // namespace summond::sign
