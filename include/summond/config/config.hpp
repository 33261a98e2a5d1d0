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
#include "summond/service/host.hpp"
#include "summond/service/limits.hpp"
#include "summond/service/template.hpp"

namespace summond::config {

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

// How a zone is signed (RFC 9364). The names are Knot's.
struct Dnssec {
    std::optional<std::uint8_t> algorithm;    // 13 or 15; none: that of the keys there are, or 13
    std::optional<bool> single_type_signing;  // one CSK, or KSK and ZSK; none: as keys are, or CSK
    bool nsec3 = false;                       // without iterations and salt (RFC 9276)
    // What CDS and CDNSKEY records ask the parent for: nothing, the DS of the zone's keys (RFC
    // 7344), no DS any more (RFC 8078 §4).
    enum class Cds : std::uint8_t { none, always, remove };
    Cds cds_cdnskey_publish = Cds::always;
    std::chrono::seconds rrsig_lifetime = std::chrono::hours(14 * 24);
    // How long before they run out signatures are made anew.
    std::chrono::seconds rrsig_refresh = std::chrono::hours(7 * 24);
    std::chrono::seconds rrsig_jitter = std::chrono::hours(12);  // by which some run out earlier
    std::uint32_t dnskey_ttl = 3600;
    std::chrono::seconds zsk_lifetime = std::chrono::hours(30 * 24);  // 0: until it is rolled
    std::chrono::seconds propagation_delay = std::chrono::hours(1);   // to all servers of the zone
    // Until a new DS at the parent is everywhere: its TTL there, and the delay among its servers.
    std::chrono::seconds parent_delay = std::chrono::hours(25);
};

// Who gets a zone as a whole (RFC 5936), and who is told that it has changed (RFC 1996).
struct Transfer {
    struct Notify {
        base::Endpoint to;
        std::optional<dns::Name> key;  // of tsig; none: not signed
    };
    std::vector<base::IpPrefix> to;  // empty: who has a key, from anywhere
    std::vector<dns::Name> keys;     // of tsig; empty: without one
    std::vector<Notify> notify;
    Location where;
};

// Where a zone's serial comes from. The names are Knot's.
enum class SerialPolicy : std::uint8_t {
    file,       // what the file or `soa` says
    unixtime,   // the time at which its content has last changed
    increment,  // one more whenever its content changes
};

// A file with a TSIG key (RFC 8945), as tsig-keygen(8) and Knot's keymgr(8) write it.
struct TsigFile {
    std::string path;  // absolute
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
    std::optional<Dnssec> dnssec;  // none: not signed here
    Location dnssec_where;
    std::optional<Transfer> transfer;  // none: nobody gets it
    SerialPolicy serial = SerialPolicy::file;
};

// Where a service's text is, for messages.
struct ServicePlaces {
    Location name;  // where the service begins, if it has none of its own
    Location kernel;
    Location ramdisk;
    std::vector<Location> names;  // of Template::names, one each
    std::vector<Location> disks;  // of Template::disks, one each
    std::vector<Location> zones;  // of Template::keep, one each
};

// Every key that Template::options may have: module xen gives each to libxl.
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

// Names of services with an instance for each id, in zones that are signed here: signed when
// somebody asks for them.
struct OnlineSigning {
    std::uint32_t per_second = 2000;  // signatures; 1 to 1'000'000
    std::uint32_t cached = 65536;     // names; 1'024 to 16'777'216
};

// The control interface: who may see and steer.
struct Control {
    bool enabled = true;
    std::string socket = "/run/summond/control.sock";  // absolute
    bool socket_given = false;  // else the daemon does without one that it cannot have
    std::string readers;        // a group; empty: summond, where there is one
    std::string admins;         // a group that may give commands, too; empty: root only
    // Where it can be read over TCP, by everybody who reaches it; at most ipc::Listener::most.
    std::vector<base::Endpoint> listen;
    // What this host is called there besides localhost and its addresses; lower case, without the
    // final dot.
    std::vector<std::string> names;
};

inline constexpr char default_key_dir[] = "/var/lib/summond/keys";

// What webhooks are told of, in the order of the bits of Webhook::events.
inline constexpr std::array<std::string_view, 3> webhook_events{"woke", "put-away", "failed"};

// Who is told over HTTP what happens.
struct Webhook {
    std::string name;  // unique
    std::string url;   // http or https
    std::uint32_t events = (1U << webhook_events.size()) - 1;
    std::vector<std::string> services;          // names; empty: all
    std::string secret;                         // octets; empty: nothing is signed
    std::string ca;                             // PEM; empty: the host's
    std::chrono::milliseconds timeout{10'000};  // of one attempt
    std::chrono::milliseconds retry_for{3'600'000};
    std::vector<std::string> files;  // absolute paths of what was read for it
};

// One of several hosts that serve the same zones, which find each other by etcd.
struct Fleet {
    std::string name;               // of this host, unique
    std::vector<std::string> etcd;  // URLs of its servers, http or https, without a path
    std::string user;               // of etcd; empty: none
    std::string password;
    std::string ca;           // PEM, that etcd's certificate is verified by; empty: the host's
    std::string certificate;  // PEM, what this host shows; empty: none
    std::string key;          // its key, PEM
    std::vector<base::IpPrefix> networks;  // of which this host gives out addresses
    std::string location;                  // "59.91,10.75": degrees north and east; empty: not said
    std::chrono::milliseconds lease{5'000};
    std::string key_prefix = "/summond/";  // of all keys in etcd; ends with a slash
    std::vector<std::string> files;        // absolute paths of what was read for it
};

inline constexpr char default_state[] = "/var/lib/summond/state.db";

struct Config {
    service::Host host = service::this_host();
    std::vector<base::Endpoint> listen;
    std::optional<unsigned> workers;  // UDP workers, 1 to max_workers; none: one for each CPU
    std::string user;  // of the front; empty: summond, or nobody where that does not exist
    std::string log_level = "info";  // trace, debug, info, warn, error
    Server server;
    Cookies cookies;
    RateLimit rate_limit;
    Tcp tcp;
    OnlineSigning signing;
    Control control;
    service::Limits limits;
    // Where suspended domains are kept; absolute.
    std::string save_dir = "/var/lib/summond";
    std::string key_dir = default_key_dir;  // of the keys that zones are signed with; absolute
    // The file that pins, back-off, wakes and so on outlive the daemon in; absolute, empty: none.
    // Not given: default_state, but nothing where domains are simulated.
    std::optional<std::string> state;
    std::vector<TsigFile> tsig;
    std::vector<Zone> zones;
    std::vector<service::Template> services;
    std::vector<ServicePlaces> service_places;  // of services, one each
    std::vector<Webhook> webhooks;              // not read where zones are not
    std::optional<Fleet> fleet;                 // likewise
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
    // The text without what it says of zones, webhooks and fleet, as far as that stands by itself:
    // for those that have the zones as an image, and no business with secrets. Only with a config.
    std::string without_zones;
};
// Whether zones, webhooks and fleet are to be read: they are empty otherwise.
enum class ReadZones : std::uint8_t { yes, no };
Loaded parse(std::string_view yaml, const std::string& file, const ReadFile& read = {},
             ReadZones zones = ReadZones::yes, service::Host host = service::this_host());

// A JSON schema (draft 7, which editors' YAML servers take) of what parse accepts, made by its own
// readers. docs/SCHEMA.md says what it cannot say.
std::string schema();

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

}  // namespace summond::config
