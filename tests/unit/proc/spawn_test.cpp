// The test binary executes itself: with --child it reports on descriptor 5 what it was born with.

#include "summond/proc/spawn.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "summond/proc/memfd.hpp"

namespace {

constexpr int report_fd = 5;

std::string open_fds() {
    std::vector<int> fds;
    const std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir("/proc/self/fd"), ::closedir);
    while (const dirent* entry = ::readdir(dir.get())) {
        const int fd = std::atoi(entry->d_name);
        if (entry->d_name[0] != '.' && fd != ::dirfd(dir.get()))
            fds.push_back(fd);
    }
    std::ranges::sort(fds);
    std::string text;
    for (const int fd : fds)
        text += (text.empty() ? "" : " ") + std::to_string(fd);
    return text;
}

bool any_signal_blocked() {
    sigset_t mask;
    ::sigprocmask(SIG_SETMASK, nullptr, &mask);
    return ::sigisemptyset(&mask) == 0;
}

bool any_signal_ignored() {
    for (int signal = 1; signal < SIGRTMIN; ++signal) {
        struct sigaction action {};
        ::sigaction(signal, nullptr, &action);
        if (action.sa_handler == SIG_IGN)
            return true;
    }
    return false;
}

int run_child(const std::string& what) {
    if (what == "wait")
        ::pause();
    if (what == "policy") {
        const int born = ::sched_getscheduler(0);
        const int small_pages = ::prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0) == 1 ? 4 : 0;
        const bool normal = summond::proc::leave_background().has_value();
        const int still = ::prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0) == 1 ? 2 : 0;
        return born * 10 + ::sched_getscheduler(0) + small_pages + still + (normal ? 0 : 100);
    }
    for (volatile bool busy = what == "busy"; busy;) {
    }
    if (what == "status3")
        return 3;
    char stdin_name[64] = {};
    if (::readlink("/proc/self/fd/0", stdin_name, sizeof stdin_name - 1) < 0)
        return 99;
    std::ostringstream out;
    out << "fds " << open_fds() << "\nblocked " << any_signal_blocked() << "\nignored "
        << any_signal_ignored() << "\nown group " << (::getpgrp() == ::getpid())
        << "\nparent's session " << (::getsid(0) == ::getsid(::getppid())) << "\nstdin "
        << stdin_name << '\n';
    return summond::proc::write_all(report_fd, out.str()) ? 0 : 99;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc == 3 && std::strcmp(argv[1], "--child") == 0)
        return run_child(argv[2]);
    testing::InitGoogleTest(&argc, argv);
    return RUN_ALL_TESTS();
}

namespace summond::proc {
namespace {

std::vector<std::string> child(const std::string& what) {
    return {"summond", "--child", what};
}

TEST(Spawn, ChildHasOnlyWhatItIsGiven) {
    const auto report = create_memfd("report");
    const base::UniqueFd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    const base::UniqueFd leaky(::open("/dev/null", O_RDONLY));  // not close-on-exec
    sigset_t blocked, before;
    ::sigemptyset(&blocked);
    ::sigaddset(&blocked, SIGHUP);
    ::sigprocmask(SIG_BLOCK, &blocked, &before);
    const auto old = std::signal(SIGPIPE, SIG_IGN);

    const auto spawned = spawn_self(
        child("report"), std::vector<FdMapping>{{report->get(), report_fd}, {null.get(), 9}});
    std::signal(SIGPIPE, old);
    sigset_t after;
    ::sigprocmask(SIG_SETMASK, &before, &after);

    ASSERT_TRUE(spawned);
    EXPECT_TRUE(::sigismember(&after, SIGHUP)) << "our own mask stays";
    EXPECT_FALSE(::sigismember(&after, SIGTERM));
    EXPECT_TRUE(reap(*spawned)->success());
    EXPECT_EQ(*read_memfd(report->get()),
              "fds 0 1 2 5 9\nblocked 0\nignored 0\nown group 1\nparent's session 1\n"
              "stdin /dev/null\n");
}

// Each source has the number of another one's target.
TEST(Spawn, MapsDescriptorsThatSwapNumbers) {
    const auto report = create_memfd("report");
    const base::UniqueFd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    const base::UniqueFd at_forty(::fcntl(report->get(), F_DUPFD_CLOEXEC, 40));
    ASSERT_GE(::dup3(null.get(), report_fd + 50, O_CLOEXEC), 0);
    const base::UniqueFd at_target(report_fd + 50);
    const auto spawned =
        spawn_self(child("report"), std::vector<FdMapping>{{at_forty.get(), report_fd},
                                                           {at_target.get(), at_forty.get()},
                                                           {report->get(), at_target.get()}});
    ASSERT_TRUE(spawned);
    EXPECT_TRUE(reap(*spawned)->success());
    EXPECT_NE(read_memfd(report->get())->find("fds 0 1 2 5 40 55\n"), std::string::npos)
        << *read_memfd(report->get());
}

TEST(Spawn, PidfdIsReadableWhenTheChildHasEnded) {
    const auto spawned = spawn_self(child("wait"), {});
    ASSERT_TRUE(spawned);
    pollfd poll{spawned->pidfd.get(), POLLIN, 0};
    EXPECT_EQ(::poll(&poll, 1, 0), 0);
    send_signal(*spawned, SIGKILL);
    EXPECT_EQ(::poll(&poll, 1, -1), 1);
    const auto exit = reap(*spawned);
    ASSERT_TRUE(exit);
    EXPECT_FALSE(exit->success());
    EXPECT_EQ(exit->to_string(), "killed by signal 9 (KILL)");
    send_signal(*spawned, SIGKILL);  // nobody there: no effect
}

TEST(Spawn, TellsTheExitStatus) {
    const auto spawned = spawn_self(child("status3"), {});
    ASSERT_TRUE(spawned);
    EXPECT_EQ(reap(*spawned)->to_string(), "exit status 3");
}

TEST(Spawn, ABackgroundChildCanLeaveTheBackground) {
    const auto run = [](Priority priority) {
        const auto spawned = spawn_self(child("policy"), {}, priority);
        EXPECT_TRUE(spawned);
        return reap(*spawned)->to_string();
    };
    EXPECT_EQ(run(Priority::normal), "exit status 0");
    // Without the right to leave it, it is not sent there.
    EXPECT_EQ(run(Priority::background), ::geteuid() == 0
                                             ? "exit status " + std::to_string(SCHED_IDLE * 10 + 4)
                                             : "exit status 0");
}

TEST(Spawn, TellsTheCpuTimeOfAChild) {
    const auto spawned = spawn_self(child("busy"), {});
    ASSERT_TRUE(spawned);
    while (cpu_time(*spawned) < std::chrono::milliseconds(20)) {
    }
    send_signal(*spawned, SIGKILL);
    EXPECT_TRUE(reap(*spawned)->signalled);
    EXPECT_EQ(cpu_time(*spawned).count(), 0);
}

TEST(Spawn, ABadDescriptorEndsTheChildNotUs) {
    const auto spawned = spawn_self(child("report"), std::vector<FdMapping>{{1000, report_fd}});
    ASSERT_TRUE(spawned);
    EXPECT_EQ(reap(*spawned)->to_string(), "exit status 127");
}

}  // namespace
}  // namespace summond::proc
