// Which way the packets of services go: to wire while nobody could take them, and to the guest from
// when wire has handed over to it what it has held. vmm's part of what it and wire tell each other;
// Follower is wire's. A state machine: no I/O, the clock is injected, and what it wants done goes
// to Ways. One thread.
//
// Each thing that wire is told of a guest begins an epoch of the service, and wire's answers say
// which epoch they are about: one that is late is about a guest that is no more.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "summond/base/clock.hpp"
#include "summond/wire/guest_state.hpp"
#include "summond/wire/sleep_proxy.hpp"

namespace summond::wire {

// A service that packets wake.
struct Steered {
    std::string name;  // for the log
    std::string bridge;
    Station station;  // without its tap
    friend bool operator==(const Steered&, const Steered&) = default;
};

// Wire, and dom0's bridges, as vmm reaches them.
class Ways {
  public:
    // later: wire takes no messages now, and Steering::writable() follows. no: it cannot be done.
    enum class Done : std::uint8_t { yes, no, later };
    struct Bridge {
        Done done = Done::yes;
        unsigned tap = 0;
        int port = 0;
    };

    virtual ~Ways() = default;
    // Told to wire. False: later.
    virtual bool put(const Station& station) = 0;
    virtual bool remove(service::Id service) = 0;
    virtual bool set_state(service::Id service, GuestState state, std::uint32_t epoch) = 0;
    virtual bool told_all() = 0;

    // Of that name, with a tap that wire has.
    virtual Bridge bridge(const std::string& name) = 0;
    // Gives wire a socket to the guest.
    virtual Done attach(service::Id service, int interface) = 0;
    // By which it has its addresses.
    virtual std::optional<int> interface_of(std::uint32_t domain) = 0;
    // Whether the bridge passes on anything to and from that port.
    virtual bool forwards(int interface) = 0;
    // Where the bridge sends frames for its MAC, whoever sends as that MAC if it is pinned. False:
    // it does not.
    virtual bool send_to(const Steered& service, int port, bool pinned) = 0;
    // Where it pleases, if it is still that port.
    virtual void forget(const frames::Mac& mac, int port) = 0;
    // Whether the bridge keeps the guest's resets (TCP) to itself, for wire to repeat. False: it
    // cannot.
    virtual bool hold_resets(int interface, bool hold) = 0;
};

class Steering {
  public:
    // A wire that does not hand over in this time is left out.
    static constexpr std::chrono::seconds longest_hand_over{1};
    // A port that passes nothing yet (STP) is looked at again this often.
    static constexpr std::chrono::milliseconds forwarding_interval{200};
    // How much longer than it may wire has a guest's resets pass by itself.
    static constexpr std::chrono::seconds grown_grace{1};

    // For one wire; another one is told everything by a steering of its own.
    Steering(const base::Clock& clock, Ways& ways);
    // The bridges pass on all resets themselves again.
    ~Steering();

    // The services from now on, and how the guest of each stands.
    void configure(const std::vector<Steered>& services,
                   const std::map<service::Id, Guest>& guests);
    // How its guest stands is new. Unknown services are ignored, here and below.
    void changed(service::Id service, const Guest& guest);
    // Wire takes messages again.
    void writable();

    // Wire has packets for a service that is not to be woken now: it is told so again.
    void refused(service::Id service);
    // What wire says, which need not be true.
    // False: of no meaning. young: the guest may still refuse some.
    bool handed_over(service::Id service, std::uint32_t epoch, bool young);
    void grown(service::Id service, std::uint32_t epoch);
    // Whether it is the guest that runs now that this epoch is about.
    bool is_running(service::Id service, std::uint32_t epoch) {
        return running(service, epoch) != nullptr;
    }

    // Null: packets do not wake it.
    const Steered* find(service::Id service) const;

    // When tick() has to be called; any other call can change it.
    std::optional<base::TimePoint> deadline() const;
    void tick();

  private:
    // What wire and the kernel have been told of a service.
    struct Post {
        Steered service;
        Guest guest{};
        bool told = false;  // wire knows of it
        std::optional<GuestState> state{};
        std::uint32_t epoch = 0;
        std::optional<std::uint32_t> attached{};  // the domain
        int interface = 0;                        // of the domain that is attached
        bool passes = false;                      // the bridge passes on what comes and goes there
        std::optional<int> goes_to{};             // the port, where we have said so
        std::optional<base::TimePoint> hand_over_by{};
        std::optional<int> young{};  // the port whose guest's resets go by way of wire
        std::optional<base::TimePoint> young_until{};
    };

    Post* running(service::Id service, std::uint32_t epoch);
    void again(service::Id service);
    void leave(Post& post);
    void let_reset(Post& post);
    void take_over(Post& post);
    void flush();
    bool sync(Post& post);
    bool attach(Post& post, std::uint32_t domain);
    void send_to(Post& post, int port, bool pinned);

    const base::Clock& clock_;
    Ways& ways_;
    std::map<service::Id, Post> posts_;
    std::set<service::Id> unsent_;          // wire has to hear of them; without a post: it is gone
    std::set<service::Id> waits_for_port_;  // ready, but for their bridge's port
    std::optional<base::TimePoint> look_at_ports_;
    bool blocked_ = false;   // wire takes no messages now
    bool told_all_ = false;  // what there was when it came
};

}  // namespace summond::wire
