#include "vmm_control_link.hpp"

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
    }
    return Outcome::failed;
}

const char* text_of(What what) {
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
    changed_all();
}

void ControlLink::changed(service::Id service) {
    unsent_.insert(service);
    flush();
}

void ControlLink::changed_all() {
    for (const service::Status& status : manager_.statuses())
        unsent_.insert(status.service);
    flush();
}

void ControlLink::woke(const vm::WakeRecord& record) {
    link_.send(wake_message(record));
}

void ControlLink::look() {
    for (const service::Id service : up_)
        unsent_.insert(service);
    flush();
}

void ControlLink::flush() {
    if (told_drained_ != manager_.drained()) {
        if (!link_.send(ipc::HostReport{manager_.drained() ? 1U : 0U, 0}))
            return;
        told_drained_ = manager_.drained();
    }
    while (!unsent_.empty()) {
        const service::Id id = *unsent_.begin();
        const auto report = manager_.report(id);
        const auto told = told_.find(id);
        if (report && (told == told_.end() || told->second != *report)) {
            if (!link_.send(ipc::message_of(*report)))
                return;
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
    if (!told_all_)
        told_all_ = link_.send(ipc::Ready{});
}

bool ControlLink::handle(const ipc::Received& message) {
    if (message.type != ipc::Type::command)
        return false;
    const auto command = message.as<ipc::Command>();
    if (command.what > What::last)
        return false;
    const Outcome outcome = execute(command);
    commanded_();
    flush();
    // One that does not take it has been killed or is stuck; its clients are told when it ends.
    link_.send(ipc::CommandDone{command.serial, outcome, {}});
    return true;
}

Outcome ControlLink::execute(const ipc::Command& command) {
    const bool force = command.force != 0;
    const bool of_host = command.what == What::drain || command.what == What::undrain;
    if (!of_host && !manager_.status(command.service))
        return Outcome::unknown_service;
    spdlog::info("{}{}{}{}: asked for by uid {}", text_of(command.what), of_host ? "" : " ",
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
            return Outcome::not_ours;
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
