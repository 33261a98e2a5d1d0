#include "summond/net/signing.hpp"

#include <sys/eventfd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "parked.hpp"
#include "summond/base/log.hpp"
#include "unix_time.hpp"

namespace summond::net {

namespace {

ipc::SignWanted message_of(const answer::Statement& statement) {
    ipc::SignWanted message{};
    message.tag = statement.tag;
    message.kind = static_cast<std::uint8_t>(statement.kind);
    message.size = statement.size;
    message.apex_size = statement.apex_size;
    message.content = statement.content;
    std::ranges::copy(statement.ipv4, message.ipv4);
    std::copy_n(statement.name.begin(), statement.size, message.name);
    return message;
}

}  // namespace

Signing::Signing(const answer::Signatures::Limits& limits, const std::array<std::uint8_t, 16>& seed,
                 const base::Clock& clock, std::function<void()> made,
                 metrics::DnsCounters* counters)
    : signatures_(limits, seed),
      clock_(clock),
      made_(std::move(made)),
      counters_(counters),
      wanted_fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (!wanted_fd_)
        throw std::system_error(errno, std::generic_category(), "eventfd");
}

bool Signing::want(const answer::Statement& statement, bool verified) noexcept {
    const auto wanted = signatures_.want(statement, verified, clock_.now());
    if (wanted == answer::Signatures::Wanted::asked)
        ::eventfd_write(wanted_fd_.get(), 1);
    return wanted != answer::Signatures::Wanted::refused;
}

void Signing::take_wanted() {
    eventfd_t ignored;
    ::eventfd_read(wanted_fd_.get(), &ignored);
    ask();
}

// What the link does not take now is asked when it does, or of the next signer.
void Signing::ask() {
    while (signer_.is_open() && !signer_.is_full()) {
        const auto statement = signatures_.take_asked();
        if (!statement)
            return;
        if (!signer_.send(message_of(*statement)))
            signatures_.take_again(statement->tag);
    }
}

void Signing::connect(boost::asio::io_context& io, ipc::Channel channel) {
    signer_ =
        ipc::Link(io, std::move(channel),
                  {[this](ipc::Received& message) { return from_signer(message); },
                   [] { spdlog::warn("the connection to signer is gone"); }, [this] { ask(); },
                   [this] {
                       if (std::exchange(news_, false))
                           made_();
                   }});
    signatures_.take_all_again();
    ask();
}

bool Signing::from_signer(ipc::Received& message) {
    if (message.type != ipc::Type::signed_record)
        return false;
    const auto made = message.as<ipc::SignedRecord>();
    if (made.count > answer::SignatureSet::most)
        return false;
    answer::SignatureSet set;
    if (made.count == 0) {
        // It may be another configuration's by the time that somebody asks again.
        constexpr std::uint32_t refused_for = 5;  // seconds
        set.due = set.expiration = unix_time() + refused_for;
        news_ = signatures_.put(made.tag, set) || news_;
        return true;
    }
    set.inception = made.inception;
    set.expiration = made.expiration;
    set.due = made.due;
    set.count = static_cast<std::uint8_t>(made.count);
    for (std::size_t i = 0; i < set.count; ++i) {
        set.signature[i].algorithm = made.signature[i].algorithm;
        set.signature[i].key_tag = made.signature[i].key_tag;
        std::ranges::copy(made.signature[i].octets, set.signature[i].octets.begin());
    }
    // What nobody has asked for is of no use, and does no harm.
    if (signatures_.put(made.tag, set)) {
        news_ = true;
        if (counters_ != nullptr)
            counters_->signatures_made.add();
    }
    return true;
}

void Signing::tick() {
    signatures_.forget_older_than(clock_.now() - park_time);
    ask();
}

}  // namespace summond::net
