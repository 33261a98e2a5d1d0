#include "summond/sign/digest.hpp"

#include <openssl/evp.h>

#include <new>

namespace summond::sign {

Digest::Digest(Algorithm algorithm) : context_(EVP_MD_CTX_new()) {
    const EVP_MD* const kind = algorithm == Algorithm::sha384 ? EVP_sha384() : EVP_sha512();
    if (!context_ ||
        EVP_DigestInit_ex(static_cast<EVP_MD_CTX*>(context_.get()), kind, nullptr) != 1)
        throw std::bad_alloc();
}

void Digest::Free::operator()(void* context) const {
    EVP_MD_CTX_free(static_cast<EVP_MD_CTX*>(context));
}

void Digest::add(Bytes octets) {
    EVP_DigestUpdate(static_cast<EVP_MD_CTX*>(context_.get()), octets.data(), octets.size());
}

std::vector<std::uint8_t> Digest::finish() {
    std::vector<std::uint8_t> digest(EVP_MAX_MD_SIZE);
    unsigned size = 0;
    EVP_DigestFinal_ex(static_cast<EVP_MD_CTX*>(context_.get()), digest.data(), &size);
    digest.resize(size);
    return digest;
}

}  // namespace summond::sign
