// A TCP socket of the control interface, for reading only: bound by the parent and kept by it over
// the deaths of control, over reloads and, by the service manager, over restarts.
#pragma once

#include <memory>

#include "summond/base/ip_address.hpp"
#include "summond/base/result.hpp"
#include "summond/base/unique_fd.hpp"

namespace summond::roles {

struct ControlListener {
    base::Endpoint endpoint;
    std::shared_ptr<const base::UniqueFd> socket;
};

// An address that no interface has yet is bound nevertheless, with a warning. The error says what
// would be right.
base::Result<ControlListener> listen_for_readers(const base::Endpoint& endpoint);

}  // namespace summond::roles
