// A service that SleepProxy stands in for: what is known of it and of its guest, and what its
// packets are by that. Only for SleepProxy.
#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "given.hpp"
#include "held.hpp"
#include "summond/wire/sleep_proxy.hpp"

namespace summond::wire {

inline constexpr std::size_t remembered_flows = 32;
inline constexpr std::size_t remembered_questions = 16;
inline constexpr std::size_t longest_question_frame = 128;  // ARP padded, or a solicitation

inline constexpr std::uint16_t dhcp_client = 68;     // RFC 2131
inline constexpr std::uint16_t dhcpv6_client = 546;  // RFC 8415

inline service::Protocol protocol_of(frames::IpPacket::Kind kind) {
    switch (kind) {
        case frames::IpPacket::Kind::udp:
            return service::Protocol::udp;
        case frames::IpPacket::Kind::echo_request:
            return service::Protocol::icmp;
        default:
            return service::Protocol::tcp;
    }
}

// A datagram or a SYN that the guest has sent, so that the answer to it is known.
struct Flow {
    frames::IpPacket::Kind kind = frames::IpPacket::Kind::other;
    base::IpAddress peer;
    std::uint16_t peer_port = 0;
    std::uint16_t port = 0;
    friend bool operator==(const Flow&, const Flow&) = default;
};

// Who has asked for the guest's address while it could not hear.
struct Asked {
    base::IpAddress asker;
    base::TimePoint at;
    frames::Frame frame;  // empty: none
};

struct SleepProxy::Entry {
    Entry(Station new_station, HeldTotal& total) : station(std::move(new_station)), held(total) {}

    Station station;
    GuestState state = GuestState::away;
    bool told = true;    // since begin_anew
    bool known = false;  // its state has been told
    bool attached = false;
    bool started = false;      // the guest that is up was not when it was first told of
    bool fresh = false;        // the guest has booted, and met nobody before what it is given
    bool remembers = false;    // the guest that starts goes on with the connections that it had
    bool handed_over = false;  // this running guest has its packets
    bool grows = false;        // and grown() is to follow
    bool silent = false;       // it has been woken, and has said nothing to a client yet
    std::vector<base::IpAddress> claimed;  // addresses for which the guest has spoken
    Held held;
    Given given;
    HandOver what;  // under way
    std::array<Flow, remembered_flows> flows{};
    std::size_t next_flow = 0;
    std::array<Asked, remembered_questions> questions{};
    std::size_t next_question = 0;
    std::optional<base::TimePoint> may_wake_at;
    base::TimePoint running_since{};
    base::TimePoint question_at{};
    base::TimePoint young_until{};

    bool has(const base::IpAddress& address) const {
        return std::ranges::find(station.addresses, address) != station.addresses.end();
    }
    bool has_claimed(const base::IpAddress& address) const {
        return std::ranges::find(claimed, address) != claimed.end();
    }
    bool silent_for(const base::IpAddress& address) const {
        return handed_over || has_claimed(address);
    }
    void remember_question(const base::IpAddress& asker, std::span<const std::uint8_t> frame,
                           base::TimePoint now) {
        if (asker.is_unspecified() || frame.size() > longest_question_frame)
            return;
        auto it = std::ranges::find_if(questions, [&asker](const Asked& question) {
            return !question.frame.empty() && question.asker == asker;
        });
        if (it == questions.end()) {
            it = questions.begin() + static_cast<std::ptrdiff_t>(next_question);
            next_question = (next_question + 1) % remembered_questions;
        }
        *it = {asker, now, {frame.begin(), frame.end()}};
    }
    // The question of this sender, once.
    frames::Frame take_question(const base::IpAddress& asker, base::TimePoint now) {
        for (Asked& question : questions)
            if (question.asker == asker && now - question.at < Limits::hold_time)
                return std::exchange(question.frame, {});
        return {};
    }
    bool is_up() const { return state == GuestState::starting || state == GuestState::running; }
    bool is_away() const {
        return state == GuestState::away || state == GuestState::refused ||
               state == GuestState::waiting;
    }
    bool expects(const frames::IpPacket& ip) const {
        if (ip.kind == frames::IpPacket::Kind::udp &&
            (ip.to_port == dhcp_client || ip.to_port == dhcpv6_client))
            return true;
        return std::ranges::find(flows, Flow{ip.kind, ip.from, ip.from_port, ip.to_port}) !=
               flows.end();
    }
    void expect(const Flow& flow) {
        if (std::ranges::find(flows, flow) != flows.end())
            return;
        flows[next_flow] = flow;
        next_flow = (next_flow + 1) % remembered_flows;
    }
    // Of the guest's: it says something to a client, rather than to somebody whom it has asked.
    bool says(const frames::Packet& packet, const frames::IpPacket& ip) const {
        using Kind = frames::IpPacket::Kind;
        const bool datagram = ip.kind == Kind::udp;
        const bool has_payload = ip.kind == Kind::tcp && !packet.payload.empty();
        if (!has(ip.from) || ip.to.is_multicast() || (!datagram && !has_payload))
            return false;
        if (std::ranges::find(flows, Flow{ip.kind, ip.to, ip.to_port, ip.from_port}) != flows.end())
            return false;
        const auto serves = [&ip](const service::Port& port) {
            return port.protocol == protocol_of(ip.kind) &&
                   (port.number == 0 || port.number == ip.from_port);
        };
        // Of a datagram nobody can say which side has begun, but by the service's ports.
        return station.ports.empty() ? !datagram : std::ranges::any_of(station.ports, serves);
    }
    // A segment of a connection that nobody has: of none that could have been made with the guest
    // that is, or is not, there.
    bool is_nobodys(const frames::IpPacket& ip) const {
        return ip.kind == frames::IpPacket::Kind::tcp && !ip.opens && !ip.resets && has(ip.to) &&
               (is_away() || (state == GuestState::starting && fresh && !expects(ip)));
    }
    // It would begin something with the guest, rather than go on with it.
    bool opens(const frames::IpPacket& ip) const {
        switch (ip.kind) {
            case frames::IpPacket::Kind::tcp:
                // With a paused guest, or one that is being restored, anything may go on.
                return ip.opens || (!ip.resets && (state == GuestState::kept ||
                                                   (state == GuestState::starting && remembers)));
            case frames::IpPacket::Kind::udp:
                return !expects(ip);
            case frames::IpPacket::Kind::echo_request:
                return true;
            case frames::IpPacket::Kind::later_fragment:
                return held.has_from(ip);
            case frames::IpPacket::Kind::other:
                return false;
        }
        return false;
    }
    // And the service is there for that.
    bool wakes(const frames::IpPacket& ip) const {
        if (ip.kind == frames::IpPacket::Kind::later_fragment)
            return true;  // its first fragment has
        const auto& from = station.wake_from;
        if (!has(ip.to) || (!from.empty() && std::ranges::none_of(from, [&ip](const auto& prefix) {
                return prefix.contains(ip.from);
            })))
            return false;
        return station.ports.empty() ||
               std::ranges::any_of(station.ports, [&ip](const service::Port& port) {
                   return port.protocol == protocol_of(ip.kind) &&
                          (port.number == 0 || port.number == ip.to_port);
               });
    }
};

}  // namespace summond::wire
