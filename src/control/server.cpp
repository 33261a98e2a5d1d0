#include "summond/control/server.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <limits>
#include <string_view>
#include <utility>

#include "session.hpp"
#include "summond/base/log.hpp"

namespace summond::control {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr std::chrono::milliseconds no_descriptor_pause{100};

Client client_of(int fd) {
    Client client;
    ucred peer{};
    socklen_t size = sizeof peer;
    if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
        return client;
    client.user = peer.uid;
    client.groups.resize(64);
    for (;;) {
        size = static_cast<socklen_t>(client.groups.size() * sizeof(gid_t));
        if (::getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, client.groups.data(), &size) == 0)
            break;
        if (errno != ERANGE) {  // its primary group is known all the same
            size = 0;
            break;
        }
        client.groups.resize(size / sizeof(gid_t));
    }
    client.groups.resize(size / sizeof(gid_t));
    client.groups.push_back(peer.gid);
    client.account = std::to_string(client.user);
    return client;
}

Client client_at(const asio::generic::stream_protocol::endpoint& peer) {
    constexpr std::size_t network = 8;  // octets of IPv6 that one customer has at the least
    Client client{.over_tcp = true};
    const sockaddr* const address = peer.data();
    if (address->sa_family == AF_INET) {
        const auto& in = *reinterpret_cast<const sockaddr_in*>(address);
        client.account.assign(reinterpret_cast<const char*>(&in.sin_addr), sizeof in.sin_addr);
    } else if (address->sa_family == AF_INET6) {
        const auto& in6 = *reinterpret_cast<const sockaddr_in6*>(address);
        client.account.assign(reinterpret_cast<const char*>(&in6.sin6_addr), network);
    }
    return client;
}

// To one that there is no room for: it has nothing in its way.
void turn_away(int fd) {
    constexpr std::string_view body =
        "{\"error\":\"too many connections\",\"expected\":\"fewer at a time\"}\n";
    const std::string text =
        "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nContent-Length: " +
        std::to_string(body.size()) + "\r\nConnection: close\r\n\r\n" + std::string(body);
    if (::send(fd, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        spdlog::debug("a client that there is no room for takes no answer");
}

}  // namespace

Server::Server(boost::asio::io_context& io, const Bounds& bounds, Handler handler)
    : state_(std::make_shared<State>(io, bounds, std::move(handler))) {}

Server::~Server() {
    state_->end();
}

void Server::listen(std::uint32_t number, base::UniqueFd socket) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    error_code error(
        ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0 ? 0 : errno,
        boost::system::system_category());
    auto acceptor = std::make_shared<State::Acceptor>(state_->io);
    if (!error)
        acceptor->assign(State::Protocol(address.ss_family, 0), socket.get(), error);
    if (error) {
        spdlog::error("control: a socket that listens: {}", error.message());
        return;
    }
    socket.release();
    state_->close_acceptors(number, number);
    state_->acceptors[number] = std::move(acceptor);
    state_->accept(number);
}

void Server::close_beyond(std::uint32_t number) {
    state_->close_acceptors(number + 1, std::numeric_limits<std::uint32_t>::max());
}

// Not only forgotten: what waits for a client in them would take one more.
void Server::State::close_acceptors(std::uint32_t first, std::uint32_t last) {
    const auto begin = acceptors.lower_bound(first);
    const auto end = acceptors.upper_bound(last);
    for (auto each = begin; each != end; ++each) {
        error_code ignored;
        each->second->close(ignored);
    }
    acceptors.erase(begin, end);
}

void Server::State::accept(std::uint32_t number) {
    const auto from = acceptors.at(number);
    const auto is_open = [this, number, from] {
        const auto now = acceptors.find(number);
        return !ended && now != acceptors.end() && now->second == from;
    };
    const auto peer = std::make_shared<Protocol::endpoint>();
    from->async_accept(*peer, [self = shared_from_this(), number, peer, is_open](
                                  const error_code& error, Protocol::socket socket) {
        if (!is_open() || error == asio::error::operation_aborted)
            return;
        if (!error) {
            const bool over_tcp = number != 0;
            Client client = over_tcp ? client_at(*peer) : client_of(socket.native_handle());
            self->accepted(std::move(socket), std::move(client));
            self->accept(number);
            return;
        }
        // Out of descriptors or memory.
        auto timer = std::make_shared<asio::steady_timer>(self->io, no_descriptor_pause);
        timer->async_wait([self, timer, number, is_open](const error_code&) {
            if (is_open())
                self->accept(number);
        });
    });
}

bool Server::State::has_room(const Client& client) {
    const Room& room = room_of(client);
    const auto own = room.connections.find(client.account);
    if (own != room.connections.end() && own->second >= bounds.per_user)
        return false;
    return client.user == 0 || room.sessions < bounds.connections;
}

void Server::State::accepted(Protocol::socket socket, Client client) {
    if (!has_room(client)) {
        turn_away(socket.native_handle());
        return;
    }
    Room& room = room_of(client);
    ++room.sessions;
    ++room.connections[client.account];
    const auto session = std::make_shared<Session>(*this, std::move(socket), std::move(client));
    sessions.insert(session);
    session->run();
}

void Server::State::end() {
    ended = true;
    close_acceptors(0, std::numeric_limits<std::uint32_t>::max());
    while (!sessions.empty())
        (*sessions.begin())->close();
}

}  // namespace summond::control
