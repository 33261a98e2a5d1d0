// What the isolated roles may ask of the kernel; see front_syscalls.cpp.
#pragma once

#include <seccomp.h>

#include <cstdint>
#include <optional>
#include <span>

namespace summond::proc {

// A test on one argument, compared as 64 bits. For masked_equal: (argument & mask) == value.
struct ArgumentTest {
    unsigned argument;
    scmp_compare how;
    std::uint64_t value;
    std::uint64_t mask = 0;  // SCMP_CMP_MASKED_EQ only
};

struct AllowedSyscall {
    const char* name;  // as in syscalls(2), resolved for the machine that we run on
    const char* reason;
    // With a test, the call is allowed where it holds; rows of one name are alternatives.
    std::optional<ArgumentTest> only_if = std::nullopt;
};

// Everything else kills the process, except clone3, see there.
std::span<const AllowedSyscall> front_syscalls();

// What control has besides.
std::span<const AllowedSyscall> control_syscalls();
std::span<const AllowedSyscall> client_syscalls();

// In addition, in builds with a sanitizer; empty otherwise.
std::span<const AllowedSyscall> sanitizer_syscalls();

}  // namespace summond::proc
