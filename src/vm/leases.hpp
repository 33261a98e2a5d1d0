// Which instance has which IPv4 address of its pattern's pool (docs/design/patterns.md). An address
// is given out when its lease is kept, and is nobody else's before that domain is gone and the TTL
// of the last answer is over. vmm's thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "summond/base/clock.hpp"
#include "summond/base/ip_address.hpp"
#include "summond/service/identity.hpp"
#include "summond/service/report.hpp"
#include "summond/service/template.hpp"
#include "summond/vm/ledger.hpp"

namespace summond::vm {

class Leases {
  public:
    // Beyond the TTL: what fronts have answered is told once a second, and one that is stopped for
    // a while answers from what it knows. As long as a query waits.
    static constexpr std::chrono::seconds margin{10};

    Leases(Ledger& ledger, const base::Clock& clock) : ledger_(ledger), clock_(clock) {}

    // Of all services there are now.
    void configure(const std::vector<const service::Template*>& patterns);
    // What an earlier process has left: each may have been given out until now.
    void remember(const std::vector<Lease>& leases, bool others_lost);

    // The address that an instance of that name has from now on, until end(): its own one, if it
    // has or had one; none: all are leased, or may have been by an earlier process.
    std::optional<base::IpAddress> lease(const service::Template& of, std::string_view name);
    // It may be given out until then, and is nobody's afterwards.
    void end(service::Id instance, base::TimePoint given_at);
    // None: it has none.
    std::optional<base::IpAddress> of(service::Id instance) const;
    // The same, if it may be given out.
    std::optional<base::IpAddress> kept_of(service::Id instance) const;
    // With which it may have been given out; of one that has none: 0.
    std::uint32_t ttl(service::Id instance) const;
    // Answers have this TTL from now on, too.
    void set_ttl(service::Id instance, std::uint32_t ttl);

    // The ledger has kept those up to this number (Ledger::on_leased). Whose that changes.
    std::vector<service::Id> kept(std::uint64_t number);

    // When tick() may free one.
    std::optional<base::TimePoint> deadline() const;
    void tick();

    service::Pools use() const { return {addresses_, static_cast<std::uint32_t>(leases_.size())}; }

  private:
    struct Held {
        service::Id instance = 0;
        Lease lease;
        std::uint64_t number = 0;              // as it was told last
        bool kept = false;                     // and that is kept
        std::optional<base::TimePoint> until;  // none: its instance is there
    };
    Held* find(service::Id instance);
    const Held* find(service::Id instance) const;
    void tell(Held& held);
    base::TimePoint end_of(const Held& held, base::TimePoint given_at) const {
        return given_at + std::chrono::seconds(held.lease.ttl) + margin;
    }

    Ledger& ledger_;
    const base::Clock& clock_;
    std::map<base::IpAddress, Held> leases_;
    std::map<service::Id, base::IpAddress> of_;
    std::optional<base::TimePoint> unknown_until_;
    std::uint64_t told_ = 0;
    std::uint32_t addresses_ = 0;
    std::uint32_t longest_ttl_ = 0;
};

}  // namespace summond::vm
