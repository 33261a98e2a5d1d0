#include "summond/wire/standing.hpp"

namespace summond::wire {

Guest guest_of(const service::Status& status) {
    switch (status.phase) {
        case service::Phase::building:
        case service::Phase::booting:
            return {Standing::starting, status.domid};
        case service::Phase::ready:
            return {Standing::running, status.domid};
        case service::Phase::failed:
            return {Standing::refused};
        case service::Phase::asleep:
            break;
    }
    if (status.remembers)
        return {Standing::kept};
    if (status.standby)
        return {Standing::waiting, status.standby};
    return {};
}

}  // namespace summond::wire
