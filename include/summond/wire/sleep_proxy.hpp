// Stands in for guests that are not up, so that they look as if they were: answers for their
// addresses, notices the first packet for them, holds it and hands it over. docs/NETWORK.md tells
// the whole story. A state machine: no I/O, the clock is injected, and what it wants done goes to
// Actions. One thread.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "summond/base/clock.hpp"
#include "summond/base/ip_address.hpp"
#include "summond/frames/build.hpp"
#include "summond/frames/packet.hpp"
#include "summond/service/template.hpp"
#include "summond/wire/guest_state.hpp"

namespace summond::wire {

// What is held at the most, and how long.
struct Limits {
    static constexpr std::size_t service_packets = 64;
    static constexpr std::size_t service_octets = std::size_t{128} * 1024;
    static constexpr std::size_t source_packets = 16;  // of one IPv4 address or one IPv6 /64
    static constexpr std::size_t total_packets = 4096;
    static constexpr std::size_t total_octets = std::size_t{8} * 1024 * 1024;
    // Instances of networks that packets have come for and that vmm has not told of yet.
    static constexpr std::size_t foundlings = 256;
    // From a packet, or its last retransmission: who waits longer than this tries anew.
    static constexpr std::chrono::seconds hold_time{60};
    // Between two segments of connections, of all services, that wake without a proof where one is
    // needed.
    static constexpr std::chrono::seconds unproved_segments{1};
};

// What questions to those who have to show their addresses are made with; random.
using ProofSecret = std::array<std::uint8_t, 16>;

// Packets that would have woken a service, and whose sender had not shown its address.
struct Unproved {
    std::uint64_t syns = 0;  // it has been asked to
    std::uint64_t datagrams = 0;
    std::uint64_t segments = 0;  // of connections of paused or saved guests
    std::uint64_t proved = 0;    // senders that have shown it, when asked
};

// A service as the wire knows it.
struct Station {
    service::Id service = 0;
    unsigned tap = 0;  // on which it is, of the taps of all bridges
    service::Mac mac{};
    std::vector<base::IpAddress> addresses;
    std::vector<service::Port> ports;       // what wakes it; empty: anything that opens something
    std::vector<base::IpPrefix> wake_from;  // whose packets wake it; empty: anybody's
    // How long after it is ready a guest that has booted may still refuse what it will take.
    base::Duration youth{};
    bool by_proof = false;  // only who has shown its address wakes it
    friend bool operator==(const Station&, const Station&) = default;
};

// All addresses of a prefix, each of which is an instance's that its service's rule computes
// (service::IdAddresses): stood in for without a table. Of one that wakes a Station is to follow.
struct Network {
    service::Id service = 0;  // whose instances
    std::string name;         // of the service
    unsigned tap = 0;
    service::IdGrammar grammar;
    std::shared_ptr<const service::IdAddresses> addresses;  // that tell their ids
    std::vector<service::Port> ports;                       // as of a Station, here and below
    std::vector<base::IpPrefix> wake_from;
    base::Duration youth{};
    bool by_proof = false;
};

// What was held for a guest that has now been given it.
struct HandOver {
    std::uint32_t packets = 0;
    std::uint32_t repeats = 0;  // retransmissions of them, not handed over
    std::uint32_t dropped = 0;  // for want of room, or because nobody waited any more
    std::optional<frames::IpPacket> first;
    base::Duration first_waited{};
    // SYNs are among them whose refusal would be kept from their senders; grown() follows.
    bool young = false;
};

class Actions {
  public:
    virtual ~Actions() = default;
    // Out of the tap, so to every station on its bridge.
    virtual void to_bridge(unsigned tap, std::span<const std::uint8_t> frame) = 0;
    // To the guest's own interface. Only between attach and detach.
    virtual void to_guest(service::Id service, std::span<const std::uint8_t> frame) = 0;
    // Somebody waits for the service. proved: and has shown that the packet's source is its own.
    virtual void wake(service::Id service, const frames::IpPacket& first, bool proved) = 0;
    // For the instance that has the packet's address: of that service, in a network of which its
    // guest is not known yet.
    virtual void wake_in(service::Id service, const frames::IpPacket& first, bool proved) = 0;
    // The guest has everything that was held, and is given what still comes. From now on nothing
    // is answered for it.
    virtual void handed_over(service::Id service, const HandOver& what) = 0;
    // And has taken, or may refuse, all of that.
    virtual void grown(service::Id service) = 0;
    // The guest has said something to a client, for the first time since it runs: with payload over
    // TCP, or any datagram. Only what is heard while it is attached.
    virtual void first_byte(service::Id service) = 0;
};

class Proofs;

class SleepProxy {
  public:
    // clock and actions outlive it.
    SleepProxy(const base::Clock& clock, Actions& actions, const ProofSecret& secret);
    ~SleepProxy();

    // Whether all services are as those that are woken by proof.
    void under_pressure(bool is) { under_pressure_ = is; }
    // Since the start.
    const Unproved& unproved() const { return unproved_; }

    // A new service, or a known one with new particulars (which then keeps its state).
    void put(const Station& station);
    void remove(service::Id service);
    // One more network, and none.
    void put(const Network& network) { networks_.push_back(network); }
    void clear_networks() { networks_.clear(); }
    // Whoever tells of services begins anew, and may leave some out: these are removed at the end.
    // What is held stays. Until it is told again, no guest can be sent to.
    void begin_anew();
    void end_anew();
    // Unknown services are ignored, here and below.
    void set_state(service::Id service, GuestState state);
    // The guest has an interface to which it can be sent, or has it no more.
    void attach(service::Id service);
    void detach(service::Id service);

    void from_bridge(unsigned tap, std::span<const std::uint8_t> frame);
    // A frame that the guest itself has sent: tells when it speaks for its addresses, which answers
    // it expects, and what it makes of the SYNs that it has been given. Resets of a guest that is
    // starting or young are not passed on by the bridge, but from here.
    void from_guest(service::Id service, std::span<const std::uint8_t> frame);

    // It runs, and has said nothing to a client since it was woken.
    bool is_silent(service::Id service) const;

    // Packets that are held for all guests together.
    std::size_t held() const;

    // When tick() has to be called; none while nothing is timed.
    std::optional<base::TimePoint> deadline() const;
    void tick();

  private:
    struct Entry;
    struct Totals;
    using AddressKey = std::pair<unsigned, base::IpAddress>;
    using MacKey = std::pair<unsigned, service::Mac>;

    static bool is_timed(const Entry& entry);
    Entry* find(service::Id service) const;
    void forget_keys(const Entry& entry);
    void answer(unsigned tap, std::span<const std::uint8_t> frame, const frames::Packet& packet,
                const service::Mac& asker_mac, const base::IpAddress& asker,
                const base::IpAddress& target);
    struct Resident;
    std::optional<Resident> resident(unsigned tap, const base::IpAddress& address) const;
    void answer_for(const Resident& resident, const frames::Packet& packet,
                    const service::Mac& asker_mac, const base::IpAddress& asker,
                    const base::IpAddress& target);
    void receive_in_networks(unsigned tap, std::span<const std::uint8_t> frame,
                             const frames::Packet& packet);
    void report_groups(unsigned tap) const;
    void receive(Entry& entry, std::span<const std::uint8_t> frame, const frames::Packet& packet);
    void hold(Entry& entry, std::span<const std::uint8_t> frame, const frames::Packet& packet,
              const frames::IpPacket& ip);
    void wake(Entry& entry, const frames::IpPacket& ip);
    bool needs_proof(const Entry& entry) const;
    bool is_proved(const base::IpAddress& address) const;
    bool may_wake(const Entry& entry, const frames::Packet& packet, const frames::IpPacket& ip);
    bool takes_proof(const Entry& entry, const frames::IpPacket& ip);
    void pass(Entry& entry, std::span<const std::uint8_t> frame);
    void from_guest(Entry& entry, const frames::Packet& packet, const frames::IpPacket& ip);
    void listen(Entry& entry, const frames::Packet& packet, const frames::IpPacket& ip);
    void try_hand_over(Entry& entry);
    void give_held(Entry& entry);
    void hand_over(Entry& entry);
    void tend_young(Entry& entry);

    const base::Clock& clock_;
    Actions& actions_;
    std::unique_ptr<Totals> totals_;
    std::map<service::Id, std::unique_ptr<Entry>> entries_;
    std::map<AddressKey, Entry*> by_address_;
    std::map<MacKey, Entry*> by_mac_;
    std::set<Entry*> timed_;  // at least those for which is_timed holds
    std::vector<Network> networks_;
    std::size_t foundlings_ = 0;  // entries of which vmm has not told
    bool under_pressure_ = false;
    std::unique_ptr<Proofs> proofs_;
    Unproved unproved_;
    base::TimePoint segment_after_{};  // the next that wakes without a proof
};

}  // namespace summond::wire
