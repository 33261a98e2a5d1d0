// Services with several domains: the Manager's part.

#include <algorithm>

#include "lifecycle.hpp"
#include "replicas.hpp"
#include "summond/base/log.hpp"
#include "summond/vm/manager.hpp"

namespace summond::vm {
namespace {

using Is = Replicas::Member::Is;

Is standing_of(const Lifecycle& lifecycle) {
    if (lifecycle.in<Lifecycle::Ready>())
        return Is::up;
    if (lifecycle.waking())
        return Is::waking;
    return lifecycle.phase() == service::Phase::asleep && !lifecycle.leaving() ? Is::asleep
                                                                               : Is::out;
}

}  // namespace

void Manager::configure_replicas(const std::vector<service::Instance>& services) {
    replicated_.clear();
    for (const service::Instance& service : services)
        if (service->replicas)
            replicated_[service->replicas->of].push_back(service.id());
    std::vector<service::Id> first;
    for (const auto& [of, members] : replicated_)
        first.push_back(of);
    replicas_->keep(first);
}

// After the traffic has been read, and not from within: it wakes.
void Manager::look_at_replicas() {
    for (const auto& [of, ids] : replicated_) {
        std::vector<Replicas::Member> members;
        for (const service::Id id : ids) {
            const Lifecycle& lifecycle = *find(id);
            members.push_back({.id = id,
                               .packets = lifecycle.packets(),
                               .is = standing_of(lifecycle),
                               .may_go = lifecycle.may_go()});
        }
        const service::Instance& first = find(ids.front())->service();
        const auto verdict = replicas_->look(*first->replicas, members, first->idle_after);
        if (told_load_)
            for (const Load& load : verdict.loads)
                told_load_(load);
        if (verdict.wake && wake(*verdict.wake, service::WakeReason::load) == Woken::begun)
            spdlog::info("waking {}: {} packets/s to {} of {}", name(*verdict.wake),
                         verdict.packets, verdict.loads.size(), first.name());
        if (verdict.put_away)
            find(*verdict.put_away)->put_away_spare();
    }
}

}  // namespace summond::vm
