// The front's side of role signer: what is wanted is asked for, and what has been signed is kept in
// answer::Signatures for all threads. Where there is no signer, what has been asked for waits for
// the next one as long as queries may be parked.
//
// want() is for any thread; everything else runs on the front's main thread, which is that of the
// signer's link. The caller watches wanted_fd() and calls tick().
#pragma once

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <functional>

#include "summond/answer/signatures.hpp"
#include "summond/base/clock.hpp"
#include "summond/base/unique_fd.hpp"
#include "summond/ipc/link.hpp"
#include "summond/metrics/front_counters.hpp"

namespace summond::net {

class Signing {
  public:
    // made: there are new signatures, and parked queries are to be resolved again. counters: the
    // main thread's; null: nothing is counted.
    Signing(const answer::Signatures::Limits& limits, const std::array<std::uint8_t, 16>& seed,
            const base::Clock& clock, std::function<void()> made,
            metrics::DnsCounters* counters = nullptr);

    answer::Signatures& signatures() { return signatures_; }
    // False: too many are. verified: the client's address is not forged.
    bool want(const answer::Statement& statement, bool verified) noexcept;

    // Readable after a want(); the main thread then calls take_wanted.
    int wanted_fd() const { return wanted_fd_.get(); }
    void take_wanted();
    // A new signer, in place of the one before, if any. io outlives this.
    void connect(boost::asio::io_context& io, ipc::Channel channel);
    // About once a second.
    void tick();

  private:
    void ask();
    bool from_signer(ipc::Received& message);

    answer::Signatures signatures_;
    const base::Clock& clock_;
    const std::function<void()> made_;
    metrics::DnsCounters* const counters_;
    base::UniqueFd wanted_fd_;
    ipc::Link signer_;
    bool news_ = false;  // since made_ was called
};

}  // namespace summond::net
