#include "summond/http/exchange.hpp"

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>
#include <memory>
#include <optional>
#include <utility>

namespace summond::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace ssl = asio::ssl;
using asio::ip::tcp;
using boost::system::error_code;
using std::chrono::milliseconds;

constexpr std::uint32_t longest_header = 16384;
constexpr std::size_t longest_what = 160;

// Somebody else's words, for terminals and logs.
std::string printable(std::string_view text) {
    std::string out;
    for (const char c : text.substr(0, longest_what))
        out += c >= 0x20 && c < 0x7f ? c : ' ';
    out.erase(out.find_last_not_of(' ') + 1);
    return out;
}

ssl::context make_context(const Tls& tls, error_code& error) {
    ssl::context context(ssl::context::tls_client);
    ::SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_2_VERSION);
    if (tls.ca.empty())
        context.set_default_verify_paths(error);
    else
        context.add_certificate_authority(asio::buffer(tls.ca), error);
    if (!error && !tls.certificate.empty())
        context.use_certificate_chain(asio::buffer(tls.certificate), error);
    if (!error && !tls.key.empty())
        context.use_private_key(asio::buffer(tls.key), ssl::context::pem, error);
    return context;
}

// Whose certificate it has to be.
bool expect_host(SSL& connection, const std::string& host) {
    X509_VERIFY_PARAM* const expected = ::SSL_get0_param(&connection);
    error_code error;
    asio::ip::make_address(host, error);
    if (!error)
        return ::X509_VERIFY_PARAM_set1_ip_asc(expected, host.c_str()) == 1;
    ::X509_VERIFY_PARAM_set_hostflags(expected, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    // The name itself for who serves several; for addresses RFC 6066 §3 has none.
    return ::X509_VERIFY_PARAM_set1_host(expected, host.c_str(), host.size()) == 1 &&
           ::SSL_set_tlsext_host_name(&connection, host.c_str()) == 1;
}

// All steps are of one shared object, which lives as long as one of them is under way. The answer
// is given once: by the last step, the first that fails, or the timer.
class Exchange : public Running, public std::enable_shared_from_this<Exchange> {
  public:
    Exchange(asio::io_context& io, Url url, Request request, Terms terms, Done done)
        : io_(io),
          url_(std::move(url)),
          request_(std::move(request)),
          terms_(std::move(terms)),
          done_(std::move(done)),
          timer_(io),
          stream_(io) {}

    void begin(asio::thread_pool& resolvers) {
        timer_.expires_after(terms_.timeout);
        timer_.async_wait([self = shared_from_this()](error_code error) {
            if (!error && !self->handing_on_)
                self->end("no answer within " + std::to_string(self->terms_.timeout.count()) +
                          " ms");
        });
        if (url_.tls) {
            error_code error;
            context_.emplace(make_context(terms_.tls, error));
            if (error)
                return asio::post(io_, [self = shared_from_this(), error] {
                    self->end("certificates: " + error.message());
                });
        }
        asio::post(resolvers, [self = shared_from_this()] { self->look_up(); });
    }

    void cancel() override {
        done_ = nullptr;
        timer_.cancel();
        stream_.close();
    }

  private:
    using Layer = ssl::stream<beast::tcp_stream&>;

    // In a thread of its own: nothing can cut this short.
    void look_up() {
        asio::io_context own;
        error_code error;
        const auto found = tcp::resolver(own).resolve(url_.host, url_.port, error);
        asio::post(io_, [self = shared_from_this(), error, found] {
            if (error)
                self->end("its address is not found: " + error.message());
            else
                self->connect(found);
        });
    }

    void connect(const tcp::resolver::results_type& found) {
        if (!done_)
            return;
        stream_.async_connect(found, [self = shared_from_this()](error_code error, const auto&) {
            if (error)
                self->end("no connection: " + error.message());
            else if (self->url_.tls)
                self->shake_hands();
            else
                self->send(self->stream_);
        });
    }

    void shake_hands() {
        tls_.emplace(stream_, *context_);
        if (!expect_host(*tls_->native_handle(), url_.host))
            return end("no name for TLS");
        tls_->set_verify_mode(ssl::verify_peer);
        tls_->async_handshake(
            ssl::stream_base::client, [self = shared_from_this()](error_code error) {
                if (!error)
                    return self->send(*self->tls_);
                const long verified = ::SSL_get_verify_result(self->tls_->native_handle());
                self->end("no TLS: " + (verified == X509_V_OK
                                            ? error.message()
                                            : std::string("its certificate is not good: ") +
                                                  ::X509_verify_cert_error_string(verified)));
            });
    }

    template <typename Stream>
    void send(Stream& stream) {
        beast::http::async_write(
            stream, request_, [self = shared_from_this(), &stream](error_code error, std::size_t) {
                if (error)
                    self->end("the request was not taken: " + error.message());
                else
                    self->read_header(stream);
            });
    }

    template <typename Stream>
    void read_header(Stream& stream) {
        parser_.header_limit(longest_header);
        if (terms_.part)
            parser_.body_limit(boost::none);
        else
            parser_.body_limit(terms_.longest);
        beast::http::async_read_header(
            stream, buffer_, parser_,
            [self = shared_from_this(), &stream](error_code error, std::size_t) {
                if (error)
                    return self->end("no answer: " + error.message());
                self->status_ = self->parser_.get().result_int();
                if (self->terms_.part) {
                    self->handing_on_ = true;
                    self->timer_.cancel();
                    self->read_part(stream);
                } else {
                    self->read_body(stream);
                }
            });
    }

    template <typename Stream>
    void read_part(Stream& stream) {
        if (!done_)
            return;
        if (parser_.is_done())
            return end("");
        beast::http::async_read_some(
            stream, buffer_, parser_,
            [self = shared_from_this(), &stream](error_code error, std::size_t) {
                std::string part;
                part.swap(self->parser_.get().body());
                if (self->done_ && !part.empty())
                    self->terms_.part(part);
                if (error)
                    self->end("");
                else
                    self->read_part(stream);
            });
    }

    // The status is the answer, whatever becomes of the rest.
    template <typename Stream>
    void read_body(Stream& stream) {
        beast::http::async_read(stream, buffer_, parser_,
                                [self = shared_from_this()](error_code error, std::size_t) {
                                    self->whole_ = !error;
                                    self->end("");
                                });
    }

    void end(const std::string& why) {
        if (!done_)
            return;
        Answer answer;
        answer.status = status_;
        answer.what = printable(status_ == 0 ? why : parser_.get().body());
        answer.body = std::move(parser_.get().body());
        answer.whole = whole_;
        answer.took =
            std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - begun_);
        timer_.cancel();
        stream_.close();
        const auto done = std::exchange(done_, nullptr);
        done(answer);
    }

    asio::io_context& io_;
    const Url url_;
    const Request request_;
    const Terms terms_;
    Done done_;
    const std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
    asio::steady_timer timer_;
    std::optional<ssl::context> context_;
    beast::tcp_stream stream_;
    std::optional<Layer> tls_;
    beast::flat_buffer buffer_;
    beast::http::response_parser<beast::http::string_body> parser_;
    unsigned status_ = 0;
    bool whole_ = false;
    bool handing_on_ = false;
};

}  // namespace

std::weak_ptr<Running> exchange(asio::io_context& io, asio::thread_pool& resolvers, Url url,
                                Request request, Terms terms, Done done) {
    const auto made = std::make_shared<Exchange>(io, std::move(url), std::move(request),
                                                 std::move(terms), std::move(done));
    made->begin(resolvers);
    return made;
}

}  // namespace summond::http
