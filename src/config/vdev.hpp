// Disks as guests see them: the names that libxl knows (xen-vbd-interface(7)).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace summond::config {

// The number by which the guest knows it: of xvda1, hda, sda, d0p1, or a number such as 0x1 itself.
// None if libxl knows no such disk.
std::optional<std::uint32_t> vdev_number(std::string_view name);

}  // namespace summond::config
