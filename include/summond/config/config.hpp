// The configuration as validated structs. The YAML it comes from is described, key by key, in
// docs/CONFIGURATION.md. Only this module uses yaml-cpp.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "summond/base/ip_address.hpp"
#include "summond/base/result.hpp"
#include "summond/dns/name.hpp"

namespace summond::config {

// What is checked and reckoned for: Debian's names of the architectures that Xen has dom0s on.
enum class Host : std::uint8_t { amd64, arm64 };
Host this_host();  // that this program was compiled for
std::string_view to_string(Host host);

// Where in a file; line and column count from 1, 0 where not known.
struct Location {
    std::string file;
    int line = 0;
    int column = 0;
    // "file:line:column", as far as known.
    std::string to_string() const;
};

// A place in the file of the configuration itself.
struct Position {
    int line = 0;
    int column = 0;
};

// One thing wrong with a configuration: what, and what would be right.
struct Problem {
    Location where;
    std::string what;
    bool warning = false;  // warnings do not refuse the configuration
    // "file:line:column: what" or "file:line:column: warning: what".
    std::string to_string() const;
};

// Names a service in messages between processes, in its domains' UUIDs and in its derived MAC:
// a hash of its name, so the same in every generation of the configuration and in every version of
// summond (FNV-1a 64 over its bytes, then MurmurHash3's 64-bit finaliser; 0 becomes 1). Two
// services of one configuration never share one (a config error).
using ServiceId = std::uint64_t;
ServiceId service_id(std::string_view service_name);

using Mac = std::array<std::uint8_t, 6>;
std::string to_string(const Mac& mac);  // "00:16:3e:xx:xx:xx"
// The MAC of a service's interface (counted from 0) without `mac:`: Xen's OUI, then 23 bits of the
// id with the top bit set. The MACs that libxl makes up have that bit clear (libxl_nic.c), so the
// two never meet.
Mac derived_mac(ServiceId id, std::size_t interface = 0);

// SOA fields (RFC 1035 §3.3.13), seconds.
struct Soa {
    dns::Name mname;  // default: the first NS
    dns::Name rname;  // default: hostmaster.<zone>
    // Within what RIPE-203 and Zonemaster's limits (its test cases Zone02 to Zone06) have in
    // common.
    std::uint32_t serial = 1;
    std::uint32_t refresh = 14400;
    std::uint32_t retry = 3600;
    std::uint32_t expire = 1209600;
    std::uint32_t minimum = 300;  // negative answers' TTL, RFC 2308 §5
    std::uint32_t ttl = 3600;     // of the SOA and NS records
};

// One record as a line of a zone file (RFC 1035 §5), relative to its zone.
struct RecordText {
    std::string text;
    Location where;
};

struct Zone {
    dns::Name name;
    // A zone with a file takes SOA and NS from the file; soa and ns are then empty/defaults.
    std::vector<dns::Name> ns;
    std::vector<Position> ns_where;  // of ns, one each
    Soa soa;
    std::vector<RecordText> records;
    std::optional<std::string> file;  // absolute path
    Location where;                   // of its name
    Location file_where;
};

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
    friend bool operator==(const Standby&, const Standby&) = default;
};

inline constexpr std::uint32_t max_standby = 64;

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
    Location where;
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

struct Service {
    ServiceId id = 0;
    std::string name;  // also the domain's name in xl list; unique
    std::vector<dns::Name> names;
    std::vector<base::IpAddress> ipv4;
    std::vector<base::IpAddress> ipv6;
    std::uint32_t ttl = 60;  // seconds, of its A and AAAA records

    DomainType type = DomainType::pvh;
    std::string kernel;      // absolute path; empty: the bootloader finds one
    std::string bootloader;  // absolute path, or a name such as pygrub; empty: none
    std::vector<std::string> bootloader_args;
    std::optional<std::string> ramdisk;  // absolute path
    std::string cmdline;                 // {ipv4}, {ipv6}, {name} and {mac} already filled in
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
    AnswerWhen answer;
    std::vector<Port> ports;  // empty: it does not say
    // A packet to one of its addresses wakes it, too: only if its first interface has no script.
    bool wake_packet = false;
    std::vector<base::IpPrefix> wake_from;  // only from there; empty: from anywhere
    // A query for one of its addresses wakes it and keeps it. If not, it is answered all the same.
    bool wake_dns = true;
    std::vector<base::IpPrefix> wake_query_from;  // only from there; empty: from anywhere
    Ready ready;
    bool destroy_on_exit = false;
    Restart restart;
    Preserve preserve;

    Location where;  // of its name
    Location kernel_where;
    Location ramdisk_where;
    std::vector<Location> name_where;  // of names, one each
};

// Every key that Service::options may have: module xen gives each to libxl.
std::vector<std::string_view> option_keys();

// What the server says of itself to those who ask; empty: nothing.
struct Server {
    std::string version;   // version.bind, at most 255 octets
    std::string identity;  // id.server and NSID (RFC 5001), at most 100 octets
};

// DNS Cookies (RFC 7873).
struct Cookies {
    bool enabled = true;
    // Shared by servers behind one address (RFC 9018 §3); none: one of this server's own.
    std::optional<std::array<std::uint8_t, 16>> secret;
};

inline constexpr unsigned max_workers = 64;

// Response rate limiting, UDP only.
struct RateLimit {
    bool enabled = true;
    std::uint32_t responses_per_second = 1000;  // of each kind, to one network; 1 to 1'000'000
    std::uint32_t slip = 1;     // one in so many limited responses is truncated, the others are
                                // dropped; 0 (all dropped) to 10
    unsigned ipv4_prefix = 24;  // bits that make a network, 8 to 32
    unsigned ipv6_prefix = 56;  // 16 to 64
    // Not limited. Loopback, by default: nobody else can forge it.
    std::vector<base::IpPrefix> exempt{
        {base::IpAddress::v4({127, 0, 0, 0}), 8},
        {base::IpAddress::v6({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}), 128}};
};

// DNS over TCP.
struct Tcp {
    std::uint32_t connections = 512;  // 1 to 100'000
    std::uint32_t per_source = 64;    // from one IPv4 address or one IPv6 /56; 1 to 100'000
    std::chrono::milliseconds idle{10'000};
    std::vector<base::IpPrefix> exempt;  // from per_source
};

// What all services' domains together may take of the host.
struct Limits {
    std::optional<std::uint64_t> memory_kib;          // standby copies included
    std::optional<std::uint32_t> domains;             // likewise
    std::optional<std::uint64_t> standby_memory_kib;  // of the standby copies
    // What dom0 keeps where its memory is given to domains.
    std::uint64_t dom0_memory_kib = 1024 * 1024;
    bool evict = false;                     // put idle domains away for those that wake
    std::chrono::milliseconds queue{9000};  // how long a wake waits for room
};

struct Config {
    Host host = this_host();
    std::vector<base::Endpoint> listen;
    std::optional<unsigned> workers;  // UDP workers, 1 to max_workers; none: one for each CPU
    std::string user;  // of the front; empty: summond, or nobody where that does not exist
    std::string log_level = "info";  // trace, debug, info, warn, error
    Server server;
    Cookies cookies;
    RateLimit rate_limit;
    Tcp tcp;
    Limits limits;
    // Where suspended domains are kept; absolute.
    std::string save_dir = "/var/lib/summond";
    std::vector<Zone> zones;
    std::vector<Service> services;
};

// The content of a file that is part of the configuration, such as an xl file, by absolute path.
// The error is a reason, such as "No such file or directory".
using ReadFile = std::function<base::Result<std::string>(const std::string& path)>;

// Reads a configuration. file is the name used in problems; relative paths in the text are taken
// from file's directory. Touches no other file but by read. All problems are found in one go (of
// YAML that cannot be parsed: the first) and sorted by position; the config is there only if none
// of them is an error. Never throws.
struct Loaded {
    std::optional<Config> config;
    std::vector<Problem> problems;
    // The text without what it says of zones, as far as that stands by itself: for those that have
    // the zones as an image. Only with a config.
    std::string without_zones;
};
// Whether the zones are to be read: Config::zones is empty otherwise.
enum class ReadZones : std::uint8_t { yes, no };
Loaded parse(std::string_view yaml, const std::string& file, const ReadFile& read = {},
             ReadZones zones = ReadZones::yes, Host host = this_host());

// A configuration with the files that it names, as they were when it was loaded. One sequence of
// bytes, so that a process that is given it needs no file, and reads what the loader read.
struct Sources {
    std::string yaml;                          // Loaded::without_zones will do
    std::map<std::string, std::string> files;  // by absolute path

    std::string pack() const;
    static base::Result<Sources> unpack(std::string_view bytes);
};
// Reads what Sources::pack made, but for zones.
Loaded parse_packed(std::string_view bytes, const std::string& file);

// What parse cannot know without the file system: warnings for kernels, ramdisks and disks that do
// not exist now (they may by the time of the wake), errors for disks that are the same file or
// device under two names.
std::vector<Problem> check_files(const Config& config);

// Why a guest of this type cannot be booted from the kernel, where the file tells. Empty: it can,
// or nobody knows (a bzImage, no such file).
std::string kernel_fault(const std::string& kernel, DomainType type, bool pvshim,
                         Host host = this_host());

}  // namespace summond::config
