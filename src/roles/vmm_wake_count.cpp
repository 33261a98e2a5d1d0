#include "vmm_wake_count.hpp"

#include <utility>

namespace summond::roles {

static_assert(std::size(metrics::wake_hows) == static_cast<std::size_t>(vm::WakeHow::last) + 1);

void WakeCount::told(const vm::WakeRecord& record) {
    using metrics::WakePhase;
    Counted& counted = counted_[record.service];
    const bool is_new = counted.number != record.number;
    if (is_new)
        counted = {record.number};
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
    if (record.handed_over && !std::exchange(counted.handed_over, true)) {
        phase(WakePhase::handed_over, record.handed_over);
        count_.handed_over(record.packets);
    }
    if (record.first_byte && !std::exchange(counted.first_byte, true))
        phase(WakePhase::first_byte, record.first_byte);
}

}  // namespace summond::roles
