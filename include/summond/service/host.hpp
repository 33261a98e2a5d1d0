// What kind of dom0 something is for.
#pragma once

#include <cstdint>
#include <string_view>

namespace summond::service {

// Debian's names of the architectures that Xen has dom0s on.
enum class Host : std::uint8_t { amd64, arm64 };

// That this program was compiled for.
Host this_host();
std::string_view to_string(Host host);

}  // namespace summond::service
