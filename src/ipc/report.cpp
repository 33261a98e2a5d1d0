#include "summond/ipc/report.hpp"

#include <chrono>

namespace summond::ipc {
namespace {

std::int64_t ns_of(const std::optional<base::TimePoint>& at) {
    if (!at)
        return Report::none;
    return std::chrono::duration_cast<std::chrono::nanoseconds>(at->time_since_epoch()).count();
}

std::optional<base::TimePoint> time_of(std::int64_t ns) {
    if (ns == Report::none)
        return std::nullopt;
    return base::TimePoint(std::chrono::nanoseconds(ns));
}

std::optional<service::DomId> domain_of(std::uint32_t domid) {
    return domid == Report::no_domain ? std::nullopt : std::optional(domid);
}

std::uint8_t flag(bool is_set, std::uint8_t bit) {
    return is_set ? bit : std::uint8_t{0};
}

}  // namespace

Report message_of(const service::Report& report) {
    const service::Status& status = report.status;
    Report message{};
    message.service = status.service;
    message.retry_at_ns = ns_of(status.retry_at);
    message.woken_at_ns = ns_of(status.woken_at);
    message.since_ns = ns_of(report.since);
    message.idle_at_ns = ns_of(report.idle_at);
    message.pinned_until_ns = ns_of(report.pinned_until);
    message.memory_kib = report.memory_kib;
    message.standby_kib = report.standby_kib;
    message.wakes = report.wakes;
    message.domid = status.domid.value_or(Report::no_domain);
    message.standby_domid = status.standby.value_or(Report::no_domain);
    message.standby = report.standby;
    message.phase = status.phase;
    message.failure = status.failure;
    message.stage = report.stage;
    message.why = report.why ? static_cast<std::uint8_t>(*report.why) : Report::no_reason;
    message.flags = static_cast<std::uint8_t>(
        flag(status.at_once, Report::at_once) | flag(status.remembers, Report::remembers) |
        flag(report.saved, Report::saved) | flag(report.pinned, Report::pinned));
    return message;
}

std::optional<service::Report> report_of(const Report& message) {
    if (message.phase > service::Phase::last || message.failure > service::WakeFailure::last ||
        message.stage > service::Stage::last ||
        (message.why >= service::wake_reasons && message.why != Report::no_reason))
        return std::nullopt;
    service::Report report;
    service::Status& status = report.status;
    status.service = message.service;
    status.phase = message.phase;
    status.failure = message.failure;
    status.retry_at = time_of(message.retry_at_ns);
    status.woken_at = time_of(message.woken_at_ns).value_or(base::TimePoint{});
    status.domid = domain_of(message.domid);
    status.at_once = (message.flags & Report::at_once) != 0;
    status.remembers = (message.flags & Report::remembers) != 0;
    status.standby = domain_of(message.standby_domid);
    report.stage = message.stage;
    report.saved = (message.flags & Report::saved) != 0;
    report.since = time_of(message.since_ns).value_or(base::TimePoint{});
    report.memory_kib = message.memory_kib;
    report.standby = message.standby;
    report.standby_kib = message.standby_kib;
    report.wakes = message.wakes;
    if (message.why != Report::no_reason)
        report.why = static_cast<service::WakeReason>(message.why);
    report.idle_at = time_of(message.idle_at_ns);
    report.pinned = (message.flags & Report::pinned) != 0;
    report.pinned_until = time_of(message.pinned_until_ns);
    return report;
}

}  // namespace summond::ipc
