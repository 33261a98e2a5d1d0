#include <algorithm>

#include "summond/service/template.hpp"

namespace summond::service {

std::uint64_t footprint_kib(const Template& service, Host host) {
    constexpr std::uint64_t xens_own = 1024;      // LIBXL_PV_EXTRA_MEMORY
    constexpr std::uint64_t pvh_extra = 2048;     // LIBXL_HVM_EXTRA_MEMORY
    constexpr std::uint64_t least_tables = 2048;  // module xen's
    constexpr std::uint64_t shim = 20 * 1024;     // about: a Xen of its own
    const std::uint64_t memory = std::max(service.memory_kib, service.max_memory_kib);
    if (service.type == DomainType::pv)
        return memory + xens_own;
    // libxl_get_required_shadow_memory, in pages; extra: EXTRA_DEFAULT_PAGING_MEM_MB
    const std::uint64_t extra = host == Host::arm64 ? 128 : 0;
    const std::uint64_t tables =
        4 * (256 * std::max(service.vcpus, service.max_vcpus) + 2 * (memory / 1024) + extra);
    return memory + pvh_extra + std::max({tables, least_tables, service.shadow_memory_kib}) +
           (service.pvshim ? shim : 0);
}

}  // namespace summond::service
