#include "wake_messages.hpp"

#include <algorithm>
#include <array>
#include <chrono>

namespace summond::roles {
namespace {

using std::chrono::microseconds;
using std::chrono::nanoseconds;

// In the order in which they travel.
constexpr std::array phases{&vm::WakeRecord::admitted, &vm::WakeRecord::built,
                            &vm::WakeRecord::unpaused, &vm::WakeRecord::answerable,
                            &vm::WakeRecord::ready,    &vm::WakeRecord::handed_over,
                            &vm::WakeRecord::failed,   &vm::WakeRecord::first_byte};
static_assert(phases.size() == ipc::WakeReport::phases);

std::int64_t in_us(const std::optional<base::Duration>& time) {
    if (!time)
        return ipc::WakeReport::none;
    return std::max<std::int64_t>(0, std::chrono::duration_cast<microseconds>(*time).count());
}

std::optional<base::Duration> from_us(std::int64_t us) {
    // Up to a hundred years; the clock counts nanoseconds.
    constexpr std::int64_t most = std::int64_t{100} * 366 * 24 * 3600 * 1'000'000;
    return us < 0 ? std::nullopt : std::optional<base::Duration>(microseconds(std::min(us, most)));
}

}  // namespace

ipc::WakeReport wake_message(const vm::WakeRecord& record) {
    ipc::WakeReport message{};
    message.number = record.number;
    message.service = record.service;
    message.asked_at_ns = nanoseconds(record.asked_at.time_since_epoch()).count();
    for (std::size_t i = 0; i < phases.size(); ++i)
        message.phase_us[i] = in_us(record.*phases[i]);
    message.first_waited_us = in_us(record.first_waited);
    message.packets = record.packets;
    message.queries = record.queries;
    message.query_type = record.query_type;
    message.why = static_cast<std::uint8_t>(record.why);
    message.how = record.how ? static_cast<std::uint8_t>(*record.how) : ipc::WakeReport::no_how;
    message.failure = record.failure;
    message.what_size =
        static_cast<std::uint8_t>(std::min(record.what.size(), sizeof message.what));
    std::copy_n(record.what.begin(), message.what_size, message.what);
    return message;
}

std::optional<vm::WakeRecord> wake_record_of(const ipc::WakeReport& message) {
    if (message.why >= service::wake_reasons || message.failure > service::WakeFailure::last ||
        message.what_size > sizeof message.what ||
        (message.how > static_cast<std::uint8_t>(vm::WakeHow::last) &&
         message.how != ipc::WakeReport::no_how))
        return std::nullopt;
    vm::WakeRecord record;
    record.number = message.number;
    record.service = message.service;
    record.why = static_cast<service::WakeReason>(message.why);
    if (message.how != ipc::WakeReport::no_how)
        record.how = static_cast<vm::WakeHow>(message.how);
    record.failure = message.failure;
    record.what.assign(message.what, message.what_size);
    record.asked_at = base::TimePoint(nanoseconds(message.asked_at_ns));
    for (std::size_t i = 0; i < phases.size(); ++i)
        record.*phases[i] = from_us(message.phase_us[i]);
    record.first_waited = from_us(message.first_waited_us);
    record.packets = message.packets;
    record.queries = message.queries;
    record.query_type = message.query_type;
    return record;
}

}  // namespace summond::roles
