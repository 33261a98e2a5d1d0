// A TCP client that may send anything in any pieces, and may take its time: the input is a row of
// steps. An octet up to 250: so many octets of it that follow are sent; 251: a second passes; 252:
// vmm says that the service runs; 253: the server is told to drain; 254: a whole query with the
// octet that follows as its id; 255: the same, for a name that waits for a service.
// At the end the client says that it sends no more, and time passes until the server lets it go.
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <vector>

#include "fake_clock.hpp"
#include "fuzz_check.hpp"
#include "summond/dns/wire.hpp"
#include "summond/net/tcp_server.hpp"
#include "summond/zone/zone.hpp"

using namespace summond;

namespace {

using Bytes = std::vector<std::uint8_t>;

zone::Built make_zones() {
    config::Config config;
    config::Zone& zone = config.zones.emplace_back();
    zone.name = *dns::Name::parse("a");
    zone.ns = {*dns::Name::parse("ns.a")};
    zone.soa.mname = zone.soa.rname = zone.ns[0];
    for (int i = 0; i < 200; ++i)
        zone.records.push_back({"b TXT \"" + std::to_string(i) + std::string(200, 'x') + "\"", {}});
    service::Template& service = config.services.emplace_back();
    service.id = 1;
    service.names = {*dns::Name::parse("s.a")};
    service.ipv4 = {*base::IpAddress::parse("192.0.2.1")};
    return zone::build(config);
}

Bytes framed_query(std::uint8_t id, bool waits) {
    const std::uint8_t type = waits ? 1 : 16;
    return {0, 21,  0, id, 0,    0, 0, 1,
            0, 0,   0, 0,  0,    0, 1, static_cast<std::uint8_t>(waits ? 's' : 'b'),
            1, 'a', 0, 0,  type, 0, 1};
}

struct Connection {
    int fd = -1;
    Bytes sent;
    Bytes received;
    bool at_end = false;
    bool blocked = false;

    void send(std::span<const std::uint8_t> bytes) {
        // What does not fit now is not sent, and what follows neither.
        if (blocked)
            return;
        const ssize_t r = ::send(fd, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        const std::size_t size = r < 0 ? 0 : static_cast<std::size_t>(r);
        blocked = size < bytes.size();
        sent.insert(sent.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
    }
    void receive() {
        std::uint8_t buffer[65536];
        ssize_t r;
        while ((r = ::recv(fd, buffer, sizeof buffer, MSG_DONTWAIT)) > 0)
            received.insert(received.end(), buffer, buffer + r);
        at_end = at_end || r == 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
    }
};

// How often each id was asked in whole frames, up to the first that is no message.
struct Asked {
    std::map<std::uint16_t, int> ids;
    bool broken = false;
};
Asked asked(const Bytes& sent) {
    Asked result;
    for (std::size_t at = 0; sent.size() - at >= 2;) {
        const std::size_t size = dns::get16(&sent[at]);
        if (size < dns::header_size) {
            result.broken = true;
            break;
        }
        if (sent.size() - at - 2 < size)
            break;
        dns::Query query;
        if (dns::parse_query(std::span(sent).subspan(at + 2, size), query) != dns::Parsed::drop)
            ++result.ids[query.id];
        at += 2 + size;
    }
    return result;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const zone::Built built = make_zones();
    static const zone::Zones zones = *zone::Zones::open(built.image);
    boost::asio::io_context io{1};
    test::FakeClock clock;
    std::unique_ptr<net::TcpServer> server;
    net::Services services{{{1, {}}}, clock, [&] { server->signal(); }};
    server = std::make_unique<net::TcpServer>(io, zones, services, clock);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t to_size = sizeof to;
    base::UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    FUZZ_CHECK(::bind(listener.get(), reinterpret_cast<sockaddr*>(&to), to_size) == 0);
    FUZZ_CHECK(::listen(listener.get(), 1) == 0);
    FUZZ_CHECK(::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&to), &to_size) == 0);
    FUZZ_CHECK(server->listen(std::move(listener)));
    const base::UniqueFd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    FUZZ_CHECK(::connect(client.get(), reinterpret_cast<sockaddr*>(&to), sizeof to) == 0);
    Connection connection;
    connection.fd = client.get();
    const auto run = [&] {
        io.restart();
        io.poll();
        connection.receive();
    };
    const auto pass = [&](base::Duration by) {
        clock.advance(by);
        server->tick();
        run();
    };
    // Until the server has taken the connection.
    while (server->connection_count() == 0)
        run();

    bool unpunctual = false;  // time has passed, or the server drains: it may let the client go
    for (std::size_t i = 0; i < size && !connection.at_end;) {
        const std::uint8_t step = data[i++];
        if (step <= 250) {
            const std::size_t piece = std::min<std::size_t>(step, size - i);
            connection.send({data + i, piece});
            i += piece;
        } else if (step == 251) {
            unpunctual = true;
            pass(std::chrono::seconds(1));
        } else if (step == 252) {
            services.states()[0].availability = answer::Availability::answerable;
            server->signal();
        } else if (step == 253) {
            unpunctual = true;
            server->drain([] {});
        } else {
            connection.send(framed_query(i < size ? data[i++] : 0, step == 255));
        }
        run();
    }
    ::shutdown(client.get(), SHUT_WR);
    const auto over = [&] { return connection.at_end && server->connection_count() == 0; };
    for (int i = 0; i < 100 && !over(); ++i)
        run();
    for (int i = 0; i < 40 && !over(); ++i)
        pass(std::chrono::seconds(1));
    FUZZ_CHECK(over());

    Asked expected = asked(connection.sent);
    const Bytes& got = connection.received;
    std::size_t at = 0;
    while (got.size() - at >= 2 + dns::header_size) {
        const std::size_t length = dns::get16(&got[at]);
        if (got.size() - at - 2 < length)
            break;
        FUZZ_CHECK(length >= dns::header_size);
        FUZZ_CHECK((got[at + 4] & 0x80) != 0);
        const auto id = expected.ids.find(dns::get16(&got[at + 2]));
        FUZZ_CHECK(id != expected.ids.end() && id->second-- > 0);
        at += 2 + length;
    }
    if (expected.broken || unpunctual)
        return 0;
    FUZZ_CHECK(at == got.size());
    for (const auto& [id, left] : expected.ids)
        FUZZ_CHECK(left == 0);
    return 0;
}
