// What the notifier may do beside the list of the front: connect to others, look names up, read
// files. It cannot listen, write files, make processes or execute anything. What is not on the list
// fails, as OpenSSL and the C library try this and that and go on without.
#include <fcntl.h>
#include <sys/socket.h>

#include "front_syscalls.hpp"

namespace summond::proc {
namespace {

constexpr std::uint64_t not_for_reading = O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND;

constexpr AllowedSyscall client_calls[] = {
    {"socket", "to receivers and name servers", ArgumentTest{0, SCMP_CMP_EQ, AF_INET}},
    {"socket", "likewise", ArgumentTest{0, SCMP_CMP_EQ, AF_INET6}},
    {"socket", "getaddrinfo: which addresses this host has",
     ArgumentTest{0, SCMP_CMP_EQ, AF_NETLINK}},
    {"connect", "to receivers and name servers"},
    {"bind", "getaddrinfo: the netlink socket"},
    {"setsockopt", "the C library's resolver"},
    {"openat", "resolv.conf, certificates",
     ArgumentTest{2, SCMP_CMP_MASKED_EQ, 0, not_for_reading}},
    {"read", "them"},
    {"pread64", "a configuration"},
    {"lseek", "files"},
    {"newfstatat", "files"},
    {"fstat", "files"},
    {"stat", "files"},
    {"statx", "files"},
    {"access", "files"},
    {"faccessat", "files"},
    {"readlink", "files"},
    {"fcntl", "that a configuration is sealed", ArgumentTest{1, SCMP_CMP_EQ, F_GET_SEALS}},
    {"uname", "the resolver's domain"},
    {"getuid", "OpenSSL: whether to trust the environment"},
    {"geteuid", "likewise"},
    {"getgid", "likewise"},
    {"getegid", "likewise"},
};

}  // namespace

std::span<const AllowedSyscall> client_syscalls() {
    return client_calls;
}

}  // namespace summond::proc
