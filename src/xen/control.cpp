// The only one to include libxenctrl's headers, which want GNU's C++.
#include "control.hpp"

#define XC_WANT_COMPAT_MAP_FOREIGN_API

extern "C" {
#include <xen/io/console.h>
#include <xenctrl.h>
}

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "console.hpp"

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

std::string Control::last_console_line(vm::DomId domid, unsigned long frame) {
    void* const page =
        xc_map_foreign_range(interface_.get(), domid, XC_PAGE_SIZE, PROT_READ, frame);
    if (page == nullptr)
        return {};
    xencons_interface ring;  // the guest may be writing to it
    std::memcpy(&ring, page, sizeof ring);
    ::munmap(page, XC_PAGE_SIZE);
    return last_line(ring.out, ring.out_prod);
}

base::Result<void> Control::set_uuid(vm::DomId domid, const std::array<std::uint8_t, 16>& uuid) {
    xen_domain_handle_t handle;
    std::ranges::copy(uuid, handle);
    if (xc_domain_sethandle(interface_.get(), domid, handle) != 0)
        return base::system_error("cannot set a UUID", errno);
    return {};
}

}  // namespace summond::xen
