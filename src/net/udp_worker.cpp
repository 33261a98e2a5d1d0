#include "summond/net/udp_worker.hpp"

#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "parked.hpp"
#include "summond/net/bind.hpp"
#include "unix_time.hpp"

namespace summond::net {

using answer::Availability;
using answer::Decision;

namespace {

constexpr unsigned batch_size = 64;
// After a batch of fewer queries there are hardly more: it is cheaper to wait than to look.
constexpr unsigned busy = 4;
// A longer query is no query: the longest name with every option that exists fits many times.
constexpr std::size_t max_query = 4096;
// Batches from one socket before the others have their turn.
constexpr int max_batches = 16;

// The packet info of a query becomes that of its answer: it leaves with the address asked, on
// whichever interface the routes say (only link-local addresses need theirs).
void prepare_reply(msghdr& header) {
    cmsghdr* c = CMSG_FIRSTHDR(&header);
    if (c == nullptr)
        return;
    if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
        reinterpret_cast<in_pktinfo*>(CMSG_DATA(c))->ipi_ifindex = 0;
    } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
        auto* info = reinterpret_cast<in6_pktinfo*>(CMSG_DATA(c));
        if (!IN6_IS_ADDR_LINKLOCAL(&info->ipi6_addr))
            info->ipi6_ifindex = 0;
    }
}

}  // namespace

// Strides are odd multiples of a cache line: the first lines of the buffers, which are all that
// most queries touch, then fall into different sets of the cache.
struct UdpWorker::Batch {
    std::array<mmsghdr, batch_size> in{};
    std::array<mmsghdr, batch_size> out{};
    std::array<iovec, batch_size> in_data{};
    std::array<iovec, batch_size> out_data{};
    std::array<SocketAddress, batch_size> address{};
    std::array<PacketInfo, batch_size> info{};
    struct alignas(64) Query {
        std::array<std::uint8_t, max_query + 64> bytes;
    };
    struct alignas(64) Answer {
        std::array<std::uint8_t, 1344> bytes;
    };
    static_assert(sizeof(Answer) >= answer::max_udp_answer);
    std::array<Query, batch_size> query;
    std::array<Answer, batch_size> answer;

    Batch() {
        for (unsigned i = 0; i < batch_size; ++i) {
            in_data[i] = {query[i].bytes.data(), max_query};
            out_data[i] = {answer[i].bytes.data(), 0};
            in[i].msg_hdr.msg_name = &address[i];
            in[i].msg_hdr.msg_iov = &in_data[i];
            in[i].msg_hdr.msg_iovlen = 1;
            in[i].msg_hdr.msg_control = info[i].bytes;
            out[i].msg_hdr.msg_iov = &out_data[i];
            out[i].msg_hdr.msg_iovlen = 1;
        }
        reset(batch_size);
    }

    // What recvmmsg overwrites.
    void reset(unsigned count) {
        for (unsigned i = 0; i < count; ++i) {
            in[i].msg_hdr.msg_namelen = sizeof address[i];
            in[i].msg_hdr.msg_controllen = sizeof info[i].bytes;
        }
    }
};

UdpWorker::UdpWorker(const zone::Zones& zones, Services& services, const base::Clock& clock,
                     const answer::Settings& settings)
    : services_(services),
      clock_(clock),
      context_{zones, services.states(), answer::Transport::udp, settings},
      batch_(std::make_unique<Batch>()),
      parked_(std::make_unique<ParkedQueries>()) {}

UdpWorker::~UdpWorker() = default;

base::Result<std::unique_ptr<UdpWorker>> UdpWorker::make(std::vector<base::UniqueFd> sockets,
                                                         const zone::Zones& zones,
                                                         Services& services,
                                                         const base::Clock& clock,
                                                         const answer::Settings& settings) {
    std::unique_ptr<UdpWorker> worker(new UdpWorker(zones, services, clock, settings));
    worker->signal_.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!worker->signal_)
        return base::system_error("UDP worker", errno);
    worker->watched_.push_back({worker->signal_.get(), POLLIN, 0});
    for (base::UniqueFd& fd : sockets) {
        const auto info = describe(fd.get());
        if (!info)
            return tl::make_unexpected(info.error());
        worker->watched_.push_back({fd.get(), POLLIN, 0});
        worker->sockets_.push_back({std::move(fd), info->local.address.is_unspecified()});
    }
    return worker;
}

void UdpWorker::run() {
    while (step(-1)) {
    }
}

bool UdpWorker::step(int timeout_ms) {
    const int ready = ::poll(watched_.data(), watched_.size(), timeout(timeout_ms));
    if (ready > 0) {
        if (watched_[0].revents != 0)
            on_signal();
        // on_signal may have ended receiving.
        for (std::uint32_t i = 1; i < watched_.size(); ++i) {
            if (watched_[i].revents != 0)
                receive(i - 1);
        }
    }
    if (!parked_->empty() && parked_->next_deadline() <= clock_.now())
        expire_parked();
    return !stopped_.load(std::memory_order_relaxed) && (receiving() || !parked_->empty());
}

void UdpWorker::on_signal() {
    eventfd_t ignored;
    ::eventfd_read(signal_.get(), &ignored);
    if (draining_.load())
        watched_.resize(1);
    resolve_parked();
}

// For poll: until the next deadline, at most limit_ms.
int UdpWorker::timeout(int limit_ms) const {
    if (parked_->empty())
        return limit_ms;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(
        std::max(parked_->next_deadline() - clock_.now(), base::Duration::zero()));
    const int ms = static_cast<int>(std::min<std::chrono::milliseconds::rep>(left.count(), 60'000));
    return limit_ms < 0 ? ms : std::min(ms, limit_ms);
}

void UdpWorker::receive(std::uint32_t socket) {
    const int fd = sockets_[socket].fd.get();
    for (int i = 0; i < max_batches; ++i) {
        const int received = ::recvmmsg(fd, batch_->in.data(), batch_size, MSG_DONTWAIT, nullptr);
        if (received <= 0)
            return;
        send(fd, resolve_batch(socket, static_cast<unsigned>(received)));
        batch_->reset(static_cast<unsigned>(received));
        if (static_cast<unsigned>(received) < busy)
            return;
    }
}

// Returns the number of answers, which are ready to be sent.
unsigned UdpWorker::resolve_batch(std::uint32_t socket, unsigned received) {
    context_.now = unix_time();
    unsigned answers = 0;
    for (unsigned i = 0; i < received; ++i) {
        msghdr& header = batch_->in[i].msg_hdr;
        if ((header.msg_flags & MSG_TRUNC) != 0)
            continue;
        const std::span query(batch_->query[i].bytes.data(), batch_->in[i].msg_len);
        const std::span out(batch_->answer[answers].bytes.data(), answer::max_udp_answer);
        context_.client = octets_of(batch_->address[i]);
        const Decision decision = answer::resolve(query, out, context_);
        if (decision.kind == Decision::Kind::drop)
            continue;
        const bool wildcard = sockets_[socket].wildcard;
        if (wildcard)
            prepare_reply(header);
        if (decision.kind == Decision::Kind::park) {
            park(socket, i, query, decision.service);
            continue;
        }
        msghdr& reply = batch_->out[answers].msg_hdr;
        reply.msg_name = header.msg_name;
        reply.msg_namelen = header.msg_namelen;
        reply.msg_control = wildcard ? header.msg_control : nullptr;
        reply.msg_controllen = wildcard ? header.msg_controllen : 0;
        batch_->out_data[answers].iov_len = decision.size;
        ++answers;
    }
    return answers;
}

void UdpWorker::send(int fd, unsigned count) {
    for (unsigned sent = 0; sent < count;) {
        const int r = ::sendmmsg(fd, &batch_->out[sent], count - sent, MSG_DONTWAIT);
        if (r > 0)
            sent += static_cast<unsigned>(r);
        else if (errno == EAGAIN || errno == EWOULDBLOCK)
            return;  // the network does not take more; UDP clients ask again
        else if (errno != EINTR)
            ++sent;  // this client cannot be reached
    }
}

void UdpWorker::park(std::uint32_t socket, unsigned slot, std::span<const std::uint8_t> query,
                     std::uint32_t service) {
    const msghdr& header = batch_->in[slot].msg_hdr;
    ParkedQueries::Client client;
    client.socket = socket;
    client.address = batch_->address[slot];
    client.address_size = header.msg_namelen;
    client.info = batch_->info[slot];
    client.info_size = sockets_[socket].wildcard ? header.msg_controllen : 0;
    if (parked_->add(client, query, service, clock_.now() + park_time) ==
        ParkedQueries::Added::full)
        overflows_.fetch_add(1, std::memory_order_relaxed);
    // Wanted even if there is no room to wait: the client will ask again.
    if (context_.services[service].availability.load(std::memory_order_relaxed) ==
        Availability::asleep)
        services_.want(service);
}

// Answers those whose service is up or has failed; asks again for those whose wake came to nothing.
void UdpWorker::resolve_parked() {
    context_.now = unix_time();
    for (std::size_t i = 0; i < parked_->size();) {
        const auto& state = context_.services[parked_->service(i)];
        const Availability availability = state.availability.load(std::memory_order_acquire);
        if (availability == Availability::starting) {
            ++i;
            continue;
        }
        const std::span out(batch_->answer[0].bytes.data(), answer::max_udp_answer);
        context_.client = octets_of(parked_->client(i).address);
        const Decision decision = answer::resolve(parked_->query(i), out, context_);
        if (decision.kind == Decision::Kind::park) {
            if (availability == Availability::asleep)
                services_.want(decision.service);
            ++i;
            continue;
        }
        if (decision.kind == Decision::Kind::answer)
            answer_parked(i, decision.size);
        parked_->remove(i);
    }
}

void UdpWorker::expire_parked() {
    context_.now = unix_time();
    const base::TimePoint now = clock_.now();
    const std::span out(batch_->answer[0].bytes.data(), answer::max_udp_answer);
    for (std::size_t i = 0; i < parked_->size();) {
        if (parked_->deadline(i) > now) {
            ++i;
            continue;
        }
        context_.client = octets_of(parked_->client(i).address);
        answer_parked(i, answer::servfail(parked_->query(i), out, services_.overdue(), context_));
        parked_->remove(i);
    }
}

// Sends the first answer buffer to a parked query's client.
void UdpWorker::answer_parked(std::size_t parked, std::uint32_t size) {
    ParkedQueries::Client client = parked_->client(parked);
    Batch& batch = *batch_;
    msghdr& reply = batch.out[0].msg_hdr;
    reply.msg_name = &client.address;
    reply.msg_namelen = client.address_size;
    reply.msg_control = client.info_size > 0 ? client.info.bytes : nullptr;
    reply.msg_controllen = client.info_size;
    batch.out_data[0].iov_len = size;
    send(sockets_[client.socket].fd.get(), 1);
}

void UdpWorker::signal() noexcept {
    ::eventfd_write(signal_.get(), 1);
}

void UdpWorker::drain() noexcept {
    draining_.store(true);
    signal();
}

void UdpWorker::stop() noexcept {
    stopped_.store(true);
    signal();
}

}  // namespace summond::net
