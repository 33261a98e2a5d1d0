// Starts a role: a fresh exec of our own binary with exactly the descriptors it is meant to have.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <span>
#include <string>
#include <vector>

#include "summond/base/result.hpp"
#include "summond/base/unique_fd.hpp"

namespace summond::proc {

// The child has this process's descriptor `from` under the number `to` (3 or above).
struct FdMapping {
    int from = -1;
    int to = -1;
};

// A child that has not been waited for. Its pid cannot be reused before reap.
struct Spawned {
    pid_t pid = -1;
    base::UniqueFd pidfd;  // readable when the child has ended (pidfd_open(2)); close-on-exec
};

// background: nothing else that wants the CPU waits for it (SCHED_IDLE, no huge pages), until
// run_normally or leave_background.
enum class Priority { normal, background };

// Forks and executes /proc/self/exe, which is this very binary even when the file has been
// replaced by an upgrade. argv[0] is what ps shows. The child has our standard output and error,
// /dev/null as standard input, the mapped descriptors and no other, an empty signal mask, default
// signal actions and its own process group: a terminal's Ctrl-C reaches the caller only. Targets
// must be distinct.
// background is granted only if run_normally can take it back (CAP_SYS_NICE, and this process is in
// SCHED_OTHER itself).
// Errors: fork or pidfd_open; a child whose exec fails exits with status 127.
base::Result<Spawned> spawn_self(const std::vector<std::string>& argv,
                                 std::span<const FdMapping> fds,
                                 Priority priority = Priority::normal);

// Whether this process was granted Priority::background.
bool in_background();

// Gives a process in the background as much of the CPU as others have.
base::Result<void> run_normally(pid_t pid);
// Ends Priority::background of this process, which has one thread.
base::Result<void> leave_background();
// For a process on which no query waits that could be answered at once: behind those that answer,
// where there is one CPU for all. Its thread that calls this, and those that it starts.
void run_after_others();
// For a process that has nothing left to do but to end: its thread that calls this.
void enter_background();

// What it has used since its start; 0 once it has been reaped.
std::chrono::nanoseconds cpu_time(const Spawned& child);

// How a child ended.
struct Exit {
    bool signalled = false;
    int value = 0;  // exit status, or the signal's number
    bool success() const { return !signalled && value == 0; }
    // "exit status 2" or "killed by signal 9 (KILL)".
    std::string to_string() const;
};

// Waits for this one child (never for any child: libxl's children are its own) and frees its pid.
base::Result<Exit> reap(const Spawned& child);

// Sends a signal; no effect on a child that has ended.
void send_signal(const Spawned& child, int signal);

}  // namespace summond::proc
