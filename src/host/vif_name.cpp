#include "summond/host/vif_name.hpp"

#include <fmt/format.h>
#include <net/if.h>

#include <filesystem>

namespace summond::host {

std::string vif_name(vm::DomId domid, unsigned index) {
    return fmt::format("vif{}.{}", domid, index);
}

std::string present_vif_name(vm::DomId domid, unsigned index) {
    std::string name = vif_name(domid, index);
    if (::if_nametoindex(name.c_str()) != 0)
        return name;
    // The device of Xen's bus that it is of keeps its name (xenbus_probe_backend.c).
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(
             fmt::format("/sys/bus/xen-backend/devices/vif-{}-{}/net", domid, index), error))
        return entry.path().filename().string();
    return name;
}

}  // namespace summond::host
