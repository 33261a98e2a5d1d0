// RDATA from presentation format, field by field as the table of record types has them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "record_types.hpp"
#include "summond/dns/name.hpp"
#include "text_fields.hpp"

namespace summond::zone {

struct RdataError {
    std::string what;
    std::size_t word = 0;  // the one it is in, counted from 1; 0: there is none
};

class RdataReader {
  public:
    // For names that do not end in a dot, from now on.
    void set_origin(const dns::Name& origin) { origin_ = origin; }
    // The uncompressed RDATA of one record; words as they stand in the zone file, quotes and
    // escapes included. Valid until the next call.
    tl::expected<std::span<const std::uint8_t>, RdataError> read(
        dns::Type type, std::span<const std::string_view> words);

  private:
    base::Result<void> read_fields(const RecordType* type, Words& words);
    base::Result<void> read_field(FieldKind kind, Words& words);
    base::Result<void> read_generic(const RecordType* type, Words& words);

    dns::Name origin_;
    Bytes rdata_;
};

}  // namespace summond::zone
