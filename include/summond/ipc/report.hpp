// How a service::Report travels.
#pragma once

#include <optional>

#include "summond/ipc/messages.hpp"
#include "summond/service/report.hpp"

namespace summond::ipc {

Report message_of(const service::Report& report);
// None: not as message_of makes it.
std::optional<service::Report> report_of(const Report& message);

}  // namespace summond::ipc
