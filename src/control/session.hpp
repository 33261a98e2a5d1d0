// One connection of a client's, and what all of them share.
#pragma once

#include <array>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/serializer.hpp>
#include <boost/beast/http/span_body.hpp>
#include <boost/beast/http/string_body.hpp>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "summond/control/server.hpp"

namespace summond::control {

class Session;

struct Server::State : std::enable_shared_from_this<State> {
    using Protocol = boost::asio::generic::stream_protocol;
    using Acceptor = boost::asio::basic_socket_acceptor<Protocol>;
    // What clients take together, those of the socket or those of TCP.
    struct Room {
        std::size_t sessions = 0;
        std::size_t waiting = 0;  // octets of answers that have not been taken
        std::map<std::string, std::size_t> connections;  // by account
    };

    State(boost::asio::io_context& loop, const Bounds& limits, Handler to)
        : io(loop), bounds(limits), handler(std::move(to)) {}

    void accept(std::uint32_t number);
    // Those of these numbers.
    void close_acceptors(std::uint32_t first, std::uint32_t last);
    void accepted(Protocol::socket socket, Client client);
    Room& room_of(const Client& client) { return client.over_tcp ? tcp : local; }
    bool has_room(const Client& client);
    // Ends everything.
    void end();

    boost::asio::io_context& io;
    Bounds bounds;
    Handler handler;
    std::map<std::uint32_t, std::shared_ptr<Acceptor>> acceptors;
    std::set<std::shared_ptr<Session>> sessions;
    Room local;
    Room tcp;
    bool ended = false;
};

class Session : public std::enable_shared_from_this<Session> {
  public:
    using Socket = boost::asio::generic::stream_protocol::socket;

    Session(Server::State& server, Socket socket, Client client);
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;
    ~Session();

    void run() { read(); }
    void close();
    void respond(Response response);

    void on_gone(std::function<void()> gone);

    // Events.
    void stream(std::shared_ptr<const std::string> too_slow);
    bool send(std::shared_ptr<const std::string> text);
    void end_stream();

  private:
    using Parser = boost::beast::http::request_parser<boost::beast::http::string_body>;
    using Message = boost::beast::http::response<boost::beast::http::span_body<const char>>;

    void read();
    void refuse(unsigned status, std::string_view error, std::string_view expected);
    void handle();
    void write();
    void written();
    void linger();
    void read_on();
    void write_next();
    void watch_end();
    void watch_leaving();
    void beat();

    // Gone once the server has ended; a session then only closes.
    std::weak_ptr<Server::State> server_;
    boost::beast::basic_stream<boost::asio::generic::stream_protocol> stream_;
    Client client_;
    boost::beast::flat_buffer buffer_;
    std::optional<Parser> parser_;
    Response response_;
    Message message_;
    std::optional<
        boost::beast::http::response_serializer<boost::beast::http::span_body<const char>>>
        serializer_;
    std::size_t waiting_ = 0;  // of response_, counted in the server's
    bool answering_ = false;   // a request is under way that has had no answer
    bool head_ = false;
    bool last_ = false;  // the connection ends with this answer

    std::function<void()> gone_;
    bool refused_ = false;  // what has come is no request
    std::size_t lingered_ = 0;

    bool streaming_ = false;
    bool ending_ = false;  // with the last of queue_
    bool writing_ = false;
    std::deque<std::shared_ptr<const std::string>> queue_;  // the first is being written
    std::shared_ptr<const std::string> too_slow_;
    boost::asio::steady_timer heartbeat_;
    std::array<char, 512> ignored_{};
};

}  // namespace summond::control
