// Pipelined DNS queries over TCP from one thread that never sleeps. Each connection asks again as
// much as has been answered, in one write; answers are taken in any order. See load.hpp.

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <memory>
#include <system_error>

#include "load.hpp"
#include "summond/base/unique_fd.hpp"

namespace summond::bench {
namespace {

constexpr std::size_t buffer_size = 1 << 16;
constexpr std::size_t prefix_size = 2;
constexpr Nanoseconds grace = 1'000'000'000;  // for answers to the last queries

struct Options {
    std::uint16_t port = 0;
    std::string queries;
    double seconds = 1;
    std::size_t connections = 20;
    std::size_t window = 200;
};

struct Connection {
    explicit Connection(std::size_t window) : window(window) {}

    base::UniqueFd fd;
    Window window;
    std::size_t received = 0;  // octets in `in` that have not been looked at
    std::array<std::uint8_t, buffer_size> in;
};

class Generator {
  public:
    explicit Generator(const Options& options) : options_(options), queries_(options.queries) {
        for (std::size_t i = 0; i < options.connections; ++i) {
            connections_.push_back(
                std::make_unique<Connection>(options.window / options.connections));
            open(*connections_.back());
        }
    }

    void run() {
        result_.begin = time_ = result_.last_answer = now();
        const Nanoseconds end = result_.begin + static_cast<Nanoseconds>(options_.seconds * 1e9);
        while (time_ < end || (in_flight_ > 0 && time_ < end + grace)) {
            for (const auto& connection : connections_) {
                receive(*connection);
                if (time_ < end)
                    ask(*connection);
            }
        }
        result_.lost += in_flight_;
        result_.print();
    }

  private:
    void open(Connection& connection) const {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(options_.port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        constexpr int on = 1;
        connection.fd.reset(::socket(AF_INET, SOCK_STREAM, 0));
        const int fd = connection.fd.get();
        if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
            throw std::system_error(errno, std::generic_category(), "connect");
        ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        ::fcntl(fd, F_SETFL, O_NONBLOCK);
        connection.received = 0;
    }

    void receive(Connection& connection) {
        time_ = now();
        if (connection.window.idle())
            return;
        const ssize_t size = ::read(connection.fd.get(), &connection.in[connection.received],
                                    buffer_size - connection.received);
        time_ = now();
        if (size == 0 || (size < 0 && errno != EAGAIN)) {
            const std::size_t lost = connection.window.give_up(time_ + 1);
            result_.lost += lost;
            in_flight_ -= lost;
            ++result_.reconnects;
            open(connection);
        } else if (size > 0) {
            connection.received += static_cast<std::size_t>(size);
            take(connection);
        }
    }

    void take(Connection& connection) {
        std::span<const std::uint8_t> rest(connection.in.data(), connection.received);
        while (rest.size() >= prefix_size) {
            const std::size_t size = std::size_t{256} * rest[0] + rest[1];
            if (rest.size() < prefix_size + size)
                break;
            if (result_.take(rest.subspan(prefix_size, size), connection.window, time_))
                --in_flight_;
            rest = rest.subspan(prefix_size + size);
        }
        std::memmove(connection.in.data(), rest.data(), rest.size());
        connection.received = rest.size();
    }

    void ask(Connection& connection) {
        const std::size_t count = connection.window.room();
        std::size_t size = 0;
        for (std::size_t i = 0; i < count; ++i) {
            const Query& query = queries_.next();
            std::uint8_t* const message = &out_[size];
            message[0] = static_cast<std::uint8_t>(query.wire.size() >> 8);
            message[1] = static_cast<std::uint8_t>(query.wire.size());
            std::memcpy(message + prefix_size, query.wire.data(), query.wire.size());
            connection.window.send(query, time_, message + prefix_size);
            size += prefix_size + query.wire.size();
        }
        in_flight_ += count;
        result_.sent += count;
        for (std::size_t done = 0; done < size;) {
            const ssize_t r = ::write(connection.fd.get(), &out_[done], size - done);
            if (r > 0)
                done += static_cast<std::size_t>(r);
            else if (errno != EAGAIN && errno != EINTR)
                return;  // closed: the next read says so
        }
    }

    const Options options_;
    Queries queries_;
    Result result_;
    std::vector<std::unique_ptr<Connection>> connections_;
    Nanoseconds time_ = 0;
    std::size_t in_flight_ = 0;
    std::array<std::uint8_t, max_window*(max_query_size + prefix_size)> out_{};
};

}  // namespace
}  // namespace summond::bench

int main(int argc, char** argv) {
    summond::bench::Options options;
    CLI::App app{"Pipelined DNS load over TCP on loopback; prints one line of JSON"};
    app.add_option("port", options.port)->required();
    app.add_option("queries", options.queries, "see load.hpp")->required();
    app.add_option("--seconds", options.seconds);
    app.add_option("--connections", options.connections)->check(CLI::Range(1, 256));
    app.add_option("--window", options.window, "queries in flight, on all connections together");
    CLI11_PARSE(app, argc, argv);
    std::signal(SIGPIPE, SIG_IGN);
    return summond::bench::run<summond::bench::Generator>(options, options.connections,
                                                          "connection");
}
