#include "summond/control/server.hpp"

#include <sys/socket.h>

#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <string_view>
#include <utility>

#include "session.hpp"
#include "summond/base/log.hpp"

namespace summond::control {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using Local = asio::local::stream_protocol;

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

void Server::listen(base::UniqueFd socket) {
    state_->acceptor = std::make_shared<Local::acceptor>(state_->io);
    error_code error;
    state_->acceptor->assign(Local(), socket.get(), error);
    if (error) {
        spdlog::error("control socket: {}", error.message());
        return;
    }
    socket.release();
    state_->accept();
}

void Server::State::accept() {
    acceptor->async_accept([self = shared_from_this(), from = acceptor](const error_code& error,
                                                                        Local::socket socket) {
        if (self->ended || from != self->acceptor || error == asio::error::operation_aborted)
            return;
        if (!error) {
            self->accepted(std::move(socket));
            self->accept();
            return;
        }
        // Out of descriptors or memory.
        auto timer = std::make_shared<asio::steady_timer>(self->io, no_descriptor_pause);
        timer->async_wait([self, timer, from](const error_code&) {
            if (!self->ended && from == self->acceptor)
                self->accept();
        });
    });
}

bool Server::State::has_room(const Client& client) const {
    const auto own = connections.find(client.user);
    if (own != connections.end() && own->second >= bounds.per_user)
        return false;
    return client.user == 0 || sessions.size() < bounds.connections;
}

void Server::State::accepted(Local::socket socket) {
    Client client = client_of(socket.native_handle());
    if (!has_room(client)) {
        turn_away(socket.native_handle());
        return;
    }
    ++connections[client.user];
    const auto session =
        std::make_shared<Session>(*this, Session::Socket(std::move(socket)), std::move(client));
    sessions.insert(session);
    session->run();
}

void Server::State::end() {
    ended = true;
    acceptor.reset();
    while (!sessions.empty())
        (*sessions.begin())->close();
}

}  // namespace summond::control
