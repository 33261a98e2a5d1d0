#include "readiness.hpp"

#include <net/if.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <optional>
#include <utility>

#include "identity.hpp"

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

}  // namespace

base::Result<std::unique_ptr<Readiness>> Readiness::open(asio::io_context& io, Store& store) {
    auto neighbours = Neighbours::open();
    if (!neighbours)
        return tl::make_unexpected(neighbours.error());
    return std::unique_ptr<Readiness>(new Readiness(io, store, std::move(*neighbours)));
}

void Readiness::await(vm::DomId domid, const config::Service& service,
                      std::function<void()> ready) {
    if (const auto* key = std::get_if<config::ReadyXenstore>(&service.ready.how)) {
        store_.await(
            domid, key->key, [](const std::string& value) { return !value.empty(); },
            std::move(ready));
        return;
    }
    const auto* tcp = std::get_if<config::ReadyTcp>(&service.ready.how);
    // Checked by module config: a service with an interface and addresses.
    if (tcp == nullptr || !await_tcp(domid, service, tcp->port, ready))
        await_link(domid, std::move(ready));
}

void Readiness::await_link(vm::DomId domid, std::function<void()> ready) {
    // XenbusStateConnected, xen/io/xenbus.h
    const std::string state = "device/vif/0/state";
    if (!store_.read(domain_path(domid) + "/" + state)) {
        asio::post(io_, std::move(ready));  // no interface: nothing to wait for
        return;
    }
    store_.await(
        domid, state, [](const std::string& value) { return value == "4"; }, std::move(ready));
}

// The address to try, and the interface of dom0 that leads straight to it. A script puts the guest
// behind whatever interface it likes; otherwise it is its bridge.
std::optional<Readiness::Way> Readiness::way_to(const config::Service& service) {
    const config::Interface& interface = service.interfaces.front();
    const int bridge = static_cast<int>(::if_nametoindex(interface.bridge.c_str()));
    for (const auto* addresses : {&service.ipv4, &service.ipv6})
        for (const base::IpAddress& address : *addresses)
            if (const int index = neighbours_.on_link(address);
                index != 0 && (index == bridge || !interface.script.empty()))
                return Way{address, index};
    return std::nullopt;
}

// False: dom0 cannot reach it.
bool Readiness::await_tcp(vm::DomId domid, const config::Service& service, std::uint16_t port,
                          const std::function<void()>& ready) {
    const auto way = way_to(service);
    if (!way) {
        if (told_.insert(service.id).second)
            spdlog::warn(
                "{}: dom0 has no address in the network of {} on {}, so it cannot see when port {} "
                "accepts; the guest counts as ready when its link is up",
                service.name, (service.ipv4.empty() ? service.ipv6 : service.ipv4)[0].to_string(),
                service.interfaces.front().bridge, port);
        return false;
    }
    probes_[domid] = std::make_unique<TcpProbe>(
        io_, endpoint(way->address, port),
        [this, way = *way, mac = service.interfaces.front().mac] {
            neighbours_.learn(way.address, mac, way.interface);
        },
        [this, domid, ready] {
            forget(domid);
            ready();
        });
    return true;
}

void Readiness::forget(vm::DomId domid) {
    store_.forget(domid);
    probes_.erase(domid);
}

}  // namespace summond::xen
