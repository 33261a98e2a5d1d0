#include "summond/host/bridge_ports.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "packet_filter.hpp"
#include "summond/base/log.hpp"
#include "summond/host/link.hpp"
#include "summond/host/netlink.hpp"
#include "summond/host/nft.hpp"
#include "summond/host/vif_interface.hpp"

namespace summond::host {
namespace {

// What Xen's scripts give to vifs: higher than any real one, so that no bridge takes it for its
// own.
constexpr service::Mac port_mac{0xfe, 0xff, 0xff, 0xff, 0xff, 0xff};

ifinfomsg about_link(int index) {
    ifinfomsg about{};
    about.ifi_index = index;
    return about;
}

ndmsg about_mac(int port) {
    ndmsg about{};
    about.ndm_family = AF_BRIDGE;
    about.ndm_ifindex = port;
    about.ndm_flags = NTF_MASTER;
    about.ndm_state = NUD_NOARP;  // static: it does not age
    return about;
}

// Interfaces of this group (ip-link(8)) are those whose resets are kept. No other meaning.
constexpr std::uint32_t group_of_held = 0x53554d00;
// Gone with the socket of the process that made it.
constexpr char resets_table[] = R"(table bridge summond_resets {{
    flags owner
    chain from_guests {{
        type filter hook prerouting priority -300; policy accept;
        meta iifgroup {} tcp flags & rst == rst drop
    }}
}}
)";

}  // namespace

struct BridgePorts::State {
    Netlink netlink;
    Nft nft{};
    bool holds_resets = false;
};

BridgePorts::BridgePorts(std::unique_ptr<State> state) : state_(std::move(state)) {}
BridgePorts::~BridgePorts() = default;

base::Result<std::unique_ptr<BridgePorts>> BridgePorts::open() {
    auto netlink = Netlink::open();
    if (!netlink)
        return tl::make_unexpected(netlink.error());
    auto state = std::unique_ptr<State>(new State{std::move(*netlink)});
    const auto table = state->nft.run(fmt::format(resets_table, group_of_held));
    state->holds_resets = table.has_value();
    if (!table)
        spdlog::warn("a service that has just booted may refuse its first clients: {}",
                     table.error().what);
    return std::unique_ptr<BridgePorts>(new BridgePorts(std::move(state)));
}

base::Result<BridgePorts::Tap> BridgePorts::make_tap(const std::string& bridge) {
    const auto found = find_link(state_->netlink, bridge);
    if (!found)
        return tl::make_unexpected(found.error());
    const std::optional<Link>& link = *found;
    if (!link)
        return base::error("there is no bridge " + bridge);
    if (link->kind != "bridge")
        return base::error(bridge + " is no bridge of Linux's own");

    Tap tap;
    tap.forward_delay = link->forward_delay;
    tap.fd.reset(::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC));
    if (!tap.fd)
        return base::system_error("/dev/net/tun (modprobe tun makes it)", errno);
    ifreq request{};
    std::strcpy(request.ifr_name, "summond%d");
    request.ifr_flags = IFF_TAP | IFF_NO_PI;
    Filter wanted = to_tap();
    const sock_fprog filter = program(wanted);
    if (::ioctl(tap.fd.get(), TUNSETIFF, &request) != 0)
        return base::system_error("cannot make a tap", errno);
    if (::ioctl(tap.fd.get(), TUNATTACHFILTER, &filter) != 0)
        return base::system_error("cannot filter what goes to a tap", errno);
    const std::string name = request.ifr_name;
    tap.index = static_cast<int>(::if_nametoindex(name.c_str()));

    // The kernel is to say nothing of its own by this port. Without IPv6 it has nothing to say.
    NetlinkRequest quiet(RTM_NEWLINK, NLM_F_ACK, about_link(tap.index));
    nlattr* const families = mnl_attr_nest_start(quiet.header(), IFLA_AF_SPEC);
    nlattr* const ipv6 = mnl_attr_nest_start(quiet.header(), AF_INET6);
    mnl_attr_put_u8(quiet.header(), IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
    mnl_attr_nest_end(quiet.header(), ipv6);
    mnl_attr_nest_end(quiet.header(), families);
    (void)state_->netlink.ask(quiet);

    const auto failed = [&](int error) {
        return base::system_error("cannot put " + name + " on " + bridge, error);
    };
    NetlinkRequest join(RTM_NEWLINK, NLM_F_ACK, about_link(tap.index));
    join.put(IFLA_ADDRESS, port_mac);
    mnl_attr_put_u32(join.header(), IFLA_MTU, link->mtu);
    mnl_attr_put_u32(join.header(), IFLA_MASTER, static_cast<std::uint32_t>(link->index));
    if (const auto r = state_->netlink.ask(join); !r)
        return failed(r.error());

    ifinfomsg port = about_link(tap.index);
    port.ifi_family = AF_BRIDGE;
    NetlinkRequest manners(RTM_SETLINK, NLM_F_ACK, port);
    nlattr* const options = mnl_attr_nest_start(manners.header(), IFLA_PROTINFO);
    mnl_attr_put_u8(manners.header(), IFLA_BRPORT_LEARNING, 0);
    mnl_attr_put_u8(manners.header(), IFLA_BRPORT_UNICAST_FLOOD, 0);
    mnl_attr_nest_end(manners.header(), options);
    if (const auto r = state_->netlink.ask(manners); !r)
        return failed(r.error());

    ifinfomsg up = about_link(tap.index);
    up.ifi_flags = up.ifi_change = IFF_UP;
    NetlinkRequest rise(RTM_NEWLINK, NLM_F_ACK, up);
    if (const auto r = state_->netlink.ask(rise); !r)
        return failed(r.error());
    return tap;
}

base::Result<void> BridgePorts::flood_to(int tap) {
    ifinfomsg port = about_link(tap);
    port.ifi_family = AF_BRIDGE;
    NetlinkRequest manners(RTM_SETLINK, NLM_F_ACK, port);
    nlattr* const options = mnl_attr_nest_start(manners.header(), IFLA_PROTINFO);
    mnl_attr_put_u8(manners.header(), IFLA_BRPORT_UNICAST_FLOOD, 1);
    mnl_attr_nest_end(manners.header(), options);
    if (const auto r = state_->netlink.ask(manners); !r)
        return base::system_error("cannot have a bridge flood to its tap", r.error());
    return {};
}

base::Result<void> BridgePorts::send_to(const service::Mac& mac, int port, bool pinned) {
    ndmsg about = about_mac(port);
    if (pinned)
        about.ndm_flags |= NTF_STICKY;
    NetlinkRequest request(RTM_NEWNEIGH, NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE, about);
    request.put(NDA_LLADDR, mac);
    if (const auto r = state_->netlink.ask(request); !r)
        return base::system_error("cannot tell a bridge where " + service::to_string(mac) + " is",
                                  r.error());
    return {};
}

void BridgePorts::forget(const service::Mac& mac, int port) {
    NetlinkRequest request(RTM_DELNEIGH, NLM_F_ACK, about_mac(port));
    request.put(NDA_LLADDR, mac);
    (void)state_->netlink.ask(request);  // it is not there: all the better
}

bool BridgePorts::hold_resets(int port, bool hold) {
    if (!state_->holds_resets)
        return false;
    NetlinkRequest request(RTM_NEWLINK, NLM_F_ACK, about_link(port));
    mnl_attr_put_u32(request.header(), IFLA_GROUP, hold ? group_of_held : 0);
    return state_->netlink.ask(request).has_value();
}

bool BridgePorts::passes(int port) {
    const auto link = find_link(state_->netlink, port);
    return !link || !*link || (*link)->passes;
}

std::optional<int> BridgePorts::interface_of(vm::DomId domid) {
    const auto interface = vif_interface(domid, 0);
    return interface ? std::optional(interface->index) : std::nullopt;
}

base::Result<base::UniqueFd> BridgePorts::socket_to(int interface) {
    // Protocol 0 until the filter is there.
    base::UniqueFd fd(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd)
        return base::system_error("packet socket", errno);
    Filter wanted = from_guest();
    const sock_fprog filter = program(wanted);
    const int on = 1;
    sockaddr_ll at{};
    at.sll_family = AF_PACKET;
    at.sll_protocol = __builtin_bswap16(ETH_P_ALL);
    at.sll_ifindex = interface;
    if (::setsockopt(fd.get(), SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) != 0 ||
        ::setsockopt(fd.get(), SOL_SOCKET, SO_LOCK_FILTER, &on, sizeof on) != 0 ||
        ::setsockopt(fd.get(), SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on) != 0 ||
        ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0)
        return base::system_error("packet socket", errno);
    return fd;
}

}  // namespace summond::host
