// What a front is told of a service: a view of its status.
#pragma once

#include "summond/base/clock.hpp"
#include "summond/ipc/messages.hpp"
#include "summond/service/status.hpp"

namespace summond::ipc {

// now: when it is sent; what is in the message counts from there.
State state_of(const service::Status& status, base::TimePoint now);

}  // namespace summond::ipc
