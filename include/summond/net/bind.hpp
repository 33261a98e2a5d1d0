// Sockets for the addresses in `listen`. The parent makes them while it may (ports below 1024) and
// keeps them open over restarts and reloads of the front, so that no query is lost in between.
#pragma once

#include <string>
#include <vector>

#include "summond/base/ip_address.hpp"
#include "summond/base/result.hpp"
#include "summond/base/unique_fd.hpp"
#include "summond/config/config.hpp"

namespace summond::net {

// The configured number, or one for each CPU that this process may use.
unsigned udp_worker_count(const config::Config& config);

struct Bound {
    // UDP sockets, one a worker (SO_REUSEPORT: the kernel spreads clients over them), then one
    // listening TCP socket. All close-on-exec.
    std::vector<base::UniqueFd> sockets;
    std::vector<std::string> warnings;  // for the log
};

// Sockets that this process has already, by descriptor.
using OwnSockets = std::vector<int>;

// Binds one endpoint for udp_workers (at least 1) workers. Port 0: one that the kernel chooses, the
// same for all sockets. An address that no interface has yet is bound nevertheless, with a warning:
// at boot the bridge may come up later. Errors say which endpoint, why, and what would be right.
// An endpoint that is bound already by others than `own` is an error: SO_REUSEPORT alone would let
// two daemons share a port and each lose half of the queries. Of sockets of one port, those bound
// to the address of a packet get it before those bound to all addresses.
base::Result<Bound> bind_endpoint(const base::Endpoint& endpoint, unsigned udp_workers,
                                  const OwnSockets& own = {});

// The same in two steps, where another socket of ours gets the packets until the second. First the
// sockets, which are nowhere yet. Fails where bind_endpoint would.
base::Result<std::vector<base::UniqueFd>> prepare_endpoint(const base::Endpoint& endpoint,
                                                           unsigned udp_workers,
                                                           const OwnSockets& own);
// Then binds them: UDP or, with listen(2), TCP.
base::Result<void> open_socket(int fd, const base::Endpoint& endpoint);
// Closes an open socket for all processes that share it: it receives nothing new, and what it has
// can still be read. Of TCP, connections that nobody has accepted are lost.
void close_shared(int fd);

// Whether packets to `specific` arrive at `wildcard` where it is the only one.
bool covers(const base::Endpoint& wildcard, const base::Endpoint& specific);

// More UDP sockets for an endpoint that this process has bound, for open_socket: clients are spread
// over the old and the new ones at once then.
base::Result<std::vector<base::UniqueFd>> prepare_more_udp(const base::Endpoint& endpoint,
                                                           unsigned count);

// What an inherited socket is. One that is not open yet has the unspecified address and port 0.
struct SocketInfo {
    enum class Kind { udp, tcp_listener };
    Kind kind;
    base::Endpoint local;
};
base::Result<SocketInfo> describe(int fd);

}  // namespace summond::net
