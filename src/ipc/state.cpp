#include "summond/ipc/state.hpp"

#include <algorithm>
#include <chrono>

namespace summond::ipc {
namespace {

std::uint32_t in_ms(base::Duration d) {
    using std::chrono::milliseconds;
    return static_cast<std::uint32_t>(
        std::max(std::chrono::duration_cast<milliseconds>(d), milliseconds(0)).count());
}

}  // namespace

State state_of(const service::Status& status, base::TimePoint now) {
    using service::Phase;
    State state{};
    state.service = status.service;
    state.phase = status.phase;
    state.at_once = status.phase == Phase::asleep && status.at_once ? 1 : 0;
    if (status.phase == Phase::failed) {
        state.failure = status.failure;
        state.retry_after_ms = status.retry_at ? in_ms(*status.retry_at - now) : 0;
    }
    if (status.phase == Phase::building || status.phase == Phase::booting)
        state.woken_ms_ago = in_ms(now - status.woken_at);
    if (status.ipv4)
        std::ranges::copy(status.ipv4->bytes(), state.ipv4);
    return state;
}

}  // namespace summond::ipc
