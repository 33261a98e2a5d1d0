#include "session.hpp"

#include <sys/socket.h>

#include <boost/asio/write.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <cerrno>
#include <utility>

namespace summond::control {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::beast::error_code;

// Answers the session's request, or nothing, if that is over.
class SessionExchange final : public Exchange {
  public:
    explicit SessionExchange(std::shared_ptr<Session> session) : session_(std::move(session)) {}
    SessionExchange(const SessionExchange&) = delete;
    SessionExchange& operator=(const SessionExchange&) = delete;
    // Nobody is left who could answer.
    ~SessionExchange() override {
        if (session_)
            session_->close();
    }
    void respond(Response response) override {
        if (const auto session = std::exchange(session_, nullptr))
            session->respond(std::move(response));
    }

    std::shared_ptr<Stream> stream(std::shared_ptr<const std::string> too_slow) override;
    void on_gone(std::function<void()> gone) override {
        if (session_)
            session_->on_gone(std::move(gone));
    }

  private:
    std::shared_ptr<Session> session_;
};

class SessionStream final : public Stream {
  public:
    explicit SessionStream(const std::shared_ptr<Session>& session) : session_(session) {}
    bool send(std::shared_ptr<const std::string> text) override {
        const auto session = session_.lock();
        return session && session->send(std::move(text));
    }
    void end() override {
        if (const auto session = session_.lock())
            session->end_stream();
    }

  private:
    std::weak_ptr<Session> session_;  // which lives as long as its connection
};

std::shared_ptr<Stream> SessionExchange::stream(std::shared_ptr<const std::string> too_slow) {
    const auto session = std::exchange(session_, nullptr);
    session->stream(std::move(too_slow));
    return std::make_shared<SessionStream>(session);
}

// Of a request that is not understood.
constexpr std::size_t longest_rest = std::size_t{1} << 20;

// Of the page: nothing from elsewhere, nothing inline, in nobody's frame.
constexpr const char* content_policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

Response error_response(unsigned status, std::string_view error, std::string_view expected) {
    const boost::json::object object{{"error", error}, {"expected", expected}};
    return {status, std::make_shared<const std::string>(boost::json::serialize(object) + "\n")};
}

}  // namespace

Session::Session(Server::State& server, Socket socket, Client client)
    : server_(server.weak_from_this()),
      stream_(std::move(socket)),
      client_(std::move(client)),
      buffer_(server.bounds.header + server.bounds.body),
      heartbeat_(server.io) {}

Session::~Session() = default;

void Session::close() {
    error_code ignored;
    stream_.socket().close(ignored);
    heartbeat_.cancel();
    queue_.clear();
    const auto server = server_.lock();
    if (!server)
        return;
    Server::State::Room& room = server->room_of(client_);
    room.waiting -= std::exchange(waiting_, 0);
    if (server->sessions.erase(shared_from_this()) == 0)
        return;
    --room.sessions;
    const auto count = room.connections.find(client_.account);
    if (--count->second == 0)
        room.connections.erase(count);
    if (const auto gone = std::exchange(gone_, nullptr))
        gone();
}

void Session::read() {
    const auto server = server_.lock();
    if (!server)
        return;
    parser_.emplace();
    parser_->header_limit(static_cast<std::uint32_t>(server->bounds.header));
    parser_->body_limit(server->bounds.body);
    stream_.expires_after(server->bounds.request);
    http::async_read(
        stream_, buffer_, *parser_,
        [this, self = shared_from_this()](const error_code& error, std::size_t) {
            if (!error)
                handle();
            else if (error == http::error::header_limit || error == http::error::buffer_overflow)
                refuse(431, "the request's header is too long", "at most 8192 octets");
            else if (error == http::error::body_limit)
                refuse(413, "the request's body is too long", "no body");
            else if (error.category() == make_error_code(http::error::bad_method).category() &&
                     error != http::error::end_of_stream && error != http::error::partial_message)
                refuse(400, "this is no HTTP request: " + error.message(), "HTTP/1.1, RFC 9112");
            else
                close();
        });
}

void Session::refuse(unsigned status, std::string_view error, std::string_view expected) {
    last_ = true;
    refused_ = true;
    head_ = false;
    answering_ = true;
    respond(error_response(status, error, expected));
}

void Session::handle() {
    const auto server = server_.lock();
    if (!server)
        return;
    const auto& message = parser_->get();
    last_ = !message.keep_alive();
    head_ = message.method() == http::verb::head;
    answering_ = true;
    if (!message.body().empty()) {
        respond(error_response(415, "the request has a body",
                               "no body: parameters stand behind the path, such as ?wait=ready"));
        return;
    }
    stream_.expires_never();
    const Request request{std::string(message.method_string()),
                          std::string(message.target()),
                          std::string(message["Last-Event-ID"]),
                          {std::string(message["Host"]), std::string(message["Origin"])},
                          client_};
    server->handler(request, std::make_shared<SessionExchange>(shared_from_this()));
}

void Session::respond(Response response) {
    const auto server = server_.lock();
    if (!server || !answering_)
        return;
    answering_ = false;
    gone_ = nullptr;
    Server::State::Room& room = server->room_of(client_);
    if (room.waiting + response.body->size() > server->bounds.answers)
        response = error_response(503, "too many answers wait to be taken", "another try");
    waiting_ = response.body->size();
    room.waiting += waiting_;
    response_ = std::move(response);
    message_ = Message{http::int_to_status(response_.status), 11};
    message_.set(http::field::server, "summond");
    message_.set(http::field::content_type, response_.type);
    message_.set(http::field::cache_control, "no-store");
    message_.set("X-Content-Type-Options", "nosniff");
    message_.set("Content-Security-Policy", content_policy);
    if (!response_.allow.empty())
        message_.set(http::field::allow, response_.allow);
    message_.body() = {response_.body->data(), response_.body->size()};
    message_.content_length(response_.body->size());
    message_.keep_alive(!last_);
    write();
}

void Session::write() {
    const auto server = server_.lock();
    if (!server)
        return;
    serializer_.emplace(message_);
    serializer_->split(head_);
    stream_.expires_after(server->bounds.answer);
    auto done = [this, self = shared_from_this()](const error_code& error, std::size_t) {
        if (!error && refused_)
            linger();
        else if (error || last_)
            close();
        else
            written();
    };
    if (head_)
        http::async_write_header(stream_, *serializer_, done);
    else
        http::async_write(stream_, *serializer_, done);
}

void Session::written() {
    if (const auto server = server_.lock())
        server->room_of(client_).waiting -= std::exchange(waiting_, 0);
    response_ = {};
    read();
}

// -- A client that leaves while its answer is waited for

void Session::on_gone(std::function<void()> gone) {
    gone_ = std::move(gone);
    watch_leaving();
}

// It may have sent another request already: that stays where it is, and hides its end.
void Session::watch_leaving() {
    stream_.socket().async_wait(
        Socket::wait_read, [this, self = shared_from_this()](const error_code& error) {
            if (error || !answering_ || !gone_)
                return;
            char next = 0;
            const auto r =
                ::recv(stream_.socket().native_handle(), &next, 1, MSG_PEEK | MSG_DONTWAIT);
            if (r < 0 && (errno == EAGAIN || errno == EINTR))
                watch_leaving();
            else if (r <= 0)
                close();
        });
}

// What a client has sent that is not read when its connection ends would take its answer with it.
void Session::linger() {
    const auto server = server_.lock();
    if (!server)
        return;
    error_code ignored;
    stream_.socket().shutdown(Socket::shutdown_send, ignored);
    stream_.expires_after(server->bounds.answer);
    read_on();
}

void Session::read_on() {
    stream_.async_read_some(asio::buffer(ignored_), [this, self = shared_from_this()](
                                                        const error_code& error, std::size_t size) {
        lingered_ += size;
        if (error || lingered_ > longest_rest)
            close();
        else
            read_on();
    });
}

// -- Events

void Session::stream(std::shared_ptr<const std::string> too_slow) {
    if (!answering_)
        return;
    answering_ = false;
    streaming_ = true;
    too_slow_ = std::move(too_slow);
    send(std::make_shared<const std::string>(
        "HTTP/1.1 200 OK\r\nServer: summond\r\nContent-Type: text/event-stream\r\n"
        "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n"));
    watch_end();
    beat();
}

bool Session::send(std::shared_ptr<const std::string> text) {
    const auto server = server_.lock();
    if (!server || !streaming_ || ending_ || !stream_.socket().is_open())
        return false;
    if (queue_.size() >= server->bounds.events) {
        queue_.erase(queue_.begin() + 1, queue_.end());
        queue_.push_back(too_slow_);
        ending_ = true;
        return false;
    }
    queue_.push_back(std::move(text));
    if (!writing_)
        write_next();
    return true;
}

void Session::end_stream() {
    ending_ = true;
    if (!writing_)
        close();
}

void Session::write_next() {
    const auto server = server_.lock();
    if (!server)
        return;
    writing_ = true;
    stream_.expires_after(server->bounds.answer);
    const auto text = queue_.front();
    asio::async_write(
        stream_, asio::buffer(*text),
        [this, text, self = shared_from_this()](const error_code& error, std::size_t) {
            writing_ = false;
            if (error || queue_.empty()) {
                close();
                return;
            }
            queue_.pop_front();
            if (!queue_.empty())
                write_next();
            else if (ending_)
                close();
        });
}

// A client that goes away says so by ending its side; what it says else is of no interest.
void Session::watch_end() {
    stream_.socket().async_wait(Socket::wait_read,
                                [this, self = shared_from_this()](const error_code& error) {
                                    error_code read;
                                    if (!error)
                                        stream_.socket().read_some(asio::buffer(ignored_), read);
                                    if (error || read)
                                        close();
                                    else
                                        watch_end();
                                });
}

void Session::beat() {
    const auto server = server_.lock();
    if (!server)
        return;
    heartbeat_.expires_after(server->bounds.heartbeat);
    heartbeat_.async_wait([this, self = shared_from_this()](const error_code& error) {
        static const auto comment = std::make_shared<const std::string>(":\n\n");
        if (!error && (!queue_.empty() || send(comment)))
            beat();
    });
}

}  // namespace summond::control
