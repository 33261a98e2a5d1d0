#include "summond/net/udp_worker.hpp"

#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <type_traits>

#include "counting.hpp"
#include "parked.hpp"
#include "unix_time.hpp"

namespace summond::net {

using answer::Availability;
using answer::Decision;

namespace {

constexpr unsigned batch_size = 64;
// Of a batch, looked up together: memory answers one while the others are worked on.
constexpr unsigned group_size = 16;
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

// What a query is parked for.
struct UdpWorker::Waits : ParkedQueries::Awaited {
    bool proved;  // its sender's address is not forged
};

// Strides are odd multiples of a cache line: the first lines of the buffers, which are all that
// most queries touch, then fall into different sets of the cache.
struct UdpWorker::Batch {
    // What has been received, then the answers: these take the place of the messages before them.
    std::array<mmsghdr, batch_size> message{};
    std::array<iovec, batch_size> data{};
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
    std::array<answer::ReadQuery, group_size> group;
    // Queries whose answer also wakes a service: once it is sent, for the wake takes the CPU.
    struct Wake {
        std::uint32_t service;
        unsigned message;
        Services::Wish wish;
    };
    std::array<Wake, batch_size> wake;
    unsigned wakes = 0;

    Batch() { prepare(batch_size); }

    // The first messages, for recvmmsg.
    void prepare(unsigned count) {
        for (unsigned i = 0; i < count; ++i) {
            data[i] = {query[i].bytes.data(), max_query};
            msghdr& header = message[i].msg_hdr;
            header.msg_name = &address[i];
            header.msg_namelen = sizeof address[i];
            header.msg_iov = &data[i];
            header.msg_iovlen = 1;
            header.msg_control = info[i].bytes;
            header.msg_controllen = sizeof info[i].bytes;
        }
    }
    // Turns a message into the next answer, which is `size` octets in its buffer.
    void reply(unsigned received, unsigned answers, std::size_t size) {
        msghdr& header = message[answers].msg_hdr;
        if (answers != received)
            header = message[received].msg_hdr;
        data[answers] = {answer[answers].bytes.data(), size};
        header.msg_iov = &data[answers];
        prepare_reply(header);
    }
    std::span<std::uint8_t> out(unsigned answers) {
        return {answer[answers].bytes.data(), answer::max_udp_answer};
    }
};

UdpWorker::UdpWorker(const zone::Zones& zones, Services& services, const base::Clock& clock,
                     const answer::Settings& settings, std::unique_ptr<RateLimiter> limiter,
                     metrics::ThreadCounters counters)
    : services_(services),
      clock_(clock),
      context_{zones, services.states(), answer::Transport::udp, settings},
      limiter_(std::move(limiter)),
      batch_(std::make_unique<Batch>()),
      parked_(std::make_unique<ParkedQueries>()),
      counters_(counters) {
    context_.rules = services.rules();
    context_.pressure = &services.pressure();
}

UdpWorker::~UdpWorker() = default;

void UdpWorker::sign_by(Signing& signing) {
    signing_ = &signing;
    context_.signatures = &signing.signatures();
}

base::Result<std::unique_ptr<UdpWorker>> UdpWorker::make(
    std::vector<base::UniqueFd> sockets, const zone::Zones& zones, Services& services,
    const base::Clock& clock, const answer::Settings& settings,
    std::unique_ptr<RateLimiter> limiter, metrics::ThreadCounters counters) {
    std::unique_ptr<UdpWorker> worker(
        new UdpWorker(zones, services, clock, settings, std::move(limiter), counters));
    worker->signal_.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!worker->signal_)
        return base::system_error("UDP worker", errno);
    worker->watched_.push_back({worker->signal_.get(), POLLIN, 0});
    for (base::UniqueFd& fd : sockets) {
        worker->watched_.push_back({fd.get(), POLLIN, 0});
        worker->sockets_.push_back(std::move(fd));
    }
    return worker;
}

void UdpWorker::run(const std::function<void()>& quiet) {
    bool was_receiving = true;
    for (bool more = true; more;) {
        more = step(-1);
        if (was_receiving && !receiving()) {
            was_receiving = false;
            quiet();
        }
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
    const int fd = sockets_[socket].get();
    for (int i = 0; i < max_batches; ++i) {
        const int r = ::recvmmsg(fd, batch_->message.data(), batch_size, MSG_DONTWAIT, nullptr);
        if (r <= 0)
            return;
        const auto received = static_cast<unsigned>(r);
        look_at_clock();
        if (counters_.dns != nullptr)
            count_received(received);
        unsigned answers = 0;
        for (unsigned first = 0; first < received; first += group_size)
            resolve_group(socket, first, std::min(received - first, group_size), answers);
        send(fd, answers);
        for (const Batch::Wake& wake : std::span(batch_->wake).first(batch_->wakes))
            services_.want(wake.service, octets_of(batch_->address[wake.message]), wake.wish);
        batch_->wakes = 0;
        batch_->prepare(received);
        if (received < busy)
            return;
    }
}

void UdpWorker::count_received(unsigned count) {
    using metrics::Family;
    const bool v4 = batch_->address[0].any.sa_family == AF_INET;
    counters_.dns->received[static_cast<std::size_t>(v4 ? Family::ipv4 : Family::ipv6)].add(count);
    std::uint64_t bytes = 0;
    for (unsigned i = 0; i < count; ++i)
        bytes += batch_->message[i].msg_len;
    counters_.dns->received_bytes.add(bytes);
}

// Of the messages received; answers: in and out, how many are ready to be sent.
void UdpWorker::resolve_group(std::uint32_t socket, unsigned first, unsigned count,
                              unsigned& answers) {
    Batch& batch = *batch_;
    const auto query = [&](unsigned i) {
        const mmsghdr& message = batch.message[first + i];
        const bool whole = (message.msg_hdr.msg_flags & MSG_TRUNC) == 0;
        return std::span(batch.query[first + i].bytes).first(whole ? message.msg_len : 0);
    };
    for (unsigned i = 0; i < count; ++i)
        answer::read(query(i), batch.group[i], context_.zones);
    for (unsigned i = 0; i < count; ++i)
        answer::prefetch(batch.group[i], context_.zones);
    for (unsigned i = 0; i < count; ++i) {
        context_.client = octets_of(batch.address[first + i]);
        Decision decision = answer::resolve(batch.group[i], batch.out(answers), context_);
        const dns::Query& asked = batch.group[i].query;
        std::uint32_t size = 0;
        if (decision.signs)  // whoever may have it is answered without
            signing_->want(context_.wanted, decision.known_client());
        if (decision.kind == Decision::Kind::answer) {
            if (decision.wakes)
                batch.wake[batch.wakes++] = {
                    decision.service, first + i, {type_of(asked), true, decision.known_client()}};
            size = limited(query(i), batch.out(answers), decision);
        } else if (decision.kind == Decision::Kind::park) {
            park(socket, first + i, query(i), asked, {{decision.service}, decision.known_client()});
        } else if (decision.kind == Decision::Kind::sign) {
            size = sign(socket, first + i, query(i), asked, batch.out(answers), decision);
        } else if (decision.kind == Decision::Kind::pass) {
            pass(socket, first + i, query(i));
        }
        if (counters_.dns != nullptr)
            count_query(asked, decision, batch.out(answers).first(size));
        if (size > 0)
            batch.reply(first + i, answers++, size);
    }
}

// answer: what is about to be sent, if anything.
void UdpWorker::count_query(const dns::Query& query, const Decision& decision,
                            std::span<const std::uint8_t> answer) {
    metrics::DnsCounters& counters = *counters_.dns;
    if (decision.kind == Decision::Kind::drop)
        return counters.unanswered[static_cast<std::size_t>(metrics::Unanswered::no_query)].add();
    count_features(counters, query, decision);
    if (!answer.empty()) {
        counters.answered[label_of(query)][decision.rcode].add();
        count_response(counters, decision, answer);
    } else if (decision.kind == Decision::Kind::answer) {
        counters.dropped[label_of(query)].add();
    }
}

void UdpWorker::look_at_clock() {
    context_.now = unix_time();
    if (limiter_)
        now_ = clock_.now();
}

// The size of what goes out to the context's client instead of the answer in out: the same, a
// challenge, or nothing.
std::uint32_t UdpWorker::limited(std::span<const std::uint8_t> query, std::span<std::uint8_t> out,
                                 Decision& decision) {
    if (!limiter_ || decision.known_client() || decision.unproved)
        return decision.size;
    const RateLimiter::Kind kind = RateLimiter::kind_of(out);
    const auto verdict = limiter_->check(context_.client, kind, now_);
    if (verdict == RateLimiter::Verdict::send)
        return decision.size;
    std::uint32_t size = 0;
    if (verdict == RateLimiter::Verdict::challenge) {
        size = answer::challenge(query, out, context_);
        decision.rcode = static_cast<std::uint8_t>(is_truncated(out) ? dns::Rcode::noerror
                                                                     : dns::Rcode::badcookie);
    }
    if (counters_.dns != nullptr)
        (size > 0 ? counters_.dns->challenged
                  : counters_.dns->limited)[static_cast<std::size_t>(kind)]
            .add();
    return size;
}

void UdpWorker::send(int fd, unsigned count) {
    unsigned sent = 0;
    unsigned unreachable = 0;
    while (sent < count) {
        const int r = ::sendmmsg(fd, &batch_->message[sent], count - sent, MSG_DONTWAIT);
        if (r > 0)
            sent += static_cast<unsigned>(r);
        else if (errno == EAGAIN || errno == EWOULDBLOCK)
            break;  // the network does not take more; UDP clients ask again
        else if (errno != EINTR) {
            ++sent;  // this client cannot be reached
            ++unreachable;
        }
    }
    if (const unsigned unsent = count - sent + unreachable; unsent > 0 && counters_.dns != nullptr)
        counters_.dns->unsent.add(unsent);
}

// A query for whose answer context_.wanted has to be signed. The size of what goes out now, where
// too many signatures are wanted: nothing that has to be signed, so that whoever forges addresses
// has no more made for him.
std::uint32_t UdpWorker::sign(std::uint32_t socket, unsigned slot,
                              std::span<const std::uint8_t> query, const dns::Query& asked,
                              std::span<std::uint8_t> out, Decision& decision) {
    if (signing_->want(context_.wanted, decision.known_client())) {
        if (counters_.dns != nullptr)
            counters_.dns->signatures_awaited.add();
        park(socket, slot, query, asked, {{ParkedQueries::no_service, context_.wanted.tag}, false});
        return 0;
    }
    if (counters_.dns != nullptr)
        counters_.dns->signatures_refused.add();
    decision.kind = Decision::Kind::answer;
    decision.size = answer::challenge(query, out, context_);
    decision.rcode =
        static_cast<std::uint8_t>(is_truncated(out) ? dns::Rcode::noerror : dns::Rcode::badcookie);
    return decision.size;
}

void UdpWorker::park(std::uint32_t socket, unsigned slot, std::span<const std::uint8_t> query,
                     const dns::Query& asked, const Waits& waits) {
    const std::size_t type_label = label_of(asked);
    msghdr& header = batch_->message[slot].msg_hdr;
    prepare_reply(header);
    ParkedQueries::Client client;
    client.socket = socket;
    client.address = batch_->address[slot];
    client.address_size = header.msg_namelen;
    client.info = batch_->info[slot];
    client.info_size = header.msg_controllen;
    using metrics::Unanswered;
    const auto added = parked_->add(client, query, waits, clock_.now() + park_time);
    if (added == ParkedQueries::Added::full)
        overflows_.fetch_add(1, std::memory_order_relaxed);
    if (counters_.dns != nullptr && added == ParkedQueries::Added::yes) {
        counters_.dns->parked[type_label].add();
        count_parked();
    } else if (counters_.dns != nullptr) {
        const bool full = added == ParkedQueries::Added::full;
        const Unanswered why = full ? Unanswered::no_room : Unanswered::repeated;
        counters_.dns->dropped[type_label].add();
        counters_.dns->unanswered[static_cast<std::size_t>(why)].add();
    }
    // Wanted even if there is no room to wait: the client will ask again.
    if (waits.service != ParkedQueries::no_service &&
        context_.services[waits.service].availability.load(std::memory_order_relaxed) ==
            Availability::asleep)
        services_.want(waits.service, context_.client, {type_of(asked), false, waits.proved});
}

// Whom to answer, as it lies in SignedQuery::way.
static_assert(sizeof(ParkedQueries::Client) <= sizeof(ipc::SignedQuery::way));
static_assert(std::is_trivially_copyable_v<ParkedQueries::Client>);

void UdpWorker::pass(std::uint32_t socket, unsigned slot, std::span<const std::uint8_t> query) {
    if (!pass_ || query.size() > ipc::SignedQuery::most)
        return;
    msghdr& header = batch_->message[slot].msg_hdr;
    prepare_reply(header);
    ParkedQueries::Client client;
    client.socket = socket;
    client.address = batch_->address[slot];
    client.address_size = header.msg_namelen;
    client.info = batch_->info[slot];
    client.info_size = header.msg_controllen;
    ipc::SignedQuery message{};
    const auto from = octets_of(client.address);
    message.from.size = static_cast<std::uint8_t>(from.size());
    std::ranges::copy(from, message.from.bytes);
    std::memcpy(message.way, &client, sizeof client);
    message.size = static_cast<std::uint32_t>(query.size());
    std::ranges::copy(query, message.octets);
    pass_(message);
}

bool UdpWorker::answer_passed(const ipc::SignedAnswer& answer) const {
    ParkedQueries::Client client;
    std::memcpy(&client, answer.way, sizeof client);
    if (client.socket >= sockets_.size() || client.address_size > sizeof client.address ||
        client.info_size > sizeof client.info || answer.size > sizeof answer.octets)
        return false;
    iovec data{const_cast<std::uint8_t*>(answer.octets), answer.size};
    msghdr header{};
    header.msg_name = &client.address;
    header.msg_namelen = client.address_size;
    header.msg_iov = &data;
    header.msg_iovlen = 1;
    header.msg_control = client.info_size > 0 ? client.info.bytes : nullptr;
    header.msg_controllen = client.info_size;
    // What cannot be sent now is asked for again.
    static_cast<void>(::sendmsg(sockets_[client.socket].get(), &header, MSG_DONTWAIT));
    return true;
}

void UdpWorker::count_parked() {
    if (counters_.parked != nullptr)
        counters_.parked->set(parked_->size());
}

// Whether it is worth resolving it again.
bool UdpWorker::is_there_yet(std::size_t parked) const {
    const auto& awaited = parked_->awaited(parked);
    if (awaited.service == ParkedQueries::no_service)
        return context_.signatures->find(awaited.signature).has_value();
    return context_.services[awaited.service].availability.load(std::memory_order_acquire) !=
           Availability::starting;
}

// Whether it waits on, for the same or something else.
bool UdpWorker::park_again(std::size_t parked, const Decision& decision) {
    if (decision.kind == Decision::Kind::sign) {
        // Where that is refused, it has no answer before its deadline.
        signing_->want(context_.wanted, true);
        parked_->wait_for(parked, {ParkedQueries::no_service, context_.wanted.tag});
        return true;
    }
    if (decision.kind != Decision::Kind::park)
        return false;
    parked_->wait_for(parked, {decision.service});
    if (context_.services[decision.service].availability.load(std::memory_order_relaxed) ==
        Availability::asleep)
        services_.want(decision.service, context_.client, {0, false, decision.known_client()});
    return true;
}

// Answers those whose service is up or has failed, or whose signature is made; asks again for those
// whose wake came to nothing.
void UdpWorker::resolve_parked() {
    look_at_clock();
    for (std::size_t i = 0; i < parked_->size();) {
        if (!is_there_yet(i)) {
            ++i;
            continue;
        }
        context_.client = octets_of(parked_->client(i).address);
        Decision decision = answer::resolve(parked_->query(i), batch_->out(0), context_);
        if (park_again(i, decision)) {
            ++i;
            continue;
        }
        if (decision.kind == Decision::Kind::answer)
            answer_parked(i, decision);
        parked_->remove(i);
    }
    count_parked();
}

void UdpWorker::expire_parked() {
    look_at_clock();
    const base::TimePoint now = clock_.now();
    const std::span out = batch_->out(0);
    context_.overdue = true;
    for (std::size_t i = 0; i < parked_->size();) {
        if (parked_->deadline(i) > now) {
            ++i;
            continue;
        }
        context_.client = octets_of(parked_->client(i).address);
        Decision decision = answer::resolve(parked_->query(i), out, context_);
        const bool not_signed = decision.kind == Decision::Kind::sign;
        if (decision.kind != Decision::Kind::answer)
            decision = {.kind = Decision::Kind::answer,
                        .rcode = static_cast<std::uint8_t>(dns::Rcode::servfail),
                        .size = not_signed ? answer::not_signed(parked_->query(i), out, context_)
                                           : answer::servfail(parked_->query(i), out,
                                                              services_.overdue(), context_)};
        answer_parked(i, decision);
        parked_->remove(i);
    }
    context_.overdue = false;
    count_parked();
}

// Sends the first answer buffer to a parked query's client, who is the context's.
void UdpWorker::answer_parked(std::size_t parked, Decision& decision) {
    if (const std::uint32_t service = parked_->awaited(parked).service;
        service != ParkedQueries::no_service)
        services_.waited(service, clock_.now() - (parked_->deadline(parked) - park_time));
    const std::uint32_t size = limited(parked_->query(parked), batch_->out(0), decision);
    if (size > 0) {
        if (counters_.dns != nullptr)
            count_late_response(*counters_.dns, decision, parked_->deadline(parked), clock_.now(),
                                batch_->out(0).first(size));
        ParkedQueries::Client client = parked_->client(parked);
        batch_->data[0] = {batch_->answer[0].bytes.data(), size};
        msghdr& header = batch_->message[0].msg_hdr;
        header.msg_name = &client.address;
        header.msg_namelen = client.address_size;
        header.msg_control = client.info.bytes;
        header.msg_controllen = client.info_size;
        send(sockets_[client.socket].get(), 1);
        batch_->prepare(1);
    }
    // The Wake for which it was parked has come to nothing, or was never asked for: meanwhile vmm
    // has said that a copy waits.
    if (decision.wakes)
        services_.want(decision.service, context_.client, {0, true, decision.known_client()});
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
