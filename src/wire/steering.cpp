#include "summond/wire/steering.hpp"

#include <algorithm>
#include <utility>

#include "summond/base/log.hpp"

namespace summond::wire {

Steering::Steering(const base::Clock& clock, Ways& ways) : clock_(clock), ways_(ways) {}

Steering::~Steering() {
    for (auto& [id, post] : posts_)
        let_reset(post);
}

const Steered* Steering::find(service::Id service) const {
    const auto it = posts_.find(service);
    return it == posts_.end() ? nullptr : &it->second.service;
}

void Steering::configure(const std::vector<Steered>& services,
                         const std::map<service::Id, Guest>& guests) {
    std::set<service::Id> wanted;
    for (const Steered& service : services) {
        const service::Id id = service.station.service;
        wanted.insert(id);
        put(service, guests.at(id));
    }
    for (auto it = posts_.begin(); it != posts_.end();) {
        auto& [id, post] = *it;
        if (wanted.contains(id)) {
            ++it;
            continue;
        }
        leave(post);
        unsent_.insert(id);
        it = posts_.erase(it);
    }
    flush();
}

void Steering::put(const Steered& service, const Guest& guest) {
    const service::Id id = service.station.service;
    Post& post = posts_.try_emplace(id, Post{service}).first->second;
    if (post.service != service) {
        leave(post);
        post = Post{service};
    }
    post.guest = guest;
    unsent_.insert(id);
}

void Steering::add(const Steered& service, const Guest& guest) {
    put(service, guest);
    flush();
}

void Steering::remove(service::Id service) {
    const auto it = posts_.find(service);
    if (it == posts_.end())
        return;
    leave(it->second);
    posts_.erase(it);
    waits_for_port_.erase(service);
    again(service);
}

void Steering::leave(Post& post) {
    if (post.goes_to)
        ways_.forget(post.service.station.mac, *post.goes_to);
    let_reset(post);
}

void Steering::changed(service::Id service, const Guest& guest) {
    const auto it = posts_.find(service);
    if (it == posts_.end())
        return;
    it->second.guest = guest;
    again(service);
}

void Steering::again(service::Id service) {
    unsent_.insert(service);
    flush();
}

void Steering::refused(service::Id service) {
    const auto it = posts_.find(service);
    if (it == posts_.end())
        return;
    it->second.state.reset();
    again(service);
}

// -- What wire says

// Null: that epoch is over.
Steering::Post* Steering::running(service::Id service, std::uint32_t epoch) {
    const auto it = posts_.find(service);
    return it != posts_.end() && it->second.state == GuestState::running &&
                   it->second.epoch == epoch
               ? &it->second
               : nullptr;
}

bool Steering::handed_over(service::Id service, std::uint32_t epoch, bool young) {
    Post* const post = running(service, epoch);
    if (post == nullptr)
        return false;
    if (post->hand_over_by)
        take_over(*post);
    if (!young)
        let_reset(*post);
    return true;
}

void Steering::grown(service::Id service, std::uint32_t epoch) {
    if (Post* const post = running(service, epoch))
        let_reset(*post);
}

// From now on the bridge passes on the guest's resets itself.
void Steering::let_reset(Post& post) {
    post.young_until.reset();
    if (const auto interface = std::exchange(post.young, std::nullopt))
        ways_.hold_resets(*interface, false);
}

// The bridge sends to the guest what it has sent to the tap until now. What is in the tap's queue
// at this moment wire passes on, after the packets that it has held: nothing is lost, and nothing
// delivered twice.
void Steering::take_over(Post& post) {
    post.hand_over_by.reset();
    if (post.attached)
        send_to(post, post.interface, false);
}

// -- What wire and the kernel are told

void Steering::writable() {
    blocked_ = false;
    flush();
}

void Steering::flush() {
    while (!unsent_.empty() && !blocked_) {
        const service::Id service = *unsent_.begin();
        const auto it = posts_.find(service);
        blocked_ = it == posts_.end() ? !ways_.remove(service) : !sync(it->second);
        if (!blocked_)
            unsent_.erase(service);
    }
    if (!told_all_ && !blocked_)
        blocked_ = !(told_all_ = ways_.told_all());
}

// Brings wire and the kernel up to date with the service. False: wire does not take messages; what
// has been done is not done again.
bool Steering::sync(Post& post) {
    const service::Id id = post.service.station.service;
    const auto bridge = ways_.bridge(post.service.bridge);
    if (bridge.done != Ways::Done::yes)
        return bridge.done == Ways::Done::no;
    if (!post.told) {
        Station station = post.service.station;
        station.tap = bridge.tap;
        if (!ways_.put(station))
            return false;
        post.told = true;
    }

    GuestState state = post.guest.state;
    const bool up = state == GuestState::starting || state == GuestState::running;
    // Of a copy that waits, too, now: not while a client waits for it.
    if (!post.guest.domain)
        post.attached.reset();
    else if (post.attached != post.guest.domain && !attach(post, *post.guest.domain))
        return false;
    // Handed over before its port passes anything, a packet's answer would be lost. Of a copy that
    // waits it is asked beforehand.
    if (post.state != GuestState::running && post.attached && !post.passes &&
        (state == GuestState::waiting || state == GuestState::running)) {
        post.passes = ways_.forwards(post.interface);
        if (!post.passes && state == GuestState::running) {
            state = GuestState::starting;
            waits_for_port_.insert(id);
            look_at_ports_ = clock_.now() + forwarding_interval;
        }
    }
    // A guest whose stack is up needs nobody to hand over to it: what comes from now on is for it,
    // and beside that wire gives it what it holds.
    const bool stack_is_up = post.state == GuestState::waiting || post.state == GuestState::kept;
    const bool has_booted =
        state == GuestState::running && post.state != GuestState::running && !stack_is_up;
    if ((state == GuestState::starting || has_booted) && post.attached && !post.young) {
        // A refusal of a guest that has just booted may be no more than too early.
        if (ways_.hold_resets(post.interface, true))
            post.young = post.interface;
    } else if (!up) {
        let_reset(post);
    }
    // Before wire knows, so that it finds what comes from now on.
    if (state != GuestState::running)
        send_to(post, bridge.port, true);
    if (post.state == state)
        return true;
    if (state == GuestState::running && stack_is_up)
        take_over(post);
    if (!ways_.set_state(id, state, post.epoch + 1))
        return false;
    post.state = state;
    ++post.epoch;
    post.hand_over_by.reset();
    if (has_booted) {
        const auto now = clock_.now();
        post.hand_over_by = now + longest_hand_over;
        post.young_until = now + post.service.station.youth + grown_grace;
    }
    return true;
}

bool Steering::attach(Post& post, std::uint32_t domain) {
    post.attached.reset();
    const auto interface = ways_.interface_of(domain);
    if (!interface)
        return true;  // somebody has taken it away
    const auto done = ways_.attach(post.service.station.service, *interface);
    if (done == Ways::Done::yes) {
        post.attached = domain;
        post.interface = *interface;
        post.passes = false;
    }
    return done != Ways::Done::later;
}

void Steering::send_to(Post& post, int port, bool pinned) {
    if (post.goes_to != port && ways_.send_to(post.service, port, pinned))
        post.goes_to = port;
}

// -- Time

std::optional<base::TimePoint> Steering::deadline() const {
    auto next = look_at_ports_;
    for (const auto& [id, post] : posts_)
        for (const auto& due : {post.hand_over_by, post.young_until})
            if (due && (!next || *due < *next))
                next = due;
    return next;
}

void Steering::tick() {
    const auto now = clock_.now();
    for (auto& [id, post] : posts_) {
        if (post.hand_over_by && now >= *post.hand_over_by) {
            spdlog::error("wire does not hand over to {}: left out", post.service.name);
            take_over(post);
        }
        if (post.young_until && now >= *post.young_until)
            let_reset(post);
    }
    if (look_at_ports_ && now >= *look_at_ports_) {
        look_at_ports_.reset();
        for (const service::Id service : std::exchange(waits_for_port_, {}))
            again(service);
    }
}

}  // namespace summond::wire
