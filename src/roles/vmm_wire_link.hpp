// vmm's end of the channel to wire: tells it and the kernel how the services stand, so that packets
// for a service go to wire until its guest is ready, and to the guest from then on. Wire reads
// frames of strangers, so it is taken for hostile: all it can do is ask for wakes of services that
// a packet may wake, and hand over guests that are ready, which happens without it as well.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "summond/base/clock.hpp"
#include "summond/host/bridge_ports.hpp"
#include "summond/ipc/link.hpp"
#include "summond/loop/deadline_timer.hpp"
#include "summond/vm/manager.hpp"
#include "summond/wire/steering.hpp"
#include "wire_messages.hpp"

namespace summond::roles {

class WireLink final : wire::Ways {
  public:
    // closed is called once, from io's loop, when wire is gone or has broken the protocol; the link
    // may be deleted in it. ports and manager outlive the link.
    WireLink(boost::asio::io_context& io, ipc::Channel channel, vm::Manager& manager,
             host::BridgePorts& ports, const std::vector<service::Instance>& services,
             vm::Manager::Patterns patterns, std::function<void()> closed);

    // The services from now on; the manager knows them already. patterns: services with an instance
    // for each id.
    void configure(const std::vector<service::Instance>& services, vm::Manager::Patterns patterns);
    // One more, or one less.
    void add(const service::Instance& service);
    void remove(const service::Instance& service);
    // A service's status is new.
    void changed(const service::Status& status);
    // Whether the host is under pressure.
    void tell_pressure();

  private:
    bool handle(const ipc::Received& message);
    void arrived(const ipc::Arrived& message);
    void arrived_in(const ipc::ArrivedIn& message);
    void woken_by_packet(service::Id service, const std::string& by);
    void tell_networks();
    void handed_over(const ipc::HandedOver& message);
    void arm();

    // wire::Ways
    bool put(const wire::Station& station) override { return link_.send(station_message(station)); }
    bool remove(service::Id service) override { return link_.send(ipc::Forget{service}); }
    bool set_state(service::Id service, wire::GuestState state, std::uint32_t epoch) override {
        return link_.send(ipc::GuestState{service, static_cast<std::uint32_t>(state), epoch});
    }
    bool told_all() override { return link_.send(ipc::Ready{}); }
    Bridge bridge(const std::string& name) override;
    Done attach(service::Id service, int interface) override;
    std::optional<int> interface_of(std::uint32_t domain) override {
        return host::BridgePorts::interface_of(domain);
    }
    bool forwards(int interface) override { return ports_.passes(interface); }
    bool send_to(const wire::Steered& service, int port, bool pinned) override;
    void forget(const frames::Mac& mac, int port) override { ports_.forget(mac, port); }
    bool hold_resets(int interface, bool hold) override {
        return ports_.hold_resets(interface, hold);
    }

    vm::Manager& manager_;
    host::BridgePorts& ports_;
    std::map<std::string, Bridge> bridges_;  // that have been looked at
    vm::Manager::Patterns patterns_;
    std::optional<bool> told_pressure_;
    std::size_t networks_told_ = 0;  // of patterns_, and of what is told before the first
    ipc::Link link_;
    base::SteadyClock clock_;
    loop::DeadlineTimer timer_;
    wire::Steering steering_{clock_, *this};
};

}  // namespace summond::roles
