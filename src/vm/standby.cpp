#include "standby.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "life_log.hpp"
#include "summond/base/log.hpp"
#include "summond/vm/domain_settings.hpp"

namespace summond::vm {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr seconds first_retry{5};
constexpr minutes longest_retry{5};
constexpr seconds copy_destroy_retry{5};
// After a wake: its client has the machine to itself for a while.
constexpr seconds refill_delay{2};
// What guests do behind their start, such as announcing their addresses (twice, 2 s apart: RFC 5227
// §1.1), is not to be done when a client waits.
constexpr seconds settle_time{3};

// Where a server that is known by its port alone speaks HTTP: http and http-alt of IANA's registry,
// and what else is usual.
constexpr std::array<std::uint16_t, 5> web_ports{80, 8000, 8008, 8080, 8888};

// By which a later process knows a copy that is as it would build it.
std::string mark(const config::Service& service) {
    std::string settings = domain_settings(service) + service.name;
    for (const auto* addresses : {&service.ipv4, &service.ipv6})
        for (const base::IpAddress& address : *addresses)
            settings += " " + address.to_string();
    return fmt::format("{} {:016x}", text(service.standby.stage), config::service_id(settings));
}

}  // namespace

std::uint64_t footprint_kib(const config::Service& service) {
    constexpr std::uint64_t xens_own = 1024;      // LIBXL_PV_EXTRA_MEMORY
    constexpr std::uint64_t pvh_extra = 2048;     // LIBXL_HVM_EXTRA_MEMORY
    constexpr std::uint64_t least_tables = 2048;  // module xen's
    constexpr std::uint64_t shim = 20 * 1024;     // about: a Xen of its own
    const std::uint64_t memory = std::max(service.memory_kib, service.max_memory_kib);
    if (service.type == config::DomainType::pv)
        return memory + xens_own;
    // libxl_get_required_shadow_memory
    const std::uint64_t tables =
        4 * (256 * std::max(service.vcpus, service.max_vcpus) + 2 * (memory / 1024));
    return memory + pvh_extra + std::max({tables, least_tables, service.shadow_memory_kib}) +
           (service.pvshim ? shim : 0);
}

Standby::Standby(Hypervisor& hypervisor, const base::Clock& clock,
                 std::function<void(config::ServiceId)> changed)
    : hypervisor_(hypervisor), clock_(clock), changed_(std::move(changed)) {}

bool Standby::fits(const Entry& entry) const {
    const auto wanted = wanted_.find(entry.service.id);
    if (wanted == wanted_.end())
        return false;
    return mark(entry.service) == mark(wanted->second.service);
}

// Those that will be there for a while.
unsigned Standby::count(config::ServiceId service) const {
    return static_cast<unsigned>(std::ranges::count_if(copies_, [&](const Entry& entry) {
        return entry.service.id == service && entry.state != State::destroying && !entry.unwanted;
    }));
}

void Standby::configure(const std::vector<config::Service>& services,
                        std::optional<std::uint64_t> budget_kib) {
    budget_kib_ = budget_kib;
    std::map<config::ServiceId, Want> wanted;
    for (const config::Service& service : services)
        if (service.standby.count > 0)
            wanted[service.id] = {service};
    wanted_ = std::move(wanted);
    for (auto entry = copies_.begin(); entry != copies_.end(); ++entry) {
        const auto want = wanted_.find(entry->service.id);
        if (!fits(*entry) || count(entry->service.id) > want->second.service.standby.count) {
            spdlog::info("destroying a standby copy of {}: domid {}, not wanted any more",
                         entry->service.name, entry->domid);
            discard(entry);
        }
    }
    while (budget_kib_ && memory_kib() - leaving_kib() > *budget_kib_ && give_back())
        ;
}

void Standby::met(config::ServiceId service, unsigned number) {
    last_number_[service] = std::max(last_number_[service], number);
}

void Standby::adopt(const Found& found) {
    const auto want = wanted_.find(found.service);
    Entry entry{.service = {}, .stage = config::StandbyStage::booted, .number = found.number};
    entry.service.id = found.service;
    entry.domid = found.domid;
    entry.state = State::waiting;
    bool keep = false;
    if (want != wanted_.end()) {
        entry.service = want->second.service;
        entry.stage = entry.service.standby.stage;
        keep = found.complete && found.run == Found::Run::paused &&
               found.standby == mark(entry.service) &&
               count(found.service) < entry.service.standby.count &&
               (!budget_kib_ || memory_kib() + footprint_kib(entry.service) <= *budget_kib_) &&
               hypervisor_.domains().adopt(found.domid) &&
               // The process before this one may have begun to wake it.
               hypervisor_.standby_ports().rest(found.domid, entry.service, *found.standby);
    }
    const auto added = copies_.insert(copies_.end(), std::move(entry));
    if (keep) {
        spdlog::info("adopted a standby copy of {}: domid {}, {}", added->service.name,
                     added->domid, text(added->stage));
        return;
    }
    spdlog::info("destroying domid {}: a standby copy that is not known to be fresh, or not wanted",
                 found.domid);
    destroy(added);
}

std::optional<Standby::Copy> Standby::take(config::ServiceId service) {
    const auto entry = std::ranges::find_if(copies_, [&](const Entry& each) {
        return each.service.id == service && each.state == State::waiting;
    });
    if (entry == copies_.end())
        return std::nullopt;
    const Copy copy{entry->domid, entry->stage, footprint_kib(entry->service)};
    copies_.erase(entry);
    refill_at_ = clock_.now() + refill_delay;
    return copy;
}

std::optional<DomId> Standby::booted(config::ServiceId service) const {
    const auto entry = std::ranges::find_if(copies_, [&](const Entry& each) {
        return each.service.id == service && each.state == State::waiting;
    });
    if (entry == copies_.end() || entry->stage != config::StandbyStage::booted)
        return std::nullopt;
    return entry->domid;
}

bool Standby::give_back() {
    auto entry = std::ranges::find(copies_, State::waiting, &Entry::state);
    if (entry == copies_.end())
        entry = std::ranges::find_if(copies_, [](const Entry& each) {
            return each.state != State::destroying && !each.unwanted;
        });
    if (entry == copies_.end())
        return false;
    spdlog::info("destroying a standby copy of {}: domid {}, its memory is needed",
                 entry->service.name, entry->domid);
    discard(entry);
    return true;
}

bool Standby::died(DomId domid, Death how) {
    const auto entry = std::ranges::find_if(copies_, [&](const Entry& each) {
        return each.state != State::building && each.domid == domid;
    });
    if (entry == copies_.end())
        return false;
    if (entry->state == State::destroying)
        return true;
    const auto service = entry->service.id;
    back_off(service, fmt::format("a standby copy of {}: domid {} {}", entry->service.name, domid,
                                  text(how)));
    if (how == Death::gone) {
        copies_.erase(entry);
        changed_(service);
    } else {
        destroy(entry);
    }
    return true;
}

void Standby::refill(const std::function<bool(const config::Service&)>& room) {
    const bool busy = std::ranges::any_of(copies_, [](const Entry& entry) {
        return entry.state == State::building || entry.state == State::booting;
    });
    if (busy || stopping_ || clock_.now() < refill_at_)
        return;
    for (const auto& [id, want] : wanted_) {
        const config::Service& service = want.service;
        if (count(id) >= service.standby.count || clock_.now() < want.retry_at)
            continue;
        if (budget_kib_ && memory_kib() + footprint_kib(service) > *budget_kib_)
            continue;
        if (!room(service))
            continue;
        begin(service);
        return;
    }
}

void Standby::begin(const config::Service& service) {
    constexpr unsigned numbers = 1023;  // 1 to this; as many as module xen's UUIDs have room for
    unsigned& number = last_number_[service.id];
    number = number % numbers + 1;
    copies_.push_back({.service = service, .stage = service.standby.stage, .number = number});
    const auto entry = std::prev(copies_.end());
    entry->begun_at = clock_.now();
    hypervisor_.domains().build(
        service, number,
        [this, entry](tl::expected<DomId, BuildError> result) { built(entry, std::move(result)); });
}

void Standby::built(Entries::iterator entry, tl::expected<DomId, BuildError> result) {
    if (!result) {
        fail(entry, result.error().what);
        return;
    }
    entry->domid = *result;
    if (entry->unwanted || stopping_)
        destroy(entry);
    else if (entry->stage == config::StandbyStage::built)
        rest(entry);
    else
        boot(entry);
}

void Standby::boot(Entries::iterator entry) {
    entry->state = State::booting;
    if (const auto r = hypervisor_.domains().unpause(entry->domid); !r) {
        fail(entry, r.error().what);
        return;
    }
    entry->since = clock_.now();
    changed_(entry->service.id);  // there is a new deadline
    hypervisor_.domains().await_ready(
        entry->domid, entry->service, [this, entry, domid = entry->domid] {
            // The entry is there as long as this can be called: destroying gives it up.
            if (entry->state != State::booting || entry->domid != domid)
                return;
            entry->state = State::settling;
            entry->since = clock_.now();
            warm_up(*entry);
            changed_(entry->service.id);
        });
}

// What a web server does at its first request is not to be done when a client waits, either. Any
// answer will do, and so will none: it is ready.
void Standby::warm_up(const Entry& entry) {
    const auto* tcp = std::get_if<config::ReadyTcp>(&entry.service.ready.how);
    if (tcp == nullptr || !tcp->http_path.empty() ||
        std::ranges::find(web_ports, tcp->port) == web_ports.end())
        return;
    config::Service asked = entry.service;
    asked.ready.how = config::ReadyTcp{tcp->port, "/"};
    hypervisor_.domains().await_ready(entry.domid, asked, [] {});
}

void Standby::rest(Entries::iterator entry) {
    base::Result<void> r;
    if (entry->stage == config::StandbyStage::booted)
        r = hypervisor_.domains().pause(entry->domid);
    if (r)
        r = hypervisor_.standby_ports().rest(entry->domid, entry->service, mark(entry->service));
    if (!r) {
        fail(entry, r.error().what);
        return;
    }
    const auto now = clock_.now();
    spdlog::info("standby {}: domid {}, {}, after {} ms", entry->service.name, entry->domid,
                 text(entry->stage), in_ms(now - entry->begun_at));
    entry->state = State::waiting;
    if (const auto want = wanted_.find(entry->service.id); want != wanted_.end())
        want->second.failures = 0;
    changed_(entry->service.id);
}

void Standby::back_off(config::ServiceId service, const std::string& what) {
    const auto want = wanted_.find(service);
    if (want == wanted_.end()) {
        spdlog::warn("{}", what);
        return;
    }
    seconds backoff = first_retry;
    for (unsigned i = 0; i < want->second.failures && backoff < longest_retry; ++i)
        backoff *= 2;
    backoff = std::min<seconds>(backoff, longest_retry);
    ++want->second.failures;
    want->second.retry_at = clock_.now() + backoff;
    spdlog::warn("{} (next try in {} s)", what, backoff.count());
}

void Standby::fail(Entries::iterator entry, const std::string& what) {
    const auto service = entry->service.id;
    if (!entry->unwanted)
        back_off(service, "no standby copy of " + entry->service.name + ": " + what);
    if (entry->state == State::building) {
        copies_.erase(entry);  // the hypervisor has left nothing of it
        changed_(service);
    } else {
        destroy(entry);
    }
}

void Standby::discard(Entries::iterator entry) {
    switch (entry->state) {
        case State::building:
            entry->unwanted = true;
            return;
        case State::booting:
        case State::settling:
        case State::waiting:
            destroy(entry);
            return;
        case State::destroying:
            return;
    }
}

void Standby::destroy(Entries::iterator entry) {
    entry->state = State::destroying;
    entry->destroy_in_flight = true;
    hypervisor_.domains().destroy(entry->domid, [this, entry](const base::Result<void>& result) {
        const auto service = entry->service.id;
        entry->destroy_in_flight = false;
        if (result) {
            copies_.erase(entry);
        } else {
            spdlog::error("could not destroy domid {}: {} (trying again in {} s)", entry->domid,
                          result.error().what, copy_destroy_retry.count());
            entry->since = clock_.now();
        }
        changed_(service);
    });
    changed_(entry->service.id);
}

void Standby::stop() {
    stopping_ = true;
    for (auto entry = copies_.begin(); entry != copies_.end(); ++entry)
        discard(entry);
}

std::uint64_t Standby::memory_kib() const {
    std::uint64_t sum = 0;
    for (const Entry& entry : copies_)
        sum += footprint_kib(entry.service);
    return sum;
}

std::uint64_t Standby::leaving_kib() const {
    std::uint64_t sum = 0;
    for (const Entry& entry : copies_)
        if (entry.state == State::destroying || entry.unwanted)
            sum += footprint_kib(entry.service);
    return sum;
}

unsigned Standby::leaving() const {
    return static_cast<unsigned>(std::ranges::count_if(copies_, [](const Entry& entry) {
        return entry.state == State::destroying || entry.unwanted;
    }));
}

std::optional<base::TimePoint> Standby::deadline() const {
    std::optional<base::TimePoint> next;
    const auto earlier = [&next](base::TimePoint at) { next = next ? std::min(*next, at) : at; };
    for (const Entry& entry : copies_) {
        if (entry.state == State::booting)
            earlier(entry.since + entry.service.ready.timeout);
        if (entry.state == State::settling)
            earlier(entry.since + settle_time);
        if (entry.state == State::destroying && !entry.destroy_in_flight)
            earlier(entry.since + copy_destroy_retry);
    }
    if (!stopping_)
        for (const auto& [id, want] : wanted_)
            if (const auto at = std::max(want.retry_at, refill_at_);
                clock_.now() < at && count(id) < want.service.standby.count)
                earlier(at);
    return next;
}

void Standby::tick() {
    const auto now = clock_.now();
    for (auto next = copies_.begin(); next != copies_.end();) {
        const auto entry = next++;
        if (entry->state == State::booting && now >= entry->since + entry->service.ready.timeout)
            fail(entry, fmt::format("domid {} was not ready within {} ms", entry->domid,
                                    in_ms(entry->service.ready.timeout)));
        else if (entry->state == State::settling && now >= entry->since + settle_time)
            rest(entry);
        else if (entry->state == State::destroying && !entry->destroy_in_flight &&
                 now >= entry->since + copy_destroy_retry)
            destroy(entry);
    }
}

}  // namespace summond::vm
