// The wall clock, for DNS cookies only: their timestamps must mean the same to other servers.
#pragma once

#include <cstdint>
#include <ctime>

namespace summond::net {

// Seconds since 1970, modulo 2^32 (RFC 9018 §4.3). Never a system call, where there is a vDSO.
inline std::uint32_t unix_time() {
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
    return static_cast<std::uint32_t>(now.tv_sec);
}

}  // namespace summond::net
