// One accepted configuration as the parent holds it: what a front and a vmm are born with.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "summond/base/ip_address.hpp"
#include "summond/base/result.hpp"
#include "summond/base/unique_fd.hpp"

namespace summond::main {

// The sockets of one address in `listen`: one for TCP, the others for UDP. They are shared by the
// generations that listen there, so that a reload keeps them open and loses no query that waits in
// them.
struct Listener {
    base::Endpoint endpoint;
    std::vector<std::shared_ptr<const base::UniqueFd>> sockets;
};

struct Generation {
    base::UniqueFd config;  // sealed memfd: text
    base::UniqueFd image;   // sealed memfd: zones
    std::vector<Listener> listeners;
    std::string log_level;
    std::string user;
    std::size_t zones = 0;
    std::size_t unloaded_zones = 0;  // of them, answered with SERVFAIL
    std::size_t services = 0;
    bool wakes_by_packet = false;  // some service does

    std::size_t socket_count() const;
    // "2 zones and 3 services on 127.0.0.1:53, [::1]:53".
    std::string to_string() const;
};

using GenerationPtr = std::shared_ptr<const Generation>;

// From what the loader wrote into the two memfds, which are sealed here. Endpoints that one of the
// `older` generations listens on keep its sockets and get more if there are more workers now; all
// of them even if there are fewer, as queries in a socket that is closed would be lost. Errors: an
// endpoint that cannot be bound, in words for the log.
base::Result<GenerationPtr> make_generation(const std::string& config_file, base::UniqueFd config,
                                            base::UniqueFd image,
                                            const std::vector<GenerationPtr>& older);

}  // namespace summond::main
