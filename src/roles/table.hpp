// What there is to know about each role: the parent and main.cpp know no role by name. A new one is
// a row here, its own file, and its messages (summond/ipc/messages.hpp).
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "parent_generation.hpp"
#include "roles.hpp"
#include "summond/base/result.hpp"
#include "summond/base/unique_fd.hpp"
#include "summond/ipc/messages.hpp"
#include "summond/proc/child.hpp"
#include "summond/proc/isolate.hpp"
#include "summond/proc/supervisor.hpp"

namespace summond::roles {

// What the parent has for its children, besides a generation.
struct Estate {
    std::string config_file;
    bool simulate = false;
    // Random, for the life of the daemon: clients' DNS cookies outlive fronts and reloads.
    base::UniqueFd cookie_secret;
    // Of the load that is under way.
    LoadedFiles loaded;
    base::UniqueFd printed;
    bool uncounted = false;
};

// What a child is started with, besides what all have (control_fd, --config, --log-level, --user).
struct Birth {
    std::vector<std::string> arguments;
    std::vector<proc::FdMapping> fds;
};

inline int text_of_config(const Generation& generation) {
    return generation.config.get();
}

struct Row {
    ipc::Role role;
    // What it does, for as long as it lives.
    int (*run)(const Arguments&, const Row&);
    // generation: the one that it is to serve; for load, the one in force, or null.
    Birth (*birth)(const Estate&, const Generation* generation);
    // Whether it is there with this generation. before: whether it was until now.
    bool (*wanted)(const Estate&, const Generation&, bool before) = nullptr;
    // When it is started, killed and started again; its name is the role's.
    proc::Role kept{};
    // What isolate() leaves it. None: it is not isolated.
    std::optional<proc::Syscalls> isolation{};
    // Has the generation's sockets from its birth, keeps them to its end, and passes connections on
    // to its successor.
    bool has_sockets = false;
    // The memory that it counts in (counters_fd), in octets; a child goes on with that of one that
    // has ended. The first of them, gauges, are 0 between the two.
    struct {
        std::size_t size = 0;
        std::size_t gauges = 0;
    } counters{};
    // Gets Reload and Retire.
    bool is_told_of_reloads = false;
    // Is given the zones in force, and who may have them.
    bool transfers = false;
    // Is given the zones and the keys that go with the text, before Reload.
    bool signs = false;
    // What Reload brings.
    int (*text)(const Generation&) = text_of_config;
    // Is told of all roles and loads, and listens on the control socket.
    bool shows = false;
    // With kept.drained_within. replaced: another one serves, and takes over connections. False: it
    // takes no messages. So with `end`, with kept.ended_within.
    bool (*drain)(proc::Child&, bool replaced) = nullptr;
    bool (*end)(proc::Child&) = nullptr;

    // Called by the role itself when it has all that it will ever have; see proc::isolate.
    base::Result<void> isolate(const std::string& user) const;
};

// In the order in which they are started.
std::span<const Row> table();
// Which of them have a channel between them.
std::span<const proc::Peers> peers();
// Null: there is none of that name.
const Row* row_of(const std::string& name);

}  // namespace summond::roles
