#include "summond/host/vif_interface.hpp"

#include <fmt/format.h>
#include <net/if.h>

#include <filesystem>
#include <system_error>

namespace summond::host {
namespace {

std::optional<VifInterface> named(const std::string& name) {
    const unsigned index = ::if_nametoindex(name.c_str());
    if (index == 0)
        return std::nullopt;
    return VifInterface{static_cast<int>(index), name};
}

}  // namespace

std::string vif_name(vm::DomId domid, unsigned index) {
    return fmt::format("vif{}.{}", domid, index);
}

std::optional<VifInterface> vif_interface(vm::DomId domid, unsigned index) {
    if (auto interface = named(vif_name(domid, index)))
        return interface;
    // The device of Xen's bus that it is of keeps its name (xenbus_probe_backend.c).
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(
             fmt::format("/sys/bus/xen-backend/devices/vif-{}-{}/net", domid, index), error))
        return named(entry.path().filename().string());
    return std::nullopt;
}

}  // namespace summond::host
