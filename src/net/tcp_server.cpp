#include "summond/net/tcp_server.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "summond/net/bind.hpp"
#include "tcp_session.hpp"

namespace summond::net {

using boost::asio::ip::tcp;
using boost::system::error_code;

struct TcpServer::Listener {
    Acceptor acceptor;
    bool paused = false;  // does not listen, or out of descriptors or memory; tick tries again
};

TcpServer::TcpServer(boost::asio::io_context& io, const zone::Zones& zones, Services& services,
                     const base::Clock& clock, const TcpLimits& limits,
                     const answer::Settings& settings, metrics::ThreadCounters counters)
    : io_(io),
      services_(services),
      clock_(clock),
      limits_(limits),
      context_{zones, services.states(), answer::Transport::tcp, settings},
      answer_(answer::max_tcp_answer),
      counters_(counters) {
    context_.rules = services.rules();
}

TcpServer::~TcpServer() {
    drained_ = nullptr;
    while (!sessions_.empty())
        sessions_.front()->close();
}

void TcpServer::sign_by(Signing& signing) {
    signing_ = &signing;
    context_.signatures = &signing.signatures();
}

base::Result<void> TcpServer::listen(base::UniqueFd fd) {
    const auto info = describe(fd.get());
    if (!info)
        return tl::make_unexpected(info.error());
    Listener& listener = listeners_.emplace_back(Listener{Acceptor(io_)});
    error_code error;
    listener.acceptor.assign(info->local.address.is_v4() ? tcp::v4() : tcp::v6(), fd.get(), error);
    if (error)
        return base::error("listen " + info->local.to_string() + ", TCP: " + error.message());
    fd.release();
    accept(listener);
    return {};
}

void TcpServer::accept(Listener& listener) {
    listener.acceptor.async_accept([this, &listener](const error_code& error, tcp::socket socket) {
        if (!error) {
            error_code gone;
            const tcp::endpoint peer = socket.remote_endpoint(gone);
            if (!gone && on_connection(std::move(socket), peer) && counters_.dns != nullptr)
                counters_.dns->opened.add();
        }
        if (draining_)
            return;
        if (error && error != boost::asio::error::connection_aborted) {
            listener.paused = true;
            if (error != boost::asio::error::invalid_argument)  // it does not listen, accept(2)
                make_room();
            return;
        }
        accept(listener);
    });
}

void TcpServer::resume() {
    for (Listener& listener : listeners_) {
        if (std::exchange(listener.paused, false) && !draining_)
            accept(listener);
    }
}

bool TcpServer::on_connection(tcp::socket socket, const tcp::endpoint& peer,
                              std::span<const std::uint8_t> received) {
    const base::IpAddress address = peer.address().is_v4()
                                        ? base::IpAddress::v4(peer.address().to_v4().to_bytes())
                                        : base::IpAddress::v6(peer.address().to_v6().to_bytes());
    const Source source = network_of(address.bytes(), source_lengths);
    const auto of_source = sources_.find(source);
    const auto is_exempt = [&](const base::IpPrefix& prefix) { return prefix.contains(address); };
    if (of_source != sources_.end() && of_source->second >= limits_.connections_per_source &&
        std::ranges::none_of(limits_.exempt, is_exempt) && !make_room(&source))
        return refuse(metrics::Refused::per_source);
    if (sessions_.size() >= limits_.connections && !make_room())
        return refuse(metrics::Refused::total);
    ++sources_[source];
    const auto place = sessions_.insert(
        sessions_.end(), std::make_shared<TcpSession>(*this, std::move(socket), source, address));
    const std::shared_ptr<TcpSession> session = *place;
    session->start(place, received);
    count_sessions();
    if (draining_)
        session->drain();
    return true;
}

bool TcpServer::refuse(metrics::Refused why) {
    if (counters_.dns != nullptr)
        counters_.dns->refused[static_cast<std::size_t>(why)].add();
    return false;
}

void TcpServer::count_sessions() {
    if (counters_.dns != nullptr)
        counters_.sessions->set(sessions_.size());
}

void TcpServer::count_parked(std::ptrdiff_t more) {
    parked_ += static_cast<std::size_t>(more);
    if (counters_.dns != nullptr)
        counters_.parked->set(parked_);
}

// Closes the connection, of this source if one is given, that has been idle longest. False if none
// is idle.
bool TcpServer::make_room(const Source* of) {
    const auto found = std::ranges::find_if(sessions_, [&](const auto& session) {
        return session->idle() && (of == nullptr || session->source() == *of);
    });
    if (found == sessions_.end())
        return false;
    (*found)->close();
    if (counters_.dns != nullptr)
        counters_.dns->evicted.add();
    return true;
}

// source by value: the session may end here.
void TcpServer::remove(Sessions::iterator session, Source source) {
    sessions_.erase(session);
    count_sessions();
    const auto of_source = sources_.find(source);
    if (--of_source->second == 0)
        sources_.erase(of_source);
    check_drained();
}

void TcpServer::moved_on(Sessions::iterator session) {
    sessions_.splice(sessions_.end(), sessions_, session);
}

void TcpServer::signal() {
    // A copy: sessions leave the list when they close.
    for (const auto& session : std::vector(sessions_.begin(), sessions_.end()))
        session->resolve_parked();
}

void TcpServer::tick() {
    for (const auto& session : std::vector(sessions_.begin(), sessions_.end()))
        session->expire();
    resume();
}

void TcpServer::adopt(base::UniqueFd connection, std::span<const std::uint8_t> received) {
    const auto info = describe(connection.get());
    if (!info)
        return;
    error_code error;
    tcp::socket socket(io_);
    socket.assign(info->local.address.is_v4() ? tcp::v4() : tcp::v6(), connection.get(), error);
    if (error)
        return;
    connection.release();
    const tcp::endpoint peer = socket.remote_endpoint(error);
    if (!error && on_connection(std::move(socket), peer, received) && counters_.dns != nullptr)
        counters_.dns->taken_over.add();
}

void TcpServer::drain(std::function<void()> drained, HandOver hand_over) {
    draining_ = true;
    drained_ = std::move(drained);
    hand_over_ = std::move(hand_over);
    error_code ignored;
    for (Listener& listener : listeners_)
        listener.acceptor.close(ignored);
    for (const auto& session : std::vector(sessions_.begin(), sessions_.end()))
        session->drain();
    check_drained();
}

void TcpServer::check_drained() {
    if (sessions_.empty() && drained_)
        std::exchange(drained_, nullptr)();
}

}  // namespace summond::net
