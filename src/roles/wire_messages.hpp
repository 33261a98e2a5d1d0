// Between ipc's fixed layouts and what vmm and wire work with.
#pragma once

#include <optional>
#include <string>

#include "summond/ipc/messages.hpp"
#include "summond/service/template.hpp"
#include "summond/wire/sleep_proxy.hpp"

namespace summond::roles {

ipc::Address message_of(const base::IpAddress& address);
// None: it has no right size.
std::optional<base::IpAddress> address_of(const ipc::Address& message);

ipc::Station station_message(const wire::Station& station);
// None: not as station_message makes it.
std::optional<wire::Station> station_of(const ipc::Station& message);

ipc::Network network_message(const wire::Network& network);
// None: not as network_message makes it.
std::optional<wire::Network> network_of(const ipc::Network& message);

ipc::Arrived arrived_message(service::Id service, const frames::IpPacket& packet, bool proved);

ipc::HandedOver handed_over_message(service::Id service, std::uint32_t epoch,
                                    const wire::HandOver& what);

ipc::ArrivedIn arrived_in_message(service::Id service, const frames::IpPacket& packet, bool proved);

// For the log: "tcp/80 from 192.0.2.1".
std::string to_string(const ipc::Arrived& message);
std::string to_string(const ipc::Address& address);

}  // namespace summond::roles
