#include "wire_messages.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace summond::roles {
namespace {

// Module config sees to it that they fit.
void put_wakers(const std::vector<service::Port>& ports,
                const std::vector<base::IpPrefix>& wake_from, auto& message) {
    for (const service::Port& port : ports)
        if (message.ports < service::max_ports)
            message.port[message.ports++] = {port.number, static_cast<std::uint8_t>(port.protocol),
                                             0};
    for (const base::IpPrefix& prefix : wake_from)
        if (message.prefixes < service::max_prefixes)
            message.prefix[message.prefixes++] = {message_of(prefix.address),
                                                  static_cast<std::uint8_t>(prefix.length)};
}

// False: it makes no sense.
bool take_wakers(const auto& message, std::vector<service::Port>& ports,
                 std::vector<base::IpPrefix>& wake_from) {
    for (std::size_t i = 0; i < message.ports; ++i)
        ports.push_back(
            {static_cast<service::Protocol>(message.port[i].protocol), message.port[i].number});
    for (std::size_t i = 0; i < message.prefixes; ++i) {
        const auto address = address_of(message.prefix[i].address);
        if (!address || message.prefix[i].length > 8 * address->bytes().size())
            return false;
        wake_from.push_back({*address, message.prefix[i].length});
    }
    return true;
}

}  // namespace

ipc::Address message_of(const base::IpAddress& address) {
    ipc::Address message{};
    message.size = static_cast<std::uint8_t>(address.bytes().size());
    std::ranges::copy(address.bytes(), message.bytes);
    return message;
}

std::optional<base::IpAddress> address_of(const ipc::Address& message) {
    if (message.size == 4) {
        std::array<std::uint8_t, 4> bytes;
        std::copy_n(message.bytes, bytes.size(), bytes.begin());
        return base::IpAddress::v4(bytes);
    }
    if (message.size == 16)
        return base::IpAddress::v6(std::to_array(message.bytes));
    return std::nullopt;
}

ipc::Station station_message(const wire::Station& station) {
    ipc::Station message{};
    message.service = station.service;
    message.tap = station.tap;
    message.youth_ms = static_cast<std::uint32_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(station.youth).count());
    message.by_proof = station.by_proof ? 1 : 0;
    std::ranges::copy(station.mac, message.mac);
    put_wakers(station.ports, station.wake_from, message);
    for (const base::IpAddress& address : station.addresses)
        if (message.addresses < service::max_addresses)
            message.address[message.addresses++] = message_of(address);
    return message;
}

std::optional<wire::Station> station_of(const ipc::Station& message) {
    if (message.ports > service::max_ports || message.addresses > service::max_addresses ||
        message.prefixes > service::max_prefixes || message.tap >= ipc::Tap::capacity)
        return std::nullopt;
    wire::Station station;
    station.service = message.service;
    station.tap = message.tap;
    station.mac = std::to_array(message.mac);
    station.youth = std::chrono::milliseconds(message.youth_ms);
    station.by_proof = message.by_proof != 0;
    for (std::size_t i = 0; i < message.addresses; ++i) {
        const auto address = address_of(message.address[i]);
        if (!address)
            return std::nullopt;
        station.addresses.push_back(*address);
    }
    if (!take_wakers(message, station.ports, station.wake_from))
        return std::nullopt;
    return station;
}

ipc::Network network_message(const wire::Network& network) {
    ipc::Network message{};
    message.service = network.service;
    message.tap = network.tap;
    message.youth_ms = static_cast<std::uint32_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(network.youth).count());
    message.by_proof = network.by_proof ? 1 : 0;
    message.length = static_cast<std::uint8_t>(network.addresses->prefix().length);
    message.address = message_of(network.addresses->prefix().address);
    std::ranges::copy(network.addresses->key(), message.key);
    message.shortest = static_cast<std::uint8_t>(network.grammar.shortest);
    message.longest = static_cast<std::uint8_t>(network.grammar.longest);
    const auto put = [](const std::string& text, auto& octets) {
        const std::size_t size = std::min(text.size(), sizeof octets);
        std::copy_n(text.begin(), size, octets);
        return static_cast<std::uint8_t>(size);
    };
    message.characters = put(network.grammar.characters, message.character);
    message.name_size = put(network.name, message.name);
    put_wakers(network.ports, network.wake_from, message);
    return message;
}

std::optional<wire::Network> network_of(const ipc::Network& message) {
    const auto address = address_of(message.address);
    if (message.ports > service::max_ports || message.prefixes > service::max_prefixes ||
        message.tap >= ipc::Tap::capacity || !address || !address->is_v6() || message.length < 64 ||
        message.length > 96 || message.shortest < 1 || message.longest < message.shortest ||
        message.longest > service::max_id || message.characters < 1 ||
        message.characters > sizeof message.character || message.name_size < 1 ||
        message.name_size > sizeof message.name)
        return std::nullopt;
    wire::Network network;
    network.service = message.service;
    network.tap = message.tap;
    network.youth = std::chrono::milliseconds(message.youth_ms);
    network.by_proof = message.by_proof != 0;
    network.name.assign(message.name, message.name_size);
    network.grammar = {std::string(message.character, message.characters), message.shortest,
                       message.longest};
    network.addresses = std::make_shared<service::IdAddresses>(
        base::IpPrefix{*address, message.length}, network.grammar, std::to_array(message.key));
    if (!take_wakers(message, network.ports, network.wake_from))
        return std::nullopt;
    return network;
}

ipc::ArrivedIn arrived_in_message(service::Id service, const frames::IpPacket& packet,
                                  bool proved) {
    const ipc::Arrived arrived = arrived_message(service, packet, proved);
    return {service,          message_of(packet.to), arrived.from,
            arrived.protocol, arrived.proved,        arrived.port};
}

ipc::Arrived arrived_message(service::Id service, const frames::IpPacket& packet, bool proved) {
    ipc::Arrived message{};
    message.proved = proved ? 1 : 0;
    message.service = service;
    message.from = message_of(packet.from);
    message.port = packet.to_port;
    switch (packet.kind) {
        case frames::IpPacket::Kind::tcp:
            message.protocol = 6;
            break;
        case frames::IpPacket::Kind::udp:
            message.protocol = 17;
            break;
        case frames::IpPacket::Kind::echo_request:
            message.protocol = 1;
            break;
        case frames::IpPacket::Kind::later_fragment:
        case frames::IpPacket::Kind::other:
            break;
    }
    return message;
}

ipc::HandedOver handed_over_message(service::Id service, std::uint32_t epoch,
                                    const wire::HandOver& what) {
    ipc::HandedOver message{};
    message.service = service;
    message.epoch = epoch;
    message.packets = what.packets;
    message.repeats = what.repeats;
    message.dropped = what.dropped;
    message.waited_ms = static_cast<std::uint32_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(what.first_waited).count());
    message.young = what.young ? 1 : 0;
    if (what.first)
        message.from = message_of(what.first->from);
    return message;
}

std::string to_string(const ipc::Address& address) {
    const auto ip = address_of(address);
    return ip ? ip->to_string() : "nobody";
}

std::string to_string(const ipc::Arrived& message) {
    const std::string from = " from " + to_string(message.from);
    switch (message.protocol) {
        case 1:
            return "icmp" + from;
        case 6:
            return fmt::format("tcp/{}{}", message.port, from);
        case 17:
            return fmt::format("udp/{}{}", message.port, from);
        default:
            return "a packet" + from;
    }
}

}  // namespace summond::roles
