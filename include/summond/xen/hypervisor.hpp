// vm::Hypervisor over libxl (Xen 4.17) and xenstore. The only module that includes libxl.
//
// Runs on one thread: io's. libxl's descriptors and timers are driven by io; every operation that
// waits is asynchronous. libxl owns SIGCHLD and all children of the process.
#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>

#include "summond/base/result.hpp"
#include "summond/vm/hypervisor.hpp"

namespace summond::xen {

// Error: not a dom0, or its xenstored does not answer. io outlives it.
base::Result<std::unique_ptr<vm::Hypervisor>> connect(boost::asio::io_context& io);

}  // namespace summond::xen
