#include "wire_messages.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace summond::roles {

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
    std::ranges::copy(station.mac, message.mac);
    // Module config sees to it that they fit.
    for (const service::Port& port : station.ports)
        if (message.ports < service::max_ports)
            message.port[message.ports++] = {port.number, static_cast<std::uint8_t>(port.protocol),
                                             0};
    for (const base::IpAddress& address : station.addresses)
        if (message.addresses < service::max_addresses)
            message.address[message.addresses++] = message_of(address);
    for (const base::IpPrefix& prefix : station.wake_from)
        if (message.prefixes < service::max_prefixes)
            message.prefix[message.prefixes++] = {message_of(prefix.address),
                                                  static_cast<std::uint8_t>(prefix.length)};
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
    for (std::size_t i = 0; i < message.ports; ++i)
        station.ports.push_back(
            {static_cast<service::Protocol>(message.port[i].protocol), message.port[i].number});
    for (std::size_t i = 0; i < message.addresses; ++i) {
        const auto address = address_of(message.address[i]);
        if (!address)
            return std::nullopt;
        station.addresses.push_back(*address);
    }
    for (std::size_t i = 0; i < message.prefixes; ++i) {
        const auto address = address_of(message.prefix[i].address);
        if (!address || message.prefix[i].length > 8 * address->bytes().size())
            return std::nullopt;
        station.wake_from.push_back({*address, message.prefix[i].length});
    }
    return station;
}

ipc::Arrived arrived_message(service::Id service, const frames::IpPacket& packet) {
    ipc::Arrived message{};
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
