// One TCP connection of TcpServer.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "parked.hpp"
#include "summond/net/tcp_server.hpp"

namespace summond::net {

class TcpSession : public std::enable_shared_from_this<TcpSession> {
  public:
    TcpSession(TcpServer& server, boost::asio::ip::tcp::socket socket, TcpServer::Source source,
               const base::IpAddress& address);

    // place: this session in the server's list. received: what somebody else has read on it.
    void start(TcpServer::Sessions::iterator place, std::span<const std::uint8_t> received);
    // Nothing received that is not answered, nothing to send.
    bool idle() const;
    const TcpServer::Source& source() const { return source_; }
    // A service's availability has changed: answers waiting queries.
    void resolve_parked();
    // Answers queries that have waited too long; closes the connection if it has.
    void expire();
    // Ends the connection, or hands it over, once what has been asked is answered. A client that
    // has connected just now may still ask.
    void drain();
    // Now, whatever is under way. Removes the session from the server.
    void close();

  private:
    struct Parked {
        std::vector<std::uint8_t> query;
        ParkedQueries::Awaited awaited;
        base::TimePoint deadline;
    };

    void read();
    void on_read(std::size_t size);
    void process();
    answer::Context& context();
    // False: it is for the role transfer.
    bool handle(std::span<const std::uint8_t> query);
    bool park(std::span<const std::uint8_t> query, const answer::Decision& decision,
              std::uint16_t type);
    void keep_from_waiting(std::span<const std::uint8_t> query, answer::Decision& decision);
    ParkedQueries::Awaited want(const answer::Decision& decision, std::uint16_t type);
    bool is_there_yet(const Parked& parked) const;
    void reply(const answer::Decision& decision, std::uint16_t type);
    void append(std::uint32_t size);
    void reply_late(const Parked& parked, const answer::Decision& decision);
    void count_query(const dns::Query& query, std::size_t size, const answer::Decision& decision);
    void write();
    void move_on();
    void next();
    bool handing_over() const { return draining_ && server_.hand_over_ != nullptr; }
    void hand_over();
    void pass();
    bool may_shut_down() const;
    void shut_down();
    bool backlog_full() const;
    std::span<const std::uint8_t> received() const { return {in_.data() + begin_, end_ - begin_}; }

    TcpServer& server_;
    boost::asio::ip::tcp::socket socket_;
    const TcpServer::Source source_;
    const base::IpAddress address_;
    TcpServer::Sessions::iterator place_;
    const base::TimePoint opened_;
    base::TimePoint last_progress_;

    std::vector<std::uint8_t> in_;
    std::size_t begin_ = 0;  // of what has been received and not processed
    std::size_t end_ = 0;
    std::vector<std::uint8_t> backlog_;  // answers, framed
    std::vector<std::uint8_t> writing_;  // given to the kernel; empty: no write is under way
    std::vector<Parked> parked_;

    bool reading_ = false;
    bool closed_ = false;
    bool passing_ = false;       // the next message is for the role transfer
    bool end_of_input_ = false;  // the client sends no more (half-closed)
    bool draining_ = false;
    bool moved_since_drain_ = false;
    bool shut_down_ = false;  // we send no more; what still comes is thrown away
};

}  // namespace summond::net
