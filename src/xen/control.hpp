// What libxl does only together with something slow. Over libxenctrl, as libxl itself.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "summond/base/result.hpp"
#include "summond/vm/hypervisor.hpp"

struct xc_interface_core;

namespace summond::xen {

class Control {
  public:
    base::Result<void> open();
    // Of a domain that is not HVM, as all of ours. libxl asks xenstore for that, which takes
    // several times as long as the unpause.
    base::Result<void> unpause(vm::DomId domid);

    // The last line on a guest's console, whose ring is in this frame. Empty: none to be seen.
    std::string last_console_line(vm::DomId domid, unsigned long frame);

    // Of a PVH domain that has not run: in place of the command line that it was built with, which
    // is `room` spaces.
    base::Result<void> set_cmdline(vm::DomId domid, const std::string& line, std::size_t room);

    // Another UUID than what it was made with.
    base::Result<void> set_uuid(vm::DomId domid, const std::array<std::uint8_t, 16>& uuid);

  private:
    struct Close {
        void operator()(xc_interface_core* interface) const;
    };
    std::unique_ptr<xc_interface_core, Close> interface_;
};

}  // namespace summond::xen
