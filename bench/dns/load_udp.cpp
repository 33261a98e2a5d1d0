// DNS queries over UDP from one thread that never sleeps, so that the server pays for no wake-ups
// of it: either as many as the window allows, or at a fixed rate. See load.hpp and the options.

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <system_error>

#include "load.hpp"
#include "summond/base/unique_fd.hpp"

namespace summond::bench {
namespace {

constexpr std::size_t max_answer = 1500;
constexpr Nanoseconds patience = 500'000'000;  // then a query is lost
constexpr Nanoseconds scan_every = 100'000'000;
constexpr Nanoseconds grace = 1'000'000'000;  // for answers to the last queries

// RFC 7873 §4: of the client, and of servers that follow RFC 9018.
constexpr std::size_t client_cookie = 8;
constexpr std::size_t whole_cookie = 24;
// An OPT record with nothing but a whole cookie: the end of each query and of its answer.
constexpr std::size_t cookie_opt = 11 + 4 + whole_cookie;
constexpr std::size_t extended_rcode = cookie_opt - 5;  // its octet, from the message's end

struct Options {
    std::uint16_t port = 0;
    std::string queries;
    double seconds = 1;
    std::size_t sockets = 20;
    std::size_t window = 200;
    double rate = 0;
    bool cookies = false;
    bool sleep = false;
    bool of_records_only = false;
};

struct Socket {
    explicit Socket(std::size_t window) : window(window) {}

    base::UniqueFd fd;
    Window window;
    std::array<std::uint8_t, whole_cookie> cookie{};
};

class Generator {
  public:
    explicit Generator(const Options& options) : options_(options), queries_(options.queries) {
        result_.of_records_only = options.of_records_only;
        for (std::size_t i = 0; i < options.sockets; ++i) {
            sockets_.emplace_back(options.window / options.sockets);
            open(sockets_.back());
            if (options.cookies)
                take_cookie(sockets_.back(), static_cast<std::uint8_t>(i));
        }
        for (std::size_t i = 0; i < max_window; ++i) {
            in_[i].msg_hdr.msg_iov = &in_data_[i];
            in_[i].msg_hdr.msg_iovlen = 1;
            in_data_[i] = {answers_[i].data(), max_answer};
            out_[i].msg_hdr.msg_iov = &out_data_[i];
            out_[i].msg_hdr.msg_iovlen = 1;
        }
    }

    void run() {
        result_.begin = time_ = result_.last_answer = now();
        const auto length = static_cast<Nanoseconds>(options_.seconds * 1e9);
        Nanoseconds end = result_.begin + length;
        Nanoseconds scan = result_.begin + scan_every;
        while (time_ < end || (in_flight_ > 0 && time_ < end + grace)) {
            bool moved = false;
            for (Socket& socket : sockets_) {
                moved |= receive(socket);
                if (time_ < end)
                    moved |= ask(socket);
            }
            if (time_ > scan) {
                scan = time_ + scan_every;
                give_up();
                if (stopped())
                    end = std::min(end, time_);
            }
            if (options_.sleep && !moved)
                sleep();
        }
        result_.lost += in_flight_;
        result_.print();
    }

  private:
    void open(Socket& socket) const {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(options_.port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        constexpr int buffer = 1 << 20;
        socket.fd.reset(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0));
        ::setsockopt(socket.fd.get(), SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
        if (::connect(socket.fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
            throw std::system_error(errno, std::generic_category(), "connect");
    }

    // Asks with a wrong server cookie; the right one comes in the answer, be that BADCOOKIE or not
    // (RFC 7873 §5.2.4).
    void take_cookie(Socket& socket, std::uint8_t number) {
        const Query& first = queries_.next();
        if (first.wire.size() != first.question_end + cookie_opt)
            throw std::runtime_error("the queries have no room for cookies");
        std::array<std::uint8_t, max_query_size> query{};
        std::ranges::copy(first.wire, query.begin());
        std::fill_n(socket.cookie.begin(), client_cookie, static_cast<std::uint8_t>(number + 1));
        std::ranges::copy(socket.cookie, query.begin() + (first.wire.size() - whole_cookie));
        ::send(socket.fd.get(), query.data(), first.wire.size(), 0);
        pollfd readable{socket.fd.get(), POLLIN, 0};
        std::array<std::uint8_t, max_answer> answer;
        const ssize_t size = ::poll(&readable, 1, 1000) == 1
                                 ? ::recv(socket.fd.get(), answer.data(), answer.size(), 0)
                                 : -1;
        const auto message = std::span(answer).first(size > 0 ? static_cast<std::size_t>(size) : 0);
        if (!has_cookie(message, socket))
            throw std::runtime_error("the server gives no cookies");
        std::ranges::copy(message.last(whole_cookie), socket.cookie.begin());
    }

    // The answer ends with an OPT record that has nothing but a whole cookie, with our part of it.
    static bool has_cookie(std::span<const std::uint8_t> answer, const Socket& socket) {
        if (answer.size() < cookie_opt)
            return false;
        const auto opt = answer.last(cookie_opt);
        return opt[0] == 0 && opt[1] == 0 && opt[2] == 41 && opt[12] == 10 &&
               opt[14] == whole_cookie &&
               std::memcmp(opt.data() + 15, socket.cookie.data(), client_cookie) == 0;
    }

    bool receive(Socket& socket) {
        const int count = socket.window.idle()
                              ? 0
                              : ::recvmmsg(socket.fd.get(), in_.data(),
                                           static_cast<unsigned>(socket.window.in_flight()),
                                           MSG_DONTWAIT, nullptr);
        time_ = now();
        for (int i = 0; i < count; ++i) {
            const auto at = static_cast<std::size_t>(i);
            const std::span message(answers_[at].data(), in_[at].msg_len);
            if (result_.take(message, socket.window, time_,
                             !options_.cookies || (has_cookie(message, socket) &&
                                                   message[message.size() - extended_rcode] == 0)))
                --in_flight_;
        }
        return count > 0;
    }

    bool ask(Socket& socket) {
        std::size_t count = socket.window.room();
        if (options_.rate > 0) {
            const double due = options_.rate * static_cast<double>(time_ - result_.begin) / 1e9 -
                               static_cast<double>(result_.sent + result_.left_out);
            if (due < 1)
                return false;
            count = std::min(count, static_cast<std::size_t>(due));
        }
        std::size_t asked = 0;
        for (std::size_t i = 0; i < count; ++i) {
            const Query& query = queries_.next();
            if (left_out(query, socket)) {
                ++result_.left_out;
                continue;
            }
            std::uint8_t* const message = messages_[asked].data();
            std::memcpy(message, query.wire.data(), query.wire.size());
            if (options_.cookies)
                std::memcpy(message + query.wire.size() - whole_cookie, socket.cookie.data(),
                            whole_cookie);
            socket.window.send(query, asked_at(), message);
            out_data_[asked++] = {message, query.wire.size()};
            ++result_.sent;
        }
        in_flight_ += asked;
        for (std::size_t done = 0; done < asked;) {
            const int r = ::sendmmsg(socket.fd.get(), &out_[done],
                                     static_cast<unsigned>(asked - done), MSG_DONTWAIT);
            if (r > 0)
                done += static_cast<std::size_t>(r);
            else if (errno != EAGAIN && errno != EINTR)
                return true;  // refused: these will be lost
        }
        return count > 0;
    }

    // A flood waits for nobody: of the window, half is left to queries whose answers have records.
    bool left_out(const Query& query, const Socket& socket) const {
        return options_.of_records_only && query.answers == 0 &&
               socket.window.room() <= socket.window.in_flight();
    }

    // At a fixed rate, a query that had to wait for room in the window counts from when it was due:
    // the server made it wait.
    Nanoseconds asked_at() const {
        if (options_.rate <= 0)
            return time_;
        return result_.begin +
               static_cast<Nanoseconds>(static_cast<double>(result_.sent + result_.left_out) * 1e9 /
                                        options_.rate);
    }

    void give_up() {
        for (Socket& socket : sockets_) {
            const std::size_t lost = socket.window.give_up(time_ - patience);
            in_flight_ -= lost;
            result_.lost += lost;
            if (options_.rate > 0) {
                for (std::size_t i = 0; i < lost; ++i)
                    result_.latencies.add(patience);
            }
        }
    }

    void sleep() {
        std::vector<pollfd> all;
        for (const Socket& socket : sockets_)
            all.push_back({socket.fd.get(), POLLIN, 0});
        ::poll(all.data(), all.size(), 100);
    }

    const Options options_;
    Queries queries_;
    Result result_;
    std::vector<Socket> sockets_;
    Nanoseconds time_ = 0;
    std::size_t in_flight_ = 0;
    std::array<mmsghdr, max_window> in_{};
    std::array<mmsghdr, max_window> out_{};
    std::array<iovec, max_window> in_data_{};
    std::array<iovec, max_window> out_data_{};
    std::array<std::array<std::uint8_t, max_answer>, max_window> answers_{};
    std::array<std::array<std::uint8_t, max_query_size>, max_window> messages_{};
};

}  // namespace
}  // namespace summond::bench

int main(int argc, char** argv) {
    summond::bench::Options options;
    CLI::App app{"DNS load over UDP on loopback; prints one line of JSON"};
    app.add_option("port", options.port)->required();
    app.add_option("queries", options.queries, "see load.hpp")->required();
    app.add_option("--seconds", options.seconds);
    app.add_option("--sockets", options.sockets)->check(CLI::Range(1, 256));
    app.add_option("--window", options.window, "queries in flight, on all sockets together");
    app.add_option("--rate", options.rate, "queries a second; 0: as many as the window allows");
    app.add_flag("--cookies", options.cookies, "fill in a valid DNS cookie of the server's");
    app.add_flag("--of-records-only", options.of_records_only,
                 "percentiles are of queries whose answers have records; the others are left out "
                 "where half the window is full");
    app.add_flag("--sleep", options.sleep, "sleep when there is nothing to do");
    CLI11_PARSE(app, argc, argv);
    summond::bench::stop_on_signal();
    return summond::bench::run<summond::bench::Generator>(options, options.sockets, "socket");
}
