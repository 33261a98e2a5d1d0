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
                            &vm::WakeRecord::failed};
static_assert(phases.size() == ipc::WakeReport::phases);

}  // namespace

ipc::WakeReport wake_message(const vm::WakeRecord& record) {
    ipc::WakeReport message{};
    message.number = record.number;
    message.service = record.service;
    message.asked_at_ns = nanoseconds(record.asked_at.time_since_epoch()).count();
    for (std::size_t i = 0; i < phases.size(); ++i) {
        const auto& phase = record.*phases[i];
        message.phase_us[i] = phase
                                  ? std::max<std::int64_t>(
                                        0, std::chrono::duration_cast<microseconds>(*phase).count())
                                  : ipc::WakeReport::none;
    }
    message.packets = record.packets;
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
        if (message.phase_us[i] >= 0)
            record.*phases[i] = microseconds(message.phase_us[i]);
    record.packets = message.packets;
    return record;
}

}  // namespace summond::roles
