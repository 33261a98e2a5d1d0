// The Unix socket of the control interface: bound by the parent, which may, and served by control.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <memory>
#include <string>

#include "summond/base/result.hpp"
#include "summond/base/unique_fd.hpp"
#include "summond/config/config.hpp"
#include "summond/ipc/messages.hpp"

namespace summond::roles {

class ControlSocket {
  public:
    // Binds it and listens, in place of one that nobody serves any more; its directory is made if
    // it is not there. Errors: another server has it, or it cannot be made.
    static base::Result<std::shared_ptr<ControlSocket>> open(const std::string& path,
                                                             const ipc::Access& access);
    // Who may connect from now on. What they may do is control's affair, which knows who they are.
    base::Result<void> allow(const ipc::Access& access) const;
    // Removes it, unless it is somebody else's by now.
    ~ControlSocket();
    ControlSocket(const ControlSocket&) = delete;
    ControlSocket& operator=(const ControlSocket&) = delete;

    int fd() const { return fd_.get(); }
    const std::string& path() const { return path_; }

  private:
    ControlSocket(std::string path, base::UniqueFd fd)
        : path_(std::move(path)), fd_(std::move(fd)) {}

    std::string path_;
    base::UniqueFd fd_;
    dev_t device_ = 0;
    ino_t inode_ = 0;
};

// The groups of `control:`, by number. Errors: a group that is named does not exist.
base::Result<ipc::Access> access_of(const config::Control& control);

}  // namespace summond::roles
