#include "vmm_wake_count.hpp"

#include <utility>

namespace summond::roles {

static_assert(std::size(metrics::wake_hows) == static_cast<std::size_t>(vm::WakeHow::last) + 1);

void WakeCount::told(const vm::WakeRecord& record) {
    using metrics::WakePhase;
    const bool is_new = std::exchange(counted_[record.service], record.number) != record.number;
    if (is_new && record.failed)
        count_.failed(record.service, record.why, record.failure);
    else if (is_new)
        count_.done(record.service, record.why);
    if (!record.how)
        return;
    const auto phase = [&](WakePhase phase, const std::optional<base::Duration>& after) {
        if (after)
            count_.phase(static_cast<std::size_t>(*record.how), phase, *after);
    };
    if (is_new) {
        phase(WakePhase::admitted, record.admitted);
        phase(WakePhase::built, record.built);
        phase(WakePhase::unpaused, record.unpaused);
        phase(WakePhase::answerable, record.answerable);
        phase(WakePhase::ready, record.ready);
    }
    phase(WakePhase::handed_over, record.handed_over);
    if (record.handed_over)
        count_.handed_over(record.packets);
}

}  // namespace summond::roles
