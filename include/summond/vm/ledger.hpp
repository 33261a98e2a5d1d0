// What the lifecycles know that neither Xen nor the configuration does, kept so that the next vmm
// knows it, too. No I/O here: module store keeps it in a file, on a thread of its own.
//
// No call waits for a ledger, and what is told may get lost with the host. Leases alone are waited
// for, by whoever would give out their addresses.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "summond/base/clock.hpp"
#include "summond/base/ip_address.hpp"
#include "summond/service/identity.hpp"
#include "summond/service/wake.hpp"
#include "summond/vm/wake_record.hpp"

namespace summond::vm {

// A service stays as it is, whoever would put it away.
struct Pin {
    std::optional<base::TimePoint> until{};  // none: until somebody unpins it
    friend bool operator==(const Pin&, const Pin&) = default;
};

// A service sleeps because somebody wants it to, although it is to be up.
struct Rest {
    std::optional<base::TimePoint> until{};  // none: until somebody asks for it
    friend bool operator==(const Rest&, const Rest&) = default;
};

// What went wrong with a service's domains, and until when nothing is built for it (Backoff).
struct Setback {
    unsigned failures = 0;     // wakes in a row
    unsigned short_lives = 0;  // likewise
    service::WakeFailure why = service::WakeFailure::none;
    base::TimePoint until{};
    friend bool operator==(const Setback&, const Setback&) = default;
};

// All that is kept of one service, told whole at each change as service::Status is.
struct Kept {
    service::Id service = 0;
    std::optional<Pin> pin{};
    std::optional<Rest> rest{};
    std::optional<Setback> setback{};            // none: nothing is wrong
    std::optional<base::TimePoint> last_used{};  // the last packet or answer; none: nobody knows
    friend bool operator==(const Kept&, const Kept&) = default;
};

// An IPv4 address that is an instance's, and nobody else's until it is told of no more.
struct Lease {
    base::IpAddress address;
    std::string name;       // the instance's
    std::uint32_t ttl = 0;  // with which it may have been given out, at most
    friend bool operator==(const Lease&, const Lease&) = default;
};

// What an earlier process has left. Its times are in this process's clock, and plausible: no
// deadline is further away than it was when it was told, no use is in the future.
struct Remembered {
    bool drained = false;
    std::vector<Kept> services{};
    std::vector<WakeRecord> wakes{};  // the last ones, the oldest first
    std::vector<Lease> leases{};
    bool leases_lost = false;  // there may have been others, which nobody knows any more
};

class Ledger {
  public:
    virtual ~Ledger() = default;

    // Once, before anything is told.
    virtual Remembered remembered() = 0;
    virtual void keep(const Kept& kept) = 0;
    // The service is configured no more: nothing is kept of it but its wakes.
    virtual void forget(service::Id service) = 0;
    // No new wakes, until they are let again.
    virtual void drained(bool drained) = 0;
    // Again with the same number: that one has changed.
    virtual void woke(const WakeRecord& record) = 0;
    // Of an address that is another's already: it is this one's now. number: goes up.
    virtual void lease(const Lease& lease, std::uint64_t number) = 0;
    // It is free again.
    virtual void release(const base::IpAddress& address) = 0;
    // Told, on any thread, when leases up to a number are kept whatever happens to this process and
    // to the host; 0: those that were are no more, and are to be told again.
    virtual void on_leased(std::function<void(std::uint64_t)> kept) = 0;
};

// Keeps nothing.
class NoLedger final : public Ledger {
  public:
    Remembered remembered() override { return {}; }
    void keep(const Kept&) override {}
    void forget(service::Id) override {}
    void drained(bool) override {}
    void woke(const WakeRecord&) override {}
    void lease(const Lease&, std::uint64_t number) override {
        if (kept_)
            kept_(number);
    }
    void release(const base::IpAddress&) override {}
    void on_leased(std::function<void(std::uint64_t)> kept) override { kept_ = std::move(kept); }

  private:
    std::function<void(std::uint64_t)> kept_;
};

}  // namespace summond::vm
