// Domids for domains to be built, chosen here and not by Xen, so that they are known before.
//
// Xen gives other toolstacks domids one after the other from 1, and skips those in use; libxl
// refuses a domid for a minute after its last domain. So these go one after the other too, from a
// random place in the upper half (the same range is libxl's for random domids), and come again
// after thousands.
#pragma once

#include <cstdint>
#include <random>

#include "summond/vm/hypervisor.hpp"

namespace summond::xen {

class SpareDomids {
  public:
    static constexpr vm::DomId first = 0x4000;
    static constexpr vm::DomId end = 0x7ff0;  // DOMID_FIRST_RESERVED, xen/xen.h

    SpareDomids() : next_(first + std::random_device()() % (end - first)) {}
    explicit SpareDomids(vm::DomId next) : next_(next) {}

    vm::DomId next() {
        const vm::DomId domid = next_++;
        if (next_ == end)
            next_ = first;
        return domid;
    }

  private:
    vm::DomId next_;
};

}  // namespace summond::xen
