#include "summond/host/announce.hpp"

#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/socket.h>

#include <cerrno>

namespace summond::host {

base::Result<void> Announcer::open() {
    // Protocol 0: it sends and receives nothing (packet(7)).
    socket_ = base::UniqueFd(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket_)
        return base::system_error("packet socket", errno);
    return {};
}

void Announcer::announce(const std::string& bridge,
                         const std::vector<frames::Frame>& frames) const {
    sockaddr_ll to{};
    to.sll_family = AF_PACKET;
    to.sll_ifindex = static_cast<int>(::if_nametoindex(bridge.c_str()));
    for (const frames::Frame& frame : frames)
        ::sendto(socket_.get(), frame.data(), frame.size(), 0, reinterpret_cast<sockaddr*>(&to),
                 sizeof to);
}

std::vector<frames::Frame> announcements(const service::Instance& service) {
    std::vector<frames::Frame> frames;
    if (service->interfaces.empty() || !service->interfaces.front().script.empty())
        return frames;
    for (const auto* addresses : {&service.ipv4(), &service.ipv6()})
        for (const base::IpAddress& address : *addresses)
            frames.push_back(frames::announcement(service.mac(0), address));
    return frames;
}

}  // namespace summond::host
