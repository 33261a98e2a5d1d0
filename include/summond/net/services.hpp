// What the front knows of its services: turns vmm's State messages and the services' `answer:`
// settings into answer::Availability, and queries for sleeping services into Wake messages.
//
// The availability is read by all threads. Everything else runs on the front's main thread, which
// is that of vmm's link, apart from want() and overdue(). The caller watches wanted_fd() and
// next_timer().
//
// When vmm is gone, services that were up stay answerable; wakes stay pending and are sent to the
// next vmm as long as somebody waits for them. Who has been answered on the promise of a wake that
// takes no time does not ask again: that Wake is the front's to repeat.
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "summond/answer/answer.hpp"
#include "summond/answer/rules.hpp"
#include "summond/base/clock.hpp"
#include "summond/base/unique_fd.hpp"
#include "summond/ipc/link.hpp"
#include "summond/service/status.hpp"
#include "summond/service/template.hpp"

namespace summond::net {

class Services {
  public:
    struct Setting {
        service::Id id;
        service::AnswerWhen answer;
        std::optional<answer::Wakers> wakers{};  // none: everybody
        bool holds_packets = false;              // answer::ServiceState
        std::string name{};                      // of one that has instances by rule
        bool by_proof = false;                   // answer::ServiceState
        std::optional<answer::Replicas> replicas{};
    };
    // How long a Wake may stay without an answer before those who wait must ask for it again.
    static constexpr auto wake_patience = std::chrono::milliseconds(1000);
    // The same where the Wake could not even be sent.
    static constexpr auto send_patience = std::chrono::milliseconds(100);
    // How long a Wake is repeated whose service's address has been given out already: as long as
    // queries wait for theirs.
    static constexpr auto promise_kept = std::chrono::seconds(10);

    // settings: in the order of the zone image's service table. Called on the main thread:
    // changed: one or more services have ceased to be `starting`; parked queries must be resolved
    // again. heard: of vmm, so next_timer() may be another.
    // rules: whose instances' places are services, too; null: there are none. It outlives this.
    Services(const std::vector<Setting>& settings, const base::Clock& clock,
             std::function<void()> changed, std::function<void()> heard = {},
             answer::Rules* rules = nullptr);

    std::span<answer::ServiceState> states() { return states_; }
    answer::Rules* rules() const { return rules_; }

    // The host is under pressure (answer::Context).
    const std::atomic<bool>& pressure() const { return pressure_; }

    // Of a query.
    struct Wish {
        std::uint16_t type = 0;  // QTYPE; 0: it has wanted the service before
        bool promised = false;   // it has been answered because a copy waits
        bool proved = false;     // its sender's address is not forged
    };
    // Any thread: a query for this service found it asleep, and waits or has been promised a wake.
    // client: the octets of its address.
    void want(std::uint32_t service, std::span<const std::uint8_t> client,
              const Wish& wish) noexcept;
    // Any thread: a query for it that has waited so long has its response.
    void waited(std::uint32_t service, base::Duration time) noexcept;
    // Any thread: the reason to give to a query that has waited too long.
    service::WakeFailure overdue() const noexcept {
        return connected_.load(std::memory_order_relaxed) ? service::WakeFailure::not_ready
                                                          : service::WakeFailure::no_controller;
    }

    // Readable after a want() or waited(); the main thread then calls take_wanted.
    int wanted_fd() const { return wanted_fd_.get(); }
    void take_wanted();

    // A new vmm, in place of the one before, if any. It will send the state of every service that
    // it knows, and then say that these were all. io outlives this.
    void connect(boost::asio::io_context& io, ipc::Channel channel);
    bool is_connected() const { return vmm_.is_open(); }
    // What has come from it up to now. It is heard without that, too, from io's loop.
    void receive();

    // When run_timers must be called next.
    std::optional<base::TimePoint> next_timer() const;
    void run_timers();

    // Tells vmm which services' addresses have been given out since the last call. Call once a
    // second.
    void send_touches();
    // Likewise: instances that nobody has asked for in a while give their places back.
    void release_quiet();

  private:
    struct Service {
        service::Id id = 0;  // 0: a place that no instance has
        service::AnswerWhen answer;
        service::Phase phase = service::Phase::asleep;
        bool waking = false;    // a Wake is wanted, and vmm has said nothing since
        bool promised = false;  // and its address has been given out
        bool unsent = false;    // vmm takes no messages
        bool hearsay = false;   // of a vmm before, and this one has not told all yet
        std::optional<base::TimePoint> due;
        ipc::Address client{};  // who wanted it first
        base::TimePoint asked{};
        std::uint16_t query_type = 0;
        bool proved = false;
    };
    // Written by whoever takes it from free to claimed; read, and freed, by the main thread.
    struct Want {
        enum State : std::uint8_t { free, claimed, written };
        std::atomic<State> state{free};
        ipc::Address client{};
        base::TimePoint asked{};
        Wish wish;
    };
    // What any thread has answered late since the main thread told vmm.
    struct Late {
        std::atomic<std::uint32_t> queries{0};
        std::atomic<std::int64_t> longest_us{0};
    };

    bool keeps_promise(const Service& service) const {
        return service.promised && clock_.now() < service.asked + promise_kept;
    }
    bool is_place(std::uint32_t i) const { return instances_ != nullptr && i >= settings_.size(); }
    std::uint32_t end() const;
    bool settle(std::uint32_t place);
    void leave(std::uint32_t place);
    bool send_wake(std::uint32_t service);
    void wake(std::uint32_t service);
    void tell_waited(std::uint32_t service);
    void disconnected();
    void on_state(const ipc::State& state);
    void on_pressure(bool on);
    void on_load(const ipc::Load& load);
    void told_all();
    void fall_asleep(std::uint32_t service);
    void set(std::uint32_t service, answer::Availability availability);
    void set_timer(std::uint32_t service, std::optional<base::TimePoint> due);
    void after_hearing();
    void tell_changed();

    const base::Clock& clock_;
    std::function<void()> changed_;
    std::function<void()> heard_;
    const std::vector<Setting> settings_;
    answer::Rules* const rules_;
    answer::Instances* const instances_;  // of rules_
    std::vector<answer::ServiceState> states_;
    std::vector<Want> wanted_;
    std::vector<Late> late_;
    base::UniqueFd wanted_fd_;
    std::atomic<bool> connected_{false};
    std::atomic<bool> pressure_{false};

    std::vector<Service> services_;
    std::unordered_map<service::Id, std::uint32_t> index_;
    std::set<std::pair<base::TimePoint, std::uint32_t>> timers_;
    ipc::Link vmm_;
    bool any_changed_ = false;
};

}  // namespace summond::net
