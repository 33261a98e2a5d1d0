#include "summond/vm/manager.hpp"

#include <algorithm>

#include "admission.hpp"
#include "leases.hpp"
#include "lifecycle.hpp"
#include "pressure.hpp"
#include "replicas.hpp"
#include "standby.hpp"
#include "summond/base/log.hpp"

namespace summond::vm {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Traffic is read this often at the shortest and the longest; in between, a quarter of the
// shortest idle time, so that a domain outstays its idle time by a quarter at most.
constexpr milliseconds shortest_sample{1000};
constexpr milliseconds longest_sample{15'000};
// When a service that is in use was used last.
constexpr seconds use_kept_every{60};
constexpr std::size_t wakes_remembered = 10'000;

}  // namespace

Manager::Manager(Hypervisor& hypervisor, const base::Clock& clock,
                 const base::WallClock& wall_clock,
                 std::function<void(const service::Status&)> changed, Ledger& ledger)
    : hypervisor_(hypervisor),
      clock_(clock),
      wall_clock_(wall_clock),
      changed_(std::move(changed)),
      ledger_(ledger),
      leases_(std::make_unique<Leases>(ledger, clock)),
      standby_(std::make_unique<Standby>(hypervisor, clock,
                                         [this](service::Id service) {
                                             admission_->freed();
                                             follow_up_due_ = true;
                                             publish(service);
                                         })),
      admission_(std::make_unique<Admission>(busy_, *standby_, clock,
                                             [this] { return sample_traffic(); })),
      pressure_(std::make_unique<Pressure>(clock)),
      replicas_(std::make_unique<Replicas>(clock)) {
    hypervisor_.domains().on_death([this](DomId domid, Death how) { died(domid, how); });
}

Manager::~Manager() = default;

Lifecycle* Manager::find(service::Id service) const {
    const auto it = lifecycles_.find(service);
    return it == lifecycles_.end() ? nullptr : it->second.get();
}

void Manager::publish(service::Id service) {
    changed_(status(service).value_or(service::unknown(service)));
}

void Manager::add(const service::Instance& service) {
    Lifecycle::Hooks hooks{.changed =
                               [this](service::Id service) {
                                   follow_up_due_ = true;
                                   unkept_.insert(service);
                                   busy_.emplace(service, find(service));
                                   publish(service);
                               },
                           .wants_domain =
                               [this](Lifecycle& lifecycle) {
                                   busy_.emplace(lifecycle.service().id(), &lifecycle);
                                   admission_->request(lifecycle);
                               },
                           .freed = [this] { admission_->freed(); },
                           .woke = [this](WakeRecord& record) { told(record); }};
    lifecycles_
        .emplace(service.id(), std::make_unique<Lifecycle>(service, hypervisor_, clock_,
                                                           wall_clock_, std::move(hooks)))
        .first->second->drain(drained_);
}

void Manager::configure(const std::vector<service::Instance>& services,
                        const service::Limits& limits, const Patterns& patterns) {
    admission_->configure(limits);
    pressure_->configure(limits.pressure);
    configured_.clear();
    patterns_.clear();
    for (const auto& service : services) {
        configured_.insert(service.id());
        if (Lifecycle* lifecycle = find(service.id()))
            lifecycle->reconfigure(service);
        else
            add(service);
    }
    std::vector<const service::Template*> pools;
    for (const auto& pattern : patterns) {
        patterns_.emplace(pattern->id, pattern);
        pools.push_back(pattern.get());
    }
    leases_->configure(pools);
    reconfigure_instances();
    configure_replicas(services);
    std::vector<service::Instance> expected = services;
    for (const auto& pattern : patterns)
        expected.emplace_back(pattern);
    // Half of what there is at all, where nothing is said.
    standby_->configure(expected, limits.standby_memory_kib || !limits.memory_kib
                                      ? limits.standby_memory_kib
                                      : *limits.memory_kib / 2);
    hypervisor_.domains().expect(expected);
    std::vector<service::Instance> metered = services;
    for (const service::Id id : metered_)
        metered.push_back(find(id)->service());
    if (const auto r = hypervisor_.traffic_meter().count(metered); !r)
        spdlog::error("traffic cannot be counted, so no domain is put away: {}", r.error().what);
    look_at_all();
}

void Manager::retire_others() {
    std::vector<service::Instance> kept;
    for (const auto& [id, lifecycle] : lifecycles_) {
        if (configured_.contains(id))
            kept.push_back(lifecycle->service());
        else if (!lifecycle->retired())
            lifecycle->retire();
    }
    hypervisor_.snapshots().keep(kept);
    look_at_all();
}

base::Result<void> Manager::adopt() {
    remember();
    auto found = hypervisor_.domains().find();
    if (!found)
        return tl::make_unexpected(found.error());
    // Of several domains of one service (which only a bug or a restored dom0 leaves), the complete
    // one wins; the lowest domid among equals.
    std::ranges::sort(*found, [](const Found& a, const Found& b) {
        return a.complete != b.complete ? a.complete : a.domid < b.domid;
    });
    for (const Found& domain : *found) {
        standby_->met(domain.service, domain.number);
        // It waits, and then it does not run; or it had been woken when the last process ended.
        const bool woken =
            domain.standby && !domain.standby->empty() && domain.run == Found::Run::running;
        if (domain.standby && !woken) {
            standby_->adopt(domain);
            continue;
        }
        // No domain of ours runs that was not built to the end.
        if (!domain.complete &&
            (domain.run == Found::Run::running || domain.run == Found::Run::suspended)) {
            spdlog::warn(
                "domid {} has a UUID of ours, but somebody else has made it (xl restore?); "
                "it is left alone",
                domain.domid);
            continue;
        }
        Lifecycle* lifecycle = find(domain.service);
        if (lifecycle == nullptr && domain.complete)
            lifecycle = adoptive(domain);
        if (lifecycle != nullptr && lifecycle->in<Lifecycle::Absent>()) {
            lifecycle->adopt(domain);
            continue;
        }
        spdlog::info("destroying domid {}: ours, but {}", domain.domid,
                     lifecycle == nullptr ? "of no configured service" : "one too many");
        auto& stray = strays_.emplace_back(std::make_unique<Domain>(
            hypervisor_, clock_, lifecycle ? lifecycle->service() : of_no_service(domain.service),
            domain));
        stray->destroy([this, &gone = *stray](const base::Result<void>& r) {
            if (r)
                std::erase_if(strays_, [&gone](const auto& each) { return each.get() == &gone; });
            follow_up_due_ = true;
        });
    }
    // Fronts have given out the addresses of those that the earlier process had running until now.
    for (const auto& [id, lifecycle] : lifecycles_)
        if (lifecycle->in<Lifecycle::Absent>())
            lifecycle->found_nothing();
    look_at_all();
    return {};
}

Woken Manager::wake(service::Id service, service::WakeReason why,
                    std::optional<base::TimePoint> asked_at, std::uint16_t query_type) {
    Lifecycle* const lifecycle = find(service);
    if (lifecycle == nullptr)
        return Woken::unknown;
    const auto before = lifecycle->phase();
    lifecycle->wake(why, asked_at.value_or(clock_.now()), query_type);
    if (before == service::Phase::failed)
        return Woken::refused;
    if (before != service::Phase::asleep)
        return Woken::before;
    look_at_pressure();
    switch (lifecycle->phase()) {
        case service::Phase::asleep:  // stopping
        case service::Phase::failed:
            return Woken::refused;
        case service::Phase::ready:
            return Woken::done;
        case service::Phase::building:
        case service::Phase::booting:
            break;
    }
    return Woken::begun;
}

const std::string& Manager::name(service::Id service) const {
    return find(service)->service().name();
}

void Manager::touch(service::Id service) {
    if (Lifecycle* lifecycle = find(service))
        lifecycle->touch();
}

void Manager::handed_over(service::Id service, std::uint32_t packets, base::Duration first_waited) {
    const Lifecycle* const lifecycle = find(service);
    if (lifecycle == nullptr || !lifecycle->service()->wake_packet)
        return;
    amend(lifecycle->wake_of_guest(), [&](WakeRecord& record) {
        if (record.handed_over)
            return;
        record.handed_over = clock_.now() - record.asked_at;
        record.packets = packets;
        if (packets > 0 && !record.first_waited)
            record.first_waited = first_waited;
    });
}

void Manager::first_byte(service::Id service, base::TimePoint at) {
    const Lifecycle* const lifecycle = find(service);
    if (lifecycle == nullptr)
        return;
    amend(lifecycle->wake_of_guest(), [&](WakeRecord& record) {
        // Wire's clock against ours: of the hand-over before it we know when we heard of it.
        if (!record.first_byte)
            record.first_byte = std::max(record.handed_over.value_or(base::Duration::zero()),
                                         std::min(at, clock_.now()) - record.asked_at);
    });
}

void Manager::waited(service::Id service, std::uint32_t queries, base::Duration longest) {
    Lifecycle* const lifecycle = find(service);
    if (lifecycle == nullptr || lifecycle->waited(queries, longest))
        return;
    amend(lifecycle->last_wake(), [&](WakeRecord& record) {
        add_waiting(record, {queries, longest});
    });
}

void Manager::told(WakeRecord& record) {
    record.number = ++wakes_told_;
    if (record.failed && record.failure != service::WakeFailure::drained)
        pressure_->failed();
    add_wake(record);
    ledger_.woke(record);
    if (Lifecycle* lifecycle = find(record.service))
        lifecycle->took(record);
    if (told_wake_)
        told_wake_(record);
}

const WakeRecord* Manager::wake_of_number(std::uint64_t number) const {
    const auto found = std::ranges::lower_bound(wakes_, number, {}, &WakeRecord::number);
    return found != wakes_.end() && found->number == number ? &*found : nullptr;
}

void Manager::amend(std::uint64_t number, const std::function<void(WakeRecord&)>& how) {
    const auto record = std::ranges::lower_bound(wakes_, number, {}, &WakeRecord::number);
    if (record == wakes_.end() || record->number != number)
        return;
    const WakeRecord before = *record;
    how(*record);
    if (*record == before)
        return;
    ledger_.woke(*record);
    if (told_wake_)
        told_wake_(*record);
}

// Their numbers go up.
void Manager::add_wake(const WakeRecord& record) {
    wakes_.push_back(record);
    if (wakes_.size() > wakes_remembered)
        wakes_.pop_front();
}

void Manager::remember() {
    const Remembered remembered = ledger_.remembered();
    remember_leases(remembered);
    for (const WakeRecord& record : remembered.wakes) {
        wakes_told_ = std::max(wakes_told_, record.number);
        add_wake(record);
        if (Lifecycle* lifecycle = find(record.service))
            lifecycle->took(record);
    }
    if (remembered.drained) {
        spdlog::warn(
            "the host is drained, since before this start: no new wakes until `summonctl undrain`");
        drain(true);
    }
    for (const Kept& kept : remembered.services) {
        if (Lifecycle* lifecycle = find(kept.service)) {
            lifecycle->take_over(kept);
            kept_.insert_or_assign(kept.service, lifecycle->kept());
            publish(kept.service);
        } else {
            ledger_.forget(kept.service);
        }
    }
}

// Not at the change itself, when somebody may wait for what follows.
void Manager::keep_changes() {
    for (const service::Id service : std::exchange(unkept_, {})) {
        const Lifecycle* lifecycle = find(service);
        if (lifecycle == nullptr)
            continue;
        const Kept kept = lifecycle->kept();
        if (const auto told = kept_.find(service); told != kept_.end() && told->second == kept)
            continue;
        kept_.insert_or_assign(service, kept);
        ledger_.keep(kept);
    }
}

std::optional<service::Status> Manager::status(service::Id service) const {
    const Lifecycle* const lifecycle = find(service);
    if (lifecycle == nullptr)
        return std::nullopt;
    service::Status status = lifecycle->status(standby_->booted(service));
    status.ipv4 = leases_->kept_of(service);
    return status;
}

std::vector<service::Status> Manager::statuses() const {
    std::vector<service::Status> all;
    for (const auto& [id, lifecycle] : lifecycles_)
        all.push_back(*status(id));
    return all;
}

service::Shells Manager::shells() const {
    return standby_->shells();
}

std::optional<service::Report> Manager::report(service::Id service) const {
    const Lifecycle* const lifecycle = find(service);
    if (lifecycle == nullptr)
        return std::nullopt;
    auto report = lifecycle->report(standby_->booted(service));
    report.standby = standby_->count(service);
    report.standby_kib = standby_->memory_kib(service);
    return report;
}

void Manager::died(DomId domid, Death how) {
    for (const auto& [id, lifecycle] : busy_) {
        const Domain* domain = lifecycle->domain();
        if (domain != nullptr && domain->is_there() && domain->domid() == domid) {
            lifecycle->died(how);
            return;
        }
    }
    standby_->died(domid, how);
}

void Manager::stop(std::function<void()> done) {
    stopped_ = std::move(done);
    for (const auto& [id, lifecycle] : lifecycles_)
        lifecycle->stop();
    standby_->stop();
    look_at_all();
}

// Drops lifecycles of which nothing is left, and says so when a stop is complete. From tick, never
// from inside a lifecycle's own callback.
void Manager::follow_up() {
    follow_up_due_ = false;
    keep_changes();
    meter_instances();
    leases_->tick();
    forget_instances();
    std::erase_if(busy_, [this](const auto& entry) {
        if (!entry.second->gone())
            return false;
        kept_.erase(entry.first);
        ledger_.forget(entry.first);
        lifecycles_.erase(entry.first);
        return true;
    });
    admission_->serve();
    if (!drained_)
        standby_->refill(
            [this](const service::Instance& service) { return admission_->for_standby(service); });
    std::erase_if(busy_, [](const auto& entry) { return entry.second->dormant(); });
    look_at_pressure();
    if (stopped_ && standby_->quiescent() &&
        std::ranges::all_of(busy_, [](const auto& entry) { return entry.second->quiescent(); }))
        std::exchange(stopped_, nullptr)();
}

void Manager::look_at_all() {
    for (const auto& [id, lifecycle] : lifecycles_)
        busy_.emplace(id, lifecycle.get());
    follow_up_due_ = true;
}

std::optional<base::TimePoint> Manager::next_deadline() const {
    std::optional<base::TimePoint> next;
    const auto earlier = [&next](base::TimePoint at) { next = next ? std::min(*next, at) : at; };
    for (const auto& [id, lifecycle] : busy_) {
        if (const auto at = lifecycle->deadline())
            earlier(*at);
    }
    for (const auto& [id, of] : instances_)
        if (const auto at = forgettable_at(id))
            earlier(*at);
    if (const auto at = leases_->deadline())
        earlier(*at);
    for (const auto& stray : strays_)
        if (const auto at = stray->deadline())
            earlier(*at);
    for (const auto at :
         {next_sample(), standby_->deadline(), admission_->deadline(), pressure_->deadline()})
        if (at)
            earlier(*at);
    if (follow_up_due_)
        earlier(clock_.now());
    return next;
}

void Manager::tick() {
    for (const auto& [id, lifecycle] : busy_)
        lifecycle->tick();
    standby_->tick();
    admission_->tick();
    for (std::size_t i = 0; i < strays_.size(); ++i)
        strays_[i]->tick();
    if (const auto at = next_sample(); at && clock_.now() >= *at && sample_traffic())
        look_at_replicas();
    follow_up();
}

// None while no domain can be put away, nor any be woken for its traffic.
std::optional<base::TimePoint> Manager::next_sample() const {
    std::optional<base::Duration> shortest;
    for (const auto& [id, lifecycle] : busy_) {
        const auto& after = lifecycle->service()->idle_after;
        if (lifecycle->in<Lifecycle::Ready>() && lifecycle->service()->replicas)
            shortest = base::Duration::zero();
        if (lifecycle->in<Lifecycle::Ready>() && after)
            shortest = shortest ? std::min<base::Duration>(*shortest, *after) : *after;
    }
    if (!shortest)
        return std::nullopt;
    return last_sample_ +
           std::clamp<base::Duration>(*shortest / 4, shortest_sample, longest_sample);
}

bool Manager::sample_traffic() {
    last_sample_ = clock_.now();
    const auto traffic = hypervisor_.traffic_meter().read();
    if (!traffic) {
        if (!std::exchange(traffic_failed_, true))
            spdlog::error("traffic cannot be read, so no domain is put away: {}",
                          traffic.error().what);
        return false;
    }
    traffic_failed_ = false;
    for (const Traffic& counted : *traffic)
        if (Lifecycle* lifecycle = find(counted.service))
            lifecycle->traffic(counted);
    for (const auto& [id, lifecycle] : busy_) {
        if (lifecycle->service()->interfaces.empty())  // no interface: only DNS keeps it
            lifecycle->traffic({});
        const auto kept = kept_.find(id);
        if (kept != kept_.end() && lifecycle->in<Lifecycle::Ready>() &&
            kept->second.last_used.value_or(base::TimePoint{}) + use_kept_every <
                lifecycle->idle_since())
            unkept_.insert(id);
    }
    return true;
}

}  // namespace summond::vm
