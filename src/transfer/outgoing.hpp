// One transfer of a zone, message by message.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "message_writer.hpp"
#include "summond/sign/tsig.hpp"
#include "summond/transfer/responder.hpp"
#include "summond/zone/journal.hpp"
#include "summond/zone/records.hpp"

namespace summond::transfer {

class Outgoing {
  public:
    struct Asked {
        std::uint16_t id;
        std::uint16_t flags;  // of the responses
        std::vector<std::uint8_t> question;
        MessageWriter::Opt opt;
        std::optional<sign::TsigSigner> signer;
    };
    // The whole zone (RFC 5936), or where there are changes those (RFC 1995).
    Outgoing(ServingPtr serving, std::uint32_t zone, Asked asked,
             std::vector<zone::ZoneChange> changes);

    // The next message; false: that was all. The message is valid until the next call.
    bool next(std::vector<std::uint8_t>*& message, std::uint64_t now);

    const Counted& counted() const { return counted_; }

  private:
    // Sets current_ to the next record; false: there is none.
    bool advance();
    bool advance_whole();
    bool advance_changes();
    std::size_t room() const;

    const ServingPtr serving_;
    Asked asked_;
    MessageWriter writer_;
    zone::ZoneSets sets_;
    zone::RecordSet soa_;
    zone::RecordSet set_;
    std::size_t record_ = 0;  // of set_, the next
    const std::vector<zone::ZoneChange> changes_;
    std::size_t change_ = 0;
    std::span<const std::uint8_t> rest_;  // of the change's part that is under way
    bool adding_ = false;
    enum class Part : std::uint8_t { first_soa, records, last_soa, over };
    Part part_ = Part::first_soa;
    zone::FlatRecord current_;
    bool has_current_ = false;
    bool begun_ = false;
    Counted counted_;
};

}  // namespace summond::transfer
