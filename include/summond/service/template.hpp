// A service as the configuration describes it: what its guest is, how it is reached, and what wakes
// it. docs/CONFIGURATION.md says what each setting means.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "summond/base/ip_address.hpp"
#include "summond/dns/name.hpp"
#include "summond/service/host.hpp"
#include "summond/service/identity.hpp"
#include "summond/service/pattern.hpp"
#include "summond/service/schedule.hpp"

namespace summond::service {

enum class DomainType : std::uint8_t { pv, pvh };

// Put away how (xl's words; suspend: to disk).
enum class IdleAction : std::uint8_t { destroy, pause, suspend, shutdown };

// How far a standby copy is when it waits.
enum class StandbyStage : std::uint8_t {
    booted,  // ready, then paused, its interface off the bridge
    built,   // before its first instruction
};

struct Standby {
    std::uint32_t count = 0;
    StandbyStage stage = StandbyStage::booted;
    // Built domains of no service, which all may take whose domains are alike (shell.hpp). So many
    // are shared by those services; the most that one of them wants.
    std::uint32_t shells = 0;
    friend bool operator==(const Standby&, const Standby&) = default;
};

inline constexpr std::uint32_t max_standby = 64;
inline constexpr std::uint32_t max_shells = 512;

// Xen has no limit for PVH; this one is far above what kernels keep (Linux: 2048).
inline constexpr std::size_t max_pvh_cmdline = 4095;

// How long a query waits for a service's domain at most; no resolver waits longer.
inline constexpr std::chrono::milliseconds longest_answer{10'000};

// When a query that woke the service is answered.
struct AnswerWhen {
    enum class Kind : std::uint8_t {
        booting,  // as soon as the domain runs
        ready,    // when it is ready
        delay,    // that long after the wake began, if it runs by then
    };
    Kind kind = Kind::booting;
    std::chrono::milliseconds delay{0};
};

// What a service is there for.
enum class Protocol : std::uint8_t { tcp, udp, icmp };
struct Port {
    Protocol protocol = Protocol::tcp;
    std::uint16_t number = 0;  // 0: any
    friend bool operator==(const Port&, const Port&) = default;
};

// How a guest shows that it is ready.
struct ReadyEnds {};  // not at all: it is as soon as it runs, and meant to end by itself
struct ReadyXenstore {
    std::string key;  // relative to the guest's own directory, under data/
};
struct ReadyLink {};  // its vif's frontend reaches state 4, Connected (xen/io/xenbus.h)
struct ReadyTcp {
    std::uint16_t port;       // it accepts connections there
    std::string http_path{};  // if not empty, answers a GET of this path, with any status but 5xx
};

struct Ready {
    std::variant<ReadyLink, ReadyXenstore, ReadyTcp, ReadyEnds> how;
    std::chrono::milliseconds timeout{30'000};
};

// A network interface of a guest.
struct Interface {
    Mac mac{};
    std::string bridge;  // of dom0
    // The hotplug script that libxl runs for it: a path, or a name in Xen's script directory.
    // Empty: none, summond itself puts it onto its bridge.
    std::string script;
    // Only with a script, which may use them (xl-network-configuration(5)). Empty: not given.
    std::string ip;            // addresses and networks, separated by spaces
    std::string gatewaydev;    // an interface of dom0
    std::string vifname{};     // of the interface in dom0; empty: netback's name
    std::uint64_t rate{};      // bytes that the guest may send in an interval; 0: no limit
    std::uint32_t interval{};  // of rate, microseconds
    std::uint32_t mtu{};       // octets; 0: its bridge's
    bool trusted = true;       // what the guest's driver is told about dom0

    bool operator==(const Interface&) const = default;
};

// As in xl-disk-configuration(5).
struct Disk {
    std::string path;    // absolute; with a script, what that takes
    std::string device;  // xvda, hda, sda, d0p1, 0x1
    bool writable = false;
    enum class Format : std::uint8_t { raw, qcow2, vhd, qcow, qed } format = Format::raw;
    enum class Backend : std::uint8_t { any, phy, qdisk } backend = Backend::any;
    bool cdrom = false;
    std::string script{};  // that makes a device of path; empty: path is the device or a file
    bool direct_io_safe = false;
    std::optional<bool> discard{};  // none: as libxl does
    bool trusted = true;
};

// A directory of dom0 that the guest can mount (p9 in xl.cfg(5)).
struct Share {
    std::string tag;   // the guest's name of it
    std::string path;  // absolute
    bool operator==(const Share&) const = default;
};

// On which of the host's CPUs vCPUs run, each as in xl.cfg(5): "0-3,^1", "node:0", "all".
struct Affinity {
    std::vector<std::string> cpus;  // empty: not given
    bool each = false;              // one of each vCPU, the rest unbound; otherwise one of all
    bool operator==(const Affinity&) const = default;
};

// Whether a domain that has ended is started again, by how it ended (xl's on_poweroff and so on).
struct Restart {
    bool poweroff = false;
    bool reboot = true;
    bool watchdog = false;
    bool crash = false;
};

// And whether it is left as it is for somebody to look at (preserve, rename-restart).
struct Preserve {
    bool poweroff = false;
    bool reboot = false;
    bool watchdog = false;
    bool crash = false;
};

// Of a service with several domains, each with a MAC and addresses of its own: each of them is a
// template, called NAME, NAME:1, NAME:2 and so on. The first one has the service's names.
struct Replicas {
    Id of = 0;                 // the first one
    std::uint32_t number = 0;  // which one, from 0
    std::uint32_t count = 1;
    std::uint32_t min = 0;      // so many are up, whoever asks for them
    std::uint64_t add_at = 0;   // packets in a second to each that is up; one more is woken above
    std::uint32_t answers = 0;  // addresses of a family in an answer, at most
    friend bool operator==(const Replicas&, const Replicas&) = default;
};
inline constexpr std::uint32_t max_replicas = 16;

// What the text of the configuration says of a service.
struct Template {
    Id id = 0;
    std::string name;  // also the domain's name in xl list; unique
    // Of a service with an instance for each id (instance_of); null: a plain service. It has
    // neither names nor addresses then, its MACs are of no meaning, and {id} stands in its paths,
    // {id}, {ipv6}, {name} and {mac} in its command line.
    std::shared_ptr<const Pattern> pattern{};
    std::vector<dns::Name> names;
    std::vector<base::IpAddress> ipv4;
    std::vector<base::IpAddress> ipv6;
    std::uint32_t ttl = 60;  // seconds, of its A and AAAA records

    DomainType type = DomainType::pvh;
    std::string kernel;      // absolute path; empty: the bootloader finds one
    std::string bootloader;  // absolute path, or a name such as pygrub; empty: none
    std::vector<std::string> bootloader_args;
    std::optional<std::string> ramdisk;  // absolute path
    std::string cmdline;                 // of a plain service with its placeholders filled in
    std::uint64_t memory_kib = 0;
    std::uint64_t max_memory_kib = 0;     // what it may grow to by itself; at least memory_kib
    std::uint64_t shadow_memory_kib = 0;  // 0: as much as its size needs
    std::uint32_t vcpus = 1;              // at the start
    std::uint32_t max_vcpus = 0;          // as many as it may bring up; at least vcpus
    Affinity cpus;
    Affinity cpus_soft;
    // What else libxl is told, by xl's names; the values are checked (option_keys).
    std::map<std::string, std::string> options;
    bool pvshim = false;                // of pvh: a PV guest inside it
    std::string rumprun;                // rumprun/cfg in its xenstore directory; empty: none
    std::vector<Interface> interfaces;  // as the guest numbers them
    std::vector<Disk> disks;
    std::vector<Share> shares;

    std::optional<std::chrono::milliseconds> idle_after;  // none: never put away
    IdleAction idle_action = IdleAction::destroy;
    // Whose packets do not count as traffic.
    std::vector<base::IpPrefix> idle_ignore;
    // An open TCP connection of a client's keeps it, too, unless it has been silent for this long.
    // 0: it does not.
    std::chrono::milliseconds keep_connections{0};
    // suspend, where that cannot be: pause or destroy.
    IdleAction idle_else = IdleAction::pause;
    // shutdown: how long the guest may take before it is destroyed.
    std::chrono::milliseconds shutdown_timeout{30'000};
    Standby standby;
    // It is up in these windows, and always if min is 1, whoever asks for it.
    std::vector<KeepWindow> keep;
    std::uint32_t min = 0;
    std::optional<Replicas> replicas{};  // none: it is one domain
    AnswerWhen answer;
    std::vector<Port> ports;  // empty: it does not say
    // A packet to one of its addresses wakes it, too: only if its first interface has no script.
    bool wake_packet = false;
    std::vector<base::IpPrefix> wake_from;  // only from there; empty: from anywhere
    // A query for one of its addresses wakes it and keeps it. If not, it is answered all the same.
    bool wake_dns = true;
    std::vector<base::IpPrefix> wake_query_from;  // only from there; empty: from anywhere
    // Of clients, only such as have shown that their address is not forged wake it. If not, so it
    // is while the host is under pressure.
    bool wake_by_proof = false;
    Ready ready;
    bool destroy_on_exit = false;
    Restart restart;
    Preserve preserve;
};

// What its domain takes of the host, as libxl reckons it (libxl_domain_need_memory): its memory,
// page tables for PVH, and a little of Xen's own.
std::uint64_t footprint_kib(const Template& service, Host host = this_host());

}  // namespace summond::service
