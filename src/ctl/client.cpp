#include "client.hpp"

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/json/parse.hpp>
#include <cerrno>
#include <string_view>
#include <utility>

namespace summond::ctl {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using Local = asio::local::stream_protocol;
using beast::error_code;

constexpr std::uint64_t longest_answer = std::uint64_t{256} << 20;
constexpr std::chrono::milliseconds tick_every{100};

std::string advice(const error_code& error, const std::string& socket) {
    switch (error.value()) {
        case ENOENT:
            return socket + " is not there; is summond running? (systemctl status summond)";
        case ECONNREFUSED:
            return "nobody listens on " + socket +
                   "; is summond running? (systemctl status summond)";
        case EACCES:
            return "you may not use " + socket +
                   "; be root or join the group summond (usermod -aG summond NAME, then log in "
                   "anew)";
        default:
            return socket + ": " + error.message();
    }
}

// Takes lines of a stream of events (WHATWG HTML §9.2.6).
class EventReader {
  public:
    explicit EventReader(const std::function<bool(const Event&)>& on_event) : on_event_(on_event) {}

    // False: that was enough.
    bool take(std::string_view text) {
        text_ += text;
        for (std::size_t end = 0; (end = text_.find('\n')) != std::string::npos;) {
            const std::string line = text_.substr(0, end);
            text_.erase(0, end + 1);
            if (!line.empty()) {
                field(line);
                continue;
            }
            const Event event = std::exchange(event_, {});
            if (!event.data.empty() && !on_event_(event))
                return false;
        }
        return true;
    }

  private:
    void field(const std::string& line) {
        const auto colon = line.find(':');
        const std::string name = line.substr(0, colon);
        std::string value = colon == std::string::npos ? "" : line.substr(colon + 1);
        if (!value.empty() && value.front() == ' ')
            value.erase(0, 1);
        if (name == "id")
            event_.id = value;
        else if (name == "event")
            event_.type = value;
        else if (name == "data")
            event_.data += value;
    }

    const std::function<bool(const Event&)>& on_event_;
    std::string text_;
    Event event_;
};

}  // namespace

tl::expected<Reply, Unreachable> Client::request(const std::string& method,
                                                 const std::string& target,
                                                 std::chrono::milliseconds patience,
                                                 const std::function<void()>& tick) const {
    asio::io_context io(1);
    beast::basic_stream<Local> stream(io);
    error_code error;
    if (socket_.size() >= 108)  // sockaddr_un
        return tl::make_unexpected(Unreachable{socket_ + ": too long for the path of a socket"});
    stream.socket().connect(Local::endpoint(socket_), error);
    if (error)
        return tl::make_unexpected(Unreachable{advice(error, socket_)});

    http::request<http::empty_body> request{http::string_to_verb(method), target, 11};
    request.set(http::field::host, "summond");
    request.set(http::field::user_agent, "summonctl");
    request.keep_alive(false);
    beast::flat_buffer buffer;
    http::response_parser<http::string_body> parser;
    parser.body_limit(longest_answer);

    bool over = false;
    stream.expires_after(patience);
    http::async_write(stream, request, [&](const error_code& written, std::size_t) {
        // An answer may have come all the same, such as that there are too many connections.
        error = written;
        http::async_read(stream, buffer, parser, [&](const error_code& read, std::size_t) {
            error = read;
            over = true;
        });
    });
    while (!over) {
        if (io.run_one_for(tick_every) == 0 && tick)
            tick();
        if (io.stopped())
            io.restart();
    }
    if (error)
        return tl::make_unexpected(
            Unreachable{error == beast::error::timeout
                            ? "no answer from " + socket_ + " in time"
                            : socket_ + ": the connection ended: " + error.message()});
    Reply reply{parser.get().result_int(), std::move(parser.get().body()), {}};
    error_code no_json;
    reply.json = boost::json::parse(reply.body, no_json);
    if (no_json)
        reply.json = nullptr;
    return reply;
}

tl::expected<void, Unreachable> Client::follow(
    const std::string& target, const std::string& last_id,
    const std::function<bool(const Event&)>& on_event) const {
    asio::io_context io(1);
    Local::socket socket(io);
    error_code error;
    if (socket_.size() >= 108)  // sockaddr_un
        return tl::make_unexpected(Unreachable{socket_ + ": too long for the path of a socket"});
    socket.connect(Local::endpoint(socket_), error);
    if (error)
        return tl::make_unexpected(Unreachable{advice(error, socket_)});
    http::request<http::empty_body> request{http::verb::get, target, 11};
    request.set(http::field::host, "summond");
    request.set(http::field::user_agent, "summonctl");
    if (!last_id.empty())
        request.set("Last-Event-ID", last_id);
    http::write(socket, request, error);
    beast::flat_buffer buffer;
    http::response_parser<http::string_body> parser;
    if (!error)
        http::read_header(socket, buffer, parser, error);
    if (!error && parser.get().result() != http::status::ok) {
        http::read(socket, buffer, parser, error);
        return tl::make_unexpected(Unreachable{parser.get().body()});
    }
    EventReader reader(on_event);
    const auto first = buffer.data();
    if (!reader.take({static_cast<const char*>(first.data()), first.size()}))
        return {};
    std::array<char, 8192> piece{};
    while (!error) {
        const std::size_t size = socket.read_some(asio::buffer(piece), error);
        if (!reader.take({piece.data(), size}))
            return {};
    }
    if (error == asio::error::eof)
        return {};
    return tl::make_unexpected(Unreachable{socket_ + ": the connection ended: " + error.message()});
}

std::string encoded(const std::string& text) {
    constexpr char digits[] = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
        const auto octet = static_cast<unsigned char>(c);
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                           (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
        if (plain) {
            out += c;
            continue;
        }
        out += '%';
        out += digits[octet >> 4];
        out += digits[octet & 0xf];
    }
    return out;
}

}  // namespace summond::ctl
