// What the tests of net share: a small configuration with its zone image, a vmm's end of the
// channel, and DNS messages as a client writes and reads them.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fake_clock.hpp"
#include "summond/base/ip_address.hpp"
#include "summond/base/unique_fd.hpp"
#include "summond/config/config.hpp"
#include "summond/ipc/channel.hpp"
#include "summond/net/services.hpp"
#include "summond/zone/zone.hpp"

namespace summond::test {

using Bytes = std::vector<std::uint8_t>;

inline constexpr std::uint16_t type_a = 1;
inline constexpr std::uint16_t type_txt = 16;
inline constexpr int noerror = 0;
inline constexpr int servfail = 2;

// A query of class IN. padding: that many octets of EDNS padding (RFC 7830), 0 for no EDNS.
Bytes query(std::string_view name, std::uint16_t type = type_a, std::uint16_t id = 1,
            std::size_t padding = 0);
// With EDNS and a COOKIE option.
Bytes query_with_cookie(std::string_view name, std::span<const std::uint8_t> cookie);
// With TCP's length field.
Bytes framed(const Bytes& message);
std::uint16_t id(std::span<const std::uint8_t> message);
int rcode(std::span<const std::uint8_t> message);
int answer_count(std::span<const std::uint8_t> message);

// The zone jit.example with a static record, static.jit.example TXT "hello", and three services at
// 192.0.2.1 to .3: booting.jit.example, ready.jit.example and delay.jit.example (2 s), named
// after their `answer:`.
const config::Config& example_config();
const zone::Zones& example_zones();
service::Id service(std::string_view name);

ipc::State state(std::string_view service, service::Phase phase,
                 service::WakeFailure failure = service::WakeFailure::none,
                 std::uint32_t retry_after_ms = 0, std::uint32_t woken_ms_ago = 0);
// Asleep in a domain that has booted.
ipc::State waiting(std::string_view service);

// vmm as its peer sees it.
class FakeVmm {
  public:
    // A new channel; returns the front's end.
    ipc::Channel connect();
    void say(const ipc::State& state);
    void say(const ipc::Pressure& pressure);
    void say(const ipc::Load& load);
    void say_all();  // that it has told all
    void die() { channel_ = ipc::Channel(); }
    // All messages that have come since the last call; only these types are expected.
    struct Heard {
        std::vector<service::Id> wakes;
        std::vector<ipc::Address> clients;       // of these wakes, and of those of instances
        std::vector<std::uint16_t> query_types;  // of these wakes
        std::vector<bool> proved;                // of both
        std::vector<ipc::Waited> waited;
        std::vector<std::string> instances;  // "ID of SERVICE", by service::Id
        std::vector<std::vector<service::Id>> touches;
    };
    Heard hear();
    int fd() const { return channel_.fd(); }

  private:
    ipc::Channel channel_;
};

// Settings of example_config's services.
std::vector<net::Services::Setting> example_settings();

// A client's socket, connected. Waits up to 10 s for what it expects, so that a failed test ends.
class Client {
  public:
    static Client udp(const base::Endpoint& server);
    static Client tcp(const base::Endpoint& server);

    void send(const Bytes& bytes);
    // UDP: a datagram. TCP: one framed message, without its length.
    Bytes receive();
    // TCP: receive will not wait, because there is a message or the end of the connection.
    bool has_message();
    // UDP: nothing there now.
    bool silent();
    // TCP: the next thing is the end of the connection (in order, or reset).
    bool at_end();
    void shut_down_sending();
    int fd() const { return fd_.get(); }
    base::Endpoint local() const;

  private:
    explicit Client(base::UniqueFd fd, bool stream) : fd_(std::move(fd)), stream_(stream) {}
    base::UniqueFd fd_;
    bool stream_;
    Bytes buffer_;  // TCP: received and not given out
};

base::Endpoint endpoint(std::string_view address, std::uint16_t port = 0);

// The sockets of net::bind_endpoint, for an address with port 0.
std::vector<base::UniqueFd> bind(const base::Endpoint& where, unsigned udp_workers);

}  // namespace summond::test
