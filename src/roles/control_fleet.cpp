#include "control_fleet.hpp"

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <utility>

#include "message_text.hpp"
#include "summond/base/ip_address.hpp"

namespace summond::roles {
namespace {

namespace json = boost::json;

template <std::size_t N>
std::string printable_of(const char (&from)[N]) {
    std::string text = field_text(from);
    for (char& c : text)
        c = c >= 0x20 && c < 0x7f ? c : '?';
    return text;
}

json::array networks_of(const ipc::FleetHost& host) {
    json::array networks;
    const auto count = std::min<std::size_t>(host.networks_count, std::size(host.networks));
    for (std::size_t i = 0; i < count; ++i) {
        const auto& [address, length] = host.networks[i];
        base::IpAddress ip;
        if (address.size == 4) {
            std::array<std::uint8_t, 4> bytes{};
            std::copy_n(std::begin(address.bytes), bytes.size(), bytes.begin());
            ip = base::IpAddress::v4(bytes);
        } else {
            std::array<std::uint8_t, 16> bytes{};
            std::copy_n(std::begin(address.bytes), bytes.size(), bytes.begin());
            ip = base::IpAddress::v6(bytes);
        }
        networks.emplace_back(base::IpPrefix{ip, length}.to_string());
    }
    return networks;
}

json::value text_or_null(const std::string& text) {
    return text.empty() ? json::value(nullptr) : json::value(text);
}

}  // namespace

void ControlFleet::connect(base::UniqueFd fd) {
    link_ = ipc::Link(io_, ipc::Channel(std::move(fd), ipc::Role::control, ipc::Role::fleet),
                      {[this](const ipc::Received& message) { return from_fleet(message); },
                       [this] {
                           report_.connected = report_.joined = 0;
                           constexpr std::string_view gone = "the process fleet is gone";
                           std::ranges::fill(report_.what, '\0');
                           std::ranges::copy(gone, std::begin(report_.what));
                       },
                       [this] { link_.send(health_); }});
    link_.send(health_);
}

void ControlFleet::health(bool drained, bool pressure) {
    health_ = {drained ? 1U : 0U, pressure ? 1U : 0U};
    if (link_.is_open())
        link_.send(health_);
}

bool ControlFleet::from_fleet(const ipc::Received& message) {
    switch (message.type) {
        case ipc::Type::fleet_report:
            report_ = message.as<ipc::FleetReport>();
            if (report_.anew != 0)
                hosts_.clear();
            return true;
        case ipc::Type::fleet_host:
            return learn(message.as<ipc::FleetHost>());
        default:
            return false;
    }
}

bool ControlFleet::learn(const ipc::FleetHost& host) {
    std::string name = printable_of(host.name);
    if (name.empty())
        return false;
    if (host.gone != 0) {
        hosts_.erase(name);
        return true;
    }
    if (!hosts_.contains(name) && hosts_.size() >= most_hosts)
        return false;
    hosts_.insert_or_assign(std::move(name), host);
    return true;
}

json::object ControlFleet::json(control::Model::WallTime now) const {
    json::array hosts;
    const std::string own = printable_of(report_.name);
    for (const auto& [name, host] : hosts_)
        hosts.push_back(json::object{{"name", name},
                                     {"this", name == own && report_.refused == 0},
                                     {"networks", networks_of(host)},
                                     {"location", text_or_null(printable_of(host.location))},
                                     {"drained", host.drained != 0},
                                     {"pressure", host.pressure != 0}});
    json::value fleet = nullptr;
    if (report_.configured != 0)
        fleet = json::object{{"name", own},
                             {"server", printable_of(report_.server)},
                             {"connected", report_.connected != 0},
                             {"joined", report_.joined != 0},
                             {"refused", report_.refused != 0},
                             {"problem", text_or_null(printable_of(report_.what))},
                             {"ignored", report_.ignored}};
    return {
        {"now", control::to_string(now)}, {"fleet", std::move(fleet)}, {"hosts", std::move(hosts)}};
}

void ControlFleet::fill(metrics::Snapshot& snapshot) const {
    if (report_.configured != 0)
        snapshot.fleet = {report_.connected != 0, report_.joined != 0,
                          static_cast<std::uint32_t>(hosts_.size()), report_.ignored};
}

}  // namespace summond::roles
