// Every message between the processes. Fixed layout, host byte order (same machine, same binary),
// one message a SOCK_SEQPACKET datagram. Each says here, once, from which role to which it may go
// and whether it carries a descriptor; its size is that of its struct. A datagram that is not
// exactly that is a protocol violation, and the receiver closes the channel. vmm takes front, wire
// and control for hostile, and so does the parent.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>

#include "summond/service/limits.hpp"
#include "summond/service/report.hpp"
#include "summond/service/status.hpp"

namespace summond::ipc {

// The ends of a channel. Each but the parent is a row in src/roles/table.cpp.
enum class Role : std::uint32_t {
    parent,
    load,
    front,
    vmm,
    wire,
    control,
    notifier,
    transfer,
    signer,
    fleet,
};

constexpr std::string_view to_string(Role role) {
    switch (role) {
        case Role::parent:
            return "parent";
        case Role::load:
            return "load";
        case Role::front:
            return "front";
        case Role::vmm:
            return "vmm";
        case Role::wire:
            return "wire";
        case Role::control:
            return "control";
        case Role::transfer:
            return "transfer";
        case Role::notifier:
            return "notifier";
        case Role::signer:
            return "signer";
        case Role::fleet:
            return "fleet";
    }
    return "?";
}

// Who may send a message to whom; none: any role.
struct Route {
    std::optional<Role> from;
    std::optional<Role> to;
    constexpr bool allows(Role sender, Role receiver) const {
        return from.value_or(sender) == sender && to.value_or(receiver) == receiver;
    }
};

enum class Type : std::uint32_t {
    wake = 1,
    touch,
    state,
    peer,
    drain,
    reload,
    stop,
    ready,
    tap,
    station,
    forget,
    attach,
    guest_state,
    arrived,
    handed_over,
    retire,
    grown,
    connection,
    opened,
    report,
    host_report,
    wake_report,
    command,
    command_done,
    listener,
    image,
    access,
    role_report,
    reload_wanted,
    load_report,
    counters,
    wake_instance,
    network,
    arrived_in,
    notice,
    ping,
    pinged,
    webhook_report,
    waited,
    first_byte,
    passed,
    signed_query,
    signed_answer,
    transfers,
    sign_wanted,
    signed_record,
    signing_keys,
    pressure,
    load,
    quiet,
    fleet_report,
    fleet_host,
    fleet_health,
};

// A service is named by service::Id. Unknown ids are ignored.

struct Address {
    std::uint8_t size;  // 4 or 16
    std::uint8_t bytes[16];
};

// A client asks for the address of a service that is not up: start it.
struct Wake {
    static constexpr Type type = Type::wake;
    static constexpr Route routes[] = {{Role::front, Role::vmm}};
    std::uint64_t service;
    std::int64_t asked_ns;  // when, of CLOCK_MONOTONIC
    Address from;
    std::uint16_t query_type;  // QTYPE; 0: not known any more
    std::uint8_t proved;       // 1: `from` is not forged, or the wake has been promised
    std::uint8_t reserved[3];
};

// So many queries that waited for a service have got their responses, since the last Waited.
struct Waited {
    static constexpr Type type = Type::waited;
    static constexpr Route routes[] = {{Role::front, Role::vmm}};
    std::uint64_t service;
    std::int64_t longest_us;  // how long that one has waited that waited longest
    std::uint32_t queries;
    std::uint32_t reserved;
};

// The same of an instance by rule.
struct WakeInstance {
    static constexpr Type type = Type::wake_instance;
    static constexpr Route routes[] = {{Role::front, Role::vmm}};
    std::uint64_t service;  // whose instance
    std::int64_t asked_ns;
    Address from;
    std::uint16_t query_type;
    std::uint8_t proved;  // as of Wake
    std::uint8_t size;
    char id[63];
};

// Addresses of these services were given out since the last Touch; the TTL of such an answer keeps
// the domain. Sent at most once a second for each service.
struct Touch {
    static constexpr Type type = Type::touch;
    static constexpr Route routes[] = {{Role::front, Role::vmm}};
    static constexpr std::uint32_t capacity = 62;
    std::uint32_t count;  // 1 to capacity
    std::uint32_t reserved;
    std::uint64_t services[capacity];
};

// What vmm knows of one service. Sent for all services when a front connects, with Ready behind the
// last one: those that are not among them sleep. Then at every change.
struct State {
    static constexpr Type type = Type::state;
    static constexpr Route routes[] = {{Role::vmm, Role::front}};
    std::uint64_t service;
    service::Phase phase;
    std::uint8_t at_once;          // asleep: 1: a Wake takes no time, since a domain waits paused
    service::WakeFailure failure;  // none unless failed
    std::uint8_t reserved;
    std::uint32_t retry_after_ms;  // failed: until when further wakes are refused
    std::uint32_t woken_ms_ago;    // building, booting: since this wake began
    std::uint8_t ipv4[4];          // leased to it; 0.0.0.0: none that may be given out
};

// Whether the host is under pressure. When a front or wire connects, then at every change, after
// the states of services that have changed before.
struct Pressure {
    static constexpr Type type = Type::pressure;
    static constexpr Route routes[] = {{Role::vmm, Role::front}, {Role::vmm, Role::wire}};
    std::uint32_t on;  // 1: wakes without proof are refused
};

// How much one of a service's replicas has to do. At each measurement, and not before the first.
struct Load {
    static constexpr Type type = Type::load;
    static constexpr Route routes[] = {{Role::vmm, Role::front}};
    std::uint64_t service;
    std::uint32_t packets;  // to it in a second
    std::uint32_t spare;    // 1: there are enough without it, and its address is not given out
};

// With a descriptor: a new channel to another role, in place of the one before if that role is one
// of which there is one.
struct Peer {
    static constexpr Type type = Type::peer;
    static constexpr Route routes[] = {{Role::parent, {}}};
    static constexpr bool carries_fd = true;
    Role role;  // who is at the other end
};

// front: answer what has been received, take no new queries, end when the last client is served.
struct Drain {
    static constexpr Type type = Type::drain;
    static constexpr Route routes[] = {{Role::parent, Role::front}};
    std::uint32_t replaced;  // 1: another front serves, and takes over connections
};

// front that drains: it takes no new queries any more, so nobody hears of its zones but clients
// that it has heard of before.
struct Quiet {
    static constexpr Type type = Type::quiet;
    static constexpr Route routes[] = {{Role::front, Role::parent}};
    std::uint32_t reserved;
};

// front: all its sockets are bound and listen now.
struct Opened {
    static constexpr Type type = Type::opened;
    static constexpr Route routes[] = {{Role::parent, Role::front}};
    std::uint32_t reserved;
};

// With a descriptor: a client's TCP connection on which nothing is under way, from a front
// that drains to the one that serves.
struct Connection {
    static constexpr Type type = Type::connection;
    static constexpr Route routes[] = {{Role::front, Role::parent}, {Role::parent, Role::front}};
    static constexpr bool carries_fd = true;
    std::uint32_t reserved;
};

// With a descriptor: a sealed memfd with the text of the new, already checked configuration;
// notifier: with its webhooks (notify::pack); fleet: with its settings (fleet::pack).
struct Reload {
    static constexpr Type type = Type::reload;
    static constexpr Route routes[] = {{Role::parent, Role::vmm},
                                       {Role::parent, Role::control},
                                       {Role::parent, Role::notifier},
                                       {Role::parent, Role::fleet},
                                       {Role::parent, Role::signer}};
    static constexpr bool carries_fd = true;
    std::uint32_t reserved;
};

// vmm and control: the front that serves has the configuration of the last Reload; services that it
// does not name are gone.
struct Retire {
    static constexpr Type type = Type::retire;
    static constexpr Route routes[] = {{Role::parent, Role::vmm},
                                       {Role::parent, Role::control},
                                       {Role::parent, Role::notifier},
                                       {Role::parent, Role::fleet},
                                       {Role::parent, Role::signer}};
    std::uint32_t reserved;
};

// vmm: put away what `on_exit: destroy` says, leave the rest running, end. fleet: leave it, end.
struct Stop {
    static constexpr Type type = Type::stop;
    static constexpr Route routes[] = {{Role::parent, Role::vmm}, {Role::parent, Role::fleet}};
    std::uint32_t reserved;
};

// front: isolated and serving. vmm: connected to Xen and existing domains adopted; to wire: it has
// been told of all services; to control, and to front: likewise. wire: isolated, and stands in for
// them. control: isolated and listening.
struct Ready {
    static constexpr Type type = Type::ready;
    static constexpr Route routes[] = {{{}, Role::parent},
                                       {Role::vmm, Role::wire},
                                       {Role::vmm, Role::control},
                                       {Role::vmm, Role::front}};
    std::uint32_t reserved;
};

// With a descriptor: a tap that is a port of a bridge.
struct Tap {
    static constexpr Type type = Type::tap;
    static constexpr Route routes[] = {{Role::vmm, Role::wire}};
    static constexpr bool carries_fd = true;
    std::uint32_t number;  // below capacity; of one that is there, in its place
    static constexpr std::uint32_t capacity = 64;
};

// A service whose packets wire looks after (wire::Station). One that is there keeps its state.
struct Station {
    static constexpr Type type = Type::station;
    static constexpr Route routes[] = {{Role::vmm, Role::wire}};
    struct Port {
        std::uint16_t number;
        std::uint8_t protocol;  // service::Protocol
        std::uint8_t reserved;
    };
    struct Prefix {
        Address address;
        std::uint8_t length;
    };
    std::uint64_t service;
    std::uint32_t tap;
    std::uint16_t ports;
    std::uint8_t addresses;
    std::uint8_t prefixes;
    std::uint8_t mac[6];
    std::uint8_t by_proof;  // wire::Station::by_proof
    std::uint8_t reserved;
    std::uint32_t youth_ms;  // wire::Station::youth
    Port port[service::max_ports];
    Address address[service::max_addresses];
    Prefix prefix[service::max_prefixes];
};

// Addresses of instances, one for each id (wire::Network), beside those that have been told; or,
// where `length` is 0, there are none any more.
struct Network {
    static constexpr Type type = Type::network;
    static constexpr Route routes[] = {{Role::vmm, Role::wire}};
    std::uint64_t service;
    std::uint32_t tap;
    std::uint32_t youth_ms;
    std::uint16_t ports;
    std::uint8_t prefixes;
    std::uint8_t length;  // of the prefix, 64 to 96
    Address address;
    std::uint8_t key[16];
    std::uint8_t shortest;
    std::uint8_t longest;
    std::uint8_t characters;
    std::uint8_t name_size;
    std::uint8_t by_proof;
    char character[38];
    char name[63];
    Station::Port port[service::max_ports];
    Station::Prefix prefix[service::max_prefixes];
};

// Somebody waits for the instance that has an address of a network.
struct ArrivedIn {
    static constexpr Type type = Type::arrived_in;
    static constexpr Route routes[] = {{Role::wire, Role::vmm}};
    std::uint64_t service;  // whose instance
    Address to;
    Address from;
    std::uint8_t protocol;  // as of Arrived, here and below
    std::uint8_t proved;
    std::uint16_t port;
};

struct Forget {
    static constexpr Type type = Type::forget;
    static constexpr Route routes[] = {{Role::vmm, Role::wire}};
    std::uint64_t service;
};

// With a descriptor: a packet socket on the interface of the service's guest.
struct Attach {
    static constexpr Type type = Type::attach;
    static constexpr Route routes[] = {{Role::vmm, Role::wire}};
    static constexpr bool carries_fd = true;
    std::uint64_t service;
};

struct GuestState {
    static constexpr Type type = Type::guest_state;
    static constexpr Route routes[] = {{Role::vmm, Role::wire}};
    std::uint64_t service;
    std::uint32_t state;  // wire::GuestState
    std::uint32_t epoch;  // returned by HandedOver, which says which GuestState it answers
};

// Somebody waits for a service that is away: start it.
struct Arrived {
    static constexpr Type type = Type::arrived;
    static constexpr Route routes[] = {{Role::wire, Role::vmm}};
    std::uint64_t service;
    Address from;
    std::uint8_t protocol;  // of IP (IANA), 0: another
    std::uint16_t port;     // 0 where the protocol has none
    std::uint8_t proved;    // 1: `from` is not forged
    std::uint8_t reserved[3];
};

// The answer to a GuestState that says `running`: the guest has what was held for it.
struct HandedOver {
    static constexpr Type type = Type::handed_over;
    static constexpr Route routes[] = {{Role::wire, Role::vmm}};
    std::uint64_t service;
    std::uint32_t epoch;
    std::uint32_t packets;
    std::uint32_t repeats;
    std::uint32_t dropped;
    std::uint32_t waited_ms;  // the first of them
    std::uint32_t young;      // 1: the guest may still refuse some, and Grown follows
    Address from;             // whose that was; size 0: none was held
};

// After a HandedOver that says `young`: the guest has taken, or may refuse, all that was held.
struct Grown {
    static constexpr Type type = Type::grown;
    static constexpr Route routes[] = {{Role::wire, Role::vmm}};
    std::uint64_t service;
    std::uint32_t epoch;  // as in HandedOver
};

// The first octets that the guest of this epoch has said to a client.
struct FirstByte {
    static constexpr Type type = Type::first_byte;
    static constexpr Route routes[] = {{Role::wire, Role::vmm}};
    std::uint64_t service;
    std::int64_t at_ns;  // of CLOCK_MONOTONIC
    std::uint32_t epoch;
    std::uint32_t reserved;
};

// -- Control

// service::Report. Sent for all services when a control connects, then at every change.
struct Report {
    static constexpr Type type = Type::report;
    static constexpr Route routes[] = {{Role::vmm, Role::control}};
    static constexpr std::int64_t none = INT64_MIN;  // of a time
    static constexpr std::uint32_t no_domain = UINT32_MAX;
    static constexpr std::uint8_t no_reason = UINT8_MAX;
    // Bits of flags.
    static constexpr std::uint8_t at_once = 1;
    static constexpr std::uint8_t remembers = 2;
    static constexpr std::uint8_t saved = 4;
    static constexpr std::uint8_t pinned = 8;
    std::uint64_t service;
    // Times are of CLOCK_MONOTONIC, in nanoseconds.
    std::int64_t retry_at_ns;
    std::int64_t woken_at_ns;
    std::int64_t since_ns;
    std::int64_t idle_at_ns;
    std::int64_t pinned_until_ns;
    std::uint64_t memory_kib;
    std::uint64_t standby_kib;
    std::uint64_t wakes;
    std::uint32_t domid;
    std::uint32_t standby_domid;
    std::uint32_t standby;
    service::Phase phase;
    service::WakeFailure failure;
    service::Stage stage;
    std::uint8_t why;  // service::WakeReason
    std::uint8_t flags;
    std::uint8_t reserved[7];
};

// What concerns all services of the host. Sent when a control connects, then at every change.
struct HostReport {
    static constexpr Type type = Type::host_report;
    static constexpr Route routes[] = {{Role::vmm, Role::control}};
    std::uint32_t drained;  // 1: no new wakes
    // service::Shells
    std::uint32_t shells_wanted;
    std::uint32_t shells;
    std::uint32_t pressure;  // service::PressureCauses
    std::uint64_t shells_kib;
    // service::Pools
    std::uint32_t pool_addresses;
    std::uint32_t leased;
};

// vm::WakeRecord: a wake that is over, or, with the same number, what is known of it besides. When
// a control connects, all that are remembered, the oldest first.
struct WakeReport {
    static constexpr Type type = Type::wake_report;
    static constexpr Route routes[] = {{Role::vmm, Role::control}};
    static constexpr std::size_t phases = 8;
    static constexpr std::int64_t none = -1;  // of a phase, or of first_waited_us
    static constexpr std::uint8_t no_how = UINT8_MAX;
    std::uint64_t number;
    std::uint64_t service;
    std::int64_t asked_at_ns;       // of CLOCK_MONOTONIC
    std::int64_t phase_us[phases];  // after that, in the order of vm::WakeRecord
    std::int64_t first_waited_us;
    std::uint32_t packets;
    std::uint32_t queries;
    std::uint16_t query_type;  // 0: none
    std::uint8_t remembered;   // 1: it was over when this control connected
    std::uint8_t why;          // service::WakeReason
    std::uint8_t how;          // vm::WakeHow
    service::WakeFailure failure;
    std::uint8_t what_size;
    char what[200];
};

// What somebody who may has asked for. Done once, and answered by a CommandDone.
struct Command {
    static constexpr Type type = Type::command;
    static constexpr Route routes[] = {{Role::control, Role::vmm}};
    enum class What : std::uint8_t {
        wake,
        sleep,
        pin,
        unpin,
        touch,
        adopt,
        drain,    // of no service
        undrain,  // likewise
        last = undrain,
    };
    std::uint64_t serial;  // control's
    std::uint64_t service;
    std::int64_t for_ms;  // pin: 0: until it is unpinned
    std::uint32_t user;   // whose wish it is, for the log
    What what;
    std::uint8_t force;  // sleep: although it is pinned; wake: although the host is drained
    std::uint8_t reserved[2];
};

struct CommandDone {
    static constexpr Type type = Type::command_done;
    static constexpr Route routes[] = {{Role::vmm, Role::control}};
    enum class Outcome : std::uint8_t {
        done,
        begun,            // what it becomes is told by Report
        nothing_to_do,    // it is so already
        unknown_service,  // of the configuration in force
        pinned,
        drained,
        backing_off,  // after what Report says
        busy,         // something is under way for it that has to end first
        not_ours,     // adopt: what there is cannot be taken over; `what` says why
        failed,       // the log says why
        last = failed,
    };
    std::uint64_t serial;
    Outcome outcome;
    std::uint8_t what_size;
    char what[254];
};

// With a descriptor: a socket that listens for clients of the control interface, in place of the
// one of that number.
struct Listener {
    static constexpr Type type = Type::listener;
    static constexpr Route routes[] = {{Role::parent, Role::control}};
    static constexpr bool carries_fd = true;
    std::uint32_t number;  // 0: the Unix socket; 1 to most: TCP, for reading only
    static constexpr std::uint32_t most = 16;
};

// With a descriptor: a sealed memfd with the zones in force.
struct Image {
    static constexpr Type type = Type::image;
    static constexpr Route routes[] = {{Role::parent, Role::control},
                                       {Role::parent, Role::transfer},
                                       {Role::parent, Role::signer}};
    static constexpr bool carries_fd = true;
    std::uint32_t reserved;
};

// With a descriptor: a sealed memfd with who gets the zones of the last Image (transfer::Plan),
// which are in force from now on.
struct Transfers {
    static constexpr Type type = Type::transfers;
    static constexpr Route routes[] = {{Role::parent, Role::transfer}};
    static constexpr bool carries_fd = true;
    std::uint32_t reserved;
};

// -- Zone transfers

// With a descriptor: a client's TCP connection on which nothing is under way, and what has been
// received on it and not been looked at. It begins with a message that is the receiver's to answer.
struct Passed {
    static constexpr Type type = Type::passed;
    static constexpr Route routes[] = {{Role::front, Role::transfer},
                                       {Role::transfer, Role::front}};
    static constexpr bool carries_fd = true;
    static constexpr std::size_t most = 4096;
    std::uint32_t size;
    std::uint8_t octets[most];
};

// A query over UDP that is signed, or for a transfer.
struct SignedQuery {
    static constexpr Type type = Type::signed_query;
    static constexpr Route routes[] = {{Role::front, Role::transfer}};
    static constexpr std::size_t most = 1232;
    Address from;
    std::uint8_t way[128];  // back to the client, as front has it
    std::uint32_t worker;   // likewise
    std::uint32_t size;
    std::uint8_t octets[most];
};

struct SignedAnswer {
    static constexpr Type type = Type::signed_answer;
    static constexpr Route routes[] = {{Role::transfer, Role::front}};
    static constexpr std::size_t most = 1232;
    std::uint8_t way[128];
    std::uint32_t worker;
    std::uint32_t size;
    std::uint8_t octets[most];
};

// -- Names that are signed when they are asked for

// With a descriptor: a sealed memfd with the keys for the last Image (sign::unpack_online). Both
// are in force with the Reload that follows.
struct SigningKeys {
    static constexpr Type type = Type::signing_keys;
    static constexpr Route routes[] = {{Role::parent, Role::signer}};
    static constexpr bool carries_fd = true;
    std::uint32_t reserved;
};

// What is to be signed (answer::Statement). The signer works out for itself what the record says,
// and signs it if that is the same.
struct SignWanted {
    static constexpr Type type = Type::sign_wanted;
    static constexpr Route routes[] = {{Role::front, Role::signer}};
    std::uint64_t tag;      // front's
    std::uint64_t content;  // answer::StatedRecord::content
    std::uint8_t kind;      // answer::Statement::Kind
    std::uint8_t size;
    std::uint8_t apex_size;  // the last octets of the name are its zone's
    std::uint8_t ipv4[4];    // answer::Statement
    std::uint8_t name[257];
};

// Its answer, as answer::SignatureSet.
struct SignedRecord {
    static constexpr Type type = Type::signed_record;
    static constexpr Route routes[] = {{Role::signer, Role::front}};
    struct Signature {
        std::uint8_t algorithm;
        std::uint8_t reserved;
        std::uint16_t key_tag;
        std::uint8_t octets[64];
    };
    std::uint64_t tag;
    std::uint32_t inception;
    std::uint32_t expiration;
    std::uint32_t due;
    std::uint32_t count;  // 0: it is not so, and is not signed
    Signature signature[2];
};

// With a descriptor: memory that the children of a role count in (summond/metrics), to be read
// only. Of all that there is when a control starts, and of what is made later.
struct Counters {
    static constexpr Type type = Type::counters;
    static constexpr Route routes[] = {{Role::parent, Role::control}};
    static constexpr bool carries_fd = true;
    Role role;
};

// Who may do what, besides root.
struct Access {
    static constexpr Type type = Type::access;
    static constexpr Route routes[] = {{Role::parent, Role::control}};
    static constexpr std::uint32_t nobody = UINT32_MAX;
    std::uint32_t readers;    // gid
    std::uint32_t admins;     // gid; they read, too
    std::uint32_t listeners;  // over TCP: Listeners of greater numbers are closed
};

// A child of the parent's has been started, is ready, or has ended. Of all that there are when a
// control starts.
struct RoleReport {
    static constexpr Type type = Type::role_report;
    static constexpr Route routes[] = {{Role::parent, Role::control}};
    enum class State : std::uint8_t { starting, ready, draining, ended, last = ended };
    std::int64_t started_at_ms;  // since 1970
    Role role;
    std::int32_t pid;
    std::uint32_t restarts;  // of this role since the daemon's start
    State state;
    std::uint8_t reserved[3];
};

// Reads the configuration again, as SIGHUP does; a LoadReport follows.
struct ReloadWanted {
    static constexpr Type type = Type::reload_wanted;
    static constexpr Route routes[] = {{Role::control, Role::parent}};
    std::uint32_t reserved;
};

// What has become of a load. With a descriptor: a sealed memfd with what the loader has printed.
struct LoadReport {
    static constexpr Type type = Type::load_report;
    static constexpr Route routes[] = {{Role::parent, Role::control}};
    static constexpr bool carries_fd = true;
    enum class Result : std::uint8_t {
        under_way,
        in_force,
        refused,  // by the loader: what it has printed says why
        failed,   // the reason follows what it has printed
        last = failed,
    };
    std::int64_t at_ms;      // since 1970
    std::uint32_t number;    // counts loads; those that were wanted while one was under way are one
    std::uint32_t failures;  // how many of them were refused or failed
    Result result;
    std::uint8_t reserved[7];
};

// -- Webhooks

// Something has happened that webhooks are told of.
struct Notice {
    static constexpr Type type = Type::notice;
    static constexpr Route routes[] = {{Role::control, Role::notifier}};
    std::uint64_t number;  // tells it from others of this control
    std::uint32_t event;   // in the order of config::webhook_events
    std::uint16_t size;
    std::uint8_t reserved[2];
    char service[64];  // its name, with a NUL
    char body[1920];   // JSON, as it goes out
};

// Tell one webhook now, once, and say what it has answered.
struct Ping {
    static constexpr Type type = Type::ping;
    static constexpr Route routes[] = {{Role::control, Role::notifier}};
    std::uint64_t serial;  // control's
    char webhook[64];      // its name, with a NUL
};

// The answer to a Ping.
struct Pinged {
    static constexpr Type type = Type::pinged;
    static constexpr Route routes[] = {{Role::notifier, Role::control}};
    std::uint64_t serial;
    std::uint32_t known;   // 0: there is no such webhook
    std::uint32_t status;  // of HTTP; 0: there was no answer
    std::uint32_t took_ms;
    char what[196];  // why there was none, or the beginning of what was said; with a NUL
};

// How a webhook stands. Sent for all when a control connects and after a reload, then at every
// change.
struct WebhookReport {
    static constexpr Type type = Type::webhook_report;
    static constexpr Route routes[] = {{Role::notifier, Role::control}};
    static constexpr std::int64_t never = 0;
    std::uint32_t index;  // below count
    std::uint32_t count;  // of webhooks
    // Since the notifier's start.
    std::uint64_t delivered;
    std::uint64_t failed;       // attempts
    std::uint64_t dropped;      // notices that were given up, or for which there was no room
    std::int64_t last_at_ms;    // of the last attempt, since 1970; or never
    std::uint32_t last_status;  // of HTTP; 0: there was no answer
    std::uint32_t waiting;      // notices
    std::uint32_t events;       // as config::Webhook::events
    std::uint32_t is_signed;
    char name[64];   // each with a NUL
    char host[256];  // of its URL, without its path, which may hold a token
    char what[196];  // as Pinged::what, of the last attempt
};

// -- Fleet

// How this host's membership stands. When a control connects, then at every change.
struct FleetReport {
    static constexpr Type type = Type::fleet_report;
    static constexpr Route routes[] = {{Role::fleet, Role::control}};
    std::uint32_t configured;  // 0: there is no `fleet:`
    std::uint32_t anew;        // 1: forget the hosts; those that there are follow
    std::uint32_t connected;   // 1: what is known of the others is what etcd says now
    std::uint32_t joined;      // 1: the others see this host
    std::uint32_t refused;     // 1: another host has its name
    std::uint32_t reserved;
    std::uint64_t ignored;  // keys and values in etcd that were none of a host
    char name[64];          // of this host; each with a NUL
    char server[256];       // the URL that is asked
    char what[196];         // what went wrong last
};

// A host, as etcd has it: after a FleetReport, for all; then at every change.
struct FleetHost {
    static constexpr Type type = Type::fleet_host;
    static constexpr Route routes[] = {{Role::fleet, Role::control}};
    static constexpr std::size_t most_networks = 16;
    struct Network {
        Address address;
        std::uint8_t length;
    };
    std::uint8_t gone;  // 1: there is none of that name any more
    std::uint8_t drained;
    std::uint8_t pressure;
    std::uint8_t networks_count;
    char name[64];      // each with a NUL
    char location[36];  // "59.91,10.75", or empty
    Network networks[most_networks];
};

// How this host is, for the others.
struct FleetHealth {
    static constexpr Type type = Type::fleet_health;
    static constexpr Route routes[] = {{Role::control, Role::fleet}};
    std::uint32_t drained;
    std::uint32_t pressure;
};

// -- What each message says of itself, as a table

template <typename Message>
concept CarriesFd = Message::carries_fd;

struct Declaration {
    Type type;
    std::size_t size;  // of the body
    bool carries_fd;
    std::span<const Route> routes;

    template <typename Message>
    static constexpr Declaration of() {
        static_assert(std::is_trivially_copyable_v<Message>);
        return {Message::type, sizeof(Message), CarriesFd<Message>, Message::routes};
    }
    constexpr bool allows(Role from, Role to) const {
        for (const Route& route : routes)
            if (route.allows(from, to))
                return true;
        return false;
    }
};

template <typename... Message>
struct MessageList {
    static constexpr Declaration declarations[] = {Declaration::of<Message>()...};
    static constexpr std::size_t longest = std::max({sizeof(Message)...});
};

using Messages =
    MessageList<Wake, WakeInstance, Touch, State, Peer, Drain, Quiet, Opened, Connection, Reload,
                Retire, Stop, Ready, Tap, Station, Network, Forget, Attach, GuestState, Arrived,
                ArrivedIn, HandedOver, Grown, Report, HostReport, WakeReport, Command, CommandDone,
                Listener, Image, Access, RoleReport, ReloadWanted, LoadReport, Counters, Waited,
                FirstByte, Notice, Ping, Pinged, WebhookReport, Passed, SignedQuery, SignedAnswer,
                Transfers, SigningKeys, SignWanted, SignedRecord, Pressure, Load, FleetReport,
                FleetHost, FleetHealth>;

// Null: there is no such type.
constexpr const Declaration* declaration_of(Type type) {
    for (const Declaration& declaration : Messages::declarations)
        if (declaration.type == type)
            return &declaration;
    return nullptr;
}

}  // namespace summond::ipc
