// Finds out when a guest's TCP port begins to accept connections, or the web server there to
// answer, straight at the guest's vif: through a packet(7) socket, past bridge and firewall,
// whether or not the vif is on a bridge.
#pragma once

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "summond/base/result.hpp"
#include "summond/base/unique_fd.hpp"
#include "summond/frames/build.hpp"
#include "summond/frames/packet.hpp"
#include "summond/host/probe_pace.hpp"
#include "summond/service/template.hpp"

namespace summond::host {

// Sends the same SYN again and again until the guest acknowledges it, and then a reset: nothing is
// left of the connection, however many of the SYNs had waited in the guest's ring. A refusal (its
// stack is up, its server is not) and silence are followed by another try soon. Of a guest that
// took more than a second to accept, the port has to stay open for an eighth of that time: some
// servers are tried out by a process that binds the port for a moment.
//
// What the guest says to the probe would reach dom0's own TCP too, if the probe speaks as dom0, and
// be reset by it: so its ports are of a range of their own, and what comes to dom0 for them from a
// guest is dropped (meter_rules.hpp).
//
// With a request, this is sent before the reset, also again and again, and it takes an answer by
// which the server is up (host::is_up) for the guest to be ready. Any other answer, or none when
// the guest ends the connection, and it is asked anew.
//
// The guest has to find the station that asks, so the probe answers its ARP requests and neighbour
// solicitations for that address. Where it may be another host's, only from the second one on: that
// host is not talked over, and what the guest says to it is seen all the same.
//
// Given up when destroyed.
class VifProbe {
  public:
    struct Asks {
        frames::Station from{};  // its port is chosen by the probe
        bool may_be_anothers = false;
        frames::Station guest;
        std::string request{};  // of at most 400 octets: it goes in one segment
    };
    // A packet socket on the interface, that is given to its probe. closer: where it is closed,
    // which can take the kernel tens of milliseconds (packet(7) sockets wait for RCU).
    static base::Result<base::UniqueFd> open(int interface);
    // ready: called once, from io's loop.
    VifProbe(boost::asio::io_context& io, boost::asio::thread_pool& closer, base::UniqueFd socket,
             const Asks& asks, std::function<void()> ready);
    ~VifProbe();
    VifProbe(const VifProbe&) = delete;
    VifProbe& operator=(const VifProbe&) = delete;

  private:
    void attempt();
    void listen();
    void receive();
    // True: it shows that the guest is ready.
    bool take(const frames::Packet& packet);
    bool take(const frames::IpPacket& segment, std::span<const std::uint8_t> payload);
    void answer(const service::Mac& asker_mac, const base::IpAddress& asker,
                const base::IpAddress& target);
    bool stays();
    void send(const frames::Frame& frame);

    boost::asio::thread_pool& closer_;
    boost::asio::posix::stream_descriptor socket_;
    boost::asio::steady_timer next_;
    Asks asks_;
    std::uint32_t sequence_;                 // of our SYN
    std::optional<std::uint32_t> expected_;  // of the guest's octets, once it has accepted
    std::optional<std::chrono::steady_clock::time_point> accepts_since_;  // without a refusal
    std::function<void()> ready_;
    ProbePace pace_;
    unsigned questions_ = 0;  // of the guest's for our address
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

// A station for where dom0 has no address in the guest's network. IPv6: with a link-local address,
// which is on-link for every guest; IPv4: with one beside the guest's own.
VifProbe::Asks made_up(const frames::Station& guest);

}  // namespace summond::host
