// Messages with many records, names compressed.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "summond/dns/types.hpp"

namespace summond::transfer {

class MessageWriter {
  public:
    // All offsets can be pointed at (RFC 1035 §4.1.4), and a client reads it in one go or two.
    static constexpr std::size_t usual_size = 16384;

    // question: as received; may be empty. limit: octets, without what comes behind the records.
    void begin(std::uint16_t id, std::uint16_t flags, std::span<const std::uint8_t> question,
               std::size_t limit);
    // False: there is no room, and nothing has been written.
    bool add(std::span<const std::uint8_t> owner, dns::Type type, std::uint32_t ttl,
             std::span<const std::uint8_t> rdata);
    unsigned count() const { return count_; }
    // For a record that is longer than any usual message, alone in one of its own.
    void raise_limit(std::size_t limit) { limit_ = limit; }
    // With an OPT record (RFC 6891) where opt is.
    struct Opt {
        bool present = false;
        bool dnssec_ok = false;
    };
    static constexpr std::size_t opt_size = 11;
    std::vector<std::uint8_t>& finish(const Opt& opt);

  private:
    void add_name(std::span<const std::uint8_t> name);
    void add16(std::uint16_t value);
    bool is_at(std::size_t offset, std::span<const std::uint8_t> suffix) const;

    // Offsets of names, by a hash of theirs; 0: free. Another one in its place is overwritten.
    static constexpr std::size_t slots = 4096;
    std::array<std::uint16_t, slots> known_{};
    std::vector<std::uint16_t> taken_;
    std::vector<std::uint8_t> message_;
    std::size_t limit_ = 0;
    unsigned count_ = 0;
};

}  // namespace summond::transfer
