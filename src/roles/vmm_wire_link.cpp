#include "vmm_wire_link.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "summond/base/log.hpp"

namespace summond::roles {
namespace {

// No message has been on its way from wire for longer, whatever wire says.
constexpr std::chrono::minutes longest_way{1};

wire::Steered steered(const service::Instance& service) {
    wire::Steered result{service.name(), service->interfaces.front().bridge, {}};
    wire::Station& station = result.station;
    station.service = service.id();
    station.mac = service.mac(0);
    station.addresses = service.ipv4();
    station.addresses.insert(station.addresses.end(), service.ipv6().begin(), service.ipv6().end());
    station.ports = service->ports;
    station.wake_from = service->wake_from;
    station.youth = service->ready.timeout;
    station.by_proof = service->wake_by_proof;
    return result;
}

}  // namespace

WireLink::WireLink(boost::asio::io_context& io, ipc::Channel channel, vm::Manager& manager,
                   host::BridgePorts& ports, const std::vector<service::Instance>& services,
                   vm::Manager::Patterns patterns, std::function<void()> closed)
    : manager_(manager),
      ports_(ports),
      link_(io, std::move(channel),
            {[this](const ipc::Received& message) { return handle(message); }, std::move(closed),
             [this] {
                 steering_.writable();
                 tell_networks();
                 tell_pressure();
                 arm();
             }}),
      timer_(io, [this] {
          steering_.tick();
          arm();
      }) {
    configure(services, std::move(patterns));
}

void WireLink::configure(const std::vector<service::Instance>& services,
                         vm::Manager::Patterns patterns) {
    // Those that could not be used are tried again.
    std::erase_if(bridges_, [](const auto& each) { return each.second.done == Done::no; });
    std::vector<wire::Steered> woken_by_packets;
    for (const service::Instance& service : services)
        if (service->wake_packet)
            woken_by_packets.push_back(steered(service));
    std::map<service::Id, wire::Guest> guests;
    for (const service::Status& status : manager_.statuses())
        guests.emplace(status.service, wire::guest_of(status));
    steering_.configure(woken_by_packets, guests);
    patterns_ = std::move(patterns);
    networks_told_ = 0;
    tell_networks();
    tell_pressure();
    arm();
}

void WireLink::tell_pressure() {
    const bool on = manager_.pressure() != 0;
    if (told_pressure_ != on && link_.send(ipc::Pressure{on ? 1U : 0U}))
        told_pressure_ = on;
}

// What the link does not take now is told when it does.
void WireLink::tell_networks() {
    if (networks_told_ == 0 && link_.send(ipc::Network{}))
        ++networks_told_;
    while (networks_told_ > 0 && networks_told_ <= patterns_.size()) {
        const service::Template& of = *patterns_[networks_told_ - 1];
        if (of.wake_packet && of.pattern->tells_ids()) {
            const Bridge way = bridge(of.interfaces.front().bridge);
            if (way.done == Done::later)
                return;
            wire::Network network{of.id,
                                  of.name,
                                  way.tap,
                                  of.pattern->grammar,
                                  of.pattern->addresses,
                                  of.ports,
                                  of.wake_from,
                                  of.ready.timeout,
                                  of.wake_by_proof};
            if (way.done == Done::yes && !link_.send(network_message(network)))
                return;
            // The MACs of so many are in no table of the bridge's.
            if (const auto r =
                    way.done == Done::yes ? ports_.flood_to(way.port) : base::Result<void>();
                !r)
                spdlog::error("packets to {} wake nothing: {}", of.name, r.error().what);
        }
        ++networks_told_;
    }
}

void WireLink::add(const service::Instance& service) {
    if (!service->wake_packet)
        return;
    steering_.add(steered(service), wire::guest_of(*manager_.status(service.id())));
    arm();
}

void WireLink::remove(const service::Instance& service) {
    steering_.remove(service.id());
    arm();
}

void WireLink::changed(const service::Status& status) {
    steering_.changed(status.service, wire::guest_of(status));
    arm();
}

void WireLink::arm() {
    timer_.set(steering_.deadline());
}

// -- What wire says

bool WireLink::handle(const ipc::Received& message) {
    switch (message.type) {
        case ipc::Type::arrived:
            arrived(message.as<ipc::Arrived>());
            return true;
        case ipc::Type::arrived_in:
            arrived_in(message.as<ipc::ArrivedIn>());
            return true;
        case ipc::Type::handed_over:
            handed_over(message.as<ipc::HandedOver>());
            return true;
        case ipc::Type::first_byte: {
            const auto said = message.as<ipc::FirstByte>();
            const auto now = clock_.now();
            const base::TimePoint at{std::chrono::nanoseconds(said.at_ns)};
            if (steering_.is_running(said.service, said.epoch))
                manager_.first_byte(said.service, std::clamp(at, now - longest_way, now));
            return true;
        }
        case ipc::Type::grown:
            steering_.grown(message.as<ipc::Grown>().service, message.as<ipc::Grown>().epoch);
            return true;
        default:
            return false;
    }
}

void WireLink::arrived(const ipc::Arrived& message) {
    if (message.proved != 0 || !manager_.needs_proof(message.service))
        woken_by_packet(message.service, to_string(message));
}

// Wire computes what it says as vmm does, and that is not believed: it may have been told of ids
// that there are no more, and knows no lists.
void WireLink::arrived_in(const ipc::ArrivedIn& message) {
    const auto of = std::ranges::find(patterns_, message.service,
                                      [](const auto& pattern) { return pattern->id; });
    const auto address = address_of(message.to);
    if (of == patterns_.end() || !(*of)->wake_packet || !address || !(*of)->pattern->tells_ids())
        return;
    if (message.proved == 0 && manager_.needs_proof(message.service))
        return;
    const auto id = (*of)->pattern->addresses->id_at(*address);
    if (!id)
        return;
    if (const auto service = manager_.instance(message.service, id->view()))
        woken_by_packet(
            *service,
            to_string(ipc::Arrived{
                *service, message.from, message.protocol, message.port, message.proved, {}}));
    else
        link_.send(ipc::Forget{service::id_of(service::instance_name((*of)->name, id->view()))});
}

void WireLink::woken_by_packet(service::Id service, const std::string& by) {
    const wire::Steered* const known = steering_.find(service);
    if (known == nullptr)
        return;
    const auto woken = manager_.wake(service, service::WakeReason::packet);
    if (woken == vm::Woken::refused)
        steering_.refused(service);
    if (woken == vm::Woken::begun || woken == vm::Woken::done)
        spdlog::info("{} {} for {}", woken == vm::Woken::done ? "woke" : "waking", known->name, by);
    arm();
}

void WireLink::handed_over(const ipc::HandedOver& message) {
    const wire::Steered* const known = steering_.find(message.service);
    if (!steering_.handed_over(message.service, message.epoch, message.young != 0))
        return;
    manager_.handed_over(message.service, message.packets,
                         std::chrono::milliseconds(message.waited_ms));
    if (message.packets > 0 || message.dropped > 0)
        spdlog::info(
            "handed over to {}: {} packets held, {} repeated, {} dropped; the first, from "
            "{}, waited {} ms",
            known->name, message.packets, message.repeats, message.dropped, to_string(message.from),
            message.waited_ms);
}

// -- What steering asks for

wire::Ways::Bridge WireLink::bridge(const std::string& name) {
    if (const auto it = bridges_.find(name); it != bridges_.end())
        return it->second;
    const auto unusable = [&]() -> Bridge { return bridges_[name] = {Done::no, 0, 0}; };
    const auto number = static_cast<unsigned>(std::ranges::count_if(
        bridges_, [](const auto& each) { return each.second.done == Done::yes; }));
    if (number >= ipc::Tap::capacity) {
        spdlog::error("packets on {} wake nothing: more than {} bridges", name, ipc::Tap::capacity);
        return unusable();
    }
    const auto tap = ports_.make_tap(name);
    if (!tap) {
        spdlog::error("packets on {} wake nothing: {}", name, tap.error().what);
        return unusable();
    }
    if (!link_.send(ipc::Tap{number}, tap->fd.get()))
        return {Done::later, 0, 0};
    if (const auto delay = 2 * tap->forward_delay; delay.count() > 0)
        spdlog::warn(
            "bridge {} has STP on: after each wake it passes nothing to or from the domain for {} "
            "s; where it is not needed, switch it off: ip link set {} type bridge stp_state 0",
            name, std::chrono::duration<double>(delay).count(), name);
    return bridges_[name] = {Done::yes, number, tap->index};
}

wire::Ways::Done WireLink::attach(service::Id service, int interface) {
    const auto socket = host::BridgePorts::socket_to(interface);
    if (!socket) {
        spdlog::error("{}: {}", manager_.name(service), socket.error().what);
        return Done::no;
    }
    return link_.send(ipc::Attach{service}, socket->get()) ? Done::yes : Done::later;
}

bool WireLink::send_to(const wire::Steered& service, int port, bool pinned) {
    const auto r = ports_.send_to(service.station.mac, port, pinned);
    if (!r)
        spdlog::error("{}: {}", service.name, r.error().what);
    return r.has_value();
}

}  // namespace summond::roles
