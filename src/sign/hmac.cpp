#include "summond/sign/hmac.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <stdexcept>

namespace summond::sign {

std::array<std::uint8_t, 32> hmac_sha256(std::string_view key, std::string_view text) {
    std::array<std::uint8_t, 32> mac{};
    unsigned size = mac.size();
    if (::HMAC(::EVP_sha256(), key.data(), static_cast<int>(key.size()),
               reinterpret_cast<const unsigned char*>(text.data()), text.size(), mac.data(),
               &size) == nullptr)
        throw std::runtime_error("OpenSSL: no HMAC");
    return mac;
}

}  // namespace summond::sign
