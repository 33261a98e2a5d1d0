// One accepted configuration as the parent holds it: what a front and a vmm are born with.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "parent_control_listener.hpp"
#include "parent_control_socket.hpp"
#include "summond/base/ip_address.hpp"
#include "summond/base/result.hpp"
#include "summond/base/unique_fd.hpp"
#include "summond/net/bind.hpp"
#include "summond/service/pattern.hpp"

namespace summond::roles {

// The sockets of one address in `listen`: those for UDP, then one for TCP. They are shared by the
// generations that listen there, so that a reload keeps them open and loses no query that waits in
// them.
struct Listener {
    base::Endpoint endpoint;
    std::vector<std::shared_ptr<const base::UniqueFd>> sockets;
};

// Sockets that are bound when the generation takes over: until then others have their packets.
struct Pending {
    base::Endpoint endpoint;
    std::vector<std::shared_ptr<const base::UniqueFd>> sockets;
};

struct Generation {
    base::UniqueFd config;            // sealed memfd: text
    base::UniqueFd image;             // sealed memfd: zones
    base::UniqueFd transfers;         // sealed memfd: Transfers (transfers.hpp)
    base::UniqueFd webhooks;          // sealed memfd: notify::pack
    base::UniqueFd fleet;             // sealed memfd: fleet::pack
    base::UniqueFd online;            // sealed memfd: private keys, for the signer only
    std::vector<Listener> listeners;  // of `listen`
    // Of the generation before, and read by this one's front, too: those whose address is one of a
    // wildcard that is listened on now, for good, as a query in a socket that is closed is lost;
    // and those that are given up, until close_given_up.
    std::vector<Listener> inherited;
    std::vector<Listener> given_up;  // closed, but its front has them as long as it lives
    std::vector<Pending> pending;    // some sockets of the first two
    std::shared_ptr<const ControlSocket> control;  // null: there is none
    std::vector<ControlListener> readers;          // of `control: {listen}`
    ipc::Access access{};
    std::string log_level;
    std::string user;
    std::size_t zones = 0;
    std::size_t unloaded_zones = 0;  // of them, answered with SERVFAIL
    std::size_t services = 0;
    std::size_t transferred_zones = 0;           // that secondaries may have
    std::size_t online_zones = 0;                // with names that are signed when asked for
    bool wakes_by_packet = false;                // some service does
    std::vector<service::Pattern::Files> files;  // whose coming and going changes it
    std::int64_t config_changed_ns = 0;          // when its text was written: Watch's
    // As the image says: zone::image::Header.
    std::int64_t signed_at = 0;
    std::int64_t sign_again_at = 0;
    bool has_webhooks = false;
    bool has_fleet = false;

    // Somebody may ask how things stand.
    bool is_shown() const { return control != nullptr || !readers.empty(); }
    // "2 zones and 3 services on 127.0.0.1:53, [::1]:53".
    std::string to_string() const;
};

using GenerationPtr = std::shared_ptr<Generation>;

// What the loader writes, in memfds.
struct LoadedFiles {
    base::UniqueFd config;
    base::UniqueFd image;
    base::UniqueFd transfers;
    base::UniqueFd webhooks;
    base::UniqueFd fleet;
    base::UniqueFd online;
};

// From what the loader wrote into the memfds, which are sealed here. Endpoints that the
// generation `before` (or null) listens on keep its sockets and get more if there are more workers
// now; all of them even if there are fewer. own: all sockets of the daemon's. Errors: an endpoint
// that cannot be bound, in words for the log.
base::Result<GenerationPtr> make_generation(const std::string& config_file, LoadedFiles loaded,
                                            const Generation* before, net::OwnSockets own);
// Binds what is pending. After an error the generation is of no use.
base::Result<void> open_pending(const Generation& generation);
// Closes inherited sockets whose addresses are not listened on any more.
void close_given_up(Generation& generation);
// Those for readers that the next generation does not have any more: a front that drains may keep
// the generation for a while.
void close_other_readers(const Generation& generation, const Generation& next);
// For its front.
std::vector<int> open_sockets(const Generation& generation);
// Adds all that it has to `own`.
void add_sockets(const Generation& generation, net::OwnSockets& own);

}  // namespace summond::roles
