#include "outgoing.hpp"

#include "summond/dns/wire.hpp"

namespace summond::transfer {

Outgoing::Outgoing(ServingPtr serving, std::uint32_t zone, Asked asked,
                   std::vector<zone::ZoneChange> changes)
    : serving_(std::move(serving)),
      asked_(std::move(asked)),
      sets_(serving_->nodes, zone),
      changes_(std::move(changes)) {
    sets_.next(soa_);
}

bool Outgoing::advance_whole() {
    while (record_ == set_.records.size()) {
        if (!sets_.next(set_))
            return false;
        record_ = 0;
    }
    const auto& record = set_.records[record_++];
    current_ = {set_.owner, set_.type, record.ttl, set_.rdata(record)};
    return true;
}

bool Outgoing::advance_changes() {
    while (!zone::take_record(rest_, current_)) {
        if (change_ == changes_.size())
            return false;
        rest_ = adding_ ? changes_[change_].added : changes_[change_].removed;
        change_ += adding_ ? 1 : 0;
        adding_ = !adding_;
    }
    return true;
}

bool Outgoing::advance() {
    const auto soa = [this] {
        const auto& record = soa_.records.front();
        current_ = {soa_.owner, soa_.type, record.ttl, soa_.rdata(record)};
        return true;
    };
    switch (part_) {
        case Part::first_soa:
            part_ = Part::records;
            return soa();
        case Part::records:
            if (changes_.empty() ? advance_whole() : advance_changes())
                return true;
            part_ = Part::last_soa;
            [[fallthrough]];
        case Part::last_soa:
            part_ = Part::over;
            return soa();
        case Part::over:
            break;
    }
    return false;
}

// What comes behind the records.
std::size_t Outgoing::room() const {
    return (asked_.opt.present ? MessageWriter::opt_size : 0) +
           (asked_.signer ? asked_.signer->size() : 0);
}

bool Outgoing::next(std::vector<std::uint8_t>*& message, std::uint64_t now) {
    has_current_ = has_current_ || advance();
    if (!has_current_)
        return false;
    const std::span<const std::uint8_t> question =
        begun_ ? std::span<const std::uint8_t>() : asked_.question;
    begun_ = true;
    writer_.begin(asked_.id, asked_.flags, question, MessageWriter::usual_size - room());
    while (has_current_) {
        if (!writer_.add(current_.owner, current_.type, current_.ttl, current_.rdata)) {
            if (writer_.count() > 0)
                break;
            writer_.raise_limit(dns::max_message_size - room());
            continue;  // the loader takes no record that does not fit
        }
        has_current_ = advance();
    }
    counted_.records += writer_.count();
    ++counted_.messages;
    message = &writer_.finish(asked_.opt);
    if (asked_.signer)
        asked_.signer->sign(*message, now);
    counted_.octets += message->size();
    return true;
}

}  // namespace summond::transfer
