#include "landlock.hpp"

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "summond/base/unique_fd.hpp"

namespace summond::proc {

base::Result<bool> read_only_below(std::span<const char* const> directories) {
    // All rights of the first version: later ones are about what cannot be opened then anyway.
    landlock_ruleset_attr all{};
    all.handled_access_fs = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1;
    const base::UniqueFd rules(
        static_cast<int>(::syscall(SYS_landlock_create_ruleset, &all, sizeof all, 0)));
    if (!rules && (errno == ENOSYS || errno == EOPNOTSUPP))
        return false;
    if (!rules)
        return base::system_error("landlock_create_ruleset", errno);
    for (const char* const directory : directories) {
        const base::UniqueFd fd(::open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC));
        if (!fd)
            continue;
        landlock_path_beneath_attr below{};
        below.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
        below.parent_fd = fd.get();
        if (::syscall(SYS_landlock_add_rule, rules.get(), LANDLOCK_RULE_PATH_BENEATH, &below, 0) !=
            0)
            return base::system_error("landlock_add_rule", errno);
    }
    if (::syscall(SYS_landlock_restrict_self, rules.get(), 0) != 0)
        return base::system_error("landlock_restrict_self", errno);
    return true;
}

}  // namespace summond::proc
