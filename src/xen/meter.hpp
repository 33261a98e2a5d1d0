// Counts the packets that keep a domain: one nftables table of our own in the bridge family, one
// map from MAC to counter, one read for all services. Touches no table of the operator's; the
// table goes when the meter does, and is replaced by the next start after a kill.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "summond/base/result.hpp"
#include "summond/vm/backend.hpp"

struct nft_ctx;

namespace summond::xen {

class Meter {
  public:
    Meter() = default;
    ~Meter();
    Meter(const Meter&) = delete;
    Meter& operator=(const Meter&) = delete;

    // Only services with a bridge are counted. Counts begin anew.
    base::Result<void> set(const std::vector<config::Service>& services);
    base::Result<std::vector<vm::Traffic>> read();

  private:
    base::Result<std::string> run(const std::string& commands);

    nft_ctx* nft_ = nullptr;
    bool there_ = false;
};

}  // namespace summond::xen
