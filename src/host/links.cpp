#include "summond/host/links.hpp"

#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

namespace summond::host {
namespace {

// Room for the events of hundreds of interfaces at once; beyond it they are looked up again.
constexpr int event_bytes = 1024 * 1024;

}  // namespace

base::Result<std::unique_ptr<Links>> Links::open(boost::asio::io_context& io) {
    auto requests = Netlink::open();
    if (!requests)
        return tl::make_unexpected(requests.error());
    MnlSocket events(::mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!events)
        return base::system_error("rtnetlink", errno);
    const int fd = ::mnl_socket_get_fd(events.get());
    ::setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &event_bytes, sizeof(event_bytes));
    if (::mnl_socket_bind(events.get(), RTMGRP_LINK, MNL_SOCKET_AUTOPID) != 0)
        return base::system_error("rtnetlink", errno);
    const int copy = ::fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (copy < 0)
        return base::system_error("rtnetlink", errno);
    return std::unique_ptr<Links>(new Links(io, std::move(*requests), std::move(events), copy));
}

Links::Links(boost::asio::io_context& io, Netlink requests, MnlSocket events, int events_fd)
    : requests_(std::move(requests)),
      events_(std::move(events)),
      readable_(io, events_fd),
      buffer_(netlink_message_size) {
    listen();
}

base::Result<std::optional<Link>> Links::find(const std::string& name) {
    return find_link(requests_, name);
}

base::Result<void> Links::rename(const Link& link, const std::string& name) {
    ifinfomsg about{};
    about.ifi_index = link.index;
    NetlinkRequest request(RTM_NEWLINK, NLM_F_ACK, about);
    mnl_attr_put_strz(request.header(), IFLA_IFNAME, name.c_str());
    if (const auto r = requests_.ask(request); !r)
        return base::system_error("cannot call " + link.name + " " + name, r.error());
    return {};
}

base::Result<void> Links::join(const Link& port, const Link& bridge) {
    ifinfomsg about{};
    about.ifi_index = port.index;
    about.ifi_flags = about.ifi_change = IFF_UP;
    NetlinkRequest request(RTM_NEWLINK, NLM_F_ACK, about);
    if (bridge.mtu != 0)
        mnl_attr_put_u32(request.header(), IFLA_MTU, bridge.mtu);
    mnl_attr_put_u32(request.header(), IFLA_MASTER, static_cast<std::uint32_t>(bridge.index));
    if (const auto r = requests_.ask(request); !r)
        return base::system_error("cannot put " + port.name + " on " + bridge.name, r.error());
    return {};
}

base::Result<void> Links::open_port(int port, bool open) {
    ifinfomsg about{};
    about.ifi_family = AF_BRIDGE;
    about.ifi_index = port;
    NetlinkRequest request(RTM_SETLINK, NLM_F_ACK, about);
    nlattr* const options = mnl_attr_nest_start(request.header(), IFLA_PROTINFO);
    for (const std::uint16_t option : {IFLA_BRPORT_LEARNING, IFLA_BRPORT_UNICAST_FLOOD,
                                       IFLA_BRPORT_MCAST_FLOOD, IFLA_BRPORT_BCAST_FLOOD})
        mnl_attr_put_u8(request.header(), option, open ? 1 : 0);
    mnl_attr_nest_end(request.header(), options);
    if (const auto r = requests_.ask(request); !r)
        return base::system_error("cannot set the options of a bridge's port", r.error());
    return {};
}

base::Result<void> Links::raise(const Link& port, const Link& bridge) {
    ifinfomsg about{};
    about.ifi_index = port.index;
    about.ifi_flags = about.ifi_change = IFF_UP | IFF_NOARP;
    NetlinkRequest request(RTM_NEWLINK, NLM_F_ACK, about);
    mnl_attr_put_u32(request.header(), IFLA_MTU, bridge.mtu);
    // No link-local address of dom0's, and so no solicitations for it.
    nlattr* families = mnl_attr_nest_start(request.header(), IFLA_AF_SPEC);
    nlattr* ipv6 = mnl_attr_nest_start(request.header(), AF_INET6);
    mnl_attr_put_u8(request.header(), IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
    mnl_attr_nest_end(request.header(), ipv6);
    mnl_attr_nest_end(request.header(), families);
    auto r = requests_.ask(request);
    if (!r && r.error() == EAFNOSUPPORT) {  // a dom0 without IPv6
        mnl_attr_nest_cancel(request.header(), families);
        r = requests_.ask(request);
    }
    if (!r)
        return base::system_error("cannot take up " + port.name, r.error());
    return {};
}

void Links::await_there(const std::string& name, std::function<void(const Link&)> appeared) {
    waits_[name] = {false, std::move(appeared)};
}

void Links::await_gone(const std::string& name, std::function<void()> disappeared) {
    waits_[name] = {true, [disappeared = std::move(disappeared)](const Link&) { disappeared(); }};
}

void Links::listen() {
    readable_.async_wait(boost::asio::posix::stream_descriptor::wait_read, [this](const auto& ec) {
        if (ec)
            return;
        receive();
        listen();
    });
}

void Links::receive() {
    std::vector<Link> events;
    for (;;) {
        const auto size = ::mnl_socket_recvfrom(events_.get(), buffer_.data(), buffer_.size());
        if (size < 0 && errno == EINTR)
            continue;
        if (size < 0 && (errno == ENOBUFS || errno == ENOSPC)) {  // some were lost or cut off
            look_again();
            continue;
        }
        if (size <= 0)
            return;
        int left = static_cast<int>(size);
        const auto* message = reinterpret_cast<const nlmsghdr*>(buffer_.data());
        for (; mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left))
            if (auto link = link_of(*message))
                events.push_back(std::move(*link));
        // Those called back make requests of their own, into the same buffer.
        for (const Link& link : std::exchange(events, {}))
            met(link);
    }
}

void Links::look_again() {
    std::vector<Link> now;
    for (const auto& [name, wait] : waits_) {
        const auto link = find(name);
        if (!link)
            continue;
        if (*link)
            now.push_back(**link);
        else
            now.push_back({.name = name, .gone = true});
    }
    for (const Link& link : now)
        met(link);
}

void Links::met(const Link& link) {
    const auto it = waits_.find(link.name);
    if (it == waits_.end() || it->second.gone != link.gone)
        return;
    const auto call = std::move(it->second.met);
    waits_.erase(it);
    call(link);
}

}  // namespace summond::host
