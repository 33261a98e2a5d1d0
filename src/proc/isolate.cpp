// The order matters: look up what needs files, then the root, then the user (which loses the
// capabilities that the steps before need), then the system calls (which loses the steps).

#include "summond/proc/isolate.hpp"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>

#include "landlock.hpp"
#include "seccomp.hpp"
#include "summond/base/log.hpp"
#include "summond/base/unique_fd.hpp"

#ifdef SUMMOND_SANITIZED
// The leak check at exit would trace the process from a second one, which isolation forbids.
namespace {
bool leak_check_off = false;
}
extern "C" int __lsan_is_turned_off() {
    return leak_check_off ? 1 : 0;
}
#endif

namespace summond::proc {
namespace {

struct User {
    std::string name;
    uid_t uid = 0;
    gid_t gid = 0;
};

base::Result<User> look_up(const std::string& wanted) {
    const char* const name = wanted.empty() ? "summond" : wanted.c_str();
    errno = 0;
    const passwd* entry = ::getpwnam(name);
    if (entry == nullptr && wanted.empty())
        entry = ::getpwnam("nobody");
    if (entry == nullptr)
        return base::error("user " + std::string(name) + " does not exist");
    if (entry->pw_uid == 0 || entry->pw_gid == 0)
        return base::error(
            "user " + std::string(name) +
            " has root's user or group id; front and wire need one without privileges");
    return User{entry->pw_name, entry->pw_uid, entry->pw_gid};
}

// An empty directory that is removed while we are in it: nothing can be created there either.
base::Result<void> enter_empty_root() {
    for (const char* parent : {"/run", "/tmp"}) {
        std::string path = std::string(parent) + "/summond-front-XXXXXX";
        const base::UniqueFd parent_fd(::open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC));
        if (!parent_fd || ::mkdtemp(path.data()) == nullptr)
            continue;
        const int r = ::chroot(path.c_str());
        const int chroot_errno = errno;
        ::unlinkat(parent_fd.get(), path.c_str() + std::strlen(parent) + 1, AT_REMOVEDIR);
        if (r != 0)
            return base::system_error("chroot to " + path, chroot_errno);
        if (::chdir("/") != 0)
            return base::system_error("chdir to the empty root", errno);
        return {};
    }
    return base::system_error("cannot make an empty directory in /run or /tmp", errno);
}

base::Result<void> enter_root() {
    if (::chdir("/") != 0)
        return base::system_error("chdir to the root", errno);
    return {};
}

// What getaddrinfo(3) and OpenSSL read, wherever links in /etc lead.
constexpr const char* for_clients[] = {"/etc",
                                       "/run/systemd/resolve",
                                       "/run/NetworkManager",
                                       "/run/resolvconf",
                                       "/usr/lib",
                                       "/usr/share/zoneinfo",
                                       "/usr/share/ca-certificates",
                                       "/usr/local/share/ca-certificates"};

base::Result<void> leave_files_to_clients() {
    const auto held = read_only_below(for_clients);
    if (!held)
        return tl::make_unexpected(held.error());
    if (!*held)
        spdlog::info("this kernel has no Landlock: files that anybody may read can be read");
    return {};
}

base::Result<void> become(const User& user) {
    if (::setgroups(0, nullptr) != 0)
        return base::system_error("setgroups", errno);
    if (::setresgid(user.gid, user.gid, user.gid) != 0)
        return base::system_error("setresgid", errno);
    if (::setresuid(user.uid, user.uid, user.uid) != 0)
        return base::system_error("setresuid to " + user.name, errno);
    return {};
}

// While we may (CAP_SETPCAP): what no exec could ever give back.
base::Result<void> drop_bounding_set() {
    for (unsigned long capability = 0; ::prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0;
         ++capability) {
        if (::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0)
            return base::system_error("drop capability " + std::to_string(capability), errno);
    }
    return {};
}

// Permitted, effective, inheritable and ambient: also those that a service manager gave to a
// process that was never root.
base::Result<void> drop_capabilities() {
    if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0)
        return base::system_error("drop ambient capabilities", errno);
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    const __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {};
    if (::syscall(SYS_capset, &header, none) != 0)
        return base::system_error("drop capabilities", errno);
    return {};
}

}  // namespace

base::Result<void> isolate(const std::string& user, Syscalls allowed) {
    ::tzset();  // log lines need the time zone, which is a file

    if (::geteuid() == 0) {
        const auto found = look_up(user);
        if (!found)
            return tl::make_unexpected(found.error());
        if (auto r = allowed == Syscalls::client ? enter_root() : enter_empty_root(); !r)
            return r;
        if (auto r = drop_bounding_set(); !r)
            return r;
        if (auto r = become(*found); !r)
            return r;
    } else {
        spdlog::warn("not started by root: its user and root directory are kept");
    }
    if (auto r = drop_capabilities(); !r)
        return r;

    // No limit on file size (standard error may be a file) and none on threads (RLIMIT_NPROC
    // counts all of the user's, so those of a front that is still draining too): the filter lets
    // nothing be opened and no process be made.
    const rlimit none{0, 0};
    if (::setrlimit(RLIMIT_CORE, &none) != 0)
        return base::system_error("setrlimit", errno);
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        return base::system_error("prctl", errno);
    if (allowed == Syscalls::client)
        if (auto r = leave_files_to_clients(); !r)
            return r;
#ifdef SUMMOND_SANITIZED
    leak_check_off = true;
#endif
    return load_filter(allowed);
}

}  // namespace summond::proc
