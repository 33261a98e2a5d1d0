#include "replicas.hpp"

#include <algorithm>
#include <limits>

namespace summond::vm {
namespace {

using Is = Replicas::Member::Is;
constexpr std::uint64_t scale = 1000;  // of Counted::rate
using std::chrono::duration_cast;
using std::chrono::milliseconds;

}  // namespace

// Half of what is new and half of what was before, so that no single burst wakes one.
void Replicas::measure(Group& group, const std::vector<Member>& members) const {
    const auto now = clock_.now();
    for (const Member& member : members) {
        if (member.is != Is::up) {
            group.counted.erase(member.id);
            continue;
        }
        const auto [it, is_new] = group.counted.try_emplace(member.id);
        Counted& counted = it->second;
        const auto took = duration_cast<milliseconds>(now - counted.at).count();
        // The meter may have begun anew.
        if (!is_new && member.packets >= counted.packets && took > 0) {
            const std::uint64_t rate =
                (member.packets - counted.packets) * 1'000'000 / static_cast<std::uint64_t>(took);
            counted.rate = counted.measured ? (counted.rate + rate) / 2 : rate;
            counted.measured = true;
        }
        counted.packets = member.packets;
        counted.at = now;
    }
}

Replicas::Verdict Replicas::look(const service::Replicas& of, const std::vector<Member>& members,
                                 std::optional<base::Duration> idle) {
    Group& group = groups_[of.of];
    measure(group, members);
    Verdict verdict;
    std::uint64_t up = 0;
    std::uint64_t rate = 0;
    for (const Member& member : members) {
        if (member.is != Is::up)
            continue;
        ++up;
        rate += group.counted.at(member.id).rate;
    }
    verdict.packets = rate / scale;
    const std::uint64_t mark = of.add_at * up * scale;
    const bool waking =
        std::ranges::any_of(members, [](const Member& each) { return each.is == Is::waking; });
    if (up > 0 && !waking && rate > mark) {
        const auto next = std::ranges::find(members, Is::asleep, &Member::is);
        if (next != members.end())
            verdict.wake = next->id;
    }

    const auto now = clock_.now();
    const auto is_candidate = [](const Member& each) { return each.is == Is::up && each.may_go; };
    const bool low = up > std::max<std::uint64_t>(of.min, 1) && idle && !waking && 2 * rate < mark;
    if (!low) {
        group.low_since.reset();
        group.spare = 0;
    } else {
        if (!group.low_since)
            group.low_since = now;
        // The same until it is gone: its clients have been sent elsewhere meanwhile.
        if (std::ranges::none_of(members, [&](const Member& each) {
                return each.id == group.spare && is_candidate(each);
            })) {
            const Member* least = nullptr;
            for (const Member& each : members)
                if (is_candidate(each) &&
                    (least == nullptr ||
                     group.counted.at(each.id).rate <= group.counted.at(least->id).rate))
                    least = &each;
            if (group.spare != 0)
                group.low_since = now;  // the next one has its time, too
            group.spare = least == nullptr ? 0 : least->id;
        }
        if (group.spare != 0 && now >= *group.low_since + *idle)
            verdict.put_away = group.spare;
    }
    constexpr std::uint64_t most = std::numeric_limits<std::uint32_t>::max();
    for (const auto& [id, counted] : group.counted) {
        const std::uint64_t packets = std::min((counted.rate + scale / 2) / scale, most);
        verdict.loads.push_back({id, static_cast<std::uint32_t>(packets), id == group.spare});
    }
    return verdict;
}

void Replicas::keep(const std::vector<service::Id>& services) {
    std::erase_if(groups_, [&](const auto& entry) {
        return std::ranges::find(services, entry.first) == services.end();
    });
}

}  // namespace summond::vm
