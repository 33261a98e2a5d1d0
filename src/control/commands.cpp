#include "summond/control/commands.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace summond::control {
namespace {

using Outcome = ipc::CommandDone::Outcome;

ipc::Command::What what_of(Operation operation) {
    using What = ipc::Command::What;
    switch (operation) {
        case Operation::sleep:
            return What::sleep;
        case Operation::pin:
            return What::pin;
        case Operation::unpin:
            return What::unpin;
        case Operation::touch:
            return What::touch;
        case Operation::adopt:
            return What::adopt;
        case Operation::drain:
            return What::drain;
        case Operation::undrain:
            return What::undrain;
        default:
            return What::wake;
    }
}

CommandAnswer answer_of(Outcome outcome, const std::string& name, const std::string& what) {
    switch (outcome) {
        case Outcome::done:
            return {200, "done"};
        case Outcome::begun:
            return {202, "begun"};
        case Outcome::nothing_to_do:
            return {200, "nothing to do"};
        case Outcome::unknown_service:
            return {404, "", "vmm knows no service " + name, "GET /v1/services lists them"};
        case Outcome::pinned:
            return {409, "", name + " is pinned", "unpin it first, or force=true"};
        case Outcome::drained:
            return {409, "", "the host is drained: no new wakes", "undrain first, or force=true"};
        case Outcome::backing_off:
            return {409, "", name + " has failed and is not tried again yet",
                    "wait until refused_until, or force=true"};
        case Outcome::busy:
            return {409, "", "something is under way for " + name + " that has to end first",
                    "another try when its state is ready or asleep"};
        case Outcome::not_ours:
            return {409, "", what.empty() ? "there is no such domain of " + name : what,
                    "a running domain called " + name +
                        ", with the service's type, memory, MACs and bridges"};
        case Outcome::failed:
            break;
    }
    return {500, "", "it failed", "the daemon's log says why"};
}

}  // namespace

std::uint64_t Commands::begin(const Asked& asked, std::uint32_t user, Reply reply) {
    ipc::Command message{};
    std::optional<service::Id> service;
    if (!asked.service.empty()) {
        const ServiceText* const found = model_.find(asked.service);
        if (found == nullptr) {
            const std::string meant = model_.nearest(asked.service);
            reply({404, "", "no service is called " + asked.service,
                   meant.empty() ? "GET /v1/services lists them" : "did you mean " + meant + "?"});
            return 0;
        }
        service = message.service = found->id;
    }
    if (model_.vmm() != Model::Vmm::up) {
        reply({503, "", "the process that looks after domains is not there",
               "another try; the daemon starts it again by itself", service});
        return 0;
    }
    if (commands_.size() >= most) {
        reply({503, "", "too many commands are under way", "another try", service});
        return 0;
    }
    message.serial = ++last_serial_;
    message.what = what_of(asked.route->operation);
    message.user = user;
    message.force = asked.force ? 1 : 0;
    message.for_ms = asked.length ? asked.length->count() : 0;
    if (!send_(message)) {
        reply({503, "", "the process that looks after domains takes no commands now", "another try",
               service});
        return 0;
    }
    commands_.push_back(
        {message.serial, asked, service, std::move(reply), clock_.now() + patience});
    return message.serial;
}

void Commands::forget(std::uint64_t serial) {
    std::list<Command> forgotten;  // whose replies end with it, once nothing is looked at
    if (const auto command = std::ranges::find(commands_, serial, &Command::serial);
        command != commands_.end())
        forgotten.splice(forgotten.end(), commands_, command);
}

void Commands::finish(Each command, CommandAnswer answer) {
    const Command over = std::move(*command);
    commands_.erase(command);
    answer.about = over.service;
    over.reply(answer);
}

void Commands::done(const ipc::CommandDone& message) {
    const auto command = std::ranges::find(commands_, message.serial, &Command::serial);
    if (command == commands_.end() || command->waits)
        return;
    const bool waits = command->asked.wait != Asked::Wait::no;
    if (message.outcome != Outcome::begun || !waits) {
        const std::string what(message.what,
                               std::min<std::size_t>(message.what_size, sizeof message.what));
        finish(command, answer_of(message.outcome, command->asked.service, what));
        return;
    }
    command->waits = true;
    command->until = clock_.now() + command->asked.timeout;
    look(command);
}

// vmm says how the service stands before it says that the command is done.
bool Commands::look(Each command) {
    const service::Report* const report = model_.report_of(*command->service);
    if (report == nullptr) {
        finish(command, {404, "", command->asked.service + " is not configured any more"});
        return true;
    }
    using service::Phase;
    switch (report->status.phase) {
        case Phase::booting:
            if (command->asked.wait == Asked::Wait::ready)
                return false;
            [[fallthrough]];
        case Phase::ready:
            finish(command, {200, "done"});
            return true;
        case Phase::building:
            return false;
        case Phase::failed:
        case Phase::asleep:
            break;
    }
    finish(command,
           {409, "",
            command->asked.service + " could not be woken: " + to_string(report->status.failure),
            "the daemon's log says more"});
    return true;
}

void Commands::changed(service::Id service) {
    for (auto each = commands_.begin(); each != commands_.end();) {
        const auto command = each++;
        if (command->waits && command->service == service)
            look(command);
    }
}

void Commands::vmm_lost() {
    while (!commands_.empty())
        finish(commands_.begin(),
               {503, "", "the process that looks after domains has ended before it answered",
                "look at the service; the command may have been done"});
}

std::optional<base::TimePoint> Commands::deadline() const {
    std::optional<base::TimePoint> next;
    for (const Command& each : commands_)
        next = next ? std::min(*next, each.until) : each.until;
    return next;
}

void Commands::tick() {
    const auto now = clock_.now();
    for (auto each = commands_.begin(); each != commands_.end();) {
        const auto command = each++;
        if (now < command->until)
            continue;
        if (command->waits)
            finish(command,
                   {504, "", command->asked.service + " is not there yet; it is still being woken",
                    "a longer timeout, or another look"});
        else
            finish(command, {504, "", "the process that looks after domains does not answer",
                             "look at the service; the command may yet be done"});
    }
}

}  // namespace summond::control
