// fork and exec of our own binary. The child's half runs between fork and exec and is written with
// async-signal-safe calls only, though the parent that calls it has one thread anyway.

#include "summond/proc/spawn.hpp"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <ctime>

extern "C" {
#include <sys/pidfd.h>  // of glibc 2.36: without extern "C" of its own
}

namespace summond::proc {
namespace {

constexpr int exec_failed_status = 127;  // as a shell's

[[noreturn]] void fail_in_child(const char* what) {
    const char* reason = ::strerrordesc_np(errno);
    for (const char* part : {"summond: ", what, ": ", reason == nullptr ? "?" : reason, "\n"}) {
        if (::write(STDERR_FILENO, part, std::strlen(part)) < 0)
            break;
    }
    ::_exit(exec_failed_status);
}

bool set_policy(pid_t pid, int policy) {
    const sched_param none{};
    return ::sched_setscheduler(pid, policy, &none) == 0;
}

// A process without the capability stays in SCHED_IDLE for good (sched(7)). Another class than the
// usual one was given to us by the operator, and would be lost.
bool can_leave_background() {
    if (::sched_getscheduler(0) != SCHED_OTHER)
        return false;
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};
    return ::syscall(SYS_capget, &header, data) == 0 &&
           (data[0].effective & 1U << CAP_SYS_NICE) != 0;
}

// sources is scratch space of fds.size() numbers, allocated before the fork.
[[noreturn]] void run_child(char* const* argv, std::span<const FdMapping> fds,
                            std::span<int> sources, bool background) {
    if (background) {
        set_policy(0, SCHED_IDLE);
        // Whoever wants the CPU waits while the kernel zeroes a huge page.
        ::prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
    }
    // Handlers first (ours would run in this process), then the mask.
    for (int signal = 1; signal < NSIG; ++signal)
        ::signal(signal, SIG_DFL);  // fails for KILL, STOP and glibc's own: no matter
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    // A terminal's signals are for the parent alone. Not a session: autogroups are made of these,
    // and between them SCHED_IDLE is as good as any class (sched(7)).
    ::setpgid(0, 0);
    // A terminal is ours to read, not theirs.
    const int null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (null < 0 || ::dup2(null, STDIN_FILENO) < 0)
        fail_in_child("/dev/null");

    // Sources and targets may overlap: first move all sources above all targets.
    int first_free = 3;
    for (const FdMapping& fd : fds)
        first_free = std::max(first_free, fd.to + 1);
    for (std::size_t i = 0; i < fds.size(); ++i) {
        sources[i] = ::fcntl(fds[i].from, F_DUPFD_CLOEXEC, first_free);
        if (sources[i] < 0)
            fail_in_child("cannot pass a descriptor");
    }
    // Whatever we were born with, or a library left open, ends here.
    if (::close_range(3, UINT_MAX, CLOSE_RANGE_CLOEXEC) != 0)
        fail_in_child("close_range");
    for (std::size_t i = 0; i < fds.size(); ++i) {
        if (::dup2(sources[i], fds[i].to) < 0)  // clears close-on-exec on the new number
            fail_in_child("dup2");
    }
    ::execv("/proc/self/exe", argv);
    fail_in_child("cannot execute /proc/self/exe");
}

}  // namespace

base::Result<Spawned> spawn_self(const std::vector<std::string>& argv,
                                 std::span<const FdMapping> fds, Priority priority) {
    const bool background = priority == Priority::background && can_leave_background();
    std::vector<char*> arguments;
    for (const std::string& argument : argv)
        arguments.push_back(const_cast<char*>(argument.c_str()));
    arguments.push_back(nullptr);
    std::vector<int> sources(fds.size());

    // No signal may meet the child while it still has our handlers.
    sigset_t all, before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    const pid_t pid = ::fork();
    if (pid == 0)
        run_child(arguments.data(), fds, sources, background);
    const int fork_errno = errno;
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    if (pid < 0)
        return base::system_error("fork", fork_errno);

    Spawned child{pid, base::UniqueFd(::pidfd_open(pid, 0))};
    if (!child.pidfd) {
        const int pidfd_errno = errno;
        ::kill(pid, SIGKILL);
        ::waitpid(pid, nullptr, 0);
        return base::system_error("pidfd_open", pidfd_errno);
    }
    return child;
}

base::Result<void> leave_background() {
    ::prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0);
    return run_normally(0);
}

void run_after_others() {
    constexpr int nice = 10;
    ::setpriority(PRIO_PROCESS, 0, nice);
}

void enter_background() {
    set_policy(0, SCHED_IDLE);
}

bool in_background() {
    return ::sched_getscheduler(0) == SCHED_IDLE;
}

base::Result<void> run_normally(pid_t pid) {
    if (::sched_getscheduler(pid) == SCHED_IDLE && !set_policy(pid, SCHED_OTHER))
        return base::system_error("sched_setscheduler", errno);
    return {};
}

std::chrono::nanoseconds cpu_time(const Spawned& child) {
    clockid_t clock;
    timespec used{};
    if (::clock_getcpuclockid(child.pid, &clock) != 0 || ::clock_gettime(clock, &used) != 0)
        return {};
    return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
}

std::string Exit::to_string() const {
    if (!signalled)
        return "exit status " + std::to_string(value);
    const char* name = ::sigabbrev_np(value);
    return "killed by signal " + std::to_string(value) +
           (name == nullptr ? "" : " (" + std::string(name) + ")");
}

base::Result<Exit> reap(const Spawned& child) {
    int status = 0;
    pid_t r;
    do {
        r = ::waitpid(child.pid, &status, 0);
    } while (r < 0 && errno == EINTR);
    if (r < 0)
        return base::system_error("waitpid", errno);
    if (WIFSIGNALED(status))
        return Exit{true, WTERMSIG(status)};
    return Exit{false, WEXITSTATUS(status)};
}

void send_signal(const Spawned& child, int signal) {
    ::pidfd_send_signal(child.pidfd.get(), signal, nullptr, 0);
}

}  // namespace summond::proc
