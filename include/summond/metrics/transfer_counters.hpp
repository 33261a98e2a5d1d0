// What the role transfer counts, in memory of the same kind as a front's (front_counters.hpp): the
// next one goes on where one that has ended stopped.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "summond/base/ip_address.hpp"
#include "summond/metrics/counter.hpp"

namespace summond::metrics {

// What a client that wants a zone is given: for IXFR that may be the changes, the whole zone where
// they are not known, or the SOA record alone (RFC 1995 §2, §4).
enum class TransferKind : std::uint8_t { axfr, ixfr, ixfr_as_axfr, ixfr_soa };
inline constexpr std::string_view transfer_kinds[] = {"axfr", "ixfr", "ixfr_as_axfr", "ixfr_soa"};
inline constexpr std::string_view transfer_results[] = {"complete", "broken_off"};

enum class TransferRefusal : std::uint8_t { none, tsig, acl, zone, malformed };
inline constexpr std::string_view transfer_refusals[] = {"tsig", "acl", "zone", "malformed"};

enum class NotifyResult : std::uint8_t { heard, refused, given_up };
inline constexpr std::string_view notify_results[] = {"heard", "refused", "given_up"};

// Beyond it, NOTIFY is not counted.
inline constexpr std::size_t max_counted_secondaries = 256;

struct TransferCounters {
    // The parent sets it to 0 when the process has ended.
    struct alignas(4096) Gauges {
        Gauge in_progress;
        Gauge connections;
        struct {
            Gauge configured;  // 1: it is
            Gauge waiting;     // zones whose change it has not heard of
        } secondary[max_counted_secondaries];
    } now;
    Counter transfers[std::size(transfer_kinds)][std::size(transfer_results)];
    Counter octets;
    Counter refusals[std::size(transfer_refusals)];
    Counter no_room;    // connections that were closed
    Gauge secondaries;  // how many of the following are in use
    struct Secondary {
        Gauge address[2];  // 16 octets, of IPv4 the first four
        Gauge port;        // and 65536 where it is IPv6
        Counter sent;
        Counter results[std::size(notify_results)];

        base::Endpoint endpoint() const;
    } secondary[max_counted_secondaries];
};

// The writer's. counters: null: nothing is counted. What an earlier process has counted is found
// there.
class TransferCount {
  public:
    explicit TransferCount(TransferCounters* counters);

    void in_progress(int change);
    void connections(std::size_t now);
    void transferred(TransferKind kind, bool complete, std::uint64_t octets);
    void refused(TransferRefusal why);
    void no_room();

    void notified(const base::Endpoint& secondary);
    void notified(const base::Endpoint& secondary, NotifyResult result);
    // All that are configured, and for how many zones each is yet to be heard; sorted or not, as
    // often as it is named.
    void waiting(const std::vector<base::Endpoint>& configured,
                 const std::vector<base::Endpoint>& waiting);

  private:
    std::optional<std::size_t> index_of(const base::Endpoint& secondary);

    TransferCounters* counters_;
    std::map<std::string, std::size_t> index_;
};

}  // namespace summond::metrics
