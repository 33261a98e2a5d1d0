#include "given.hpp"

#include <algorithm>

namespace summond::wire {
namespace {

using std::chrono::milliseconds;

// The guest has not answered the SYN; or it has, and whoever serves there has said nothing yet.
constexpr milliseconds answer_wait{200};
constexpr milliseconds service_wait{50};
constexpr milliseconds again_interval{100};
// RFC 6298 section 2.1: of a client that knows nothing of the round trip; doubled as in
// section 5.5.
constexpr milliseconds retransmission{1000};
constexpr unsigned most_doublings = 4;
// Of a server that has accepted and lets its client speak first: it will not refuse any more.
constexpr milliseconds longest_silence{3000};
constexpr std::size_t longest_syn = 128;  // IPv6, with all the options that there is room for

// A segment of the guest's, and the SYN that began its connection.
bool answers(const frames::IpPacket& segment, const frames::IpPacket& syn) {
    return segment.kind == frames::IpPacket::Kind::tcp && segment.from_port == syn.to_port &&
           segment.to_port == syn.from_port && segment.from == syn.to && segment.to == syn.from;
}

}  // namespace

base::TimePoint Given::Entry::due() const {
    switch (state) {
        case State::given:
            return since + retransmission * (1U << std::min(unanswered, most_doublings));
        case State::accepted:
            return since + longest_silence;
        case State::refused:
            break;
    }
    return since + again_interval;
}

void Given::add(const HeldPacket& syn, base::TimePoint now) {
    if (entries_.size() < Limits::service_packets && syn.frame.size() <= longest_syn)
        entries_.push_back({syn, State::given, now});
}

bool Given::has(const frames::IpPacket& syn) const {
    return std::ranges::any_of(
        entries_, [&syn](const Entry& entry) { return same_segment(entry.packet.about, syn); });
}

bool Given::refuses(const frames::IpPacket& segment, base::TimePoint now) {
    const auto it = std::ranges::find_if(
        entries_, [&segment](const Entry& entry) { return answers(segment, entry.packet.about); });
    if (it == entries_.end())
        return false;
    const bool of_syn = it->state != State::accepted && segment.acks &&
                        segment.acknowledges == it->packet.about.sequence + it->packet.about.length;
    if (segment.resets && of_syn) {
        it->state = State::refused;
        it->since = now;
        return true;
    }
    if (segment.resets || segment.speaks) {
        entries_.erase(it);
    } else if (segment.accepts && it->state != State::accepted) {
        it->state = State::accepted;
        it->since = now;
    }
    return false;
}

std::optional<base::TimePoint> Given::pause() const {
    if (entries_.empty() || entries_.back().state == State::refused)
        return std::nullopt;
    const Entry& last = entries_.back();
    return last.since + (last.state == State::given ? answer_wait : service_wait);
}

std::vector<HeldPacket> Given::due(base::TimePoint now) {
    std::vector<HeldPacket> packets;
    for (Entry& entry : entries_)
        if (entry.state != State::accepted && now >= entry.due()) {
            packets.push_back(entry.packet);
            entry.unanswered = entry.state == State::given ? entry.unanswered + 1 : 0;
            entry.state = State::given;
            entry.since = now;
        }
    return packets;
}

std::vector<HeldPacket> Given::give_up() {
    std::vector<HeldPacket> packets;
    for (const Entry& entry : entries_)
        if (entry.state == State::refused)
            packets.push_back(entry.packet);
    entries_.clear();
    return packets;
}

void Given::expire(base::TimePoint now) {
    std::erase_if(entries_, [now](const Entry& entry) {
        return entry.state == State::accepted && now >= entry.due();
    });
}

std::optional<base::TimePoint> Given::deadline() const {
    std::optional<base::TimePoint> earliest;
    for (const Entry& entry : entries_)
        earliest = earliest ? std::min(*earliest, entry.due()) : entry.due();
    return earliest;
}

}  // namespace summond::wire
