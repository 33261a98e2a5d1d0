#include "held.hpp"

#include <algorithm>
#include <utility>

namespace summond::wire {
namespace {

// Who sends: an IPv4 address, or what one customer has of IPv6 at the least.
bool same_source(const base::IpAddress& a, const base::IpAddress& b) {
    constexpr std::ptrdiff_t network = 8;
    const auto left = a.bytes();
    const auto right = b.bytes();
    if (left.size() != right.size())
        return false;
    return a.is_v4() ? a == b : std::equal(left.begin(), left.begin() + network, right.begin());
}

}  // namespace

bool same_segment(const frames::IpPacket& a, const frames::IpPacket& b) {
    return a.kind == frames::IpPacket::Kind::tcp && b.kind == frames::IpPacket::Kind::tcp &&
           a.opens == b.opens && a.sequence == b.sequence && a.length == b.length &&
           a.from_port == b.from_port && a.to_port == b.to_port && a.from == b.from && a.to == b.to;
}

Held::Kept Held::keep(std::span<const std::uint8_t> frame, const frames::Packet& packet,
                      const frames::IpPacket& ip, base::TimePoint now) {
    std::size_t of_source = 0;
    for (HeldPacket& held : packets_) {
        if (same_segment(held.about, ip)) {
            held.last_seen = now;
            return Kept::already;
        }
        of_source += same_source(held.about.from, ip.from) ? 1 : 0;
    }
    if (of_source >= Limits::source_packets || packets_.size() >= Limits::service_packets ||
        octets_ + frame.size() > Limits::service_octets ||
        total_.packets >= Limits::total_packets ||
        total_.octets + frame.size() > Limits::total_octets)
        return Kept::full;
    packets_.push_back({{frame.begin(), frame.end()}, packet.from, ip, now, now});
    octets_ += frame.size();
    ++total_.packets;
    total_.octets += frame.size();
    return Kept::kept;
}

std::size_t Held::expire(base::TimePoint now) {
    return std::erase_if(packets_, [this, now](const HeldPacket& packet) {
        if (now - packet.last_seen < Limits::hold_time)
            return false;
        forget(packet);
        return true;
    });
}

HeldPacket Held::take() {
    HeldPacket first = std::move(packets_.front());
    packets_.pop_front();
    forget(first);
    return first;
}

void Held::clear() {
    for (const HeldPacket& packet : packets_)
        forget(packet);
    packets_.clear();
}

bool Held::has_from(const frames::IpPacket& ip) const {
    return std::ranges::any_of(packets_, [&ip](const HeldPacket& packet) {
        return packet.about.from == ip.from && packet.about.to == ip.to;
    });
}

void Held::forget(const HeldPacket& packet) {
    octets_ -= packet.frame.size();
    --total_.packets;
    total_.octets -= packet.frame.size();
}

}  // namespace summond::wire
