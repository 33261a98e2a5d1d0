// Numbers that nobody can guess, from the kernel.
#pragma once

#include <sys/random.h>

#include <cstdint>
#include <cstdlib>

namespace summond::base {

// So few octets come whole (getrandom(2)), and block only while a machine has just booted.
inline std::uint64_t random_bits() {
    std::uint64_t bits = 0;
    if (::getrandom(&bits, sizeof bits, 0) != ssize_t{sizeof bits})
        std::abort();
    return bits;
}

}  // namespace summond::base
