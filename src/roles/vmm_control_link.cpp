#include "vmm_control_link.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "summond/base/log.hpp"
#include "wake_messages.hpp"

namespace summond::roles {
namespace {

using What = ipc::Command::What;
using Outcome = ipc::CommandDone::Outcome;
using vm::Manager;

constexpr std::int64_t longest_pin_ms = std::int64_t{366} * 24 * 3600 * 1000;

Outcome outcome_of(Manager::Ordered ordered) {
    switch (ordered) {
        case Manager::Ordered::unknown:
            return Outcome::unknown_service;
        case Manager::Ordered::done:
            return Outcome::done;
        case Manager::Ordered::begun:
            return Outcome::begun;
        case Manager::Ordered::nothing:
            return Outcome::nothing_to_do;
        case Manager::Ordered::pinned:
            return Outcome::pinned;
        case Manager::Ordered::drained:
            return Outcome::drained;
        case Manager::Ordered::refused:
            return Outcome::backing_off;
        case Manager::Ordered::busy:
            return Outcome::busy;
        case Manager::Ordered::unfit:
            return Outcome::not_ours;
    }
    return Outcome::failed;
}

const char* to_string(What what) {
    switch (what) {
        case What::wake:
            return "wake";
        case What::sleep:
            return "sleep";
        case What::pin:
            return "pin";
        case What::unpin:
            return "unpin";
        case What::touch:
            return "touch";
        case What::adopt:
            return "adopt";
        case What::drain:
            return "drain";
        case What::undrain:
            return "undrain";
    }
    return "?";
}

}  // namespace

ControlLink::ControlLink(boost::asio::io_context& io, ipc::Channel channel, vm::Manager& manager,
                         std::function<void()> commanded, std::function<void()> closed)
    : manager_(manager),
      commanded_(std::move(commanded)),
      link_(io, std::move(channel),
            {[this](const ipc::Received& message) { return handle(message); }, std::move(closed),
             [this] { flush(); }}) {
    for (const vm::WakeRecord& record : manager_.wakes())
        unsent_wakes_.insert(unsent_wakes_.end(), record.number);
    if (!unsent_wakes_.empty())
        last_remembered_ = *unsent_wakes_.rbegin();
    changed_all();
}

// Of instances by rule people are told nothing yet: control knows services by the configuration.
void ControlLink::changed(service::Id service) {
    if (manager_.is_instance(service))
        return;
    unsent_.insert(service);
    flush();
}

void ControlLink::changed_all() {
    for (const service::Status& status : manager_.statuses())
        if (!manager_.is_instance(status.service))
            unsent_.insert(status.service);
    flush();
}

void ControlLink::woke(const vm::WakeRecord& record) {
    unsent_wakes_.insert(record.number);
    flush();
}

void ControlLink::look() {
    for (const service::Id service : up_)
        unsent_.insert(service);
    flush();
}

void ControlLink::flush() {
    if (!flush_services())
        return;
    if (!told_all_)
        told_all_ = link_.send(ipc::Ready{});
    if (told_all_)
        flush_wakes();
}

void ControlLink::flush_wakes() {
    while (!unsent_wakes_.empty()) {
        const auto number = *unsent_wakes_.begin();
        if (const vm::WakeRecord* const record = manager_.wake_of_number(number)) {
            auto message = wake_message(*record);
            message.remembered = number <= last_remembered_ ? 1 : 0;
            if (!link_.send(message))
                return;
        }
        unsent_wakes_.erase(unsent_wakes_.begin());
    }
}

// False: control takes nothing now.
bool ControlLink::flush_services() {
    const Host host{manager_.drained(), manager_.pressure(), manager_.shells(), manager_.pools()};
    if (told_host_ != host) {
        if (!link_.send(ipc::HostReport{.drained = host.drained ? 1U : 0U,
                                        .shells_wanted = host.shells.wanted,
                                        .shells = host.shells.there,
                                        .pressure = host.pressure,
                                        .shells_kib = host.shells.kib,
                                        .pool_addresses = host.pools.addresses,
                                        .leased = host.pools.leased}))
            return false;
        told_host_ = host;
    }
    while (!unsent_.empty()) {
        const service::Id id = *unsent_.begin();
        const auto report = manager_.report(id);
        const auto told = told_.find(id);
        if (report && (told == told_.end() || told->second != *report)) {
            if (!link_.send(ipc::message_of(*report)))
                return false;
            told_.insert_or_assign(id, *report);
            if (report->idle_at)
                up_.insert(id);
            else
                up_.erase(id);
        }
        if (!report) {
            told_.erase(id);
            up_.erase(id);
        }
        unsent_.erase(id);
    }
    return true;
}

bool ControlLink::handle(const ipc::Received& message) {
    if (message.type != ipc::Type::command)
        return false;
    const auto command = message.as<ipc::Command>();
    if (command.what > What::last)
        return false;
    ipc::CommandDone done{.serial = command.serial, .outcome = {}, .what_size = 0, .what = {}};
    std::string why;
    done.outcome = execute(command, why);
    done.what_size = static_cast<std::uint8_t>(std::min(why.size(), sizeof done.what));
    std::copy_n(why.begin(), done.what_size, done.what);
    commanded_();
    flush();
    // One that does not take it has been killed or is stuck; its clients are told when it ends.
    link_.send(done);
    return true;
}

Outcome ControlLink::execute(const ipc::Command& command, std::string& why) {
    const bool force = command.force != 0;
    const bool of_host = command.what == What::drain || command.what == What::undrain;
    if (!of_host && !manager_.status(command.service))
        return Outcome::unknown_service;
    spdlog::info("{}{}{}{}: asked for by uid {}", to_string(command.what), of_host ? "" : " ",
                 of_host ? "" : manager_.name(command.service), force ? " (forced)" : "",
                 command.user);
    switch (command.what) {
        case What::wake:
            return outcome_of(manager_.wake_by_command(command.service, force));
        case What::sleep:
            return outcome_of(manager_.sleep(command.service, force));
        case What::pin: {
            std::optional<base::TimePoint> until;
            if (command.for_ms > 0)
                until = std::chrono::steady_clock::now() +
                        std::chrono::milliseconds(std::min(command.for_ms, longest_pin_ms));
            return outcome_of(manager_.pin(command.service, until));
        }
        case What::unpin:
            return outcome_of(manager_.unpin(command.service));
        case What::touch:
            manager_.touch(command.service);
            return Outcome::done;
        case What::adopt:
            return outcome_of(manager_.adopt(command.service, why));
        case What::drain:
        case What::undrain: {
            const bool drained = command.what == What::drain;
            if (manager_.drained() == drained)
                return Outcome::nothing_to_do;
            manager_.drain(drained);
            return Outcome::done;
        }
    }
    return Outcome::failed;
}

}  // namespace summond::roles
