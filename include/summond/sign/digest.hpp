// Digests of what comes in pieces.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "summond/sign/signature.hpp"

namespace summond::sign {

class Digest {
  public:
    enum class Algorithm : std::uint8_t { sha384, sha512 };
    explicit Digest(Algorithm algorithm);

    void add(Bytes octets);
    // Of all that has been added; once.
    std::vector<std::uint8_t> finish();

  private:
    struct Free {
        void operator()(void* context) const;
    };
    std::unique_ptr<void, Free> context_;  // EVP_MD_CTX
};

}  // namespace summond::sign
