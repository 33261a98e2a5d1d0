// Isolation happens in a forked child and is seen from outside: by how the child ends, and by what
// /proc says of it. As root the whole of it; otherwise the part that needs no root.

#include "summond/proc/isolate.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/landlock.h>
#include <linux/sched.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "summond/base/log.hpp"
#include "summond/base/unique_fd.hpp"

namespace summond::proc {
namespace {

constexpr int isolation_failed = 77;

#ifdef SUMMOND_SANITIZED
constexpr bool sanitized = true;
#else
constexpr bool sanitized = false;
#endif

// A child that isolates itself and then runs act; its exit status is what act returns.
pid_t isolated_child(const std::function<int()>& act, const std::string& user = "") {
    const pid_t pid = ::fork();
    if (pid == 0) {
        if (const auto r = isolate(user); !r) {
            std::fprintf(stderr, "%s\n", r.error().what.c_str());
            ::_exit(isolation_failed);
        }
        ::_exit(act());
    }
    return pid;
}

int wait_for(pid_t pid) {
    int status = 0;
    EXPECT_EQ(::waitpid(pid, &status, 0), pid);
    return status;
}

std::string described(int status) {
    return WIFSIGNALED(status) ? "signal " + std::to_string(WTERMSIG(status))
                               : "status " + std::to_string(WEXITSTATUS(status));
}

// -- What is forbidden

struct Attempt {
    const char* name;
    std::function<long()> act;
    // Where the sanitizers need the call for themselves: fails in the empty root, or works.
    enum { killed, fails, works } with_sanitizers = killed;
};

void PrintTo(const Attempt& attempt, std::ostream* out) {
    *out << attempt.name;
}

class Forbidden : public testing::TestWithParam<Attempt> {};

TEST_P(Forbidden, KillsTheProcess) {
    const pid_t pid = isolated_child([] { return GetParam().act() < 0 ? 1 : 0; });
    const int status = wait_for(pid);
    const bool fails = GetParam().with_sanitizers == Attempt::fails && ::geteuid() == 0;
    if (sanitized && GetParam().with_sanitizers != Attempt::killed && !fails)
        GTEST_SKIP() << "the sanitizers need it";
    if (sanitized && fails) {
        EXPECT_EQ(described(status), "status 1");
        return;
    }
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS) << described(status);
}

const Attempt attempts[] = {
    {"open", [] { return ::open("/etc/passwd", O_RDONLY | O_CLOEXEC); }, Attempt::fails},
    {"open_proc", [] { return ::open("/proc/self/mem", O_RDWR | O_CLOEXEC); }, Attempt::fails},
    {"create", [] { return ::open("/x", O_CREAT | O_WRONLY | O_CLOEXEC, 0600); }, Attempt::fails},
    {"mkdir", [] { return ::mkdir("/x", 0700); }},
    {"unlink", [] { return ::unlink("/x"); }},
    {"memfd_create", [] { return ::memfd_create("x", 0); }},
    {"socket", [] { return ::socket(AF_INET, SOCK_STREAM, 0); }},
    {"socket_unix", [] { return ::socket(AF_UNIX, SOCK_STREAM, 0); }},
    {"bind", [] { return ::bind(3, nullptr, 0); }},
    {"connect", [] { return ::connect(3, nullptr, 0); }},
    {"execve",
     [] {
         char* const none[] = {nullptr};
         return ::execve("/bin/sh", none, none);
     }},
    {"fork", [] { return ::fork(); }},
    {"clone_process", [] { return ::syscall(SYS_clone, CLONE_VM | SIGCHLD, 0, 0, 0, 0); }},
    {"clone_namespace",
     [] { return ::syscall(SYS_clone, CLONE_NEWUSER | CLONE_THREAD, 0, 0, 0, 0); }},
    {"unshare", [] { return ::unshare(CLONE_NEWUSER); }},
    {"ptrace", [] { return ::ptrace(PTRACE_ATTACH, ::getppid(), nullptr, nullptr); }},
    {"kill", [] { return ::kill(::getpid(), 0); }},
    {"tgkill_other", [] { return ::syscall(SYS_tgkill, 1, 1, 0); }},
    {"process_vm_readv", [] { return ::syscall(SYS_process_vm_readv, 1, 0, 0, 0, 0, 0); }},
    {"mount", [] { return ::mount("none", "/", "tmpfs", 0, nullptr); }},
    {"chroot", [] { return ::chroot("/"); }},
    {"setuid", [] { return ::syscall(SYS_setuid, 0); }},
    {"capset", [] { return ::syscall(SYS_capset, 0, 0); }},
    {"bpf", [] { return ::syscall(SYS_bpf, 0, 0, 0); }},
    {"perf_event_open", [] { return ::syscall(SYS_perf_event_open, 0, 0, 0, 0, 0); }},
    {"io_uring_setup", [] { return ::syscall(SYS_io_uring_setup, 1, 0); }},
    {"userfaultfd", [] { return ::syscall(SYS_userfaultfd, 0); }},
    {"keyctl", [] { return ::syscall(SYS_keyctl, 0, 0, 0, 0, 0); }},
    {"dumpable_again", [] { return ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0); }, Attempt::works},
    {"terminal_input", [] { return ::ioctl(2, TIOCSTI, "x"); }},
    {"read_terminal", [] { return ::read(2, nullptr, 0); }, Attempt::works},
    {"signal_owner", [] { return ::fcntl(2, F_SETOWN, 1); }},
    {"lasting_socket_option",
     [] { return ::setsockopt(3, SOL_SOCKET, SO_ATTACH_FILTER, nullptr, 0); }},
    {"executable_memory",
     [] {
         return reinterpret_cast<long>(::mmap(nullptr, 4096, PROT_READ | PROT_EXEC,
                                              MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) == -1
                    ? -1L
                    : 0L;
     },
     Attempt::works},
    {"other_abi", [] { return ::syscall(0x40000000 + 39); }},  // x32's getpid
};

INSTANTIATE_TEST_SUITE_P(Isolate, Forbidden, testing::ValuesIn(attempts),
                         [](const auto& info) { return std::string(info.param.name); });

// -- What goes on working

class Allowed : public testing::Test {
  protected:
    static void expect_works(const std::function<int()>& act) {
        EXPECT_EQ(described(wait_for(isolated_child(act))), "status 0");
    }
};

TEST_F(Allowed, ThreadsThatAllocateAndThrow) {
    expect_works([] {
        std::vector<std::thread> threads;
        std::atomic<int> sum{0};
        for (int i = 0; i < 4; ++i) {
            threads.emplace_back([&sum] {
                try {
                    const std::vector<int> large(1 << 20, 1);
                    throw std::runtime_error(std::to_string(large.size()));
                } catch (const std::exception&) {
                    ++sum;
                }
            });
        }
        for (std::thread& thread : threads)
            thread.join();
        return sum == 4 ? 0 : 1;
    });
}

TEST_F(Allowed, WaitingForEventsAndTimers) {
    expect_works([] {
        const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
        const int event = ::eventfd(0, EFD_CLOEXEC);
        const int timer = ::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
        epoll_event wanted{EPOLLIN, {.fd = event}};
        const itimerspec soon{{0, 0}, {0, 1}};
        const std::uint64_t one = 1;
        std::uint64_t expired = 0;
        return ::epoll_ctl(epoll, EPOLL_CTL_ADD, event, &wanted) == 0 &&
                       ::write(event, &one, sizeof one) == sizeof one &&
                       ::epoll_wait(epoll, &wanted, 1, -1) == 1 &&
                       ::timerfd_settime(timer, 0, &soon, nullptr) == 0 &&
                       ::read(timer, &expired, sizeof expired) == sizeof expired
                   ? 0
                   : 1;
    });
}

TEST_F(Allowed, DatagramsOnSocketsMadeBefore) {
    const base::UniqueFd a(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ASSERT_EQ(::bind(a.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    socklen_t size = sizeof address;
    ASSERT_EQ(::getsockname(a.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
    expect_works([&] {
        char byte = 'x';
        iovec part{&byte, 1};
        mmsghdr message{};
        message.msg_hdr.msg_name = &address;
        message.msg_hdr.msg_namelen = sizeof address;
        message.msg_hdr.msg_iov = &part;
        message.msg_hdr.msg_iovlen = 1;
        return ::sendmmsg(a.get(), &message, 1, 0) == 1 &&
                       ::recvmmsg(a.get(), &message, 1, 0, nullptr) == 1
                   ? 0
                   : 1;
    });
}

TEST_F(Allowed, ConnectionsOnListenersMadeBefore) {
    const base::UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(::listen(listener.get(), 1), 0);
    sockaddr_in address{};
    socklen_t size = sizeof address;
    ASSERT_EQ(::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
    const base::UniqueFd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(::connect(client.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    expect_works([&] {
        const int session = ::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC);
        const int on = 1;
        return session >= 0 &&
                       ::setsockopt(session, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0 &&
                       ::send(session, "x", 1, MSG_NOSIGNAL) == 1 && ::close(session) == 0
                   ? 0
                   : 1;
    });
}

TEST_F(Allowed, LogLinesInLocalTime) {
    int pipe_fds[2];
    ASSERT_EQ(::pipe2(pipe_fds, O_CLOEXEC), 0);
    const base::UniqueFd from_child(pipe_fds[0]);
    base::UniqueFd to_test(pipe_fds[1]);
    ::setenv("TZ", ":Asia/Kolkata", 1);
    const int saved = ::dup(STDERR_FILENO);
    ::dup2(to_test.get(), STDERR_FILENO);
    base::log_to_stderr("front", spdlog::level::info);
    const pid_t logger = isolated_child([] {
        spdlog::info("hello");
        return 0;
    });
    ::dup2(saved, STDERR_FILENO);
    ::close(saved);
    to_test.reset();
    ::unsetenv("TZ");
    EXPECT_EQ(described(wait_for(logger)), "status 0");
    std::string text(4096, '\0');
    const ssize_t size = ::read(from_child.get(), text.data(), text.size());
    text.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
    EXPECT_NE(text.find("info front: hello\n"), std::string::npos) << text;
}

TEST_F(Allowed, ACrashLooksLikeACrash) {
    const int status = wait_for(isolated_child([]() -> int {
        std::signal(SIGABRT, SIG_DFL);
        std::abort();
    }));
    EXPECT_EQ(described(status), "signal " + std::to_string(SIGABRT));
}

TEST_F(Allowed, Clone3SaysThatItDoesNotExist) {
    expect_works([] {
        clone_args arguments{};
        return ::syscall(SYS_clone3, &arguments, sizeof arguments) == -1 && errno == ENOSYS ? 0 : 1;
    });
}

// -- What /proc says

// Fields of /proc/PID/status, without their names.
std::string status_field(pid_t pid, const std::string& name) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/status");
    for (std::string line; std::getline(file, line);) {
        if (!line.starts_with(name + ":\t"))
            continue;
        const std::string value = line.substr(name.size() + 2);
        return value == " " ? "" : value;  // Groups, when there is none
    }
    return "no " + name;
}

// A child that has isolated itself and waits until the end of the test.
class Seen : public testing::Test {
  protected:
    void isolate(
        const std::string& user, const std::function<void()>& before = [] {}) {
        int ready[2], end[2];
        ASSERT_EQ(::pipe2(ready, O_CLOEXEC), 0);
        ASSERT_EQ(::pipe2(end, O_CLOEXEC), 0);
        end_.reset(end[1]);
        pid_ = ::fork();
        if (pid_ == 0) {
            ::close(end[1]);
            before();
            const auto r = proc::isolate(user);
            const char byte = r ? 'y' : 'n';
            char ignored;
            const bool told = ::write(ready[1], &byte, 1) == 1 && ::read(end[0], &ignored, 1) == 0;
            ::_exit(told ? 0 : 1);
        }
        ::close(end[0]);
        ::close(ready[1]);
        char byte = 0;
        ASSERT_EQ(::read(ready[0], &byte, 1), 1);
        ASSERT_EQ(byte, 'y');
        ::close(ready[0]);
    }
    ~Seen() override {
        end_.reset();
        if (pid_ > 0) {
            EXPECT_EQ(described(wait_for(pid_)), "status 0");
        }
    }

    void expect_no_privileges() {
        for (const char* set : {"CapInh", "CapPrm", "CapEff", "CapAmb"})
            EXPECT_EQ(status_field(pid_, set), "0000000000000000") << set;
        EXPECT_EQ(status_field(pid_, "NoNewPrivs"), "1");
        EXPECT_EQ(status_field(pid_, "Seccomp"), "2");
    }

    base::UniqueFd end_;
    pid_t pid_ = -1;
};

TEST_F(Seen, StartedByRoot) {
    if (::geteuid() != 0)
        GTEST_SKIP() << "needs root";
    isolate("nobody");
    if (HasFatalFailure())
        return;
    expect_no_privileges();
    EXPECT_EQ(status_field(pid_, "CapBnd"), "0000000000000000");
    EXPECT_EQ(status_field(pid_, "Uid"), "65534\t65534\t65534\t65534");
    EXPECT_EQ(status_field(pid_, "Gid"), "65534\t65534\t65534\t65534");
    EXPECT_EQ(status_field(pid_, "Groups"), "");

    const std::string process = "/proc/" + std::to_string(pid_);
    const std::string root = std::filesystem::read_symlink(process + "/root");
    EXPECT_NE(root.find("summond-front-"), std::string::npos) << root;
    EXPECT_NE(root.find(" (deleted)"), std::string::npos) << root;
    EXPECT_FALSE(std::filesystem::exists(root.substr(0, root.find(" (deleted)"))));
    EXPECT_EQ(std::filesystem::read_symlink(process + "/cwd"), root);
    EXPECT_TRUE(std::filesystem::is_empty(process + "/root/"));

    std::ifstream limits(process + "/limits");
    const std::string text{std::istreambuf_iterator<char>(limits), {}};
    EXPECT_NE(text.find("Max core file size        0                    0 "), std::string::npos);
}

TEST_F(Seen, StartedByAnybodyElse) {
    isolate("", [] {
        if (::geteuid() == 0 &&
            (::setresgid(65534, 65534, 65534) != 0 || ::setresuid(65534, 65534, 65534) != 0))
            ::_exit(1);
    });
    if (!HasFatalFailure())
        expect_no_privileges();
}

// -- What is refused

class Refused : public testing::Test {
  protected:
    static std::string error_for(const std::string& user) {
        testing::internal::CaptureStderr();
        EXPECT_EQ(described(wait_for(isolated_child([] { return 0; }, user))),
                  "status " + std::to_string(isolation_failed));
        return testing::internal::GetCapturedStderr();
    }
    void SetUp() override {
        if (::geteuid() != 0)
            GTEST_SKIP() << "needs root";
    }
};

TEST_F(Refused, AnUnknownUser) {
    EXPECT_EQ(error_for("no-such-user-here"), "user no-such-user-here does not exist\n");
}

TEST_F(Refused, RootItself) {
    EXPECT_EQ(error_for("root"),
              "user root has root's user or group id; front and wire need one "
              "without privileges\n");
}

// -- A client, which keeps the root

pid_t isolated_client(const std::function<int()>& act) {
    const pid_t pid = ::fork();
    if (pid == 0) {
        if (const auto r = isolate("", Syscalls::client); !r) {
            std::fprintf(stderr, "%s\n", r.error().what.c_str());
            ::_exit(isolation_failed);
        }
        ::_exit(act());
    }
    return pid;
}

TEST(Client, MayConnectAndReadWhatNamesNeed) {
    const auto act = [] {
        const base::UniqueFd file(::open("/etc/passwd", O_RDONLY | O_CLOEXEC));
        char octet = 0;
        if (!file || ::read(file.get(), &octet, 1) != 1)
            return 1;
        const base::UniqueFd to(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_in nobody{};
        nobody.sin_family = AF_INET;
        nobody.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        nobody.sin_port = htons(1);
        if (!to ||
            ::connect(to.get(), reinterpret_cast<const sockaddr*>(&nobody), sizeof nobody) == 0)
            return 2;
        return errno == ECONNREFUSED ? 0 : 3;
    };
    EXPECT_EQ(described(wait_for(isolated_client(act))), "status 0");
}

TEST(Client, IsRefusedTheRest) {
    if (sanitized)
        GTEST_SKIP() << "the sanitizers need some of it";
    const auto fails = [](const std::function<long()>& act) {
        return described(wait_for(isolated_client([&] { return act() < 0 ? 0 : 1; })));
    };
    EXPECT_EQ(fails([] { return ::open("/tmp/x", O_CREAT | O_WRONLY | O_CLOEXEC, 0600); }),
              "status 0");
    EXPECT_EQ(fails([] { return ::open("/dev/null", O_WRONLY | O_CLOEXEC); }), "status 0");
    EXPECT_EQ(fails([] { return ::socket(AF_UNIX, SOCK_STREAM, 0); }), "status 0");
    EXPECT_EQ(fails([] { return ::listen(0, 1); }), "status 0");
    EXPECT_EQ(fails([] { return ::fork(); }), "status 0");
    EXPECT_EQ(fails([] { return ::unlink("/tmp/x"); }), "status 0");
    EXPECT_EQ(fails([] { return ::kill(::getppid(), 0); }), "status 0");
    EXPECT_EQ(fails([] { return ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr); }), "status 0");
    EXPECT_EQ(fails([] {
                  char* const none[] = {nullptr};
                  return ::execve("/bin/true", none, none);
              }),
              "status 0");
    EXPECT_EQ(fails([] {
                  void* const memory = ::mmap(nullptr, 4096, PROT_READ | PROT_EXEC,
                                              MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
                  return memory == MAP_FAILED ? -1 : 0;
              }),
              "status 0");
}

TEST(Client, SeesOnlyAFewDirectories) {
    const long version =
        ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (version < 0)
        GTEST_SKIP() << "this kernel has no Landlock";
    const auto act = [] {
        const base::UniqueFd file(::open("/bin/true", O_RDONLY | O_CLOEXEC));
        return !file && errno == EACCES ? 0 : 1;
    };
    EXPECT_EQ(described(wait_for(isolated_client(act))), "status 0");
}

}  // namespace
}  // namespace summond::proc
