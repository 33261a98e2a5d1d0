// The roles of the one binary and the descriptors they are born with. Each role is a fresh exec of
// the binary (`summond --role=front ...`), so that none shares memory or threads with another.
#pragma once

#include <string>
#include <vector>

#include "summond/config/config.hpp"

namespace summond::roles {

struct Row;

// Descriptors that the parent hands to a child, by number.
inline constexpr int control_fd = 3;  // ipc::Channel to the parent (all that last)
inline constexpr int config_fd = 4;   // sealed memfd: config::Sources (front, vmm; load writes it)
inline constexpr int image_fd = 5;    // sealed memfd: zone image (front; load writes it)
inline constexpr int older_image_fd = 6;  // sealed memfd: zone image in use (load, at a reload)
inline constexpr int printed_fd = 7;      // memfd: what is wrong, as it is printed (load writes it)
inline constexpr int secret_fd = 7;       // sealed memfd: 16 octets for DNS cookies (front)
inline constexpr int counters_fd = 8;     // shared memory: what it counts in (front, vmm, wire)
inline constexpr int transfers_fd = 8;    // memfd: Transfers (load writes it)
inline constexpr int webhooks_fd = 9;     // memfd: notify::pack (load writes it)
inline constexpr int older_transfers_fd = 10;  // as transfers_fd, of the zones in use (load, at a
                                               // reload)
inline constexpr int online_keys_fd = 11;  // memfd: sign::pack of sign::OnlineZone (signer; load
                                           // writes it)
inline constexpr int fleet_fd = 12;        // memfd: fleet::pack (load writes it)
inline constexpr int first_socket_fd = 9;  // bound sockets (front): UDP workers x addresses, TCP

// Exit statuses, besides 0.
inline constexpr int exit_failed = 1;             // while running; the log says why and what to do
inline constexpr int exit_bad_configuration = 2;  // or bad usage

// What the parent says when it starts a child, and a person who starts the daemon.
struct Arguments {
    std::string config;
    bool simulate = false;
    int sockets = 0;           // how many there are from first_socket_fd on
    bool older_image = false;  // older_image_fd is there
    bool uncounted = false;    // nothing is counted: counters_fd is not there
    std::string user;          // for those that are isolated; empty: see proc::isolate
    std::string log_level = "info";
};

// Runs until told to stop; the value is the process's exit status. row: its own.
int parent_main(const Arguments& arguments);
int front_main(const Arguments& arguments, const Row& row);
int vmm_main(const Arguments& arguments, const Row& row);
// Has control_fd and counters_fd only; the rest comes over the first.
int wire_main(const Arguments& arguments, const Row& row);
int control_main(const Arguments& arguments, const Row& row);
// Has control_fd only; the rest comes over it.
int transfer_main(const Arguments& arguments, const Row& row);
// Has config_fd, image_fd and online_keys_fd; later ones come over control_fd.
int signer_main(const Arguments& arguments, const Row& row);
// Has the webhooks as config_fd.
int notifier_main(const Arguments& arguments, const Row& row);
// Has its settings as config_fd.
int fleet_main(const Arguments& arguments, const Row& row);

// Reads the file and its zone files, prints every problem on standard error, writes what it read to
// config_fd, the image to image_fd, the webhooks to webhooks_fd and the like. A zone whose file is
// bad is taken from older_image_fd, if that is there. Exit status 0, or exit_bad_configuration.
int load_main(const Arguments& arguments, const Row& row);
// `summond check FILE`: as load_main, for this or another host, writing nothing but the problems
// and a line that says how much was found.
int check_main(const std::string& config_file, service::Host host);
// `summond name FILE NAME`: what the name is by the configuration. Exit status 0: it exists;
// exit_failed: it does not.
int name_main(const std::string& config_file, const std::string& name);
// `summond sign FILE ID...`: the names of these ids of a service with signed ones. of: which
// service; empty: the only one.
int sign_main(const std::string& config_file, const std::vector<std::string>& ids,
              const std::string& of);

}  // namespace summond::roles
