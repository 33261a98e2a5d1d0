#include "summond/transfer/server.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <ctime>
#include <optional>
#include <utility>
#include <vector>

#include "outgoing.hpp"
#include "summond/base/log.hpp"
#include "summond/dns/types.hpp"
#include "summond/dns/wire.hpp"

namespace summond::transfer {

using boost::asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr std::size_t length_size = 2;  // RFC 1035 §4.2.2
constexpr std::size_t usual_input = 4096;
// How long a client has to close its side after we have closed ours.
constexpr auto linger = std::chrono::seconds(2);

base::IpAddress address_of(const tcp::endpoint& peer) {
    return peer.address().is_v4() ? base::IpAddress::v4(peer.address().to_v4().to_bytes())
                                  : base::IpAddress::v6(peer.address().to_v6().to_bytes());
}

std::uint64_t unix_time() {
    return static_cast<std::uint64_t>(std::time(nullptr));
}

}  // namespace

class Server::Session : public std::enable_shared_from_this<Session> {
  public:
    Session(Server& server, tcp::socket socket, const base::IpAddress& client)
        : server_(server),
          socket_(std::move(socket)),
          client_(client),
          moved_on_(server.clock_.now()) {}

    void start(Sessions::iterator place, std::span<const std::uint8_t> received) {
        place_ = place;
        error_code ignored;
        socket_.set_option(tcp::no_delay(true), ignored);
        in_.assign(received.begin(), received.end());
        next();
    }

    const base::IpAddress& client() const { return client_; }
    bool idle() const { return transfer_ == nullptr && out_.empty(); }

    void expire() {
        const base::TimePoint now = server_.clock_.now();
        const ServerLimits& limits = server_.limits_;
        const base::Duration limit = ending_ ? linger : idle() ? limits.idle : limits.stalled;
        if (now - moved_on_ >= limit)
            return close(idle() ? "" : "it takes nothing");
        if (transfer_ && now - begun_ >= limits.total)
            close("it takes too long");
    }

    // why: of a transfer that is not over.
    void close(const std::string& why) {
        if (std::exchange(closed_, true))
            return;
        if (transfer_)
            report(why.empty() ? "ended" : why);
        error_code ignored;
        socket_.close(ignored);
        Server& server = server_;
        server.sessions_.erase(place_);
        server.count_.connections(server.sessions_.size());
    }

  private:
    void move_on() {
        moved_on_ = server_.clock_.now();
        server_.sessions_.splice(server_.sessions_.end(), server_.sessions_, place_);
    }

    void report(const std::string& unless_complete) {
        const Counted& counted = transfer_->counted();
        server_.count_.in_progress(-1);
        server_.count_.transferred(kind_, unless_complete.empty(), counted.octets);
        if (unless_complete.empty())
            spdlog::info("{} to {}: {} records, {} messages, {} octets", what_, client_.to_string(),
                         counted.records, counted.messages, counted.octets);
        else
            spdlog::warn("{} to {}: {} after {} records", what_, client_.to_string(),
                         unless_complete, counted.records);
    }

    // What comes after any event: a message of the transfer, the next query, or more to read.
    void next() {
        if (closed_ || !out_.empty())
            return;
        if (transfer_) {
            std::vector<std::uint8_t>* message = nullptr;
            if (transfer_->next(message, unix_time()))
                return write(*message);
            report("");
            transfer_.reset();
        }
        if (ending_)
            return end();
        if (in_.size() < length_size)
            return read();
        const std::size_t size = dns::get16(in_.data());
        if (size < dns::header_size)
            return close("");
        if (in_.size() < length_size + size)
            return read();
        answer(size);
    }

    void answer(std::size_t size) {
        const std::vector<std::uint8_t> query(
            in_.begin() + length_size,
            in_.begin() + static_cast<std::ptrdiff_t>(length_size + size));
        if (!is_ours(query))
            return hand_back();
        move_on();
        in_.erase(in_.begin(), in_.begin() + static_cast<std::ptrdiff_t>(length_size + size));
        Reply reply =
            respond(server_.serving_, query, client_, answer::Transport::tcp, unix_time());
        server_.count_.refused(reply.refusal);
        if (reply.refused())
            spdlog::info("refused to {}: {}", client_.to_string(), reply.log);
        else if (!reply.log.empty() && !reply.transfer)
            spdlog::info("{} to {}", reply.log, client_.to_string());
        ending_ = reply.refused();
        if (reply.transfer) {
            what_ = std::move(reply.log);
            kind_ = *reply.kind;
            begun_ = server_.clock_.now();
            server_.count_.in_progress(1);
            transfer_ = std::move(reply.transfer);
            return next();
        }
        if (reply.kind)
            server_.count_.transferred(*reply.kind, true, reply.message.size());
        if (reply.message.empty())
            return close("");
        write(reply.message);
    }

    void hand_back() {
        error_code ignored;
        if (!server_.hand_back_(socket_.native_handle(), in_))
            return close("");
        // Not by Asio, which leaves it to close(2) to end its watch: others have it open.
        const base::UniqueFd given_away(socket_.release(ignored));
        close("");
    }

    void read() {
        if (end_of_input_)
            return close("");
        const std::size_t begin = in_.size();
        const std::size_t need = begin < length_size
                                     ? usual_input
                                     : std::max(usual_input, length_size + dns::get16(in_.data()));
        in_.resize(need);
        socket_.async_read_some(
            boost::asio::buffer(in_.data() + begin, need - begin),
            [self = shared_from_this(), begin](const error_code& error, std::size_t size) {
                if (self->closed_)
                    return;
                self->in_.resize(begin + size);
                if (error == boost::asio::error::eof)
                    self->end_of_input_ = true;
                else if (error)
                    return self->close("");
                self->next();
            });
    }

    void write(std::span<const std::uint8_t> message) {
        out_.clear();
        out_.push_back(static_cast<std::uint8_t>(message.size() >> 8));
        out_.push_back(static_cast<std::uint8_t>(message.size()));
        out_.insert(out_.end(), message.begin(), message.end());
        boost::asio::async_write(socket_, boost::asio::buffer(out_),
                                 [self = shared_from_this()](const error_code& error, std::size_t) {
                                     if (self->closed_)
                                         return;
                                     if (error)
                                         return self->close(error.message());
                                     self->out_.clear();
                                     self->move_on();
                                     self->next();
                                 });
    }

    // Closing with a query on its way would reset the connection, and the client could lose what it
    // has not read yet.
    void end() {
        error_code ignored;
        socket_.shutdown(tcp::socket::shutdown_send, ignored);
        in_.resize(usual_input);
        socket_.async_read_some(boost::asio::buffer(in_),
                                [self = shared_from_this()](const error_code& error, std::size_t) {
                                    if (self->closed_)
                                        return;
                                    if (error)
                                        return self->close("");
                                    self->end();
                                });
    }

    Server& server_;
    tcp::socket socket_;
    const base::IpAddress client_;
    Sessions::iterator place_;
    base::TimePoint moved_on_;
    base::TimePoint begun_{};  // the transfer
    std::vector<std::uint8_t> in_;
    std::vector<std::uint8_t> out_;  // given to the kernel; empty: no write is under way
    std::unique_ptr<Outgoing> transfer_;
    std::string what_;
    metrics::TransferKind kind_{};
    bool ending_ = false;  // nothing of what the client says is looked at any more
    bool end_of_input_ = false;
    bool closed_ = false;
};

Server::Server(boost::asio::io_context& io, const base::Clock& clock, metrics::TransferCount& count,
               HandBack hand_back, const ServerLimits& limits)
    : io_(io), clock_(clock), count_(count), hand_back_(std::move(hand_back)), limits_(limits) {}

Server::~Server() {
    while (!sessions_.empty())
        sessions_.front()->close("");
}

// Closes the connection, of this address if one is given, that has been idle longest. False if none
// is idle.
bool Server::make_room(const base::IpAddress* of) {
    const auto found = std::ranges::find_if(sessions_, [&](const auto& session) {
        return session->idle() && (of == nullptr || session->client() == *of);
    });
    if (found == sessions_.end())
        return false;
    (*found)->close("");
    return true;
}

void Server::take(base::UniqueFd connection, std::span<const std::uint8_t> received) {
    if (!serving_)
        return;
    sockaddr_storage local{};
    socklen_t size = sizeof local;
    if (::getsockname(connection.get(), reinterpret_cast<sockaddr*>(&local), &size) != 0)
        return;
    error_code error;
    tcp::socket socket(io_);
    socket.assign(local.ss_family == AF_INET ? tcp::v4() : tcp::v6(), connection.get(), error);
    if (error)
        return;
    connection.release();
    const tcp::endpoint peer = socket.remote_endpoint(error);
    if (error)
        return;
    const base::IpAddress client = address_of(peer);
    const auto of_client = static_cast<std::size_t>(std::ranges::count_if(
        sessions_, [&client](const auto& session) { return session->client() == client; }));
    if ((of_client >= limits_.of_one_address && !make_room(&client)) ||
        (sessions_.size() >= limits_.connections && !make_room(nullptr))) {
        count_.no_room();
        spdlog::warn("too many connections for transfers; {} is not served", client.to_string());
        return;
    }
    const auto session = std::make_shared<Session>(*this, std::move(socket), client);
    const auto place = sessions_.insert(sessions_.end(), session);
    count_.connections(sessions_.size());
    session->start(place, received);
}

void Server::tick() {
    for (const auto& session : std::vector(sessions_.begin(), sessions_.end()))
        session->expire();
}

}  // namespace summond::transfer
