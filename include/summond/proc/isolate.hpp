// Takes from front, wire, control and notifier, which read what strangers send, everything that
// they do not need, for good.
#pragma once

#include <cstdint>
#include <string>

#include "summond/base/result.hpp"

namespace summond::proc {

// The lists of system calls that a process may keep, each in a file of src/proc.
enum class Syscalls : std::uint8_t {
    network,  // front_syscalls.cpp: serve on descriptors that it has
    control,  // the same, and read files that are handed to it
    client,   // connect to others on the network, and read what names and certificates need
};

// Call once, in a single-threaded process that holds all descriptors it will ever be born with.
// Afterwards the process
//   - has an empty, already deleted directory as its root; a client, which needs the host's
//     resolv.conf and certificates, keeps the root, and where the kernel has Landlock can open only
//     what is below /etc and a few directories like it, to be read;
//   - runs as `user` (empty: "summond", or "nobody" where that does not exist), in that user's
//     primary group and no other;
//   - has no capability in any set, and cannot gain privileges by exec (PR_SET_NO_NEW_PRIVS);
//   - leaves no core and cannot be traced by that user's other processes;
//   - is killed by any system call outside the list `allowed`, in this and all threads made later;
//     a client, most of which is a library, is refused it. Threads may be made, processes not.
// Started without root, the first two steps are skipped with a warning; the rest is done.
// Errors: unknown user, a user with root's uid, or a step that the kernel refused. The process is
// then partly isolated and must end.
base::Result<void> isolate(const std::string& user, Syscalls allowed = Syscalls::network);

}  // namespace summond::proc
