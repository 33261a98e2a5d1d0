#include "summond/wire/guest_state.hpp"

namespace summond::wire {

Guest guest_of(const service::Status& status) {
    switch (status.phase) {
        case service::Phase::building:
        case service::Phase::booting:
            return {GuestState::starting, status.domid};
        case service::Phase::ready:
            return {GuestState::running, status.domid};
        case service::Phase::failed:
            return {GuestState::refused};
        case service::Phase::asleep:
            break;
    }
    if (status.remembers)
        return {GuestState::kept};
    if (status.standby)
        return {GuestState::waiting, status.standby};
    return {};
}

}  // namespace summond::wire
