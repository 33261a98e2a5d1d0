#include "summond/host/vif_probe.hpp"

#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <memory>
#include <random>
#include <utility>

#include "meter_rules.hpp"
#include "packet_filter.hpp"
#include "summond/host/http.hpp"

namespace summond::host {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds shortest_pause{5};
constexpr milliseconds longest_pause{25};
constexpr milliseconds quick_boot{1000};
// A server may well work on its answer.
constexpr milliseconds answer_pause{200};
// Frames taken in one go before everything else has its turn.
constexpr int receive_batch = 16;
constexpr std::size_t longest_frame = 128;  // headers, and how an answer begins

std::uint32_t random_number() {
    std::random_device device;
    return device();
}

}  // namespace

base::Result<base::UniqueFd> VifProbe::open(int interface) {
    // Protocol 0: deaf until it is bound.
    base::UniqueFd socket(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket)
        return base::system_error("packet socket", errno);
    // Only what the guest says: else the kernel would copy here what it hears, too.
    const int on = 1;
    ::setsockopt(socket.get(), SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on);
    sockaddr_ll at{};
    at.sll_family = AF_PACKET;
    at.sll_protocol = htons(ETH_P_ALL);
    at.sll_ifindex = interface;
    if (::bind(socket.get(), reinterpret_cast<sockaddr*>(&at), sizeof at) != 0)
        return base::system_error("packet socket", errno);
    return socket;
}

VifProbe::VifProbe(boost::asio::io_context& io, boost::asio::thread_pool& closer,
                   base::UniqueFd socket, const Asks& asks, std::function<void()> ready)
    : closer_(closer),
      socket_(io, socket.release()),
      next_(io),
      asks_(asks),
      sequence_(random_number()),
      ready_(std::move(ready)),
      pace_(shortest_pause, longest_pause) {
    // Another one each time: the guest may not have forgotten the last probe's connection.
    asks_.from.at.port = static_cast<std::uint16_t>(
        first_probe_port + random_number() % (last_probe_port - first_probe_port + 1));
    Filter wanted = to_probe(asks_.from.at.port, longest_frame);
    const sock_fprog filter = program(wanted);
    ::setsockopt(socket_.native_handle(), SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter);
    listen();
    attempt();
}

VifProbe::~VifProbe() {
    boost::asio::post(closer_, [socket = std::make_shared<base::UniqueFd>(socket_.release())] {
        socket->reset();
    });
}

void VifProbe::attempt() {
    if (expected_) {
        send(frames::data(asks_.from, asks_.guest, sequence_ + 1, *expected_, asks_.request));
        next_.expires_after(answer_pause);
    } else {
        send(frames::syn(asks_.from, asks_.guest, sequence_));
        next_.expires_after(pace_.pause());
    }
    next_.async_wait([this, alive = std::weak_ptr(alive_)](const auto& ec) {
        if (!ec && !alive.expired())
            attempt();
    });
}

void VifProbe::listen() {
    socket_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                       [this, alive = std::weak_ptr(alive_)](const auto& ec) {
                           if (!ec && !alive.expired())
                               receive();
                       });
}

void VifProbe::receive() {
    std::array<std::uint8_t, longest_frame> frame;
    for (int i = 0; i < receive_batch; ++i) {
        const auto size = ::recv(socket_.native_handle(), frame.data(), frame.size(), 0);
        if (size < 0)
            break;  // nothing more, or the interface is gone: then the domain is, too
        const auto packet = frames::parse(std::span(frame).first(static_cast<std::size_t>(size)),
                                          frames::Captured::beginning);
        if (packet && take(*packet)) {
            next_.cancel();
            const auto ready = std::move(ready_);
            ready();  // may well destroy this
            return;
        }
    }
    listen();
}

bool VifProbe::take(const frames::Packet& packet) {
    const auto* arp = std::get_if<frames::Arp>(&packet.what);
    if (arp != nullptr && arp->request)
        answer(arp->sender_mac, arp->sender, arp->target);
    else if (const auto* question = std::get_if<frames::Solicitation>(&packet.what))
        answer(packet.from, question->asker, question->target);
    const auto* ip = std::get_if<frames::IpPacket>(&packet.what);
    return ip != nullptr && ip->kind == frames::IpPacket::Kind::tcp && !ip->fragmented &&
           take(*ip, packet.payload);
}

void VifProbe::answer(const service::Mac& asker_mac, const base::IpAddress& asker,
                      const base::IpAddress& target) {
    if (target != asks_.from.at.address || (asks_.may_be_anothers && ++questions_ < 2))
        return;
    send(frames::answer(asks_.from.mac, target, asker_mac, asker));
}

bool VifProbe::take(const frames::IpPacket& segment, std::span<const std::uint8_t> payload) {
    const base::Endpoint& guest = asks_.guest.at;
    const base::Endpoint& own = asks_.from.at;
    if (segment.from != guest.address || segment.from_port != guest.port ||
        segment.to != own.address || segment.to_port != own.port)
        return false;
    if (!expected_) {
        if (!segment.acks || segment.acknowledges != sequence_ + 1)
            return false;
        if (segment.resets)
            accepts_since_.reset();
        if (!segment.accepts)
            return false;
        if (asks_.request.empty()) {
            send(frames::reset(asks_.from, asks_.guest, sequence_ + 1));
            sequence_ += 1U << 20;  // another connection, if there is to be one
            return stays();
        }
        expected_ = segment.sequence + 1;
        attempt();
        return false;
    }
    if (segment.sequence != *expected_ || !(segment.speaks || segment.resets))
        return false;
    if (!segment.resets)
        send(frames::reset(asks_.from, asks_.guest, segment.acknowledges));
    if (is_up(payload))
        return true;
    expected_.reset();
    sequence_ += 1U << 20;  // another connection; the timer opens it
    return false;
}

// Whether the port has accepted connections for long enough. A guest that boots within a second
// opens its port once; a slower one has a service manager, which may try out a server first.
bool VifProbe::stays() {
    const auto now = std::chrono::steady_clock::now();
    if (!accepts_since_)
        accepts_since_ = now;
    const auto took = *accepts_since_ - pace_.began();
    return took < quick_boot || now - *accepts_since_ >= took / 8;
}

void VifProbe::send(const frames::Frame& frame) {
    // What cannot be sent is lost; the next try comes soon.
    (void)::send(socket_.native_handle(), frame.data(), frame.size(), 0);
}

VifProbe::Asks made_up(const frames::Station& guest) {
    VifProbe::Asks asks{.guest = guest};
    frames::Station& station = asks.from;
    station.mac = guest.mac;
    station.mac[0] = 0x02;  // local, not a group (IEEE 802)
    station.mac[1] ^= 0x80;
    if (guest.at.address.is_v6()) {
        station.at.address = frames::link_local(station.mac);
        return asks;
    }
    std::array<std::uint8_t, 4> bytes{};
    std::ranges::copy(guest.at.address.bytes(), bytes.begin());
    // Its last bits become 01 or 10, which are neither those of a network nor of its broadcast
    // address, in every network that has room for two hosts.
    const unsigned last = bytes[3] & 3U;
    bytes[3] = static_cast<std::uint8_t>(bytes[3] ^ (last == 1 || last == 2 ? 3 : 1));
    station.at.address = base::IpAddress::v4(bytes);
    asks.may_be_anothers = true;
    return asks;
}

}  // namespace summond::host
