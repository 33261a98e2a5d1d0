// The bound for a DNS server on plain sockets: it sets QR and AA, inserts the same A record behind
// every question, whatever is asked, and looks nothing up. UDP in batches, one thread a worker;
// TCP on a thread of its own.

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <CLI/CLI.hpp>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <system_error>
#include <thread>
#include <vector>

#include "summond/base/unique_fd.hpp"

namespace summond::bench {
namespace {

constexpr std::size_t batch_size = 64;
constexpr std::size_t max_message = 1500;
constexpr std::size_t buffer_size = 1 << 16;
// Owner: the question's; A, IN, TTL 5, 10.0.0.1.
constexpr std::array<std::uint8_t, 16> record = {0xc0, 12, 0, 1, 0,  1, 0, 0,
                                                 0,    5,  0, 4, 10, 0, 0, 1};

// Makes the query in place an answer; its new size, or 0. Needs sizeof record octets of room.
std::size_t answer(std::uint8_t* message, std::size_t size) {
    std::size_t end = 12;
    while (end < size && message[end] != 0)
        end += message[end] + std::size_t{1};
    end += 5;
    if (end > size)
        return 0;
    message[2] = static_cast<std::uint8_t>((message[2] & 0x79) | 0x84);
    message[3] = 0;
    message[6] = 0;
    message[7] = 1;
    std::memmove(message + end + record.size(), message + end, size - end);
    std::memcpy(message + end, record.data(), record.size());
    return size + record.size();
}

base::UniqueFd bound(std::uint16_t port, int type) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    constexpr int on = 1;
    constexpr int buffer = 4 << 20;
    base::UniqueFd fd(::socket(AF_INET, type, 0));
    ::setsockopt(fd.get(), SOL_SOCKET, type == SOCK_DGRAM ? SO_REUSEPORT : SO_REUSEADDR, &on,
                 sizeof on);
    if (type == SOCK_DGRAM)
        ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
    if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
        throw std::system_error(errno, std::generic_category(), "bind");
    return fd;
}

void serve_udp(const base::UniqueFd& fd) {
    struct Batch {
        std::array<std::array<std::uint8_t, max_message>, batch_size> data;
        std::array<sockaddr_in, batch_size> from;
        std::array<iovec, batch_size> vector;
        std::array<mmsghdr, batch_size> message{};
    };
    const auto batch = std::make_unique<Batch>();
    for (std::size_t i = 0; i < batch_size; ++i) {
        batch->vector[i].iov_base = batch->data[i].data();
        batch->message[i].msg_hdr.msg_iov = &batch->vector[i];
        batch->message[i].msg_hdr.msg_iovlen = 1;
        batch->message[i].msg_hdr.msg_name = &batch->from[i];
    }
    for (;;) {
        for (std::size_t i = 0; i < batch_size; ++i) {
            batch->vector[i].iov_len = max_message - record.size();
            batch->message[i].msg_hdr.msg_namelen = sizeof(sockaddr_in);
        }
        const int count =
            ::recvmmsg(fd.get(), batch->message.data(), batch_size, MSG_WAITFORONE, nullptr);
        for (int i = 0; i < count; ++i) {
            const auto at = static_cast<std::size_t>(i);
            batch->vector[at].iov_len = answer(batch->data[at].data(), batch->message[at].msg_len);
        }
        for (int sent = 0; sent < count;) {
            const int r = ::sendmmsg(fd.get(), &batch->message[static_cast<std::size_t>(sent)],
                                     static_cast<unsigned>(count - sent), 0);
            sent += r > 0 ? r : 1;
        }
    }
}

struct Client {
    base::UniqueFd fd;
    std::size_t received = 0;
    std::array<std::uint8_t, buffer_size> in;
};

// False when the connection has ended.
bool serve(Client& client) {
    static std::array<std::uint8_t, 2 * buffer_size> out;
    const ssize_t size =
        ::read(client.fd.get(), &client.in[client.received], buffer_size - client.received);
    if (size <= 0)
        return false;
    client.received += static_cast<std::size_t>(size);
    std::size_t done = 0;
    std::size_t filled = 0;
    while (client.received - done >= 2) {
        const std::size_t asked = std::size_t{256} * client.in[done] + client.in[done + 1];
        if (client.received - done - 2 < asked)
            break;
        if (filled + 2 + asked + record.size() > out.size())
            return false;
        std::memcpy(&out[filled + 2], &client.in[done + 2], asked);
        const std::size_t answered = answer(&out[filled + 2], asked);
        out[filled] = static_cast<std::uint8_t>(answered >> 8);
        out[filled + 1] = static_cast<std::uint8_t>(answered);
        filled += 2 + answered;
        done += 2 + asked;
    }
    std::memmove(client.in.data(), &client.in[done], client.received - done);
    client.received -= done;
    for (std::size_t sent = 0; sent < filled;) {
        const ssize_t r = ::write(client.fd.get(), &out[sent], filled - sent);
        if (r <= 0)
            return false;
        sent += static_cast<std::size_t>(r);
    }
    return true;
}

void serve_tcp(const base::UniqueFd& listener) {
    const base::UniqueFd epoll(::epoll_create1(0));
    const auto watch = [&](int fd) {
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.fd = fd;
        ::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, fd, &event);
    };
    watch(listener.get());
    std::map<int, std::unique_ptr<Client>> clients;
    std::array<epoll_event, 64> events;
    for (;;) {
        const int count = ::epoll_wait(epoll.get(), events.data(), events.size(), -1);
        for (int i = 0; i < count; ++i) {
            const int fd = events[static_cast<std::size_t>(i)].data.fd;
            if (fd != listener.get()) {
                if (!serve(*clients[fd]))
                    clients.erase(fd);
                continue;
            }
            constexpr int on = 1;
            auto client = std::make_unique<Client>();
            client->fd.reset(::accept(fd, nullptr, nullptr));
            ::setsockopt(client->fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            watch(client->fd.get());
            clients[client->fd.get()] = std::move(client);
        }
    }
}

int run(std::uint16_t port, unsigned workers) {
    std::signal(SIGPIPE, SIG_IGN);
    const base::UniqueFd listener = bound(port, SOCK_STREAM);
    if (::listen(listener.get(), 256) != 0)
        throw std::system_error(errno, std::generic_category(), "listen");
    std::vector<std::thread> threads;
    threads.emplace_back([&] { serve_tcp(listener); });
    for (unsigned i = 0; i < workers; ++i)
        threads.emplace_back([fd = bound(port, SOCK_DGRAM)] { serve_udp(fd); });
    for (std::thread& thread : threads)
        thread.join();
    return 0;
}

}  // namespace
}  // namespace summond::bench

int main(int argc, char** argv) {
    std::uint16_t port = 0;
    unsigned workers = 1;
    CLI::App app{"Answers every DNS query with the same record, until it is killed"};
    app.add_option("port", port)->required();
    app.add_option("--workers", workers, "threads for UDP");
    CLI11_PARSE(app, argc, argv);
    try {
        return summond::bench::run(port, workers);
    } catch (const std::exception& e) {
        std::fprintf(stderr, "%s\n", e.what());
        return 1;
    }
}
