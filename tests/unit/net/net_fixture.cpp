#include "net_fixture.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <stdexcept>

#include "socket_address.hpp"
#include "summond/net/bind.hpp"

namespace summond::test {
namespace {

constexpr timeval patience{10, 0};

config::Config make_config() {
    config::Config config;
    config::Zone zone;
    zone.name = *dns::Name::parse("jit.example");
    zone.ns = {*dns::Name::parse("ns.jit.example")};
    zone.soa.mname = zone.ns.front();
    zone.soa.rname = *dns::Name::parse("hostmaster.jit.example");
    zone.records.push_back({"static 60 IN TXT hello", {}});
    zone.records.push_back({"ns 60 IN A 192.0.2.53", {}});
    config.zones.push_back(zone);

    using Kind = service::AnswerWhen::Kind;
    const auto add = [&](const std::string& name, Kind kind, std::uint8_t last) {
        service::Template service;
        service.name = name;
        service.id = service::id_of(name);
        service.names = {*dns::Name::parse(name + ".jit.example")};
        service.ipv4 = {base::IpAddress::v4({192, 0, 2, last})};
        service.answer = {kind, std::chrono::milliseconds(kind == Kind::delay ? 2000 : 0)};
        config.services.push_back(service);
    };
    add("booting", Kind::booting, 1);
    add("ready", Kind::ready, 2);
    add("delay", Kind::delay, 3);
    return config;
}

void put16(Bytes& out, std::size_t value) {
    out.push_back(static_cast<std::uint8_t>(value >> 8));
    out.push_back(static_cast<std::uint8_t>(value));
}

base::UniqueFd make_socket(const base::Endpoint& server, int type) {
    base::UniqueFd fd(
        ::socket(server.address.is_v4() ? AF_INET : AF_INET6, type | SOCK_CLOEXEC, 0));
    ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    return fd;
}

void connect(int fd, const base::Endpoint& server) {
    const auto [address, size] = net::to_socket_address(server);
    if (::connect(fd, &address.any, size) != 0)
        throw std::runtime_error("connect to " + server.to_string() + " failed");
}

// Size of the frame at the start of buffer, with its length field; 0 if it is not whole.
std::size_t whole_frame(const Bytes& buffer) {
    const std::size_t size = buffer.size() < 2 ? 0 : 2 + (std::size_t{buffer[0]} << 8 | buffer[1]);
    return size <= buffer.size() ? size : 0;
}

// With an EDNS option, or without EDNS.
Bytes with_option(std::string_view name, std::uint16_t type, std::uint16_t id,
                  std::optional<std::uint16_t> option, std::span<const std::uint8_t> data) {
    Bytes out;
    put16(out, id);
    put16(out, 0);  // flags: a standard query
    put16(out, 1);
    put16(out, 0);
    put16(out, 0);
    put16(out, option ? 1 : 0);
    const dns::Name wire = *dns::Name::parse(name);
    out.insert(out.end(), wire.wire().begin(), wire.wire().end());
    put16(out, type);
    put16(out, 1);
    if (option) {
        out.push_back(0);
        put16(out, 41);    // OPT
        put16(out, 1232);  // UDP payload size
        put16(out, 0);
        put16(out, 0);
        put16(out, data.size() + 4);
        put16(out, *option);
        put16(out, data.size());
        out.insert(out.end(), data.begin(), data.end());
    }
    return out;
}

}  // namespace

Bytes query(std::string_view name, std::uint16_t type, std::uint16_t id, std::size_t padding) {
    if (padding == 0)
        return with_option(name, type, id, {}, {});
    return with_option(name, type, id, 12, Bytes(padding, 0));
}

Bytes query_with_cookie(std::string_view name, std::span<const std::uint8_t> cookie) {
    return with_option(name, type_a, 1, 10, cookie);
}

Bytes framed(const Bytes& message) {
    Bytes out;
    put16(out, message.size());
    out.insert(out.end(), message.begin(), message.end());
    return out;
}

std::uint16_t id(std::span<const std::uint8_t> message) {
    return message.size() < 12 ? std::uint16_t{0}
                               : static_cast<std::uint16_t>(message[0] << 8 | message[1]);
}

int rcode(std::span<const std::uint8_t> message) {
    return message.size() < 12 ? -1 : message[3] & 0x0f;
}

int answer_count(std::span<const std::uint8_t> message) {
    return message.size() < 12 ? -1 : message[6] << 8 | message[7];
}

const config::Config& example_config() {
    static const config::Config config = make_config();
    return config;
}

const zone::Zones& example_zones() {
    static const zone::Built built = zone::build(example_config());
    static const zone::Zones zones = [] {
        for (const config::Problem& problem : built.problems)
            ADD_FAILURE() << problem.to_string();
        return zone::Zones::open(built.image).value();
    }();
    return zones;
}

service::Id service(std::string_view name) {
    return service::id_of(name);
}

ipc::State state(std::string_view service_name, service::Phase phase, service::WakeFailure failure,
                 std::uint32_t retry_after_ms, std::uint32_t woken_ms_ago) {
    ipc::State state{};
    state.service = service(service_name);
    state.phase = phase;
    state.failure = failure;
    state.retry_after_ms = retry_after_ms;
    state.woken_ms_ago = woken_ms_ago;
    return state;
}

ipc::State waiting(std::string_view service_name) {
    ipc::State waits = state(service_name, service::Phase::asleep);
    waits.at_once = 1;
    return waits;
}

ipc::Channel FakeVmm::connect() {
    auto pair = ipc::Channel::pair(ipc::Role::vmm, ipc::Role::front).value();
    channel_ = std::move(pair.first);
    return std::move(pair.second);
}

void FakeVmm::say(const ipc::State& state) {
    ASSERT_TRUE(channel_.send(state));
}

void FakeVmm::say(const ipc::Pressure& pressure) {
    ASSERT_TRUE(channel_.send(pressure));
}

void FakeVmm::say(const ipc::Load& load) {
    ASSERT_TRUE(channel_.send(load));
}

void FakeVmm::say_all() {
    ASSERT_TRUE(channel_.send(ipc::Ready{}));
}

FakeVmm::Heard FakeVmm::hear() {
    Heard heard;
    for (;;) {
        const auto received = channel_.receive();
        if (!received || !*received)
            return heard;
        if ((*received)->type == ipc::Type::wake) {
            const auto wake = (*received)->as<ipc::Wake>();
            heard.wakes.push_back(wake.service);
            heard.clients.push_back(wake.from);
            heard.query_types.push_back(wake.query_type);
            heard.proved.push_back(wake.proved != 0);
        } else if ((*received)->type == ipc::Type::wake_instance) {
            const auto wake = (*received)->as<ipc::WakeInstance>();
            heard.instances.push_back(std::string(wake.id, wake.size) + " of " +
                                      std::to_string(wake.service));
            heard.clients.push_back(wake.from);
            heard.proved.push_back(wake.proved != 0);
        } else if ((*received)->type == ipc::Type::waited) {
            heard.waited.push_back((*received)->as<ipc::Waited>());
        } else if ((*received)->type == ipc::Type::touch) {
            const auto touch = (*received)->as<ipc::Touch>();
            heard.touches.emplace_back(touch.services, touch.services + touch.count);
        } else {
            ADD_FAILURE() << "unexpected message";
        }
    }
}

std::vector<net::Services::Setting> example_settings() {
    std::vector<net::Services::Setting> result;
    for (const service::Template& service : example_config().services)
        result.push_back({service.id, service.answer});
    return result;
}

Client Client::udp(const base::Endpoint& server) {
    base::UniqueFd fd = make_socket(server, SOCK_DGRAM);
    connect(fd.get(), server);
    return Client(std::move(fd), false);
}

Client Client::tcp(const base::Endpoint& server) {
    base::UniqueFd fd = make_socket(server, SOCK_STREAM);
    // So that a client that is not read from notices soon.
    const int send_buffer = 64 << 10;
    ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDBUF, &send_buffer, sizeof send_buffer);
    connect(fd.get(), server);
    return Client(std::move(fd), true);
}

void Client::send(const Bytes& bytes) {
    ASSERT_EQ(::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
}

Bytes Client::receive() {
    Bytes chunk(65535);
    for (;;) {
        if (const std::size_t size = stream_ ? whole_frame(buffer_) : 0; size > 0) {
            Bytes message(buffer_.begin() + 2, buffer_.begin() + static_cast<std::ptrdiff_t>(size));
            buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(size));
            return message;
        }
        const ssize_t r = ::recv(fd_.get(), chunk.data(), chunk.size(), 0);
        if (r <= 0)
            return {};
        if (!stream_)
            return {chunk.begin(), chunk.begin() + r};
        buffer_.insert(buffer_.end(), chunk.begin(), chunk.begin() + r);
    }
}

bool Client::has_message() {
    Bytes chunk(4096);
    while (whole_frame(buffer_) == 0) {
        const ssize_t r = ::recv(fd_.get(), chunk.data(), chunk.size(), MSG_DONTWAIT);
        if (r <= 0)
            return r == 0 || errno != EAGAIN;
        buffer_.insert(buffer_.end(), chunk.begin(), chunk.begin() + r);
    }
    return true;
}

bool Client::silent() {
    std::uint8_t byte;
    return ::recv(fd_.get(), &byte, 1, MSG_DONTWAIT | MSG_PEEK) < 0;
}

bool Client::at_end() {
    std::uint8_t byte;
    const ssize_t r = ::recv(fd_.get(), &byte, 1, 0);
    return r == 0 || (r < 0 && errno == ECONNRESET);
}

void Client::shut_down_sending() {
    ::shutdown(fd_.get(), SHUT_WR);
}

base::Endpoint Client::local() const {
    net::SocketAddress address{};
    socklen_t size = sizeof address;
    ::getsockname(fd_.get(), &address.any, &size);
    return net::to_endpoint(address);
}

std::vector<base::UniqueFd> bind(const base::Endpoint& where, unsigned udp_workers) {
    for (int tries = 0;; ++tries) {
        auto bound = net::bind_endpoint(where, udp_workers);
        if (bound)
            return std::move(bound->sockets);
        // The port that the kernel chose for UDP may be taken for TCP.
        if (tries == 20)
            throw std::runtime_error(bound.error().what);
    }
}

base::Endpoint endpoint(std::string_view address, std::uint16_t port) {
    return {base::IpAddress::parse(address).value(), port};
}

}  // namespace summond::test
