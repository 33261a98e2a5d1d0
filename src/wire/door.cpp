#include "summond/wire/door.hpp"

#include <algorithm>
#include <utility>

#include "place.hpp"

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

struct Door::Totals {
    HeldTotal held;
};

Door::Door(const base::Clock& clock, Actions& actions)
    : clock_(clock), actions_(actions), totals_(std::make_unique<Totals>()) {}

Door::~Door() = default;

Door::Place* Door::find(service::Id service) const {
    const auto it = places_.find(service);
    return it == places_.end() ? nullptr : it->second.get();
}

void Door::forget_keys(const Place& place) {
    std::erase_if(by_address_, [&place](const auto& entry) { return entry.second == &place; });
    std::erase_if(by_mac_, [&place](const auto& entry) { return entry.second == &place; });
}

bool Door::is_timed(const Place& place) {
    return !place.held.empty() || !place.given.empty() ||
           (place.standing == Standing::running && !place.handed_over);
}

void Door::put(const Tenant& tenant) {
    Place* place = find(tenant.service);
    if (place == nullptr) {
        places_[tenant.service] = std::make_unique<Place>(tenant, totals_->held);
        place = find(tenant.service);
    } else {
        if (std::exchange(place->told, true))
            forget_keys(*place);  // else they are gone already
        place->tenant = tenant;
    }
    by_mac_[{tenant.tap, tenant.mac}] = place;
    for (const base::IpAddress& address : tenant.addresses)
        by_address_[{tenant.tap, address}] = place;
}

void Door::remove(service::Id service) {
    if (Place* place = find(service)) {
        forget_keys(*place);
        timed_.erase(place);
        places_.erase(service);
    }
}

void Door::begin_anew() {
    for (const auto& [service, place] : places_)
        place->told = place->attached = false;
    by_address_.clear();
    by_mac_.clear();
}

void Door::end_anew() {
    std::vector<service::Id> gone;
    for (const auto& [service, place] : places_)
        if (!place->told)
            gone.push_back(service);
    for (const service::Id service : gone)
        remove(service);
}

void Door::stand(service::Id service, Standing standing) {
    Place* place = find(service);
    if (place == nullptr)
        return;
    const bool was_away = place->known && place->is_away();
    const Standing before = std::exchange(place->standing, standing);
    const bool was_up = before == Standing::starting || before == Standing::running;
    place->known = true;
    if (standing == Standing::running) {
        if (before != Standing::running) {
            place->running_since = place->question_at = clock_.now();
            place->young_until = place->running_since + place->tenant.youth;
        }
        timed_.insert(place);
        // Its stack was up before it was paused.
        if (before == Standing::kept || before == Standing::waiting || place->handed_over)
            give_held(*place);
        else
            try_hand_over(*place);
        return;
    }
    place->handed_over = false;
    place->given.clear();
    place->grows = false;
    place->started = standing == Standing::starting;
    if (standing != Standing::starting || before != Standing::starting) {
        place->fresh = standing == Standing::starting && was_away;
        place->remembers = standing == Standing::starting && before == Standing::kept;
    }
    if (!place->is_up() || before == Standing::running)
        place->claimed.clear();  // another guest, or none
    if (standing == Standing::refused) {
        place->what.dropped += static_cast<std::uint32_t>(place->held.packets().size());
        place->held.clear();
        place->may_wake_at = clock_.now() + refused_interval;
    } else if (standing != before) {
        place->may_wake_at.reset();
    }
    if (standing == Standing::away || standing == Standing::waiting) {
        place->flows.fill({});
        if (was_up || before == Standing::kept)
            report_groups(place->tenant.tap);
    }
    // Somebody waits, and whoever was to wake it, or the guest that was to take it, is gone.
    const auto waits = std::ranges::find_if(place->held.packets(), [place](const auto& packet) {
        return packet.about.kind != frames::IpPacket::Kind::later_fragment &&
               place->wakes(packet.about);
    });
    if (!place->is_up() && waits != place->held.packets().end())
        wake(*place, waits->about);
}

void Door::attach(service::Id service) {
    if (Place* place = find(service))
        place->attached = true;
}

void Door::detach(service::Id service) {
    if (Place* place = find(service))
        place->attached = false;
}

void Door::from_bridge(unsigned tap, std::span<const std::uint8_t> frame) {
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
}

void Door::answer(unsigned tap, std::span<const std::uint8_t> frame, const frames::Packet& packet,
                  const service::Mac& asker_mac, const base::IpAddress& asker,
                  const base::IpAddress& target) {
    const auto it = by_address_.find({tap, target});
    if (it == by_address_.end() || it->second->silent_for(target))
        return;
    const Tenant& tenant = it->second->tenant;
    const bool for_it = (packet.to[0] & 1) != 0 || packet.to == tenant.mac;
    // A guest that tests its own addresses, or announces them, is not told that they are taken.
    if (!for_it || asker_mac == tenant.mac || packet.from == tenant.mac)
        return;
    actions_.to_bridge(tap, frames::answer(tenant.mac, target, asker_mac, asker));
    it->second->remember_question(asker, frame, clock_.now());
}

// So that bridges and switches that look at who listens deliver solicitations (RFC 4541 §3).
void Door::report_groups(unsigned tap) const {
    for (const auto& [service, place] : places_) {
        if (place->tenant.tap != tap || place->is_up())
            continue;
        std::vector<base::IpAddress> groups;
        for (const base::IpAddress& address : place->tenant.addresses)
            if (address.is_v6() && groups.size() < groups_in_report)
                groups.push_back(frames::solicited_node_group(address));
        if (!groups.empty())
            actions_.to_bridge(tap, frames::listener_report(place->tenant.mac, groups));
    }
}

// A frame to the service's own MAC.
void Door::receive(Place& place, std::span<const std::uint8_t> frame,
                   const frames::Packet& packet) {
    const auto* ip = std::get_if<frames::IpPacket>(&packet.what);
    if (place.handed_over) {
        // Was on its way here when the bridge was told to go there. A SYN that the guest has just
        // been given is not given twice.
        if (ip == nullptr || !place.given.has(*ip))
            pass(place, frame);
        return;
    }
    if (ip != nullptr && place.is_nobodys(*ip)) {
        actions_.to_bridge(place.tenant.tap, frames::refusal(place.tenant.mac, packet.from, *ip));
        return;
    }
    const bool opens = ip != nullptr && place.opens(*ip);
    if (place.is_up()) {
        const auto* question = std::get_if<frames::Solicitation>(&packet.what);
        const auto* arp = std::get_if<frames::Arp>(&packet.what);
        const bool answered = (question != nullptr && !place.silent_for(question->target)) ||
                              (arp != nullptr && arp->request && !place.silent_for(arp->target));
        if (opens)
            hold(place, frame, packet, *ip);
        else if (!answered)
            pass(place, frame);
        return;
    }
    if (!opens || !place.wakes(*ip))
        return;
    hold(place, frame, packet, *ip);
    wake(place, *ip);
}

void Door::hold(Place& place, std::span<const std::uint8_t> frame, const frames::Packet& packet,
                const frames::IpPacket& ip) {
    if (place.given.has(ip)) {
        ++place.what.repeats;
        return;
    }
    switch (place.held.keep(frame, packet, ip, clock_.now())) {
        case Held::Kept::kept:
            timed_.insert(&place);
            break;
        case Held::Kept::already:
            ++place.what.repeats;
            break;
        case Held::Kept::full:
            ++place.what.dropped;
            break;
    }
}

void Door::wake(Place& place, const frames::IpPacket& ip) {
    const auto now = clock_.now();
    if (place.may_wake_at && now < *place.may_wake_at)
        return;
    place.may_wake_at = now + wake_interval;
    actions_.wake(place.tenant.service, ip);
}

void Door::pass(Place& place, std::span<const std::uint8_t> frame) {
    if (place.attached)
        actions_.to_guest(place.tenant.service, frame);
}

void Door::from_guest(service::Id service, std::span<const std::uint8_t> frame) {
    Place* place = find(service);
    const auto packet = frames::parse(frame);
    if (place == nullptr || !packet || !place->is_up())
        return;
    const auto* ip = std::get_if<frames::IpPacket>(&packet->what);
    if (ip != nullptr && ip->kind == frames::IpPacket::Kind::tcp)
        from_guest(*place, *packet, *ip);
    if (place->handed_over)
        return;
    const auto claim = [place](const base::IpAddress& address) {
        if (place->has(address) && !place->has_claimed(address))
            place->claimed.push_back(address);
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
            place->expect({ip->kind, ip->to, ip->to_port, ip->from_port});
    }
    try_hand_over(*place);
}

// A segment of the guest's. The bridge passes it on, unless it is a reset of one that has just
// started.
void Door::from_guest(Place& place, const frames::Packet& packet, const frames::IpPacket& ip) {
    const bool refused = place.given.refuses(ip, clock_.now());
    if (ip.resets && !refused && place.started && packet.from == place.tenant.mac)
        actions_.to_bridge(place.tenant.tap, frames::repeated_reset(packet.from, packet.to, ip));
    tend_young(place);
}

// A guest can be ready by its own word before its IP stack takes packets. It is asked for the
// addresses that packets wait for, as their senders would ask, until it answers.
void Door::try_hand_over(Place& place) {
    if (place.standing != Standing::running || place.handed_over)
        return;
    const auto now = clock_.now();
    const auto waits = std::ranges::find_if(place.held.packets(), [&place](const auto& packet) {
        return place.has(packet.about.to) && !place.has_claimed(packet.about.to);
    });
    if (waits == place.held.packets().end() || !place.attached ||
        now >= place.running_since + longest_question) {
        give_held(place);
        return;
    }
    if (now < place.question_at)
        return;
    place.question_at = now + question_interval;
    if (!waits->about.from.is_unspecified())
        actions_.to_guest(place.tenant.service,
                          frames::question(waits->from_mac, waits->about.from, place.tenant.mac,
                                           waits->about.to));
}

// In order; of a guest that has just booted, a SYN when the one before is answered.
void Door::give_held(Place& place) {
    const auto now = clock_.now();
    place.what.dropped += static_cast<std::uint32_t>(place.held.expire(now));
    while (!place.held.empty()) {
        const bool paced = place.fresh && place.attached &&
                           place.held.packets().front().about.opens &&
                           now < place.running_since + longest_hand_over;
        if (const auto pause = place.given.pause(); paced && pause && now < *pause) {
            place.question_at = std::min(*pause, place.running_since + longest_hand_over);
            return;
        }
        const HeldPacket packet = place.held.take();
        if (place.what.packets++ == 0) {
            place.what.first = packet.about;
            place.what.first_waited = now - packet.came;
        }
        // It would have heard it, and known its client's MAC by it.
        if (const frames::Frame asked = place.take_question(packet.about.from, now); !asked.empty())
            pass(place, asked);
        pass(place, packet.frame);
        if (place.fresh && place.attached && packet.about.opens && place.wakes(packet.about))
            place.given.add(packet, now);
    }
    hand_over(place);
}

void Door::hand_over(Place& place) {
    place.questions.fill({});
    place.handed_over = true;
    place.what.young = place.grows = !place.given.empty();
    actions_.handed_over(place.tenant.service, std::exchange(place.what, {}));
}

// What the guest has refused is given to it again, until it is not young any more.
void Door::tend_young(Place& place) {
    const auto now = clock_.now();
    place.given.expire(now);
    if (now < place.young_until) {
        for (const HeldPacket& packet : place.given.due(now))
            pass(place, packet.frame);
    } else {
        for (const HeldPacket& packet : place.given.give_up())
            actions_.to_bridge(place.tenant.tap,
                               frames::refusal(place.tenant.mac, packet.from_mac, packet.about));
    }
    if (place.given.empty() && std::exchange(place.grows, false))
        actions_.grown(place.tenant.service);
}

std::optional<base::TimePoint> Door::deadline() const {
    std::optional<base::TimePoint> next;
    for (const Place* place : timed_) {
        if (!is_timed(*place))
            continue;
        std::optional<base::TimePoint> at = place->given.deadline();
        if (!place->given.empty())
            at = at ? std::min(*at, place->young_until) : place->young_until;
        if (place->standing == Standing::running && !place->handed_over)
            at = at ? std::min(*at, place->question_at) : place->question_at;
        else if (!place->held.empty())
            at = place->held.packets().front().last_seen + Limits::hold_time;
        next = next ? std::min(*next, *at) : *at;
    }
    return next;
}

void Door::tick() {
    const auto now = clock_.now();
    for (Place* place : timed_) {
        place->what.dropped += static_cast<std::uint32_t>(place->held.expire(now));
        try_hand_over(*place);
        tend_young(*place);
    }
    std::erase_if(timed_, [](const Place* place) { return !is_timed(*place); });
}

}  // namespace summond::wire
