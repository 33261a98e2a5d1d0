#include "standby.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "lifecycle_log.hpp"
#include "summond/base/log.hpp"
#include "summond/service/domain_settings.hpp"
#include "summond/service/shell.hpp"

namespace summond::vm {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr seconds first_retry{5};
constexpr minutes longest_retry{5};
// What guests do behind their start, such as announcing their addresses (twice, 2 s apart: RFC 5227
// §1.1), is not to be done when a client waits.
constexpr seconds settle_time{3};

// Where a server that is known by its port alone speaks HTTP: http and http-alt of IANA's registry,
// and what else is usual.
constexpr std::array<std::uint16_t, 5> web_ports{80, 8000, 8008, 8080, 8888};

// What a web server does at its first request is not to be done when a client waits, either. Any
// answer will do, and so will none: it is ready. None: it is no web server, as far as anybody
// knows, or has answered a request already.
std::optional<std::uint16_t> web_port(const service::Instance& service) {
    const auto* tcp = std::get_if<service::ReadyTcp>(&service->ready.how);
    if (tcp == nullptr || !tcp->http_path.empty() ||
        std::ranges::find(web_ports, tcp->port) == web_ports.end())
        return std::nullopt;
    return tcp->port;
}

// By which a later process knows a copy that is as it would build it.
std::string mark(const service::Instance& service) {
    std::string settings = service::domain_settings(service) + service.name();
    for (const auto* addresses : {&service.ipv4(), &service.ipv6()})
        for (const base::IpAddress& address : *addresses)
            settings += " " + address.to_string();
    return fmt::format("{} {:016x}", to_string(service->standby.stage), service::digest(settings));
}

}  // namespace

Standby::Standby(Hypervisor& hypervisor, const base::Clock& clock,
                 std::function<void(service::Id)> changed)
    : hypervisor_(hypervisor), clock_(clock), changed_(std::move(changed)) {}

bool Standby::fits(const Spare& spare) const {
    const auto wanted = wanted_.find(spare.service().id());
    if (wanted == wanted_.end())
        return false;
    return mark(spare.service()) == mark(wanted->second.service);
}

void Standby::configure(const std::vector<service::Instance>& services,
                        std::optional<std::uint64_t> budget_kib) {
    budget_kib_ = budget_kib;
    std::map<service::Id, Want> wanted;
    for (const service::Instance& service : services) {
        if (service->standby.count > 0)
            wanted.insert_or_assign(service.id(), Want{service});
        if (const auto shell = service::shell_of(service)) {
            const auto [there, is_new] = wanted.try_emplace(shell->id(), Want{*shell});
            if (there->second.service->standby.count < (*shell)->standby.count)
                there->second.service = *shell;
        }
    }
    wanted_ = std::move(wanted);
    for (auto each = spares_.begin(); each != spares_.end(); ++each) {
        const auto want = wanted_.find(each->service().id());
        if (!fits(*each) || count(each->service().id()) > want->second.service->standby.count) {
            spdlog::info("destroying a standby copy of {}: domid {}, not wanted any more",
                         each->service().name(), each->domain->domid());
            discard(each);
        }
    }
    while (budget_kib_ && memory_kib() - leaving_kib() > *budget_kib_ && give_back())
        ;
}

void Standby::met(service::Id service, unsigned number) {
    last_number_[service] = std::max(last_number_[service], number);
}

void Standby::adopt(const Found& found) {
    const auto want = wanted_.find(found.service);
    const service::Instance service =
        want != wanted_.end() ? want->second.service : of_no_service(found.service);
    auto domain = std::make_unique<Domain>(hypervisor_, clock_, service, found);
    const bool keep =
        want != wanted_.end() && found.complete && found.run == Found::Run::paused &&
        found.standby == mark(service) && count(found.service) < service->standby.count &&
        (!budget_kib_ || memory_kib() + service::footprint_kib(*service) <= *budget_kib_) &&
        domain->adopt() &&
        // The process before this one may have begun to wake it.
        domain->rest(*found.standby);
    const auto added = spares_.insert(spares_.end(), {std::move(domain), Waiting{}});
    if (keep) {
        spdlog::info("adopted a standby copy of {}: domid {}, {}", service.name(), found.domid,
                     to_string(service->standby.stage));
        return;
    }
    spdlog::info("destroying domid {}: a standby copy that is not known to be fresh, or not wanted",
                 found.domid);
    destroy(added);
}

bool Standby::died(DomId domid, Death how) {
    const auto found = std::ranges::find_if(spares_, [&](const Spare& each) {
        return each.domain->is_there() && each.domain->domid() == domid;
    });
    if (found == spares_.end())
        return false;
    if (found->is<Destroying>())
        return true;
    const auto service = found->service().id();
    back_off(service,
             fmt::format("a standby copy of {}: domid {} {}{}", found->service().name(), domid,
                         to_string(how), how == Death::gone ? "" : found->domain->last_words()));
    if (how == Death::gone) {
        spares_.erase(found);
        changed_(service);
    } else {
        destroy(found);
    }
    return true;
}

void Standby::refill(const std::function<bool(const service::Instance&)>& room) {
    const bool busy = std::ranges::any_of(
        spares_, [](const Spare& each) { return each.is<Building>() || each.is<Booting>(); });
    if (busy || stopping_ || clock_.now() < refill_at_)
        return;
    for (const auto& [id, want] : wanted_) {
        const service::Instance& service = want.service;
        if (count(id) >= service->standby.count || clock_.now() < want.retry_at)
            continue;
        if (budget_kib_ && memory_kib() + service::footprint_kib(*service) > *budget_kib_)
            continue;
        if (!room(service))
            continue;
        begin(service);
        return;
    }
}

void Standby::begin(const service::Instance& service) {
    constexpr unsigned numbers = 1023;  // 1 to this; as many as module xen's UUIDs have room for
    unsigned& number = last_number_[service.id()];
    number = number % numbers + 1;
    const auto begun = spares_.insert(
        spares_.end(), {std::make_unique<Domain>(hypervisor_, clock_, service), Building{}});
    begun->domain->build(number, [this, begun](tl::expected<void, BuildError> result) {
        built(begun, std::move(result));
    });
}

void Standby::built(Each spare, tl::expected<void, BuildError> result) {
    if (!result)
        fail(spare, result.error().what);
    else if (spare->leaves() || stopping_)
        destroy(spare);
    else if (spare->service()->standby.stage == service::StandbyStage::built)
        rest(spare);
    else
        boot(spare);
}

void Standby::boot(Each spare) {
    spare->state = Booting{};
    Domain& domain = *spare->domain;
    if (const auto r = domain.start(); !r) {
        fail(spare, r.error().what);
        return;
    }
    domain.await_ready([this, spare](const base::Result<void>& r) {
        if (!r) {
            fail(spare, fmt::format("domid {} was {}", spare->domain->domid(), r.error().what));
            return;
        }
        spare->state = Settling{clock_.now() + settle_time};
        if (const auto port = web_port(spare->service()))
            spare->domain->warm_up(*port);
        changed_(spare->service().id());
    });
    changed_(spare->service().id());  // there is a new deadline
}

void Standby::rest(Each spare) {
    Domain& domain = *spare->domain;
    const service::Instance& service = spare->service();
    base::Result<void> r;
    if (service->standby.stage == service::StandbyStage::booted)
        r = domain.pause();
    if (r)
        r = domain.rest(mark(service));
    if (!r) {
        fail(spare, r.error().what);
        return;
    }
    spdlog::info("standby {}: domid {}, {}, after {} ms", service.name(), domain.domid(),
                 to_string(service->standby.stage), in_ms(clock_.now() - domain.begun_at()));
    spare->state = Waiting{};
    if (const auto want = wanted_.find(service.id()); want != wanted_.end())
        want->second.failures = 0;
    changed_(service.id());
}

void Standby::back_off(service::Id service, const std::string& what) {
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

void Standby::fail(Each spare, const std::string& what) {
    const auto service = spare->service().id();
    if (!spare->leaves())
        back_off(service, "no standby copy of " + spare->service().name() + ": " + what);
    if (spare->is<Building>()) {
        spares_.erase(spare);  // the hypervisor has left nothing of it
        changed_(service);
    } else {
        destroy(spare);
    }
}

void Standby::discard(Each spare) {
    if (auto* building = std::get_if<Building>(&spare->state))
        building->unwanted = true;
    else if (!spare->is<Destroying>())
        destroy(spare);
}

void Standby::destroy(Each spare) {
    spare->state = Destroying{};
    spare->domain->destroy([this, spare](const base::Result<void>& r) {
        const auto service = spare->service().id();
        if (r)
            spares_.erase(spare);
        changed_(service);
    });
    changed_(spare->service().id());
}

void Standby::stop() {
    stopping_ = true;
    for (auto each = spares_.begin(); each != spares_.end(); ++each)
        discard(each);
}

std::optional<base::TimePoint> Standby::deadline() const {
    std::optional<base::TimePoint> next;
    const auto earlier = [&next](base::TimePoint at) { next = next ? std::min(*next, at) : at; };
    for (const Spare& each : spares_) {
        if (const auto at = each.domain->deadline())
            earlier(*at);
        if (const auto* settling = std::get_if<Settling>(&each.state))
            earlier(settling->until);
    }
    if (!stopping_)
        for (const auto& [id, want] : wanted_)
            if (const auto at = std::max(want.retry_at, refill_at_);
                clock_.now() < at && count(id) < want.service->standby.count)
                earlier(at);
    return next;
}

void Standby::tick() {
    for (auto next = spares_.begin(); next != spares_.end();) {
        const auto each = next++;
        const auto* settling = std::get_if<Settling>(&each->state);
        if (settling != nullptr && clock_.now() >= settling->until)
            rest(each);
        else
            each->domain->tick();
    }
}

}  // namespace summond::vm
