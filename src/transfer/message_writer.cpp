#include "message_writer.hpp"

#include <algorithm>

#include "summond/dns/name.hpp"
#include "summond/dns/wire.hpp"
#include "summond/zone/records.hpp"

namespace summond::transfer {
namespace {

constexpr unsigned pointer_bits = 0xc0;
constexpr std::size_t fields_size = 10;
constexpr std::size_t counts_at = 4;

std::size_t name_size(std::span<const std::uint8_t> octets) {
    std::size_t at = 0;
    while (at < octets.size() && octets[at] != 0)
        at += 1U + octets[at];
    return std::min(at + 1, octets.size());
}

}  // namespace

void MessageWriter::begin(std::uint16_t id, std::uint16_t flags,
                          std::span<const std::uint8_t> question, std::size_t limit) {
    for (const std::uint16_t slot : taken_)
        known_[slot] = 0;
    taken_.clear();
    message_.clear();
    message_.resize(dns::header_size);
    dns::put16(&message_[0], id);
    dns::put16(&message_[2], flags);
    dns::put16(&message_[counts_at], question.empty() ? 0 : 1);
    message_.insert(message_.end(), question.begin(), question.end());
    limit_ = limit;
    count_ = 0;
}

void MessageWriter::add16(std::uint16_t value) {
    message_.push_back(static_cast<std::uint8_t>(value >> 8));
    message_.push_back(static_cast<std::uint8_t>(value));
}

bool MessageWriter::is_at(std::size_t offset, std::span<const std::uint8_t> suffix) const {
    for (std::size_t at = 0;;) {
        while ((message_[offset] & pointer_bits) == pointer_bits)
            offset = dns::get16(&message_[offset]) & dns::max_pointer;
        const std::size_t label = 1U + message_[offset];
        if (label > suffix.size() - at ||
            !std::equal(&message_[offset], &message_[offset] + label, &suffix[at]))
            return false;
        at += label;
        offset += label;
        if (label == 1)
            return true;
    }
}

// Its longest suffix that is there already becomes a pointer.
void MessageWriter::add_name(std::span<const std::uint8_t> name) {
    std::array<std::uint8_t, 128> start;
    std::array<std::uint16_t, 128> slot;
    std::size_t labels = 0;
    for (std::size_t at = 0; name[at] != 0; at += 1U + name[at])
        start[labels++] = static_cast<std::uint8_t>(at);
    std::uint32_t hash = 0x811c9dc5;
    for (std::size_t i = labels; i-- > 0;) {
        for (std::size_t at = start[i]; at <= start[i] + std::size_t{name[start[i]]}; ++at)
            hash = (hash ^ name[at]) * 0x01000193;
        slot[i] = static_cast<std::uint16_t>((hash ^ hash >> 16) % slots);
    }
    std::size_t found = labels;
    for (std::size_t i = 0; i < labels && found == labels; ++i)
        if (known_[slot[i]] != 0 && is_at(known_[slot[i]], name.subspan(start[i])))
            found = i;
    const std::size_t own = found == labels ? name.size() : start[found];
    const std::size_t begin = message_.size();
    const std::uint16_t there = found == labels ? std::uint16_t{0} : known_[slot[found]];
    message_.insert(message_.end(), name.begin(), name.begin() + static_cast<std::ptrdiff_t>(own));
    if (there != 0)
        add16(static_cast<std::uint16_t>(pointer_bits << 8 | there));
    for (std::size_t i = 0; i < found && begin + start[i] <= dns::max_pointer; ++i) {
        if (known_[slot[i]] == 0)
            taken_.push_back(slot[i]);
        known_[slot[i]] = static_cast<std::uint16_t>(begin + start[i]);
    }
}

bool MessageWriter::add(std::span<const std::uint8_t> owner, dns::Type type, std::uint32_t ttl,
                        std::span<const std::uint8_t> rdata) {
    // Without compression, to know before anything is written; the difference is the room that
    // stays free.
    if (message_.size() + owner.size() + fields_size + rdata.size() > limit_)
        return false;
    add_name(owner);
    add16(static_cast<std::uint16_t>(type));
    add16(static_cast<std::uint16_t>(dns::Class::in));
    add16(static_cast<std::uint16_t>(ttl >> 16));
    add16(static_cast<std::uint16_t>(ttl));
    const std::size_t length_at = message_.size();
    add16(0);
    const auto names = zone::compressible_names(type);
    std::size_t at = std::min(names.offset, rdata.size());
    message_.insert(message_.end(), rdata.begin(), rdata.begin() + static_cast<std::ptrdiff_t>(at));
    for (std::size_t i = 0; i < names.count && at < rdata.size(); ++i) {
        const std::size_t size = name_size(rdata.subspan(at));
        add_name(rdata.subspan(at, size));
        at += size;
    }
    message_.insert(message_.end(), rdata.begin() + static_cast<std::ptrdiff_t>(at), rdata.end());
    dns::put16(&message_[length_at], static_cast<std::uint16_t>(message_.size() - length_at - 2));
    ++count_;
    return true;
}

std::vector<std::uint8_t>& MessageWriter::finish(const Opt& opt) {
    dns::put16(&message_[counts_at + 2], static_cast<std::uint16_t>(count_));
    if (opt.present) {
        message_.push_back(0);
        add16(static_cast<std::uint16_t>(dns::Type::opt));
        add16(1232);
        add16(0);
        add16(opt.dnssec_ok ? 0x8000 : 0);
        add16(0);
        dns::put16(&message_[counts_at + 6], 1);
    }
    return message_;
}

}  // namespace summond::transfer
