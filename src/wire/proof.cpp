// What SleepProxy does with packets where their senders have to show first that their addresses are
// not forged.

#include "entry.hpp"
#include "proofs.hpp"
#include "summond/wire/sleep_proxy.hpp"

namespace summond::wire {

bool SleepProxy::needs_proof(const Entry& entry) const {
    return under_pressure_ || entry.station.by_proof;
}

bool SleepProxy::is_proved(const base::IpAddress& address) const {
    return proofs_->has(address);
}

// It would wake, and be held. Of a SYN the sender is asked for its proof.
bool SleepProxy::may_wake(const Entry& entry, const frames::Packet& packet,
                          const frames::IpPacket& ip) {
    using Kind = frames::IpPacket::Kind;
    // Of a later fragment the first one may have.
    if (!needs_proof(entry) || ip.kind == Kind::later_fragment || proofs_->has(ip.from))
        return true;
    if (ip.kind == Kind::tcp && ip.opens) {
        ++unproved_.syns;
        if (const auto number = proofs_->question(ip))
            actions_.to_bridge(entry.station.tap,
                               frames::proof_question(entry.station.mac, packet.from, ip, *number));
        return false;
    }
    if (ip.kind != Kind::tcp) {
        ++unproved_.datagrams;
        return false;
    }
    // Of a connection that a paused or saved guest may have. Its client answers no such question;
    // so there is a bound on all that are believed.
    const auto now = clock_.now();
    if (segment_after_ > now) {
        ++unproved_.segments;
        return false;
    }
    segment_after_ = now + Limits::unproved_segments;
    return true;
}

// The answer to a question. Whoever is believed already has asked by its SYN.
bool SleepProxy::takes_proof(const Entry& entry, const frames::IpPacket& ip) {
    if (ip.kind != frames::IpPacket::Kind::tcp || !ip.resets || !needs_proof(entry) ||
        proofs_->has(ip.from) || !proofs_->take(ip))
        return false;
    ++unproved_.proved;
    return true;
}

}  // namespace summond::wire
