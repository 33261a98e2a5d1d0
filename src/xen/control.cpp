// The only one to include libxenctrl's headers, which want GNU's C++.
#include "control.hpp"

extern "C" {
#include <xenctrl.h>
}

#include <algorithm>
#include <cerrno>

namespace summond::xen {

void Control::Close::operator()(xc_interface_core* interface) const {
    xc_interface_close(interface);
}

base::Result<void> Control::open() {
    interface_.reset(xc_interface_open(nullptr, nullptr, 0));
    if (!interface_)
        return base::system_error("cannot reach Xen", errno);
    return {};
}

base::Result<void> Control::unpause(vm::DomId domid) {
    if (xc_domain_unpause(interface_.get(), domid) != 0)
        return base::system_error("cannot unpause", errno);
    return {};
}

base::Result<void> Control::set_uuid(vm::DomId domid, const std::array<std::uint8_t, 16>& uuid) {
    xen_domain_handle_t handle;
    std::ranges::copy(uuid, handle);
    if (xc_domain_sethandle(interface_.get(), domid, handle) != 0)
        return base::system_error("cannot set a UUID", errno);
    return {};
}

}  // namespace summond::xen
