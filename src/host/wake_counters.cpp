#include "summond/host/wake_counters.hpp"

#include <fmt/format.h>

#include <chrono>
#include <string_view>
#include <utility>

#include "summond/base/log.hpp"

namespace summond::host {
namespace {

constexpr std::string_view table = "bridge summond_wakes";
constexpr std::chrono::seconds shown_within{1};

}  // namespace

WakeCounters::WakeCounters(boost::asio::io_context& io) : timer_(io) {
    (void)nft_.run(without_table(table));  // where it cannot, it cannot write either, and says so
}

WakeCounters::~WakeCounters() {
    (void)nft_.run(without_table(table));
}

void WakeCounters::show(const service::Instance& service, const vm::Wakes& wakes) {
    std::string& counters = unwritten_[service.id()];
    counters.clear();
    const auto put = [&](const char* what, const vm::Wakes::Count& count) {
        if (count.wakes == 0)
            return;
        using std::chrono::milliseconds;
        const std::string counter =
            fmt::format("counter {} w{:016x}_{}", table, service.id(), what);
        // A counter can be given a value only when it is made.
        counters += fmt::format(
            "add {0}\ndelete {0}\n"
            "add {0} {{ packets {1} bytes {2}; comment \"{3} woken, {4}: times, ms waited\"; }}\n",
            counter, count.wakes, std::chrono::duration_cast<milliseconds>(count.waited).count(),
            service.name(), what);
    };
    for (std::size_t why = 0; why < wakes.by_reason.size(); ++why)
        put(to_string(static_cast<service::WakeReason>(why)), wakes.by_reason[why]);
    put("standby", wakes.from_standby);

    if (timer_.expiry() > std::chrono::steady_clock::now())
        return;
    timer_.expires_after(shown_within);
    timer_.async_wait([this](const auto& ec) {
        if (ec)
            return;
        if (const auto r = write(); !r)
            spdlog::warn("wakes are not counted: {}", r.error().what);
    });
}

base::Result<void> WakeCounters::write() {
    std::string commands = fmt::format("add table {}\n", table);
    for (const auto& [service, counters] : std::exchange(unwritten_, {}))
        commands += counters;
    if (const auto r = nft_.run(commands); !r)
        return tl::make_unexpected(r.error());
    return {};
}

}  // namespace summond::host
