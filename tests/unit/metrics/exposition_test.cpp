#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "summond/metrics/table.hpp"

namespace summond::metrics {
namespace {

using namespace std::chrono_literals;
using service::Phase;
using service::WakeFailure;
using service::WakeReason;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

// With something of everything.
struct Full {
    std::unique_ptr<VmmCounters> vmm = std::make_unique<VmmCounters>();
    VmmCount count{vmm.get()};
    std::unique_ptr<TransferCounters> transfer = std::make_unique<TransferCounters>();
    TransferCount transfers{transfer.get()};
    Snapshot snapshot;

    Full() {
        count.done(1, WakeReason::dns);
        count.done(1, WakeReason::dns);
        count.failed(1, WakeReason::packet, WakeFailure::no_memory);
        count.done(77, WakeReason::dns);  // not configured any more
        count.phase(0, WakePhase::ready, 40ms);
        count.phase(0, WakePhase::ready, 200s);
        count.handed_over(3);
        vmm->file.state.set(static_cast<std::uint64_t>(StateFile::usable));
        vmm->file.written_at_ms.set(1'764'478'801'250);
        vmm->file.failures.add(2);
        snapshot.vmm = vmm.get();
        const base::Endpoint second{*base::IpAddress::parse("192.0.2.2"), 53};
        const base::Endpoint third{*base::IpAddress::parse("2001:db8::3"), 5353};
        const base::Endpoint gone{*base::IpAddress::parse("192.0.2.4"), 53};
        transfers.transferred(TransferKind::ixfr_as_axfr, true, 700);
        transfers.transferred(TransferKind::axfr, false, 50);
        transfers.in_progress(1);
        transfers.in_progress(1);
        transfers.in_progress(-1);
        transfers.refused(TransferRefusal::none);
        transfers.refused(TransferRefusal::malformed);
        transfers.connections(4);
        transfers.no_room();
        transfers.notified(gone);
        transfers.notified(third);
        transfers.notified(second, NotifyResult::given_up);
        transfers.waiting({second, third, third}, {third, third});
        snapshot.transfer = transfer.get();
        snapshot.zone_serials = {{"jit.example.", 4'000'000'000}};
        snapshot.version = "1.2.3";
        snapshot.services = {{.id = 1,
                              .name = "we\"b\\1\n",
                              .phase = Phase::ready,
                              .memory_bytes = 1 << 20,
                              .standby_copies = 2,
                              .standby_bytes = 2 << 20,
                              .pinned = true},
                             {.id = 2, .name = "b", .phase = Phase::failed, .retry_seconds = 2.5},
                             {.id = 3, .name = "c"}};
        snapshot.processes = {{"front", true, 100.5, 0}, {"front", false, 200, 2}, {"vmm", false}};
        snapshot.memory_limit_bytes = 10 << 20;
        snapshot.domain_limit = 2;
        snapshot.pool_addresses = 62;
        snapshot.leased = 5;
        snapshot.held_packets = 12;
        snapshot.zones = 7;
        snapshot.unloaded_zones = 2;
        snapshot.loads = 5;
        snapshot.failed_loads = 3;
        snapshot.load_succeeded = false;
        snapshot.loaded_at = 1764478800.25;
        snapshot.signatures_end = 1765000000;
        snapshot.config_hash = 0xffff'ffff'ffff;
        snapshot.webhooks = {{.name = "ops", .delivered = 4, .failed = 1, .waiting = 2}};
        snapshot.fleet = {.connected = true, .joined = false, .hosts = 3, .ignored = 9};
        DnsCounters& udp = snapshot.front.udp;
        udp.answered[label_of(dns::Type::a)][0].add(10);
        udp.answered[label_of(dns::Type::a)][3].add(1);
        udp.parked[label_of(dns::Type::a)].add(2);
        udp.dropped[label_of(dns::Type::a)].add(4);
        udp.late[0].add(2);
        udp.cookies[2].add(9);
        udp.challenged[3].add(7);
        snapshot.front.tcp.answered[no_type][1].add(3);
        snapshot.front.tcp_sessions = 6;
    }
};

std::vector<std::string> lines(const std::string& text) {
    std::istringstream in(text);
    std::vector<std::string> result;
    for (std::string line; std::getline(in, line);)
        result.push_back(line);
    return result;
}

TEST(Exposition, HasWhatThereIs) {
    const Full full;
    const auto text = lines(exposition(full.snapshot));
    for (const char* line : {
             R"(# TYPE summond_dns_queries_total counter)",
             R"(summond_dns_queries_total{transport="udp",type="A"} 17)",
             R"(summond_dns_queries_total{transport="tcp",type="none"} 3)",
             R"(summond_dns_responses_total{transport="udp",rcode="NOERROR"} 12)",
             R"(summond_dns_responses_total{transport="udp",rcode="NXDOMAIN"} 1)",
             R"(summond_dns_responses_total{transport="tcp",rcode="FORMERR"} 3)",
             R"(summond_dns_cookie_queries_total{transport="udp",cookie="valid"} 9)",
             R"(summond_dns_limited_responses_total{response="error",action="challenged"} 7)",
             R"(summond_dns_tcp_connections 6)",
             R"(summond_wakes_total{service="we\"b\\1\n",reason="dns",result="ready"} 2)",
             R"(summond_wakes_total{service="we\"b\\1\n",reason="packet",result="failed"} 1)",
             R"(summond_wake_failures_total{failure="no_memory"} 1)",
             R"(summond_wake_seconds_bucket{until="ready",from="build",le="0.025"} 0)",
             R"(summond_wake_seconds_bucket{until="ready",from="build",le="0.05"} 1)",
             R"(summond_wake_seconds_bucket{until="ready",from="build",le="100"} 1)",
             R"(summond_wake_seconds_bucket{until="ready",from="build",le="+Inf"} 2)",
             R"(summond_wake_seconds_sum{until="ready",from="build"} 200.04)",
             R"(summond_wake_seconds_count{until="ready",from="build"} 2)",
             R"(summond_wake_packets_handed_over_total 3)",
             R"(summond_wake_packets_held 12)",
             R"(summond_transfers_total{kind="ixfr_as_axfr",result="complete"} 1)",
             R"(summond_transfers_total{kind="axfr",result="broken_off"} 1)",
             R"(summond_transfer_sent_bytes_total 750)",
             R"(summond_transfers_in_progress 1)",
             R"(summond_transfer_refusals_total{reason="malformed"} 1)",
             R"(summond_transfer_refusals_total{reason="tsig"} 0)",
             R"(summond_transfer_connections 4)",
             R"(summond_transfer_connections_refused_total 1)",
             R"(summond_notify_messages_total{secondary="[2001:db8::3]:5353"} 1)",
             R"(summond_notify_results_total{secondary="192.0.2.2:53",result="given_up"} 1)",
             R"(summond_notify_waiting{secondary="[2001:db8::3]:5353"} 2)",
             R"(summond_notify_waiting{secondary="192.0.2.2:53"} 0)",
             R"(summond_zone_serial{zone="jit.example."} 4000000000)",
             R"(summond_zones{state="loaded"} 5)",
             R"(summond_zones{state="not_loaded"} 2)",
             R"(summond_state_writable 1)",
             R"(summond_state_write_failures_total 2)",
             R"(summond_state_last_write_timestamp_seconds 1764478801)",
             R"(summond_config_load_failures_total 3)",
             R"(summond_services{phase="ready"} 1)",
             R"(summond_services{phase="asleep"} 0)",
             R"(summond_service_phase{service="b",phase="failed"} 1)",
             R"(summond_service_retry_seconds{service="b"} 2.5)",
             R"(summond_memory_bytes{use="running"} 1048576)",
             R"(summond_memory_bytes{use="free"} 7340032)",
             R"(summond_domains{use="standby"} 2)",
             R"(summond_domains{use="shells"} 0)",
             R"(summond_domains{use="free"} 0)",
             R"(summond_pool_addresses{state="leased"} 5)",
             R"(summond_pool_addresses{state="free"} 57)",
             R"(summond_build_info{version="1.2.3"} 1)",
             R"(summond_process_up{role="front"} 1)",
             R"(summond_process_up{role="vmm"} 0)",
             R"(summond_process_start_time_seconds{role="front"} 200)",
             R"(summond_process_restarts_total{role="front"} 2)",
             R"(summond_config_loads_total 5)",
             R"(summond_config_last_load_successful 0)",
             R"(summond_config_last_load_timestamp_seconds 1764478800.25)",
             R"(summond_config_hash 281474976710655)",
         })
        EXPECT_THAT(text, Contains(line));
    EXPECT_THAT(text, Not(Contains(HasSubstr("service=\"c\""))));
    EXPECT_THAT(text, Not(Contains(HasSubstr("192.0.2.4"))));  // configured no more
}

TEST(Exposition, EachLineIsOfTheFormatAndEachSeriesIsThereOnce) {
    const Full full;
    const std::regex sample(
        R"re([a-z_]+(\{[a-z]+="([^"\\\n]|\\["\\n])*"(,[a-z]+="([^"\\\n]|\\["\\n])*")*\})? [0-9.e+-]+)re");
    std::set<std::string> series;
    for (const std::string& line : lines(exposition(full.snapshot))) {
        if (line.starts_with("# "))
            continue;
        EXPECT_TRUE(std::regex_match(line, sample)) << line;
        EXPECT_TRUE(series.insert(line.substr(0, line.rfind(' '))).second) << line;
    }
}

TEST(Exposition, EachMetricHasSamples) {
    const Full full;
    const std::string text = exposition(full.snapshot);
    for (const Metric& metric : table()) {
        const std::string begin = "\n" + std::string(metric.name);
        EXPECT_TRUE(text.find(begin + "{") != std::string::npos ||
                    text.find(begin + " ") != std::string::npos ||
                    text.find(begin + "_bucket{") != std::string::npos)
            << metric.name;
    }
}

// A daemon that has only begun, and whose vmm has never been there.
TEST(Exposition, IsOfBoundedSizeWithoutServices) {
    const auto snapshot = std::make_unique<Snapshot>();
    EXPECT_LT(exposition(*snapshot).size(), 25'000U);
}

TEST(Exposition, ReadsAnythingThatAProcessMayHaveWritten) {
    Full full;
    full.vmm->services.set(~std::uint64_t{0});
    full.transfer->secondaries.set(~std::uint64_t{0});
    full.transfer->secondary[9].port.set(~std::uint64_t{0});
    const std::string text = exposition(full.snapshot);
    EXPECT_THAT(text, HasSubstr("summond_wakes_total{"));
    EXPECT_THAT(text, HasSubstr("summond_notify_waiting{"));
}

TEST(Table, KeepsToTheCustomsOfPrometheus) {
    std::set<std::string_view> names;
    for (const Metric& metric : table()) {
        EXPECT_TRUE(names.insert(metric.name).second) << metric.name;
        EXPECT_TRUE(std::regex_match(std::string(metric.name), std::regex("summond_[a-z_]+")));
        EXPECT_EQ(metric.name.ends_with("_total"), metric.kind == Kind::counter) << metric.name;
        EXPECT_TRUE(std::regex_match(std::string(metric.labels), std::regex("([a-z]+(,[a-z]+)*)?")))
            << metric.name;
        EXPECT_THAT(std::string(metric.help), Not(testing::ContainsRegex("[\n\\|]")));
        EXPECT_TRUE(metric.help.ends_with('.')) << metric.name;
    }
}

TEST(VmmCount, GoesOnWithWhatAnEarlierOneHasCounted) {
    const auto counters = std::make_unique<VmmCounters>();
    {
        VmmCount first(counters.get());
        first.done(11, WakeReason::dns);
        first.done(12, WakeReason::dns);
    }
    VmmCount second(counters.get());
    second.done(12, WakeReason::dns);
    second.done(13, WakeReason::schedule);
    EXPECT_EQ(counters->services.get(), 3U);
    EXPECT_EQ(counters->service[1].service.get(), 12U);
    EXPECT_EQ(counters->service[1].done[0].get(), 2U);
    EXPECT_EQ(counters->service[2].service.get(), 13U);
}

TEST(VmmCount, BeyondItsRoomOnlyWhatConcernsAllIsCounted) {
    const auto counters = std::make_unique<VmmCounters>();
    VmmCount count(counters.get());
    for (service::Id id = 1; id <= max_counted_services + 2; ++id)
        count.failed(id, WakeReason::dns, WakeFailure::crashed);
    EXPECT_EQ(counters->services.get(), max_counted_services);
    EXPECT_EQ(counters->failures[static_cast<std::size_t>(WakeFailure::crashed)].get(),
              max_counted_services + 2);
    count.done(1, WakeReason::dns);
    EXPECT_EQ(counters->service[0].done[0].get(), 1U);
}

TEST(VmmCount, CountsNothingWithoutMemory) {
    VmmCount count(nullptr);
    count.done(1, WakeReason::dns);
    count.failed(1, WakeReason::dns, WakeFailure::crashed);
    count.phase(0, WakePhase::built, 1ms);
    count.handed_over(1);
}

TEST(TransferCount, GoesOnWithWhatAnEarlierOneHasCounted) {
    const auto counters = std::make_unique<TransferCounters>();
    const auto secondary = [](std::uint16_t port) {
        return base::Endpoint{*base::IpAddress::parse("2001:db8::1"), port};
    };
    TransferCount(counters.get()).notified(secondary(1));
    TransferCount second(counters.get());
    second.notified(secondary(1));
    EXPECT_EQ(counters->secondaries.get(), 1U);
    EXPECT_EQ(counters->secondary[0].sent.get(), 2U);
    EXPECT_EQ(counters->secondary[0].endpoint(), secondary(1));
    for (std::uint16_t port = 2; port < max_counted_secondaries + 9; ++port)
        second.notified(secondary(port), NotifyResult::heard);
    EXPECT_EQ(counters->secondaries.get(), max_counted_secondaries);
    second.waiting({secondary(999)}, {secondary(999), secondary(1)});
    EXPECT_EQ(counters->now.secondary[0].waiting.get(), 1U);
    EXPECT_EQ(counters->now.secondary[0].configured.get(), 0U);
}

TEST(TransferCount, CountsNothingWithoutMemory) {
    TransferCount count(nullptr);
    count.transferred(TransferKind::axfr, true, 1);
    count.in_progress(1);
    count.refused(TransferRefusal::acl);
    count.notified({}, NotifyResult::heard);
    count.waiting({{}}, {{}});
}

// docs/METRICS.md has the table as it is; SUMMOND_WRITE_DOCS=1 writes it there.
TEST(Documentation, IsOfTheTable) {
    const std::string begin = "<!-- table of metrics: made from src/metrics -->\n";
    const std::string end = "<!-- end of the table -->";
    std::ifstream in(METRICS_MD);
    std::string page{std::istreambuf_iterator<char>(in), {}};
    const auto from = page.find(begin);
    const auto to = page.find(end);
    ASSERT_TRUE(from != std::string::npos && to != std::string::npos && from < to);
    const std::string there = page.substr(from + begin.size(), to - from - begin.size());
    if (std::getenv("SUMMOND_WRITE_DOCS") != nullptr) {
        page.replace(from + begin.size(), there.size(), documentation());
        std::ofstream(METRICS_MD) << page;
    } else {
        EXPECT_EQ(there, documentation());
    }
}

}  // namespace
}  // namespace summond::metrics
