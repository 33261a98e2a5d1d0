#include "seccomp.hpp"

#include <seccomp.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include "front_syscalls.hpp"

namespace summond::proc {
namespace {

base::Result<void> allow(scmp_filter_ctx filter, const AllowedSyscall& call) {
    const int number = seccomp_syscall_resolve_name(call.name);
    if (number == __NR_SCMP_ERROR)
        return base::error(std::string("seccomp: unknown system call ") + call.name);
    int rc;
    if (call.only_if) {
        const ArgumentTest& test = *call.only_if;
        const bool masked = test.how == SCMP_CMP_MASKED_EQ;
        const scmp_arg_cmp compare{test.argument, test.how, masked ? test.mask : test.value,
                                   masked ? test.value : 0};
        rc = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, number, 1, &compare);
    } else {
        rc = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, number, 0, nullptr);
    }
    if (rc != 0)
        return base::system_error(std::string("seccomp: allow ") + call.name, -rc);
    return {};
}

// Beside those that all have.
std::span<const AllowedSyscall> more_syscalls(Syscalls list) {
    switch (list) {
        case Syscalls::network:
            break;
        case Syscalls::control:
            return control_syscalls();
        case Syscalls::client:
            return client_syscalls();
    }
    return {};
}

}  // namespace

base::Result<void> load_filter(Syscalls allowed) {
    const std::uint32_t others =
        allowed == Syscalls::client ? SCMP_ACT_ERRNO(EPERM) : SCMP_ACT_KILL_PROCESS;
    const std::unique_ptr<void, void (*)(void*)> filter(seccomp_init(others),
                                                        [](void* f) { seccomp_release(f); });
    if (!filter)
        return base::error("seccomp: no memory");
    // Calls of another ABI (x32, i386) would pass by the numbers: the library kills them.
    int rc = seccomp_attr_set(filter.get(), SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    if (rc == 0)
        rc = seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_TSYNC, 1);
    // clone3's flags lie in memory where a filter cannot look; told that it does not exist, glibc
    // uses clone, whose flags we check.
    if (rc == 0)
        rc = seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
    if (rc != 0)
        return base::system_error("seccomp", -rc);

    for (const auto list : {front_syscalls(), more_syscalls(allowed), sanitizer_syscalls()}) {
        for (const AllowedSyscall& call : list) {
            if (auto r = allow(filter.get(), call); !r)
                return r;
        }
    }
    // abort() signals itself; a crash must look like the crash that it is.
    const AllowedSyscall abort{
        "tgkill", "abort(), to ourselves only",
        ArgumentTest{0, SCMP_CMP_EQ, static_cast<std::uint64_t>(::getpid())}};
    if (auto r = allow(filter.get(), abort); !r)
        return r;

    if (rc = seccomp_load(filter.get()); rc != 0)
        return base::system_error("seccomp: load", -rc);
    return {};
}

}  // namespace summond::proc
