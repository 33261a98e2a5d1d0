#include "summond/service/host.hpp"

namespace summond::service {

Host this_host() {
#ifdef __aarch64__
    return Host::arm64;
#else
    return Host::amd64;
#endif
}

std::string_view to_string(Host host) {
    return host == Host::arm64 ? "arm64" : "amd64";
}

}  // namespace summond::service
