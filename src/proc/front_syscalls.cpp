// The allow-list of front and wire (which needs less of it). What it cannot do is the point: open
// or create files, make processes, execute, create or connect sockets, trace, signal others, make
// memory executable. To add a call, say here what needs it, and restrict its arguments where they
// matter.

#include "front_syscalls.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

namespace summond::proc {
namespace {

constexpr ArgumentTest not_executable(unsigned argument) {
    return {argument, SCMP_CMP_MASKED_EQ, 0, PROT_EXEC};
}

constexpr ArgumentTest equals(unsigned argument, std::uint64_t value) {
    return {argument, SCMP_CMP_EQ, value};
}

// Not the terminal behind the standard descriptors.
constexpr ArgumentTest beyond_stderr{0, SCMP_CMP_GT, STDERR_FILENO};

// Exactly what glibc's pthread_create passes: a thread of this process, never a process.
constexpr std::uint64_t thread_flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SYSVSEM |
                                       CLONE_SIGHAND | CLONE_THREAD | CLONE_SETTLS |
                                       CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID;

constexpr AllowedSyscall calls[] = {
    // Queries and answers.
    {"recvmmsg", "UDP workers: a batch of queries"},
    {"sendmmsg", "UDP workers: a batch of answers"},
    {"recvmsg", "control channels, with descriptors; TCP"},
    {"sendmsg", "control channels; TCP; a late answer to a parked query"},
    {"recvfrom", "TCP (Asio)"},
    {"sendto", "TCP (Asio)"},
    {"read", "event and timer descriptors; wire: frames", beyond_stderr},
    {"readv", "TCP (Asio)", beyond_stderr},
    {"write", "log lines; event descriptors; wire: frames"},
    {"writev", "TCP (Asio); the C library's last words"},
    {"accept", "TCP (Asio)"},
    {"accept4", "TCP"},
    {"shutdown", "TCP: end of our side"},
    {"close", "TCP sessions, replaced channels"},
    {"getsockopt", "TCP: pending error; type and protocol of an inherited socket"},
    {"setsockopt", "TCP_NODELAY; not the options that would outlive us on inherited sockets",
     equals(1, IPPROTO_TCP)},
    {"getsockname", "which address an inherited socket has"},
    {"getpeername", "TCP: the client's address"},
    {"ioctl", "Asio: non-blocking sockets", equals(1, FIONBIO)},
    {"ioctl", "Asio: bytes available", equals(1, FIONREAD)},
    {"fcntl", "non-blocking sockets", equals(1, F_GETFL)},
    {"fcntl", "non-blocking sockets", equals(1, F_SETFL)},
    {"fcntl", "close-on-exec", equals(1, F_GETFD)},
    {"fcntl", "close-on-exec", equals(1, F_SETFD)},

    // Waiting.
    {"epoll_create1", "Asio's reactor, made after isolation"},
    {"epoll_ctl", "Asio's reactor"},
    {"epoll_wait", "Asio's reactor"},
    {"epoll_pwait", "what epoll_wait is on newer machines"},
    {"poll", "Asio; UDP workers"},
    {"ppoll", "what poll is on newer machines"},
    {"eventfd2", "waking a thread"},
    {"timerfd_create", "Asio's timers"},
    {"timerfd_settime", "Asio's timers"},
    {"clock_gettime", "where the vDSO has no clock for us"},
    {"gettimeofday", "where the vDSO has no clock for us"},
    {"clock_nanosleep", "sleep_for"},
    {"restart_syscall", "the kernel's own, after SIGSTOP and SIGCONT"},

    // Memory: never executable.
    {"mmap", "heap, thread stacks, the zone image", not_executable(2)},
    {"mprotect", "thread stacks, heap growth", not_executable(2)},
    {"munmap", "heap, thread stacks, an old image"},
    {"mremap", "realloc of large blocks"},
    {"madvise", "stacks of ended threads; huge pages for the image"},
    {"brk", "heap"},

    // Threads.
    {"clone", "pthread_create", equals(0, thread_flags)},
    {"set_robust_list", "start of a thread"},
    {"rseq", "start of a thread"},
    {"rt_sigprocmask", "start of a thread; Asio keeps signals off its threads"},
    {"sched_getaffinity", "malloc sizes its arenas"},
    {"sched_setaffinity", "one UDP worker a core"},
    {"sched_yield", "spinning locks"},
    {"prctl", "thread names", equals(0, PR_SET_NAME)},
    {"sched_setscheduler", "itself, into the background at the end", equals(0, 0)},
    {"futex", "mutexes, condition variables, joins"},
    {"exit", "end of a thread"},

    // Ends.
    {"exit_group", "end of the process"},
    {"rt_sigreturn", "return from a signal handler"},
    {"getpid", "log lines; abort()"},
    {"gettid", "log lines; abort()"},
    {"rt_sigaction", "abort(); the default action again"},
    {"getrandom", "hash seeds, malloc"},
};

// At a reload it is handed the new configuration and the new zones, in memory.
constexpr AllowedSyscall control_calls[] = {
    {"pread64", "a configuration"},
    {"newfstatat", "its size; of an open file only", ArgumentTest{3, SCMP_CMP_EQ, AT_EMPTY_PATH}},
    {"fstat", "what newfstatat is with other C libraries"},
    {"fcntl", "that it is sealed", equals(1, F_GET_SEALS)},
};

#ifdef SUMMOND_SANITIZED
constexpr AllowedSyscall sanitizer_calls[] = {
    {"mmap", "shadow memory"},
    {"mprotect", "shadow memory"},
    {"pipe2", "checks whether memory can be read, by writing it to a pipe"},
    {"pipe", "the same"},
    {"sigaltstack", "stack overflow reports, per thread"},
    {"openat", "/proc/self/maps for a stack's bounds; fails in the empty root"},
    {"open", "the same"},
    {"readlink", "the binary's name in a report"},
    {"readlinkat", "the same"},
    {"newfstatat", "reports"},
    {"fstat", "reports"},
    {"stat", "reports"},
    {"lseek", "reports"},
    {"read", "/proc/self/maps"},
    {"getrlimit", "a stack's bounds"},
    {"prlimit64", "the same"},
    {"getppid", "reports"},
    {"sched_getparam", "a stack's bounds (pthread_getattr_np)"},
    {"sched_getscheduler", "the same"},
    {"prctl", "names of threads"},
    {"nanosleep", "background thread"},
    {"personality", "address space layout check"},
};
#endif

}  // namespace

std::span<const AllowedSyscall> front_syscalls() {
    return calls;
}

std::span<const AllowedSyscall> control_syscalls() {
    return control_calls;
}

std::span<const AllowedSyscall> sanitizer_syscalls() {
#ifdef SUMMOND_SANITIZED
    return sanitizer_calls;
#else
    return {};
#endif
}

}  // namespace summond::proc
