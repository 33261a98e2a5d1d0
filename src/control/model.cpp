#include "summond/control/model.hpp"

#include <algorithm>
#include <utility>

#include "summond/base/nearest.hpp"

namespace summond::control {

service::Report at(service::Report report, base::TimePoint now) {
    service::Status& status = report.status;
    if (status.phase == service::Phase::failed && status.retry_at && *status.retry_at <= now) {
        status.phase = service::Phase::asleep;
        status.failure = service::WakeFailure::none;
        status.retry_at.reset();
    }
    if (report.pinned_until && *report.pinned_until <= now) {
        report.pinned = false;
        report.pinned_until.reset();
    }
    return report;
}

void Model::configure(const std::vector<ServiceText>& services, const service::Limits& limits) {
    limits_ = limits;
    services_.clear();
    by_name_.clear();
    for (const ServiceText& text : services) {
        by_name_.emplace(text.name, text.id);
        services_.emplace(text.id, text);
    }
}

void Model::Saved::add(const service::Report& report, const ServiceText& text,
                       base::TimePoint until) {
    if (report.memory_kib > 0 || until <= report.since)
        return;
    const std::chrono::duration<double, std::ratio<3600>> hours = until - report.since;
    domain_hours += hours.count();
    kib_hours += hours.count() * static_cast<double>(text.memory_kib);
}

bool Model::report(const service::Report& report) {
    const auto* const text = find(report.status.service);
    const auto* const before = report_of(report.status.service);
    if (before != nullptr && text != nullptr)
        saved_.add(*before, *text, report.since);
    told_since_ = std::min(told_since_.value_or(report.since), report.since);
    reports_.insert_or_assign(report.status.service, report);
    return services_.contains(report.status.service);
}

void Model::retire_others() {
    std::erase_if(reports_, [this](const auto& each) { return !services_.contains(each.first); });
}

void Model::vmm(Vmm state, WallTime since) {
    vmm_ = state;
    vmm_since_ = since;
}

void Model::woke(vm::WakeRecord record) {
    constexpr std::size_t most = 10'000;  // as many as vmm remembers
    const ServiceText* const service = find(record.service);
    if (service == nullptr)
        return;
    record.name = service->name;
    // Numbers go up, but for a vmm that knows of none before it.
    const auto found = std::find_if(wakes_.rbegin(), wakes_.rend(),
                                    [&](const auto& each) { return each.number <= record.number; });
    if (found != wakes_.rend() && found->number == record.number &&
        found->asked_at == record.asked_at) {
        *found = std::move(record);
        return;
    }
    wakes_.push_back(std::move(record));
    if (wakes_.size() > most)
        wakes_.pop_front();
}

void Model::role(ipc::Role role, std::int32_t pid, const Role& state) {
    constexpr std::size_t most = 32;  // those that have ended are forgotten, the oldest first
    const auto same = [&](const Process& each) { return each.role == role && each.pid == pid; };
    const auto found = std::ranges::find_if(processes_, same);
    const bool ended = state.state == ipc::RoleReport::State::ended;
    if (found == processes_.end() && !ended) {
        std::erase_if(processes_, [&](const Process& each) {
            return each.role == role && each.state.state == ipc::RoleReport::State::ended;
        });
        if (processes_.size() < most)
            processes_.push_back({role, pid, state});
        return;
    }
    if (found == processes_.end())
        return;
    found->state = state;
    // One that has been replaced is not of interest.
    const auto serves = [&](const Process& each) { return each.role == role && each.pid != pid; };
    if (ended && std::ranges::any_of(processes_, serves))
        processes_.erase(found);
}

const ServiceText* Model::find(const std::string& name) const {
    const auto found = by_name_.find(name);
    return found == by_name_.end() ? nullptr : find(found->second);
}

const ServiceText* Model::find(service::Id id) const {
    const auto found = services_.find(id);
    return found == services_.end() ? nullptr : &found->second;
}

const service::Report* Model::report_of(service::Id id) const {
    const auto found = reports_.find(id);
    return found == reports_.end() || !services_.contains(id) ? nullptr : &found->second;
}

std::string Model::nearest(const std::string& name) const {
    std::vector<std::string_view> names;
    for (const auto& [known, id] : by_name_)
        names.push_back(known);
    return std::string(base::nearest(name, names));
}

}  // namespace summond::control
