// Between ipc::WakeReport and what vmm and control work with.
#pragma once

#include <optional>

#include "summond/ipc/messages.hpp"
#include "summond/vm/wake_record.hpp"

namespace summond::roles {

ipc::WakeReport wake_message(const vm::WakeRecord& record);
// Without the service's name. None: not as wake_message makes it.
std::optional<vm::WakeRecord> wake_record_of(const ipc::WakeReport& message);

}  // namespace summond::roles
