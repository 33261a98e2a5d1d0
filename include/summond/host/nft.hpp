// nftables, by text commands (nft(8)); answers are JSON (libnftables-json(5)).
#pragma once

#include <string>
#include <string_view>

#include "summond/base/result.hpp"

struct nft_ctx;

namespace summond::host {

// That there is no such table, such as "bridge summond", whether there was one or not.
std::string without_table(std::string_view table);

class Nft {
  public:
    Nft() = default;
    ~Nft();
    Nft(const Nft&) = delete;
    Nft& operator=(const Nft&) = delete;

    // One transaction: all commands or none. The output of what lists something.
    base::Result<std::string> run(const std::string& commands);

  private:
    nft_ctx* context_ = nullptr;  // made when it is first needed
};

}  // namespace summond::host
