#include "tcp_session.hpp"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>
#include <utility>

#include "counting.hpp"
#include "parked.hpp"
#include "unix_time.hpp"

namespace summond::net {

using answer::Availability;
using answer::Decision;
using boost::system::error_code;

namespace {

constexpr std::size_t length_size = 2;  // RFC 1035 §4.2.2
constexpr std::size_t header_size = 12;
constexpr std::size_t usual_input = 4096;
// While draining: how long a client that has not asked yet is given.
constexpr auto drain_grace = std::chrono::seconds(1);
// How long a client has to close its side after we have closed ours.
constexpr auto linger = std::chrono::seconds(2);
// Of edns-tcp-keepalive, RFC 7828 §3.1.
using KeepaliveUnit = std::chrono::duration<std::int64_t, std::deci>;

std::size_t frame_length(std::span<const std::uint8_t> frame) {
    return std::size_t{frame[0]} << 8 | frame[1];
}

}  // namespace

TcpSession::TcpSession(TcpServer& server, boost::asio::ip::tcp::socket socket,
                       TcpServer::Source source, const base::IpAddress& address)
    : server_(server),
      socket_(std::move(socket)),
      source_(source),
      address_(address),
      opened_(server.clock_.now()),
      last_progress_(opened_),
      in_(usual_input) {}

void TcpSession::start(TcpServer::Sessions::iterator place,
                       std::span<const std::uint8_t> received) {
    place_ = place;
    error_code ignored;
    socket_.set_option(boost::asio::ip::tcp::no_delay(true), ignored);
    if (received.empty())
        return read();
    in_.resize(std::max(in_.size(), received.size()));
    std::ranges::copy(received, in_.begin());
    end_ = received.size();
    process();
}

bool TcpSession::idle() const {
    return begin_ == end_ && backlog_.empty() && writing_.empty() && parked_.empty();
}

bool TcpSession::backlog_full() const {
    return backlog_.size() + writing_.size() >= server_.limits_.backlog;
}

void TcpSession::read() {
    // Unprocessed bytes are the start of one frame; it moves to the front, and the buffer is as
    // large as this frame needs.
    std::copy(in_.begin() + static_cast<std::ptrdiff_t>(begin_),
              in_.begin() + static_cast<std::ptrdiff_t>(end_), in_.begin());
    end_ -= std::exchange(begin_, 0);
    const std::size_t need = end_ < length_size ? 0 : length_size + frame_length(received());
    if (need > in_.size()) {
        in_.resize(need);
    } else if (in_.size() > usual_input && need <= usual_input && end_ <= usual_input) {
        in_.resize(usual_input);
        in_.shrink_to_fit();
    }
    // Who takes over gets the connection at the beginning of a frame.
    const std::size_t most =
        handing_over() && end_ > 0 ? std::max(need, length_size) - end_ : in_.size() - end_;
    reading_ = true;
    socket_.async_read_some(boost::asio::buffer(in_.data() + end_, most),
                            [self = shared_from_this()](const error_code& error, std::size_t size) {
                                self->reading_ = false;
                                if (self->closed_)
                                    return;
                                if (error == boost::asio::error::eof)
                                    self->end_of_input_ = true;
                                else if (error && error != boost::asio::error::operation_aborted)
                                    return self->close();
                                self->on_read(size);
                            });
}

void TcpSession::on_read(std::size_t size) {
    if (!shut_down_)
        end_ += size;
    process();
}

// Handles whole frames while there is room for answers.
void TcpSession::process() {
    while (!closed_ && !passing_ && !backlog_full() && end_ - begin_ >= length_size) {
        const std::size_t length = frame_length(received());
        if (length < header_size)
            return close();  // no DNS message; nothing that follows can be trusted
        if (end_ - begin_ < length_size + length)
            break;
        const auto query = received().subspan(length_size, length);
        if (!handle(query)) {
            passing_ = true;
            break;
        }
        begin_ += length_size + length;
        move_on();
    }
    next();
}

// The server's, for this client and now.
answer::Context& TcpSession::context() {
    server_.context_.client = address_.bytes();
    server_.context_.now = unix_time();
    // RFC 7828 §3.3.2: nothing to one that is about to end, or whose place others wait for.
    const bool keep =
        (!draining_ || handing_over()) && server_.sessions_.size() < server_.limits_.connections;
    const auto idle = std::chrono::duration_cast<KeepaliveUnit>(server_.limits_.idle).count();
    server_.context_.idle_timeout =
        keep ? static_cast<std::uint16_t>(std::min<std::int64_t>(idle, 0xffff)) : 0;
    return server_.context_;
}

bool TcpSession::handle(std::span<const std::uint8_t> query) {
    answer::ReadQuery read;
    answer::Context& context = this->context();
    answer::read(query, read, context.zones);
    Decision decision = answer::resolve(read, server_.answer_, context);
    if (decision.kind == Decision::Kind::pass)
        return false;
    const std::uint16_t type = type_of(read.query);
    const bool waits =
        decision.kind == Decision::Kind::park || decision.kind == Decision::Kind::sign;
    if (decision.signs)
        server_.signing_->want(context.wanted, true);
    if (waits && !park(query, decision, type))
        keep_from_waiting(query, decision);
    if (decision.kind == Decision::Kind::answer)
        reply(decision, type);
    if (server_.counters_.dns != nullptr)
        count_query(read.query, query.size(), decision);
    return true;
}

// decision: whose answer is in the server's buffer, if it has one.
void TcpSession::count_query(const dns::Query& query, std::size_t size, const Decision& decision) {
    metrics::DnsCounters& counters = *server_.counters_.dns;
    const auto family = address_.is_v4() ? metrics::Family::ipv4 : metrics::Family::ipv6;
    counters.received[static_cast<std::size_t>(family)].add();
    counters.received_bytes.add(size);
    if (decision.kind == Decision::Kind::drop)
        return counters.unanswered[static_cast<std::size_t>(metrics::Unanswered::no_query)].add();
    count_features(counters, query, decision);
    if (decision.kind == Decision::Kind::sign)
        counters.signatures_awaited.add();
    if (decision.kind == Decision::Kind::park || decision.kind == Decision::Kind::sign)
        return counters.parked[label_of(query)].add();
    counters.answered[label_of(query)][decision.rcode].add();
    count_response(counters, decision, std::span(server_.answer_).first(decision.size));
}

// Asks for what a query has to wait for. A signature that is not to be had gets no tag.
ParkedQueries::Awaited TcpSession::want(const Decision& decision, std::uint16_t type) {
    if (decision.kind == Decision::Kind::sign) {
        const answer::Statement& wanted = server_.context_.wanted;
        const bool asked = server_.signing_->want(wanted, true);
        return {ParkedQueries::no_service, asked ? wanted.tag : 0};
    }
    if (server_.context_.services[decision.service].availability.load(std::memory_order_relaxed) ==
        Availability::asleep)
        server_.services_.want(decision.service, address_.bytes(), {type, false, true});
    return {decision.service};
}

bool TcpSession::park(std::span<const std::uint8_t> query, const Decision& decision,
                      std::uint16_t type) {
    // Wanted even if there is no room to wait: the client may ask again.
    const auto awaited = want(decision, type);
    if (query.size() > max_parked_query || parked_.size() >= server_.limits_.parked ||
        (decision.kind == Decision::Kind::sign && awaited.signature == 0))
        return false;
    parked_.push_back({{query.begin(), query.end()}, awaited, server_.clock_.now() + park_time});
    server_.count_parked(1);
    return true;
}

void TcpSession::keep_from_waiting(std::span<const std::uint8_t> query, Decision& decision) {
    const bool not_signed = decision.kind == Decision::Kind::sign;
    if (not_signed && server_.counters_.dns != nullptr)
        server_.counters_.dns->signatures_refused.add();
    const answer::Context& context = this->context();
    decision.kind = Decision::Kind::answer;
    decision.rcode = static_cast<std::uint8_t>(dns::Rcode::servfail);
    decision.size = not_signed ? answer::not_signed(query, server_.answer_, context)
                               : answer::servfail(query, server_.answer_,
                                                  service::WakeFailure::refused, context);
}

// Also to a query that was parked: its service may have become one that wakes at once.
void TcpSession::reply(const Decision& decision, std::uint16_t type) {
    if (decision.wakes)
        server_.services_.want(decision.service, address_.bytes(), {type, true, true});
    append(decision.size);
}

// Appends the server's answer buffer to the backlog.
void TcpSession::append(std::uint32_t size) {
    backlog_.push_back(static_cast<std::uint8_t>(size >> 8));
    backlog_.push_back(static_cast<std::uint8_t>(size));
    backlog_.insert(backlog_.end(), server_.answer_.begin(), server_.answer_.begin() + size);
}

void TcpSession::reply_late(const Parked& parked, const Decision& decision) {
    const base::TimePoint now = server_.clock_.now();
    reply(decision, 0);
    if (parked.awaited.service != ParkedQueries::no_service)
        server_.services_.waited(parked.awaited.service, now - (parked.deadline - park_time));
    if (server_.counters_.dns != nullptr)
        count_late_response(*server_.counters_.dns, decision, parked.deadline, now,
                            std::span(server_.answer_).first(decision.size));
}

bool TcpSession::is_there_yet(const Parked& parked) const {
    if (parked.awaited.service == ParkedQueries::no_service)
        return server_.context_.signatures->find(parked.awaited.signature).has_value();
    return server_.context_.services[parked.awaited.service].availability.load(
               std::memory_order_relaxed) != Availability::starting;
}

void TcpSession::resolve_parked() {
    for (std::size_t i = 0; i < parked_.size();) {
        Parked& parked = parked_[i];
        if (!is_there_yet(parked)) {
            ++i;
            continue;
        }
        const Decision decision = answer::resolve(parked.query, server_.answer_, context());
        if (decision.kind == Decision::Kind::park || decision.kind == Decision::Kind::sign) {
            parked.awaited = want(decision, 0);
            ++i;
            continue;
        }
        if (decision.kind == Decision::Kind::answer)
            reply_late(parked, decision);
        parked_.erase(parked_.begin() + static_cast<std::ptrdiff_t>(i));
        server_.count_parked(-1);
    }
    next();
}

void TcpSession::expire() {
    const base::TimePoint now = server_.clock_.now();
    const auto overdue = std::erase_if(parked_, [&](const Parked& parked) {
        if (parked.deadline > now)
            return false;
        answer::Context& context = this->context();
        context.overdue = true;
        Decision decision = answer::resolve(parked.query, server_.answer_, context);
        context.overdue = false;
        const bool not_signed = decision.kind == Decision::Kind::sign;
        if (decision.kind != Decision::Kind::answer)
            decision = {.rcode = static_cast<std::uint8_t>(dns::Rcode::servfail),
                        .size = not_signed
                                    ? answer::not_signed(parked.query, server_.answer_, context)
                                    : answer::servfail(parked.query, server_.answer_,
                                                       server_.services_.overdue(), context)};
        reply_late(parked, decision);
        return true;
    });
    server_.count_parked(-static_cast<std::ptrdiff_t>(overdue));
    if (overdue > 0)
        last_progress_ = now;  // time to take the answers
    const base::Duration limit = shut_down_ ? linger : server_.limits_.idle;
    if (parked_.empty() && now - last_progress_ >= limit)
        return close();
    if (now - opened_ >= server_.limits_.total + server_.limits_.idle)
        return close();
    draining_ = draining_ || now - opened_ >= server_.limits_.total;
    next();
}

void TcpSession::drain() {
    draining_ = true;
    next();
}

// What comes after any event: sends, reads, or ends the connection.
void TcpSession::next() {
    if (closed_)
        return;
    if (writing_.empty() && !backlog_.empty())
        write();
    if (passing_)
        return pass();
    if (end_of_input_) {
        // What remains in the buffer is the start of a frame that will never be whole.
        if (shut_down_ || (backlog_.empty() && writing_.empty() && parked_.empty()))
            close();
        return;
    }
    if (handing_over()) {
        if (idle())
            return hand_over();
        // The next query is for whoever takes over, unless something is waited for here.
        if (begin_ == end_ && parked_.empty())
            return;
    } else if (draining_ && !shut_down_ && may_shut_down()) {
        shut_down();
    }
    if (!reading_ && !backlog_full())
        read();
}

// Not while Asio reads: it may have taken something from the socket already. Cancelled, it says so.
void TcpSession::hand_over() {
    error_code ignored;
    if (reading_) {
        socket_.cancel(ignored);
    } else if (server_.hand_over_(socket_.native_handle())) {
        // Not by Asio, which leaves it to close(2) to end its watch: others have it open.
        const base::UniqueFd given_away(socket_.release(ignored));
        close();
    }
}

// When all before is answered.
void TcpSession::pass() {
    error_code ignored;
    if (!backlog_.empty() || !writing_.empty() || !parked_.empty())
        return;
    if (reading_) {
        socket_.cancel(ignored);
        return;
    }
    if (!server_.pass_ || !server_.pass_(socket_.native_handle(), received()))
        return;  // there may be somebody soon: expire tries again, or ends it
    const base::UniqueFd given_away(socket_.release(ignored));
    close();
}

bool TcpSession::may_shut_down() const {
    error_code ignored;
    return idle() && socket_.available(ignored) == 0 &&
           (moved_since_drain_ || server_.clock_.now() - last_progress_ >= drain_grace);
}

// Closing with a query on its way would reset the connection, and the client could lose answers
// that it has not read yet. So we say that we are done and wait until the client closes.
void TcpSession::shut_down() {
    error_code ignored;
    socket_.shutdown(boost::asio::ip::tcp::socket::shutdown_send, ignored);
    shut_down_ = true;
    last_progress_ = server_.clock_.now();
}

void TcpSession::write() {
    std::swap(writing_, backlog_);
    boost::asio::async_write(socket_, boost::asio::buffer(writing_),
                             [self = shared_from_this()](const error_code& error, std::size_t) {
                                 if (self->closed_)
                                     return;
                                 if (error)
                                     return self->close();
                                 self->writing_.clear();
                                 self->move_on();
                                 self->process();
                             });
}

void TcpSession::move_on() {
    last_progress_ = server_.clock_.now();
    moved_since_drain_ = draining_;
    server_.moved_on(place_);
}

void TcpSession::close() {
    if (std::exchange(closed_, true))
        return;
    error_code ignored;
    socket_.close(ignored);
    server_.count_parked(-static_cast<std::ptrdiff_t>(parked_.size()));
    server_.remove(place_, source_);
}

}  // namespace summond::net
