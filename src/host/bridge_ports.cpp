#include "summond/host/bridge_ports.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/ethtool.h>
#include <linux/filter.h>
#include <linux/if_bridge.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "summond/base/log.hpp"
#include "summond/host/netlink.hpp"
#include "summond/host/nft.hpp"
#include "summond/host/vif_name.hpp"

namespace summond::host {
namespace {

// What Xen's scripts give to vifs: higher than any real one, so that no bridge takes it for its
// own.
constexpr service::Mac port_mac{0xfe, 0xff, 0xff, 0xff, 0xff, 0xff};

constexpr sock_filter load_byte(unsigned offset) {
    return BPF_STMT(BPF_LD | BPF_B | BPF_ABS, offset);
}
constexpr sock_filter load_half(unsigned offset) {
    return BPF_STMT(BPF_LD | BPF_H | BPF_ABS, offset);
}
// Steps over so many instructions if it is equal, or is not.
constexpr sock_filter equal(unsigned value, std::uint8_t then, std::uint8_t otherwise) {
    return BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, then, otherwise);
}
constexpr sock_filter has_bit(unsigned bit, std::uint8_t then, std::uint8_t otherwise) {
    return BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, bit, then, otherwise);
}
constexpr sock_filter accept_it = BPF_STMT(BPF_RET | BPF_K, 0xffff);
constexpr sock_filter drop_it = BPF_STMT(BPF_RET | BPF_K, 0);

// To a tap: unicast, ARP, and of IPv6's groups solicitations (type 135, in an ICMPv6 message right
// behind the header) and what has a hop-by-hop header (MLD queries).
constexpr std::array to_tap{
    load_byte(0),
    has_bit(1, 0, 8),
    load_half(12),
    equal(ETH_P_ARP, 6, 0),
    equal(ETH_P_IPV6, 0, 6),
    load_byte(20),
    equal(0, 3, 0),
    equal(58, 0, 3),
    load_byte(54),
    equal(135, 0, 1),
    accept_it,
    drop_it,
};
// From a guest: ARP, ICMPv6, UDP, and TCP with FIN, SYN, RST or PSH.
constexpr std::array from_guest{
    load_half(12),                                        // Ethernet type
    equal(ETH_P_ARP, 14, 0),                              // accept
    equal(ETH_P_IPV6, 0, 6),                              // or to IPv4
    load_byte(20),                                        // IPv6: next header
    equal(58, 11, 0),                                     // accept
    equal(17, 10, 0),                                     // accept
    equal(6, 0, 10),                                      // or drop
    load_byte(67),                                        // TCP's flags
    sock_filter BPF_STMT(BPF_JMP | BPF_JA, 6),            // to the flags
    equal(ETH_P_IP, 0, 7),                                // IPv4, or drop
    load_byte(23),                                        // its protocol
    equal(17, 4, 0),                                      // accept
    equal(6, 0, 4),                                       // or drop
    sock_filter BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 14),  // its header's length
    sock_filter BPF_STMT(BPF_LD | BPF_B | BPF_IND, 27),   // TCP's flags
    has_bit(0x0f, 0, 1),                                  // FIN, SYN, RST, PSH
    accept_it,
    drop_it,
};

template <std::size_t Size>
sock_fprog program(const std::array<sock_filter, Size>& filter) {
    return {static_cast<unsigned short>(Size), const_cast<sock_filter*>(filter.data())};
}

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

// A number that sysfs has of an interface. None: it has none.
std::optional<long> number_of(const std::string& interface, const char* what) {
    std::ifstream file("/sys/class/net/" + interface + "/" + what);
    long number = 0;
    return file >> number ? std::optional(number) : std::nullopt;
}

// What makes the interface: "bridge", "openvswitch", "tun". Empty: nobody says.
std::string driver_of(const std::string& interface) {
    ethtool_drvinfo info{};
    info.cmd = ETHTOOL_GDRVINFO;
    ifreq request{};
    std::strncpy(request.ifr_name, interface.c_str(), sizeof request.ifr_name - 1);
    request.ifr_data = reinterpret_cast<char*>(&info);
    const base::UniqueFd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!fd || ::ioctl(fd.get(), SIOCETHTOOL, &request) != 0)
        return {};
    return {info.driver, ::strnlen(info.driver, sizeof info.driver)};
}

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
    const int bridge_index = static_cast<int>(::if_nametoindex(bridge.c_str()));
    if (bridge_index == 0)
        return base::error("there is no bridge " + bridge);
    if (driver_of(bridge) != "bridge")
        return base::error(bridge + " is no bridge of Linux's own");

    Tap tap;
    tap.fd.reset(::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC));
    if (!tap.fd)
        return base::system_error("/dev/net/tun (modprobe tun makes it)", errno);
    ifreq request{};
    std::strcpy(request.ifr_name, "summond%d");
    request.ifr_flags = IFF_TAP | IFF_NO_PI;
    const sock_fprog filter = program(to_tap);
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
    ifreq mtu{};
    std::strncpy(mtu.ifr_name, bridge.c_str(), sizeof mtu.ifr_name - 1);
    const base::UniqueFd any(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!any || ::ioctl(any.get(), SIOCGIFMTU, &mtu) != 0)
        return failed(errno);
    NetlinkRequest join(RTM_NEWLINK, NLM_F_ACK, about_link(tap.index));
    join.put(IFLA_ADDRESS, port_mac);
    mnl_attr_put_u32(join.header(), IFLA_MTU, static_cast<std::uint32_t>(mtu.ifr_mtu));
    mnl_attr_put_u32(join.header(), IFLA_MASTER, static_cast<std::uint32_t>(bridge_index));
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

std::chrono::milliseconds BridgePorts::forward_delay(const std::string& bridge) {
    // In hundredths of a second (USER_HZ). Twice: listening, and learning.
    if (number_of(bridge, "bridge/stp_state").value_or(0) == 0)
        return {};
    return std::chrono::milliseconds(2 * 10 *
                                     number_of(bridge, "bridge/forward_delay").value_or(0));
}

bool BridgePorts::forwards(int port) {
    std::array<char, IF_NAMESIZE> name{};
    if (::if_indextoname(static_cast<unsigned>(port), name.data()) == nullptr)
        return true;
    const long state = number_of(name.data(), "brport/state").value_or(BR_STATE_FORWARDING);
    return state < BR_STATE_LISTENING || state > BR_STATE_LEARNING;
}

std::optional<int> BridgePorts::interface_of(vm::DomId domid) {
    const auto index = ::if_nametoindex(present_vif_name(domid, 0).c_str());
    return index == 0 ? std::nullopt : std::optional(static_cast<int>(index));
}

base::Result<base::UniqueFd> BridgePorts::socket_to(int interface) {
    // Protocol 0 until the filter is there.
    base::UniqueFd fd(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd)
        return base::system_error("packet socket", errno);
    const sock_fprog filter = program(from_guest);
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
