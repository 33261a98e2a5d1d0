#include "parent_control_socket.hpp"

#include <fcntl.h>
#include <grp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

namespace summond::roles {
namespace {

constexpr mode_t directory_mode = 0755;
constexpr mode_t of_one_group = 0660;
// Where there are two groups, everybody may connect, and is told what they may.
constexpr mode_t of_two_groups = 0666;
constexpr int backlog = 128;

sockaddr_un address_of(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::copy_n(path.c_str(), std::min(path.size(), sizeof address.sun_path - 1), address.sun_path);
    return address;
}

base::Result<base::UniqueFd> new_socket() {
    base::UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd)
        return base::system_error("socket", errno);
    return fd;
}

// Removes a socket at the path that nobody serves. Anything else there is left alone.
base::Result<void> remove_stale(const std::string& path, const sockaddr_un& address) {
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0)
        return errno == ENOENT ? base::Result<void>{}
                               : base::Result<void>(base::system_error(path, errno));
    if (!S_ISSOCK(status.st_mode))
        return base::error(path + " is there and is no socket; remove it, or name another one");
    const auto probe = new_socket();
    if (!probe)
        return tl::make_unexpected(probe.error());
    if (::connect(probe->get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ||
        errno != ECONNREFUSED)
        return base::error(path + " is served by another process");
    if (::unlink(path.c_str()) != 0 && errno != ENOENT)
        return base::system_error(path, errno);
    return {};
}

base::Result<std::uint32_t> group_of(const std::string& name, const char* key) {
    errno = 0;
    const group* const entry = ::getgrnam(name.c_str());
    if (entry == nullptr)
        return base::error(std::string("control.") + key + ": there is no group " + name);
    return entry->gr_gid;
}

}  // namespace

base::Result<std::shared_ptr<ControlSocket>> ControlSocket::open(const std::string& path,
                                                                 const ipc::Access& access) {
    const auto address = address_of(path);
    const std::string directory = std::filesystem::path(path).parent_path();
    if (::mkdir(directory.c_str(), directory_mode) != 0 && errno != EEXIST)
        return base::system_error(directory, errno);
    if (auto r = remove_stale(path, address); !r)
        return tl::make_unexpected(r.error());
    auto fd = new_socket();
    if (!fd)
        return tl::make_unexpected(fd.error());
    // Nobody can connect before it listens, and by then it is whose it is to be.
    const mode_t before = ::umask(0777);
    const int r = ::bind(fd->get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
    const int bind_errno = errno;
    ::umask(before);
    if (r != 0)
        return base::system_error(path, bind_errno);
    std::shared_ptr<ControlSocket> socket(new ControlSocket(path, std::move(*fd)));
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0)
        return base::system_error(path, errno);
    socket->device_ = status.st_dev;
    socket->inode_ = status.st_ino;
    if (auto allowed = socket->allow(access); !allowed)
        return tl::make_unexpected(allowed.error());
    if (::listen(socket->fd(), backlog) != 0)
        return base::system_error(path + ": listen", errno);
    return socket;
}

base::Result<void> ControlSocket::allow(const ipc::Access& access) const {
    using ipc::Access;
    const gid_t group = access.readers == Access::nobody ? 0 : access.readers;
    if (::geteuid() == 0 && ::lchown(path_.c_str(), 0, group) != 0)
        return base::system_error(path_ + ": chown", errno);
    const bool two = access.admins != Access::nobody && access.admins != access.readers;
    if (::chmod(path_.c_str(), two ? of_two_groups : of_one_group) != 0)
        return base::system_error(path_ + ": chmod", errno);
    return {};
}

ControlSocket::~ControlSocket() {
    struct stat status {};
    if (::lstat(path_.c_str(), &status) == 0 && status.st_dev == device_ && status.st_ino == inode_)
        ::unlink(path_.c_str());
}

base::Result<ipc::Access> access_of(const config::Control& control) {
    ipc::Access access{ipc::Access::nobody, ipc::Access::nobody, 0};
    if (!control.readers.empty()) {
        const auto group = group_of(control.readers, "readers");
        if (!group)
            return tl::make_unexpected(group.error());
        access.readers = *group;
    } else if (const auto group = group_of("summond", "readers"); group) {
        access.readers = *group;
    }
    if (!control.admins.empty()) {
        const auto group = group_of(control.admins, "admins");
        if (!group)
            return tl::make_unexpected(group.error());
        access.admins = *group;
    }
    return access;
}

}  // namespace summond::roles
