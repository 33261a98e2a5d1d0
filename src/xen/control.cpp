// The only one to include libxenctrl's headers, which want GNU's C++.
#include "control.hpp"

#define XC_WANT_COMPAT_MAP_FOREIGN_API

extern "C" {
#if defined(__x86_64__)
#include <xen/arch-x86/hvm/start_info.h>
#endif
#include <xen/io/console.h>
#include <xenctrl.h>
}

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "console.hpp"

namespace summond::xen {
namespace {

#if defined(__x86_64__)
// Some of a domain's memory, of whole pages.
class Mapped {
  public:
    Mapped(xc_interface* xen, vm::DomId domid, std::uint64_t address, std::size_t size,
           int protection)
        : offset_(address % XC_PAGE_SIZE),
          size_((offset_ + size + XC_PAGE_SIZE - 1) / XC_PAGE_SIZE * XC_PAGE_SIZE),
          pages_(xc_map_foreign_range(xen, domid, static_cast<int>(size_), protection,
                                      address / XC_PAGE_SIZE)) {}
    ~Mapped() {
        if (pages_ != nullptr)
            ::munmap(pages_, size_);
    }
    Mapped(const Mapped&) = delete;
    Mapped& operator=(const Mapped&) = delete;

    // Null: it could not be mapped.
    char* data() const {
        return pages_ == nullptr ? nullptr : static_cast<char*>(pages_) + offset_;
    }

  private:
    std::size_t offset_;
    std::size_t size_;
    void* pages_;
};
#endif

}  // namespace

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

#if defined(__x86_64__)
base::Result<void> Control::set_cmdline(vm::DomId domid, const std::string& line,
                                        std::size_t room) {
    vcpu_guest_context_any_t context;
    if (xc_vcpu_getcontext(interface_.get(), domid, 0, &context) != 0)
        return base::system_error("cannot read its vCPU", errno);
    // ebx has the address of the start info (Xen: docs/misc/pvh.pandoc).
    const Mapped info(interface_.get(), domid, context.x64.user_regs.rbx, sizeof(hvm_start_info),
                      PROT_READ);
    if (info.data() == nullptr)
        return base::system_error("cannot map its start info", errno);
    hvm_start_info start;
    std::memcpy(&start, info.data(), sizeof start);
    if (start.magic != XEN_HVM_START_MAGIC_VALUE || start.cmdline_paddr == 0)
        return base::error("it has no start info where its vCPU begins");
    const Mapped text(interface_.get(), domid, start.cmdline_paddr, room + 1,
                      PROT_READ | PROT_WRITE);
    if (text.data() == nullptr)
        return base::system_error("cannot map its command line", errno);
    if (line.size() > room || text.data()[room] != '\0' ||
        !std::all_of(text.data(), text.data() + room, [](char c) { return c == ' '; }))
        return base::error("it has no room for its command line");
    std::memcpy(text.data(), line.c_str(), line.size() + 1);
    return {};
}
#else
base::Result<void> Control::set_cmdline(vm::DomId, const std::string&, std::size_t) {
    return base::error("its command line is in a device tree");
}
#endif

base::Result<void> Control::set_uuid(vm::DomId domid, const std::array<std::uint8_t, 16>& uuid) {
    xen_domain_handle_t handle;
    std::ranges::copy(uuid, handle);
    if (xc_domain_sethandle(interface_.get(), domid, handle) != 0)
        return base::system_error("cannot set a UUID", errno);
    return {};
}

}  // namespace summond::xen
