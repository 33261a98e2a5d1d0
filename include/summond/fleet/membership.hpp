// This host's membership: a lease in etcd, one key of its own that goes with it, and what the keys
// of the other hosts say. Pure: the clock and chance are injected, and etcd is asked by a
// Transport.
//
//   waiting -> (authenticating) -> leasing -> claiming -> listing -> following
//
// Whatever fails begins anew with the next server. What is known of the others is kept meanwhile.
// A lease that is still good is kept, too; one that is over is replaced by a new one.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "summond/base/clock.hpp"
#include "summond/fleet/etcd.hpp"
#include "summond/fleet/host.hpp"
#include "summond/fleet/settings.hpp"

namespace summond::fleet {

// Asks etcd's servers. Calls back from the event loop, never from within call or watch.
class Transport {
  public:
    struct Reply {
        unsigned status = 0;  // of HTTP; 0: there was none
        std::string body{};
        std::string why{};  // there was none

        bool good() const { return status == 200; }
    };
    using Done = std::function<void(const Reply&)>;
    using Part = std::function<void(std::string_view)>;

    virtual ~Transport() = default;
    // server: which of Fleet::etcd. token: what authenticate has given, or empty. done is called
    // once, `timeout` after now at the latest.
    virtual void call(std::size_t server, const etcd::Request& request, const std::string& token,
                      std::chrono::milliseconds timeout, Done done) = 0;
    // The answer comes bit by bit, for as long as it likes once it has begun in that time. ended is
    // called once.
    virtual void watch(std::size_t server, const etcd::Request& request, const std::string& token,
                       std::chrono::milliseconds timeout, Part part, Done ended) = 0;
    // Nothing that is under way calls back.
    virtual void cancel() = 0;
};

// How it stands.
struct Status {
    bool connected = false;     // what is known of the others is what etcd says now
    bool joined = false;        // the others see this host, as far as is known here
    bool refused = false;       // another host has its name
    std::string server;         // that is asked
    std::string why;            // what went wrong last; empty: nothing since it was connected
    std::uint64_t ignored = 0;  // keys and values that were none of a host
};

class Membership {
  public:
    static constexpr std::size_t most_hosts = 256;                     // others are ignored
    static constexpr std::size_t longest_line = std::size_t{4} << 20;  // of a watch
    // After a failure: as soon as there is another server to try, else doubled from round to round,
    // each by half as chance will have it.
    static constexpr std::chrono::milliseconds next_server{100};
    static constexpr std::chrono::milliseconds first_delay{250};
    static constexpr std::chrono::milliseconds longest_delay{5'000};

    // They must not call the membership.
    struct Told {
        std::function<void(const std::string& name, const Host&)> host;  // new, or it has changed
        std::function<void(const std::string& name)> gone;
        std::function<void()> status;
    };

    // incarnation: another one for each process. chance: from 0 to below 1. All outlive it.
    Membership(Settings settings, std::string incarnation, const base::Clock& clock,
               std::function<double()> chance, Transport& transport, Told told);

    void start();
    // When tick is due; none: not before something comes.
    std::optional<base::TimePoint> due() const;
    void tick();
    // How this host is; the others are told.
    void health(bool drained, bool pressure);
    // What does not need another membership. False: it does.
    bool change(const Settings& settings);
    // Gives the lease back, so that the others know at once. done: it is, or etcd does not answer;
    // nothing else is done after that.
    void leave(std::chrono::milliseconds timeout, std::function<void()> done);

    const Settings& settings() const { return settings_; }
    const Status& status() const { return status_; }
    const std::map<std::string, Host>& hosts() const { return hosts_; }

  private:
    enum class Step : std::uint8_t { idle, waiting, joining, following, left };

    void begin();
    void broken(const std::string& why);
    void call(const etcd::Request& request, void (Membership::*then)(const std::string&));
    void authenticated(const std::string& body);
    void lease();
    void granted(const std::string& body);
    void kept(const std::string& body);
    void take_lease(const etcd::Lease& lease);
    void keep_in_time();
    void claim();
    void claimed(const std::string& body);
    void replaced(const std::string& body);
    void updated(const std::string& body);
    void own(etcd::Revision revision);
    void taken_by(const etcd::KeyValue& other);
    void after_claim();
    void listed(const std::string& body);
    void watch(etcd::Revision from);
    void heard(std::string_view part);
    bool heard_line(std::string_view line);
    bool apply(const etcd::Event& event);
    bool apply_own(const etcd::Event& event);
    void put(const std::string& name, const etcd::KeyValue& key);
    void erase(const std::string& name);
    void ignore(const std::string& what);
    void followed();
    void publish();

    std::string own_key() const { return hosts_prefix() + settings_.config.name; }
    std::string hosts_prefix() const { return settings_.config.key_prefix + "hosts/"; }
    std::string own_value() const { return to_value(own_); }
    // So that another server can be asked before the lease is over.
    std::chrono::milliseconds patience() const;

    Settings settings_;
    const base::Clock& clock_;
    std::function<double()> chance_;
    Transport& transport_;
    Told told_;

    Host own_;
    std::map<std::string, Host> hosts_;
    Status status_;
    Step step_ = Step::idle;
    std::size_t server_ = 0;
    std::string token_;
    std::size_t failures_ = 0;  // in a row
    std::chrono::milliseconds delay_ = first_delay;
    std::optional<base::TimePoint> due_;  // to begin, or to keep the lease

    etcd::LeaseId lease_ = 0;
    base::TimePoint lease_asked_{};    // when what it stands on was sent
    base::TimePoint lease_until_{};    // at the earliest
    bool leasing_ = false;             // something about the lease or the own key is under way
    bool claim_again_ = false;         // when that is over
    bool lost_ = false;                // to another one of the same identity: it is not taken back
    etcd::Revision own_revision_ = 0;  // of the own key, as it was written last
    std::string published_;            // that value
    std::string sent_;                 // what is being written
    std::string line_;                 // of the watch, as far as it has come
    std::string logged_;               // why, the last time
    std::optional<base::TimePoint> ignored_logged_;
};

}  // namespace summond::fleet
