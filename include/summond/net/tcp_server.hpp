// DNS over TCP (RFC 7766): connections are kept open, queries may be pipelined and are answered out
// of order where one waits for its service. Runs on the thread of its io_context.
//
// What a client can use up is bounded: connections in total and by source, the time that a query
// may take to arrive and an answer to be taken, unsent answers (a client that does not read is not
// read from) and waiting queries.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "summond/answer/answer.hpp"
#include "summond/base/clock.hpp"
#include "summond/base/ip_address.hpp"
#include "summond/base/result.hpp"
#include "summond/base/unique_fd.hpp"
#include "summond/metrics/front_counters.hpp"
#include "summond/net/client_network.hpp"
#include "summond/net/services.hpp"
#include "summond/net/signing.hpp"
#include "summond/zone/zone.hpp"

namespace summond::net {

class TcpSession;

struct TcpLimits {
    // Beyond it, the connection that has been idle longest makes room; if none is idle, the new
    // one is closed.
    std::size_t connections = 512;
    // From one source. Beyond it, the one of them that has been idle longest makes room; if none is
    // idle, the new one is closed.
    std::size_t connections_per_source = 64;
    std::vector<base::IpPrefix> exempt{};  // from connections_per_source
    // A connection is closed when for this long no whole query has come and no answer has been
    // taken (RFC 7766 §6.2.3: "of the order of a few seconds").
    base::Duration idle = std::chrono::seconds(10);
    // A connection this old is ended once what has been asked is answered, and cut off `idle`
    // later: it comes to the newest zones, and no client holds one for good.
    base::Duration total = std::chrono::minutes(10);
    // Octets of unsent answers beyond which no further query of the connection is looked at.
    std::size_t backlog = 64 * 1024;
    // Queries of one connection that wait for services, of at most max_parked_query octets; further
    // ones get SERVFAIL.
    std::size_t parked = 64;
};

class TcpServer {
  public:
    // All references, and the counters, must outlive the server, and the io_context must not run
    // handlers any more when the server is destroyed.
    TcpServer(boost::asio::io_context& io, const zone::Zones& zones, Services& services,
              const base::Clock& clock, const TcpLimits& limits = {},
              const answer::Settings& settings = answer::default_settings,
              metrics::ThreadCounters counters = {});
    ~TcpServer();

    // As of UdpWorker; before listen.
    void sign_by(Signing& signing);
    // Accepts connections from a socket that listens, or will when resume is called.
    base::Result<void> listen(base::UniqueFd listener);
    void resume();
    // A service's availability has changed.
    void signal();
    // Ends what has taken too long. Call about once a second.
    void tick();
    // A connection that another server has handed over, and what has been received on it; counts as
    // a new one.
    void adopt(base::UniqueFd connection, std::span<const std::uint8_t> received = {});
    // Takes a connection, which the caller then closes, whose next message is for the role
    // transfer, and what has been received on it from there on; false: not now. None: there is
    // none.
    using Pass = std::function<bool(int connection, std::span<const std::uint8_t> received)>;
    void on_pass(Pass pass) { pass_ = std::move(pass); }
    // Gives a connection away, which the caller then closes; false: not now.
    using HandOver = std::function<bool(int connection)>;
    // Takes no new connections and ends those there are when they have been answered, or hands them
    // over if there is somebody to take them; then calls drained, perhaps at once.
    void drain(std::function<void()> drained, HandOver hand_over = {});

    std::size_t connection_count() const { return sessions_.size(); }

  private:
    friend class TcpSession;
    using Acceptor = boost::asio::ip::tcp::acceptor;
    // An IPv4 address, or a /56, as one site has of IPv6 (RFC 6177 §2): unlike those of queries
    // over UDP, addresses of connections are not forged.
    using Source = ClientNetwork;
    static constexpr NetworkLengths source_lengths{32, 56};
    using Sessions = std::list<std::shared_ptr<TcpSession>>;
    struct Listener;

    void accept(Listener& listener);
    // False: there is no room for it.
    bool on_connection(boost::asio::ip::tcp::socket socket,
                       const boost::asio::ip::tcp::endpoint& peer,
                       std::span<const std::uint8_t> received = {});
    bool make_room(const Source* of = nullptr);
    bool refuse(metrics::Refused why);
    // A session has so many more queries, or fewer, that wait.
    void count_parked(std::ptrdiff_t more);
    void count_sessions();
    void remove(Sessions::iterator session, Source source);
    void moved_on(Sessions::iterator session);
    void check_drained();

    boost::asio::io_context& io_;
    Services& services_;
    Signing* signing_ = nullptr;
    const base::Clock& clock_;
    const TcpLimits limits_;
    answer::Context context_;
    std::vector<std::uint8_t> answer_;  // resolve's output, copied into the session's backlog
    std::list<Listener> listeners_;
    Sessions sessions_;  // the one that moved on last is at the end
    std::map<Source, std::size_t> sources_;
    bool draining_ = false;
    std::function<void()> drained_;
    HandOver hand_over_;
    Pass pass_;
    const metrics::ThreadCounters counters_;
    std::size_t parked_ = 0;  // of all sessions
};

}  // namespace summond::net
