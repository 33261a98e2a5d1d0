#include "readiness.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <optional>
#include <utility>

#include "identity.hpp"
#include "summond/base/log.hpp"
#include "summond/host/http.hpp"
#include "summond/host/vif_interface.hpp"
#include "vif_nodes.hpp"

namespace summond::xen {
namespace {

namespace asio = boost::asio;

asio::ip::tcp::endpoint endpoint(const base::IpAddress& address, std::uint16_t port) {
    const auto from = address.bytes();
    if (address.is_v4()) {
        asio::ip::address_v4::bytes_type bytes;
        std::ranges::copy(from, bytes.begin());
        return {asio::ip::address_v4(bytes), port};
    }
    asio::ip::address_v6::bytes_type bytes;
    std::ranges::copy(from, bytes.begin());
    return {asio::ip::address_v6(bytes), port};
}

std::string request(const service::ReadyTcp& tcp, const base::IpAddress& address) {
    return tcp.http_path.empty() ? "" : host::http_get(tcp.http_path, {address, tcp.port});
}

}  // namespace

base::Result<std::unique_ptr<Readiness>> Readiness::open(asio::io_context& io, XenStore& xenstore) {
    auto neighbours = host::Neighbours::open();
    if (!neighbours)
        return tl::make_unexpected(neighbours.error());
    return std::unique_ptr<Readiness>(new Readiness(io, xenstore, std::move(*neighbours)));
}

void Readiness::await(vm::DomId domid, const service::Instance& service,
                      const service::ReadyHow& how, std::function<void()> ready) {
    if (std::holds_alternative<service::ReadyEnds>(how)) {
        asio::post(io_, std::move(ready));
        return;
    }
    const auto* key = std::get_if<service::ReadyXenstore>(&how);
    // A restored guest goes on from where it was ready; only its link has to come up again.
    if (key != nullptr && xenstore_.read(domain_path(domid) + "/" + restored_mark)) {
        await_link(domid, std::move(ready));
        return;
    }
    if (key != nullptr) {
        xenstore_.await(
            domid, key->key, [](const std::string& value) { return !value.empty(); },
            std::move(ready));
        return;
    }
    if (const auto* tcp = std::get_if<service::ReadyTcp>(&how)) {
        // Checked by module config: a service with an interface and addresses.
        const bool script = !service->interfaces.front().script.empty();
        if (script ? await_from_dom0(domid, service, *tcp, ready)
                   : await_at_vif(domid, service, *tcp, ready))
            return;
    }
    await_link(domid, std::move(ready));
}

void Readiness::await_link(vm::DomId domid, std::function<void()> ready) {
    // XenbusStateConnected, xen/io/xenbus.h
    const std::string state = "device/vif/0/state";
    if (!xenstore_.read(domain_path(domid) + "/" + state)) {
        asio::post(io_, std::move(ready));  // no interface: nothing to wait for
        return;
    }
    xenstore_.await(
        domid, state, [](const std::string& value) { return value == "4"; }, std::move(ready));
}

// Whom to ask, and as whom: as dom0 itself where it has an address beside the guest's on its
// bridge, so that what the guest learns is true.
host::VifProbe::Asks Readiness::asks(const service::Instance& service, std::uint16_t port) {
    for (const auto* addresses : {&service.ipv4(), &service.ipv6()})
        for (const base::IpAddress& address : *addresses)
            if (const auto own =
                    neighbours_.own_station(address, service->interfaces.front().bridge))
                return {.from = *own, .guest = {service.mac(0), {address, port}}};
    const auto& addresses = service.ipv6().empty() ? service.ipv4() : service.ipv6();
    return host::made_up({service.mac(0), {addresses.front(), port}});
}

// False: it cannot be asked.
bool Readiness::await_at_vif(vm::DomId domid, const service::Instance& service,
                             const service::ReadyTcp& tcp, const std::function<void()>& ready) {
    const auto vif = host::vif_interface(domid, 0);
    auto socket = vif ? host::VifProbe::open(vif->index)
                      : base::Result<base::UniqueFd>(base::error("it has no interface"));
    if (!socket) {
        spdlog::warn(
            "{}: port {} cannot be tried at {}, so the guest counts as ready when its link "
            "is up: {}",
            service.name(), tcp.port, vif ? vif->name : host::vif_name(domid, 0),
            socket.error().what);
        return false;
    }
    host::VifProbe::Asks asked = asks(service, tcp.port);
    asked.request = request(tcp, asked.guest.at.address);
    vif_probes_[domid] = std::make_unique<host::VifProbe>(io_, closer_, std::move(*socket), asked,
                                                          [this, domid, ready] {
                                                              forget(domid);
                                                              ready();
                                                          });
    return true;
}

// A hotplug script puts the guest behind whatever interface it likes. False: dom0 cannot reach it.
bool Readiness::await_from_dom0(vm::DomId domid, const service::Instance& service,
                                const service::ReadyTcp& tcp, const std::function<void()>& ready) {
    std::optional<base::IpAddress> reachable;
    int interface = 0;
    for (const auto* addresses : {&service.ipv4(), &service.ipv6()})
        for (const base::IpAddress& address : *addresses)
            if (const auto way = neighbours_.on_link(address); !reachable && way.interface != 0) {
                reachable = address;
                interface = way.interface;
            }
    if (!reachable) {
        if (told_.insert(service.id()).second)
            spdlog::warn(
                "{}: dom0 has no way to the network of {}, so it cannot see when port {} accepts; "
                "the guest counts as ready when its link is up",
                service.name(),
                (service.ipv4().empty() ? service.ipv6() : service.ipv4())[0].to_string(),
                tcp.port);
        return false;
    }
    tcp_probes_[domid] = std::make_unique<host::TcpProbe>(
        io_, endpoint(*reachable, tcp.port), request(tcp, *reachable),
        [this, address = *reachable, interface, mac = service.mac(0)] {
            neighbours_.learn(address, mac, interface);
        },
        [this, domid, ready] {
            forget(domid);
            ready();
        });
    return true;
}

void Readiness::forget(vm::DomId domid) {
    xenstore_.forget(domid);
    vif_probes_.erase(domid);
    tcp_probes_.erase(domid);
}

}  // namespace summond::xen
