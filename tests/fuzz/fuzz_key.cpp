// Any bytes as the two files of a key: up to the first 0 the public one, the rest the private one.
// What is taken for a key signs what its DNSKEY record verifies.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "summond/sign/key_file.hpp"

using namespace summond;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto zero = std::min(text.find('\0'), text.size());
    const auto key =
        sign::parse_key(text.substr(0, zero), text.substr(std::min(zero + 1, text.size())), "key");
    if (!key)
        return key.error().what.starts_with("key.") ? 0 : (std::abort(), 0);
    const auto open = sign::PublicKey::from_dnskey(key->dnskey);
    const auto signature = sign::Signer(key->secret).sign(sign::Bytes{data, size});
    if (!open || !signature || !open->verifies({data, size}, *signature))
        std::abort();
    return 0;
}
