#include "summond/wire/sleep_proxy.hpp"

#include <algorithm>
#include <utility>

#include "entry.hpp"
#include "proofs.hpp"

namespace summond::wire {
namespace {

using std::chrono::milliseconds;

// A wake is asked for again only after this: it has been lost, or was not possible.
constexpr milliseconds wake_interval{250};
constexpr milliseconds refused_interval{1000};
// A guest that is ready, but whose IP stack has not been heard yet, is asked this often, and given
// what is held after this long in any case.
constexpr milliseconds question_interval{10};
constexpr milliseconds longest_question{300};
// What is held is given one SYN after the other for this long in all, and then in one go.
constexpr milliseconds longest_hand_over{800};
// RFC 3810 §5.2: what fits a frame.
constexpr std::size_t groups_in_report = 64;

}  // namespace

SleepProxy::SleepProxy(const base::Clock& clock, Actions& actions, const ProofSecret& secret)
    : clock_(clock),
      actions_(actions),
      totals_(std::make_unique<Totals>()),
      proofs_(std::make_unique<Proofs>(clock, secret)) {}

SleepProxy::~SleepProxy() = default;

SleepProxy::Entry* SleepProxy::find(service::Id service) const {
    const auto it = entries_.find(service);
    return it == entries_.end() ? nullptr : it->second.get();
}

void SleepProxy::forget_keys(const Entry& entry) {
    std::erase_if(by_address_, [&entry](const auto& key) { return key.second == &entry; });
    std::erase_if(by_mac_, [&entry](const auto& key) { return key.second == &entry; });
}

bool SleepProxy::is_timed(const Entry& entry) {
    return !entry.held.empty() || !entry.given.empty() ||
           (entry.state == GuestState::running && !entry.handed_over);
}

void SleepProxy::put(const Station& station) {
    Entry* entry = find(station.service);
    if (entry == nullptr) {
        entries_[station.service] = std::make_unique<Entry>(station, totals_->held);
        entry = find(station.service);
    } else {
        if (std::exchange(entry->told, true))
            forget_keys(*entry);  // else they are gone already
        if (std::exchange(entry->found_in, std::nullopt))
            --foundlings_;
        entry->station = station;
    }
    by_mac_[{station.tap, station.mac}] = entry;
    for (const base::IpAddress& address : station.addresses)
        by_address_[{station.tap, address}] = entry;
}

void SleepProxy::remove(service::Id service) {
    if (Entry* entry = find(service)) {
        forget_keys(*entry);
        timed_.erase(entry);
        foundlings_ -= entry->found_in ? 1 : 0;
        entries_.erase(service);
    }
}

void SleepProxy::begin_anew() {
    for (const auto& [service, entry] : entries_)
        entry->told = entry->attached = false;
    by_address_.clear();
    by_mac_.clear();
    networks_.clear();
}

void SleepProxy::end_anew() {
    std::vector<service::Id> gone;
    for (const auto& [service, entry] : entries_)
        if (!entry->told)
            gone.push_back(service);
    for (const service::Id service : gone)
        remove(service);
}

void SleepProxy::set_state(service::Id service, GuestState state) {
    Entry* entry = find(service);
    if (entry == nullptr)
        return;
    const bool was_away = entry->known && entry->is_away();
    const GuestState before = std::exchange(entry->state, state);
    const bool was_up = before == GuestState::starting || before == GuestState::running;
    entry->known = true;
    if (state == GuestState::running) {
        if (before != GuestState::running) {
            entry->silent = true;
            entry->running_since = entry->question_at = clock_.now();
            entry->young_until = entry->running_since + entry->station.youth;
        }
        timed_.insert(entry);
        // Its stack was up before it was paused.
        if (before == GuestState::kept || before == GuestState::waiting || entry->handed_over)
            give_held(*entry);
        else
            try_hand_over(*entry);
        return;
    }
    entry->handed_over = false;
    entry->silent = false;
    entry->given.clear();
    entry->grows = false;
    entry->started = state == GuestState::starting;
    if (state != GuestState::starting || before != GuestState::starting) {
        entry->fresh = state == GuestState::starting && was_away;
        entry->remembers = state == GuestState::starting && before == GuestState::kept;
    }
    if (!entry->is_up() || before == GuestState::running)
        entry->claimed.clear();  // another guest, or none
    if (state == GuestState::refused) {
        entry->what.dropped += static_cast<std::uint32_t>(entry->held.packets().size());
        entry->held.clear();
        entry->may_wake_at = clock_.now() + refused_interval;
    } else if (state != before) {
        entry->may_wake_at.reset();
    }
    if (state == GuestState::away || state == GuestState::waiting) {
        entry->flows.fill({});
        if (was_up || before == GuestState::kept)
            report_groups(entry->station.tap);
    }
    // Somebody waits, and whoever was to wake it, or the guest that was to take it, is gone.
    const bool proof = needs_proof(*entry);
    const auto waits = std::ranges::find_if(entry->held.packets(), [&](const auto& packet) {
        return packet.about.kind != frames::IpPacket::Kind::later_fragment &&
               entry->wakes(packet.about) && (!proof || is_proved(packet.about.from));
    });
    if (!entry->is_up() && waits != entry->held.packets().end())
        wake(*entry, waits->about);
}

void SleepProxy::attach(service::Id service) {
    if (Entry* entry = find(service))
        entry->attached = true;
}

void SleepProxy::detach(service::Id service) {
    if (Entry* entry = find(service))
        entry->attached = false;
}

void SleepProxy::from_bridge(unsigned tap, std::span<const std::uint8_t> frame) {
    const auto packet = frames::parse(frame);
    if (!packet)
        return;
    if (const auto* arp = std::get_if<frames::Arp>(&packet->what); arp != nullptr && arp->request) {
        answer(tap, frame, *packet, arp->sender_mac, arp->sender, arp->target);
    } else if (const auto* question = std::get_if<frames::Solicitation>(&packet->what)) {
        answer(tap, frame, *packet, packet->from, question->asker, question->target);
    } else if (std::holds_alternative<frames::ListenerQuery>(packet->what)) {
        report_groups(tap);
    }
    if (const auto it = by_mac_.find({tap, packet->to}); it != by_mac_.end())
        receive(*it->second, frame, *packet);
    else
        receive_in_networks(tap, frame, *packet);
}

void SleepProxy::answer(unsigned tap, std::span<const std::uint8_t> frame,
                        const frames::Packet& packet, const service::Mac& asker_mac,
                        const base::IpAddress& asker, const base::IpAddress& target) {
    const auto it = by_address_.find({tap, target});
    if (it == by_address_.end() && !networks_.empty()) {
        if (const auto found = resident(tap, target); found && find(found->id) == nullptr)
            answer_for(*found, packet, asker_mac, asker, target);
    }
    if (it == by_address_.end() || it->second->silent_for(target))
        return;
    const Station& station = it->second->station;
    const bool for_it = (packet.to[0] & 1) != 0 || packet.to == station.mac;
    // A guest that tests its own addresses, or announces them, is not told that they are taken.
    if (!for_it || asker_mac == station.mac || packet.from == station.mac)
        return;
    actions_.to_bridge(tap, frames::answer(station.mac, target, asker_mac, asker));
    it->second->remember_question(asker, frame, clock_.now());
}

// So that bridges and switches that look at who listens deliver solicitations (RFC 4541 §3).
void SleepProxy::report_groups(unsigned tap) const {
    for (const auto& [service, entry] : entries_) {
        if (entry->station.tap != tap || entry->is_up())
            continue;
        std::vector<base::IpAddress> groups;
        for (const base::IpAddress& address : entry->station.addresses)
            if (address.is_v6() && groups.size() < groups_in_report)
                groups.push_back(frames::solicited_node_group(address));
        if (!groups.empty())
            actions_.to_bridge(tap, frames::listener_report(entry->station.mac, groups));
    }
}

// A frame to the service's own MAC.
void SleepProxy::receive(Entry& entry, std::span<const std::uint8_t> frame,
                         const frames::Packet& packet) {
    const auto* ip = std::get_if<frames::IpPacket>(&packet.what);
    if (entry.handed_over) {
        // Was on its way here when the bridge was told to go there. A SYN that the guest has just
        // been given is not given twice.
        if (ip == nullptr || !entry.given.has(*ip))
            pass(entry, frame);
        return;
    }
    if (ip != nullptr && entry.is_nobodys(*ip)) {
        actions_.to_bridge(entry.station.tap, frames::refusal(entry.station.mac, packet.from, *ip));
        return;
    }
    const bool opens = ip != nullptr && entry.opens(*ip);
    if (entry.is_up()) {
        const auto* question = std::get_if<frames::Solicitation>(&packet.what);
        const auto* arp = std::get_if<frames::Arp>(&packet.what);
        const bool answered = (question != nullptr && !entry.silent_for(question->target)) ||
                              (arp != nullptr && arp->request && !entry.silent_for(arp->target));
        if (opens)
            hold(entry, frame, packet, *ip);
        else if (!answered)
            pass(entry, frame);
        return;
    }
    if (ip == nullptr || !entry.wakes(*ip))
        return;
    if (takes_proof(entry, *ip)) {
        wake(entry, *ip);
    } else if (opens && may_wake(entry, packet, *ip)) {
        hold(entry, frame, packet, *ip);
        wake(entry, *ip);
    }
}

void SleepProxy::hold(Entry& entry, std::span<const std::uint8_t> frame,
                      const frames::Packet& packet, const frames::IpPacket& ip) {
    if (entry.given.has(ip)) {
        ++entry.what.repeats;
        return;
    }
    switch (entry.held.keep(frame, packet, ip, clock_.now())) {
        case Held::Kept::kept:
            timed_.insert(&entry);
            break;
        case Held::Kept::already:
            ++entry.what.repeats;
            break;
        case Held::Kept::full:
            ++entry.what.dropped;
            break;
    }
}

void SleepProxy::wake(Entry& entry, const frames::IpPacket& ip) {
    const auto now = clock_.now();
    if (entry.may_wake_at && now < *entry.may_wake_at)
        return;
    entry.may_wake_at = now + wake_interval;
    if (entry.found_in)
        actions_.wake_in(*entry.found_in, ip, is_proved(ip.from));
    else
        actions_.wake(entry.station.service, ip, is_proved(ip.from));
}

void SleepProxy::pass(Entry& entry, std::span<const std::uint8_t> frame) {
    if (entry.attached)
        actions_.to_guest(entry.station.service, frame);
}

void SleepProxy::from_guest(service::Id service, std::span<const std::uint8_t> frame) {
    Entry* entry = find(service);
    const auto packet = frames::parse(frame);
    if (entry == nullptr || !packet || !entry->is_up())
        return;
    const auto* ip = std::get_if<frames::IpPacket>(&packet->what);
    if (ip != nullptr && ip->kind == frames::IpPacket::Kind::tcp)
        from_guest(*entry, *packet, *ip);
    if (ip != nullptr && entry->silent)
        listen(*entry, *packet, *ip);
    if (entry->handed_over)
        return;
    const auto claim = [entry](const base::IpAddress& address) {
        if (entry->has(address) && !entry->has_claimed(address))
            entry->claimed.push_back(address);
    };
    if (const auto* arp = std::get_if<frames::Arp>(&packet->what)) {
        claim(arp->sender);
    } else if (const auto* solicitation = std::get_if<frames::Solicitation>(&packet->what)) {
        claim(solicitation->asker);
    } else if (const auto* advertisement = std::get_if<frames::Advertisement>(&packet->what)) {
        claim(advertisement->target);
    } else if (ip != nullptr) {
        claim(ip->from);
        if (ip->kind == frames::IpPacket::Kind::udp || ip->opens)
            entry->expect({ip->kind, ip->to, ip->to_port, ip->from_port});
    }
    try_hand_over(*entry);
}

// To one that has not been heard since it was woken.
void SleepProxy::listen(Entry& entry, const frames::Packet& packet, const frames::IpPacket& ip) {
    if (entry.says(packet, ip)) {
        entry.silent = false;
        actions_.first_byte(entry.station.service);
    } else if (ip.kind == frames::IpPacket::Kind::udp || ip.opens) {
        entry.expect({ip.kind, ip.to, ip.to_port, ip.from_port});
    }
}

// A segment of the guest's. The bridge passes it on, unless it is a reset of one that has just
// started.
void SleepProxy::from_guest(Entry& entry, const frames::Packet& packet,
                            const frames::IpPacket& ip) {
    const bool refused = entry.given.refuses(ip, clock_.now());
    if (ip.resets && !refused && entry.started && packet.from == entry.station.mac)
        actions_.to_bridge(entry.station.tap, frames::repeated_reset(packet.from, packet.to, ip));
    tend_young(entry);
}

// A guest can be ready by its own word before its IP stack takes packets. It is asked for the
// addresses that packets wait for, as their senders would ask, until it answers.
void SleepProxy::try_hand_over(Entry& entry) {
    if (entry.state != GuestState::running || entry.handed_over)
        return;
    const auto now = clock_.now();
    const auto waits = std::ranges::find_if(entry.held.packets(), [&entry](const auto& packet) {
        return entry.has(packet.about.to) && !entry.has_claimed(packet.about.to);
    });
    if (waits == entry.held.packets().end() || !entry.attached ||
        now >= entry.running_since + longest_question) {
        give_held(entry);
        return;
    }
    if (now < entry.question_at)
        return;
    entry.question_at = now + question_interval;
    if (!waits->about.from.is_unspecified())
        actions_.to_guest(entry.station.service,
                          frames::question(waits->from_mac, waits->about.from, entry.station.mac,
                                           waits->about.to));
}

// In order; of a guest that has just booted, a SYN when the one before is answered.
void SleepProxy::give_held(Entry& entry) {
    const auto now = clock_.now();
    entry.what.dropped += static_cast<std::uint32_t>(entry.held.expire(now));
    while (!entry.held.empty()) {
        const bool paced = entry.fresh && entry.attached &&
                           entry.held.packets().front().about.opens &&
                           now < entry.running_since + longest_hand_over;
        if (const auto pause = entry.given.pause(); paced && pause && now < *pause) {
            entry.question_at = std::min(*pause, entry.running_since + longest_hand_over);
            return;
        }
        const HeldPacket packet = entry.held.take();
        if (entry.what.packets++ == 0) {
            entry.what.first = packet.about;
            entry.what.first_waited = now - packet.came;
        }
        // It would have heard it, and known its client's MAC by it.
        if (const frames::Frame asked = entry.take_question(packet.about.from, now); !asked.empty())
            pass(entry, asked);
        pass(entry, packet.frame);
        if (entry.fresh && entry.attached && packet.about.opens && entry.wakes(packet.about))
            entry.given.add(packet, now);
    }
    hand_over(entry);
}

void SleepProxy::hand_over(Entry& entry) {
    entry.questions.fill({});
    entry.handed_over = true;
    entry.what.young = entry.grows = !entry.given.empty();
    actions_.handed_over(entry.station.service, std::exchange(entry.what, {}));
}

// What the guest has refused is given to it again, until it is not young any more.
void SleepProxy::tend_young(Entry& entry) {
    const auto now = clock_.now();
    entry.given.expire(now);
    if (now < entry.young_until) {
        for (const HeldPacket& packet : entry.given.due(now))
            pass(entry, packet.frame);
    } else {
        for (const HeldPacket& packet : entry.given.give_up())
            actions_.to_bridge(entry.station.tap,
                               frames::refusal(entry.station.mac, packet.from_mac, packet.about));
    }
    if (entry.given.empty() && std::exchange(entry.grows, false))
        actions_.grown(entry.station.service);
}

bool SleepProxy::is_silent(service::Id service) const {
    const Entry* const entry = find(service);
    return entry != nullptr && entry->silent;
}

std::size_t SleepProxy::held() const {
    return totals_->held.packets;
}

std::optional<base::TimePoint> SleepProxy::deadline() const {
    std::optional<base::TimePoint> next;
    for (const Entry* entry : timed_) {
        if (!is_timed(*entry))
            continue;
        std::optional<base::TimePoint> at = entry->given.deadline();
        if (!entry->given.empty())
            at = at ? std::min(*at, entry->young_until) : entry->young_until;
        if (entry->state == GuestState::running && !entry->handed_over)
            at = at ? std::min(*at, entry->question_at) : entry->question_at;
        else if (!entry->held.empty())
            at = std::min(at.value_or(base::TimePoint::max()),
                          entry->held.packets().front().last_seen + Limits::hold_time);
        next = next ? std::min(*next, *at) : *at;
    }
    return next;
}

void SleepProxy::tick() {
    const auto now = clock_.now();
    for (Entry* entry : timed_) {
        entry->what.dropped += static_cast<std::uint32_t>(entry->held.expire(now));
        try_hand_over(*entry);
        tend_young(*entry);
    }
    // Of whom vmm has told nothing while somebody waited.
    std::vector<service::Id> lost;
    std::erase_if(timed_, [&lost](const Entry* entry) {
        if (is_timed(*entry))
            return false;
        if (entry->found_in)
            lost.push_back(entry->station.service);
        return true;
    });
    for (const service::Id service : lost)
        remove(service);
}

}  // namespace summond::wire
