// RDATA from presentation format. The only includer of ldns.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "summond/base/result.hpp"
#include "summond/dns/name.hpp"
#include "summond/dns/types.hpp"

namespace summond::zone {

// A mnemonic that ldns knows or TYPEn (RFC 3597 §5), in any case.
std::optional<dns::Type> type_from_text(std::string_view text);
// The mnemonic, or TYPEn.
std::string type_to_text(dns::Type type);

// The names at the beginning of RDATA that may be compressed in answers: those of RFC 1035 (RFC
// 3597 §4). `offset` octets come before the first of `count` names.
struct CompressibleNames {
    std::size_t offset = 0;
    std::size_t count = 0;
};
CompressibleNames compressible_names(dns::Type type);

class RdataReader {
  public:
    RdataReader();
    ~RdataReader();
    RdataReader(const RdataReader&) = delete;
    RdataReader& operator=(const RdataReader&) = delete;

    // For names that do not end in a dot, from now on.
    void set_origin(const dns::Name& origin);
    // The uncompressed RDATA of one record; tokens as they stand in the zone file, quotes and
    // escapes included. Valid until the next call.
    base::Result<std::span<const std::uint8_t>> read(dns::Type type,
                                                     std::span<const std::string_view> tokens);

  private:
    base::Result<std::span<const std::uint8_t>> read_numbers_and_name(
        std::span<const std::string_view> tokens);
    base::Result<std::span<const std::uint8_t>> read_strings(
        std::span<const std::string_view> tokens);
    base::Result<std::span<const std::uint8_t>> read_generic(
        dns::Type type, std::span<const std::string_view> tokens);

    struct Origin;
    dns::Name origin_;
    std::unique_ptr<Origin> ldns_origin_;
    std::vector<std::string_view> words_;
    std::string line_;
    std::vector<std::uint8_t> rdata_;
};

}  // namespace summond::zone
