// The transfer role: gives zones to their secondaries, and tells these when they have changed. The
// front hands it the clients that want that, connections by descriptor and single queries over UDP
// as they came; so whoever answers queries has no keys, and waits for nobody who transfers. It
// reads what strangers send, and is isolated as the front is. One thread.

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <ctime>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "own_counters.hpp"
#include "roles.hpp"
#include "summond/base/log.hpp"
#include "summond/ipc/link.hpp"
#include "summond/loop/deadline_timer.hpp"
#include "summond/loop/fd_watch.hpp"
#include "summond/metrics/transfer_counters.hpp"
#include "summond/net/udp_socket.hpp"
#include "summond/proc/memfd.hpp"
#include "summond/proc/spawn.hpp"
#include "summond/sign/tsig.hpp"
#include "summond/transfer/notifier.hpp"
#include "summond/transfer/responder.hpp"
#include "summond/transfer/server.hpp"
#include "table.hpp"
#include "transfers.hpp"

namespace summond::roles {
namespace {

namespace asio = boost::asio;

std::uint64_t unix_time() {
    return static_cast<std::uint64_t>(std::time(nullptr));
}

base::IpAddress to_ip(const ipc::Address& address) {
    std::array<std::uint8_t, 16> bytes{};
    std::ranges::copy(address.bytes, bytes.begin());
    return address.size == 4 ? base::IpAddress::v4({bytes[0], bytes[1], bytes[2], bytes[3]})
                             : base::IpAddress::v6(bytes);
}

// The memory of a Serving.
struct Mapped {
    proc::Mapping image;
    proc::Mapping transfers;
};

class TransferProcess {
  public:
    // counters: as of metrics::TransferCount.
    TransferProcess(asio::io_context& io, ipc::Channel parent, metrics::TransferCounters* counters,
                    std::array<std::optional<net::UdpSocket>, 2> sockets)
        : io_(io),
          count_(counters),
          sockets_(std::move(sockets)),
          server_(
              io, clock_, count_,
              [this](int connection, auto received) { return hand_back(connection, received); }),
          notifier_(clock_, count_,
                    [this](const auto& to, const auto& source, auto message) {
                        send(to, source, message);
                    }),
          notify_timer_(io, [this] { notify(); }),
          tick_(io),
          parent_(io, std::move(parent),
                  {[this](ipc::Received& message) { return from_parent(message); },
                   [this] {
                       spdlog::warn("the parent is gone; ending");
                       io_.stop();
                   }}) {
        for (const auto& socket : sockets_)
            if (socket)
                watches_.emplace_back(io, socket->fd(), [this, &socket] { receive(*socket); });
        tick();
    }

  private:
    bool from_parent(ipc::Received& message) {
        switch (message.type) {
            case ipc::Type::peer:
                connect_front(std::move(message.fd));
                return true;
            case ipc::Type::image:
                image_ = std::move(message.fd);
                return true;
            case ipc::Type::transfers:
                return serve(message.fd.get());
            default:
                return false;
        }
    }

    // One that drains beside the one that serves. Its link may end while it is being read from.
    void connect_front(base::UniqueFd fd) {
        fronts_.remove_if([](const ipc::Link& link) { return !link.is_open(); });
        ipc::Link& link = fronts_.emplace_back();
        link = ipc::Link(
            io_, ipc::Channel(std::move(fd), ipc::Role::transfer, ipc::Role::front),
            {[this, &link](ipc::Received& message) { return from_front(link, message); }, [] {}});
    }

    bool from_front(ipc::Link& link, ipc::Received& message) {
        switch (message.type) {
            case ipc::Type::passed: {
                const auto passed = message.as<ipc::Passed>();
                if (passed.size > sizeof passed.octets)
                    return false;
                server_.take(std::move(message.fd), std::span(passed.octets).first(passed.size));
                return true;
            }
            case ipc::Type::signed_query:
                return answer(link, message.as<ipc::SignedQuery>());
            default:
                return false;
        }
    }

    bool answer(ipc::Link& link, const ipc::SignedQuery& query) {
        if (query.size > sizeof query.octets || (query.from.size != 4 && query.from.size != 16))
            return false;
        if (!serving_)
            return true;
        const base::IpAddress client = to_ip(query.from);
        const transfer::Reply reply =
            transfer::respond(serving_, std::span(query.octets).first(query.size), client,
                              answer::Transport::udp, unix_time());
        count_.refused(reply.refusal);
        if (reply.kind)
            count_.transferred(*reply.kind, true, reply.message.size());
        // Anybody can send these, from any address.
        if (!reply.log.empty())
            spdlog::debug("{} {}: {}", reply.refused() ? "refused to" : "answered",
                          client.to_string(), reply.log);
        ipc::SignedAnswer answer{};
        if (reply.message.empty() || reply.message.size() > sizeof answer.octets)
            return true;
        std::ranges::copy(query.way, answer.way);
        answer.worker = query.worker;
        answer.size = static_cast<std::uint32_t>(reply.message.size());
        std::ranges::copy(reply.message, answer.octets);
        link.send(answer);
        return true;
    }

    // To the newest of those that take it.
    bool hand_back(int connection, std::span<const std::uint8_t> received) {
        ipc::Passed message{};
        if (received.size() > sizeof message.octets)
            return false;
        message.size = static_cast<std::uint32_t>(received.size());
        std::ranges::copy(received, message.octets);
        for (auto link = fronts_.rbegin(); link != fronts_.rend(); ++link)
            if (link->is_open() && link->send(message, connection))
                return true;
        return false;
    }

    // False: what the parent says cannot be.
    bool serve(int transfers) {
        auto image = proc::Mapping::map(image_.get());
        auto rest = proc::Mapping::map(transfers);
        if (!image || !rest) {
            spdlog::error("zones: {}", (image ? rest : image).error().what);
            return false;
        }
        auto memory = std::make_shared<Mapped>(Mapped{std::move(*image), std::move(*rest)});
        const auto zones = zone::Zones::open(memory->image.bytes());
        const auto bytes = memory->transfers.bytes();
        const auto parts =
            Transfers::split({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
        if (!zones || !parts)
            return false;
        auto plan = transfer::Plan::unpack(parts->plan);
        auto journal = zone::Journal::open(parts->journal);
        if (!plan || !journal)
            return false;
        const std::size_t count = plan->zones.size();
        serving_ = std::make_shared<transfer::Serving>(memory, *zones, std::move(*plan),
                                                       std::move(*journal));
        server_.serve(serving_);
        notifier_.serve(serving_);
        spdlog::info("zones for secondaries: {}", count);
        notify();
        if (!std::exchange(ready_, true))
            parent_.send(ipc::Ready{});
        return true;
    }

    // -- NOTIFY

    void notify() {
        notifier_.tick(unix_time());
        notify_timer_.set(notifier_.next());
    }

    void send(const base::Endpoint& to, const std::optional<base::IpAddress>& source,
              std::span<const std::uint8_t> message) {
        const auto& socket = sockets_[to.address.is_v4() ? 0 : 1];
        if (!socket)
            return;
        if (const auto sent = socket->send(to, source, message); !sent)
            spdlog::warn("NOTIFY to {}: {}", to.to_string(), sent.error().what);
    }

    void receive(const net::UdpSocket& socket) {
        constexpr int batch = 64;
        std::array<std::uint8_t, 1232> message;
        for (int i = 0; i < batch; ++i) {
            const auto received = socket.receive(message);
            if (!received)
                break;
            notifier_.receive(std::span(message).first(received->size), received->from,
                              unix_time());
        }
        notify_timer_.set(notifier_.next());
    }

    void tick() {
        server_.tick();
        notifier_.count_waiting();
        tick_.expires_after(std::chrono::seconds(1));
        tick_.async_wait([this](const boost::system::error_code& error) {
            if (!error)
                tick();
        });
    }

    asio::io_context& io_;
    base::SteadyClock clock_;
    metrics::TransferCount count_;
    const std::array<std::optional<net::UdpSocket>, 2> sockets_;  // IPv4, IPv6
    base::UniqueFd image_;
    transfer::ServingPtr serving_;
    transfer::Server server_;
    transfer::Notifier notifier_;
    loop::DeadlineTimer notify_timer_;
    asio::steady_timer tick_;
    std::list<loop::FdWatch> watches_;
    std::list<ipc::Link> fronts_;
    ipc::Link parent_;
    bool ready_ = false;
};

}  // namespace

int transfer_main(const Arguments& arguments, const Row& row) {
    proc::run_after_others();
    ipc::Channel parent(base::UniqueFd(control_fd), ipc::Role::transfer, ipc::Role::parent);
    const auto counters = own_counters(arguments, sizeof(metrics::TransferCounters));
    if (!counters) {
        spdlog::critical("{}", counters.error().what);
        return exit_failed;
    }
    std::array<std::optional<net::UdpSocket>, 2> sockets;
    for (const bool v4 : {true, false}) {
        auto socket = net::UdpSocket::open(v4);
        if (socket)
            sockets[v4 ? 0 : 1].emplace(std::move(*socket));
        else
            spdlog::warn("no NOTIFY over {}: {}", v4 ? "IPv4" : "IPv6", socket.error().what);
    }
    sign::prepare_tsig();
    asio::io_context io(1);
    if (const auto isolated = row.isolate(arguments.user); !isolated) {
        spdlog::critical("cannot isolate: {}", isolated.error().what);
        return 1;
    }
    TransferProcess process(io, std::move(parent), counters->as<metrics::TransferCounters>(),
                            std::move(sockets));
    io.run();
    return 0;
}

}  // namespace summond::roles
