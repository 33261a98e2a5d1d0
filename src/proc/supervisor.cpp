#include "summond/proc/supervisor.hpp"

#include <algorithm>
#include <utility>

#include "summond/base/log.hpp"

namespace summond::proc {

Supervisor::Supervisor(std::span<const Role> roles, std::span<const Peers> peers,
                       const base::Clock& clock, Children& children)
    : table_(roles), peers_(peers), clock_(clock), do_(children), roles_(roles.size()) {}

Supervisor::Child* Supervisor::find(ChildId child) {
    const auto it = std::ranges::find(children_, child, &Child::id);
    return it == children_.end() ? nullptr : &*it;
}

std::optional<ChildId> Supervisor::serving(RoleIndex role) const {
    const auto found = children(role, Place::serving);
    return found.empty() ? std::nullopt : std::optional(found.front());
}

std::vector<ChildId> Supervisor::children(RoleIndex role, Place place) const {
    std::vector<ChildId> found;
    for (const Child& child : children_)
        if (child.role == role && child.place == place)
            found.push_back(child.id);
    return found;
}

// -- Start

void Supervisor::start() {
    launch_wanted();
    check_ready();
}

bool Supervisor::run_once(RoleIndex role) {
    return launch(role, Place::serving);
}

void Supervisor::launch_wanted() {
    for (RoleIndex role = 0; role < table_.size(); ++role) {
        const RoleState& state = roles_[role];
        if (phase_ == Phase::stopping)
            return;  // a needed one could not be started
        if (state.wanted && !is_served(role) && !state.restart_at && !launch(role, Place::serving))
            lost(role, clock_.now());
    }
}

bool Supervisor::launch(RoleIndex role, Place place) {
    const Role& row = table_[role];
    const ChildId id = ++last_id_;
    // What is not in a hurry is not to be in the way of who answers queries.
    const bool hurry = phase_ != Phase::running || (place == Place::serving && !row.once);
    if (!do_.start(id, role, place, hurry ? Priority::normal : Priority::background))
        return false;
    children_.push_back({id, role, place, clock_.now()});
    if (row.ready_within.count() > 0 && (row.needed || phase_ == Phase::starting))
        limit(children_.back(), row.ready_within, "did not become ready");
    connect(id);
    return true;
}

// With each child of each role that it is a peer of.
void Supervisor::connect(ChildId id) {
    const RoleIndex role = find(id)->role;
    for (const auto& [a, b] : peers_) {
        if (role != a && role != b)
            continue;
        const RoleIndex other = role == a ? b : a;
        for (const Child& peer : std::vector(children_)) {
            if (peer.role != other || peer.killed)
                continue;
            const auto taken = do_.connect(id, peer.id);
            if (!taken.a)
                takes_no_messages(id);
            // One that drains may be about to end, and has its limit for that.
            if (!taken.b && peer.place != Place::draining)
                takes_no_messages(peer.id);
        }
    }
}

bool Supervisor::ready(ChildId id) {
    Child* const child = find(id);
    if (child == nullptr || std::exchange(child->ready, true))
        return false;
    if (!child->told_to_end)
        child->limit.reset();
    spdlog::info("{} is ready", do_.name(id));
    if (phase_ == Phase::starting) {
        check_ready();
    } else if (phase_ == Phase::running && child->place == Place::next &&
               std::ranges::none_of(children_, [](const Child& each) {
                   return each.place == Place::next && !each.ready;
               })) {
        do_.replacement_ready();
    }
    return true;
}

void Supervisor::check_ready() {
    if (phase_ != Phase::starting)
        return;
    for (RoleIndex role = 0; role < table_.size(); ++role) {
        if (!roles_[role].wanted)
            continue;
        const auto id = serving(role);
        if (id ? !find(*id)->ready : table_[role].needed)
            return;
    }
    phase_ = Phase::running;
    launch_wanted();  // what has ended before
    do_.all_ready();
}

// -- Reload

void Supervisor::replace() {
    launch_wanted();
    for (RoleIndex role = 0; role < table_.size(); ++role) {
        if (!roles_[role].wanted || table_[role].drained_within.count() == 0)
            continue;
        if (!launch(role, Place::next))
            return replacement_failed("the new " + std::string(table_[role].name) +
                                      " cannot be started");
    }
}

void Supervisor::replacement_failed(const std::string& why) {
    for (Child& child : children_) {
        if (child.place != Place::next)
            continue;
        child.place = Place::draining;
        child.told_to_end = true;
        kill(child.id);
    }
    do_.replacement_failed(why);
}

void Supervisor::take_over() {
    std::vector<ChildId> replaced;
    for (Child& child : children_) {
        const auto has_next = [&](const Child& each) {
            return each.role == child.role && each.place == Place::next;
        };
        if (child.place == Place::serving && std::ranges::any_of(children_, has_next)) {
            child.place = Place::draining;
            replaced.push_back(child.id);
        }
    }
    for (Child& child : children_) {
        if (child.place != Place::next)
            continue;
        child.place = Place::serving;
        roles_[child.role].restart_at.reset();  // had the one before just died
        roles_[child.role].backoff = {};
    }
    taking_over_ = true;
    for (const ChildId child : replaced)
        drain(child);
    check_replaced();
}

bool Supervisor::quiet(ChildId id) {
    Child* const child = find(id);
    if (child == nullptr || std::exchange(child->quiet, true))
        return false;
    check_replaced();
    return true;
}

void Supervisor::check_replaced() {
    if (!taking_over_ || phase_ == Phase::stopping ||
        std::ranges::any_of(children_, [](const Child& each) {
            return each.place == Place::draining && !each.quiet;
        }))
        return;
    taking_over_ = false;
    do_.replaced();
}

void Supervisor::give_up_replacement() {
    std::vector<ChildId> given_up;
    for (Child& child : children_) {
        if (child.place == Place::next) {
            child.place = Place::draining;
            given_up.push_back(child.id);
        }
    }
    for (const ChildId child : given_up)
        drain(child);
}

void Supervisor::drain(ChildId id) {
    Child& child = *find(id);
    child.told_to_end = true;
    limit(child, table_[child.role].drained_within, "did not end");
    if (!do_.drain(id))
        kill(id);
}

// -- Death

void Supervisor::ended(ChildId id, Exit exit) {
    const auto it = std::ranges::find(children_, id, &Child::id);
    if (it == children_.end())
        return;
    const std::string name = do_.name(id);
    const Child child = *it;
    children_.erase(it);

    if (phase_ == Phase::stopping) {
        if (!exit.success() && !child.killed && !table_[child.role].once)
            spdlog::error("{} ended with {}", name, exit.to_string());
        if (children_.empty())
            do_.all_ended();
        return;
    }
    if (table_[child.role].once)
        return do_.finished(child.role, exit);
    switch (child.place) {
        case Place::draining:
            if (!exit.success() && !child.killed)
                spdlog::warn("{} ended with {} while draining", name, exit.to_string());
            check_replaced();
            break;
        case Place::next:
            replacement_failed("the new " + name + " ended with " + exit.to_string() +
                               " before it was ready");
            break;
        case Place::serving:
            spdlog::error("{} ended with {}", name, exit.to_string());
            lost(child.role, child.started);
            break;
    }
}

void Supervisor::lost(RoleIndex role, base::TimePoint started) {
    if (phase_ == Phase::starting)
        return table_[role].needed ? do_.start_failed() : check_ready();
    const auto delay = roles_[role].backoff.ended(started, clock_.now());
    if (delay.count() > 0)
        spdlog::info("starting it again in {} ms", delay.count());
    roles_[role].restart_at = clock_.now() + delay;
}

void Supervisor::channel_closed(ChildId id) {
    Child* const child = find(id);
    if (child != nullptr && !child->told_to_end)
        limit(*child, orphan_limit, "closed its control channel and did not end");
}

void Supervisor::takes_no_messages(ChildId id) {
    spdlog::error("{} does not take messages: killed", do_.name(id));
    kill(id);
}

void Supervisor::limit(Child& child, std::chrono::seconds length, const char* why) {
    child.limit = {clock_.now() + length, length, why};
}

void Supervisor::kill(ChildId id) {
    find(id)->killed = true;
    do_.kill(id);
}

// -- End

void Supervisor::stop() {
    if (phase_ == Phase::stopping) {
        spdlog::warn("told to stop again: killing what has not ended");
        for (Child& child : children_)
            kill(child.id);
        return;
    }
    phase_ = Phase::stopping;
    for (RoleState& role : roles_)
        role.restart_at.reset();
    std::ranges::stable_sort(children_, std::ranges::greater(), &Child::role);
    for (Child& child : children_) {
        const auto within = table_[child.role].ended_within;
        child.told_to_end = true;
        if (within.count() == 0 || child.place == Place::next) {
            kill(child.id);
            continue;
        }
        limit(child, within, "did not end");
        if (!do_.end(child.id))
            kill(child.id);
    }
    if (children_.empty())
        do_.all_ended();
}

// -- Time

std::optional<base::TimePoint> Supervisor::deadline() const {
    std::optional<base::TimePoint> next;
    const auto add = [&](base::TimePoint at) { next = next ? std::min(*next, at) : at; };
    for (const Child& child : children_)
        if (child.limit)
            add(child.limit->at);
    for (const RoleState& role : roles_)
        if (role.restart_at)
            add(*role.restart_at);
    return next;
}

void Supervisor::tick() {
    const auto now = clock_.now();
    for (Child& child : children_) {
        if (!child.limit || now < child.limit->at)
            continue;
        const auto limit = *std::exchange(child.limit, std::nullopt);
        spdlog::error("{} {} within {} s: killed", do_.name(child.id), limit.why,
                      limit.length.count());
        kill(child.id);
    }
    for (RoleIndex role = 0; role < table_.size(); ++role) {
        RoleState& state = roles_[role];
        if (!state.restart_at || now < *state.restart_at)
            continue;
        state.restart_at.reset();
        if (phase_ == Phase::running && state.wanted && !is_served(role) &&
            !launch(role, Place::serving))
            lost(role, now);
    }
}

}  // namespace summond::proc
