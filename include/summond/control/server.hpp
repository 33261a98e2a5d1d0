// HTTP/1.1 (RFC 9112) over a Unix socket and over TCP, by Boost.Beast: takes requests, says who
// asks, and is slow for nobody. Clients are taken for hostile: each has bounded memory, a bounded
// number of connections and bounded time. Those of TCP have room of their own, and take none from
// those of the socket.
#pragma once

#include <sys/types.h>

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "summond/base/unique_fd.hpp"
#include "summond/control/routes.hpp"

namespace summond::control {

// Who is at the other end, by the kernel's word when it connected (SO_PEERCRED, SO_PEERGROUPS);
// over TCP nobody knows.
struct Client {
    bool over_tcp = false;
    uid_t user = static_cast<uid_t>(-1);
    std::vector<gid_t> groups{};  // the primary one, too
    // Whose connections are counted together: a user's, or those of an IPv4 address or IPv6 /64.
    std::string account{};
};

struct Request {
    std::string method;
    std::string target;
    std::string last_event_id;  // of the field Last-Event-ID
    Browser browser;
    Client client;
};

struct Response {
    unsigned status = 200;
    std::shared_ptr<const std::string> body;
    std::string_view type = "application/json";
    std::string allow{};  // of 405
};

// Server-sent events to one client, until it is gone or too slow for them.
class Stream {
  public:
    virtual ~Stream() = default;
    // False: it is over.
    virtual bool send(std::shared_ptr<const std::string> text) = 0;
    // After what has been sent.
    virtual void end() = 0;
};

// One request that waits for its answer. Held for as long as somebody may answer it.
class Exchange {
  public:
    virtual ~Exchange() = default;
    // Once. The client may be gone.
    virtual void respond(Response response) = 0;
    // Instead: events follow. Whoever is behind by more than Bounds::events is sent too_slow and
    // ended.
    virtual std::shared_ptr<Stream> stream(std::shared_ptr<const std::string> too_slow) = 0;
    // Calls gone, once, when the client leaves before the answer. Not if it has sent another
    // request already.
    virtual void on_gone(std::function<void()> gone) = 0;
};

class Server {
  public:
    struct Bounds {
        // Over the socket, and as many over TCP.
        std::size_t connections = 256;                // in all
        std::size_t per_user = 64;                    // of these; root has as many beyond all
        std::size_t header = 8192;                    // octets
        std::size_t body = 1024;                      // octets
        std::size_t answers = std::size_t{64} << 20;  // octets that wait to be taken, likewise
        std::size_t events = 1100;                    // that wait to be taken by one client
        // For a request to arrive, from the connection or the last answer on.
        std::chrono::milliseconds request{30'000};
        // For an answer to be taken.
        std::chrono::milliseconds answer{30'000};
        // Between events, so that clients that are gone are found.
        std::chrono::milliseconds heartbeat{15'000};
    };
    using Handler = std::function<void(const Request&, std::shared_ptr<Exchange>)>;

    // handler is called from io's loop.
    Server(boost::asio::io_context& io, const Bounds& bounds, Handler handler);
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;
    // All connections end.
    ~Server();

    // A socket that listens, of number 0 a Unix socket, of others of TCP; in place of the one of
    // that number, whose connections stay.
    void listen(std::uint32_t number, base::UniqueFd socket);
    // There are none of greater numbers any more.
    void close_beyond(std::uint32_t number);

    struct State;

  private:
    std::shared_ptr<State> state_;
};

}  // namespace summond::control
