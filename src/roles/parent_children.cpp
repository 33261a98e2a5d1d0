// The parent's part about single children: what they are given, told and asked.

#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

#include "parent.hpp"
#include "summond/base/log.hpp"
#include "summond/proc/memfd.hpp"
#include "summond/proc/shared_memory.hpp"

namespace summond::roles {
namespace {

std::int64_t now_ms() {
    using namespace std::chrono;
    return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

}  // namespace

void Parent::want_roles() {
    for (proc::RoleIndex role = 0; role < roles_.size(); ++role)
        if (const Row& row = table()[role]; row.wanted != nullptr)
            supervisor_.want(role, row.wanted(estate_, newest(), supervisor_.wanted(role)));
}

bool Parent::start(proc::ChildId id, proc::RoleIndex role, proc::Place place,
                   proc::Priority priority) {
    const Row& row = table()[role];
    // One that has sockets serves the generation that has them; the others, what is to come.
    const bool newest = place == proc::Place::next || (!row.has_sockets && !roles_[role].once);
    const GenerationPtr& generation = newest && next_ ? next_ : in_force_;
    auto [arguments, fds] = row.birth(estate_, generation.get());
    arguments.insert(arguments.begin(), {"--config", estate_.config_file});
    const CountersPtr counters = unused_counters(role);
    if (counters)
        fds.push_back({counters->get(), counters_fd});
    else if (row.counters.size > 0)
        arguments.emplace_back("--uncounted");
    if (!roles_[role].once) {
        arguments.push_back("--log-level=" + generation->log_level);
        if (!generation->user.empty())
            arguments.push_back("--user=" + generation->user);
    }
    auto child =
        proc::Child::start(io_, row.role, arguments, control_fd, std::move(fds),
                           {[this, id](ipc::Received& message) { return received(id, message); },
                            [this, id] {
                                supervisor_.channel_closed(id);
                                arm();
                            },
                            [this, id](proc::Exit exit) {
                                show_role(id, ipc::RoleReport::State::ended);
                                clear_gauges(id);
                                supervisor_.ended(id, exit);
                                children_.erase(id);
                                arm();
                            }},
                           priority);
    if (!child) {
        spdlog::error("{}", child.error().what);
        return false;
    }
    ipc::RoleReport report{.started_at_ms = now_ms(),
                           .role = row.role,
                           .pid = (*child)->pid(),
                           .restarts = starts_[role],
                           .state = ipc::RoleReport::State::starting,
                           .reserved = {}};
    if (place == proc::Place::serving)
        report.restarts = std::exchange(starts_[role], starts_[role] + 1);
    children_[id] = {std::move(*child), role, row.has_sockets ? generation : nullptr, counters,
                     report};
    if (row.shows)
        show_all(id);
    if (row.transfers)
        give_transfers(*children_.at(id).child);
    show_role(id, report.state);
    return true;
}

// One child writes it at a time; that it goes on with what others have counted is why sums over all
// of it never go back.
Parent::CountersPtr Parent::unused_counters(proc::RoleIndex role) {
    const Row& row = table()[role];
    if (row.counters.size == 0 || estate_.uncounted)
        return nullptr;
    for (const Counters& counters : counters_)
        if (counters.role == role && counters.file.use_count() == 1)
            return counters.file;
    auto made = proc::create_shared_memory("summond-counters", row.counters.size);
    base::Result<base::UniqueFd> readable;
    if (made)
        readable = proc::open_read_only(made->get());
    if (!made || !readable) {
        spdlog::error("{}; it does not count", (made ? readable : made).error().what);
        return nullptr;
    }
    const auto& added = counters_.emplace_back(
        Counters{role, std::make_shared<base::UniqueFd>(std::move(*made)), std::move(*readable)});
    show(ipc::Counters{row.role}, added.readable.get());
    return added.file;
}

void Parent::clear_gauges(proc::ChildId id) {
    const auto& [child, role, generation, counters, report] = children_.at(id);
    const std::vector<std::uint8_t> zeros(table()[role].counters.gauges);
    if (counters && ::pwrite(counters->get(), zeros.data(), zeros.size(), 0) < 0)
        spdlog::error("cannot write a child's counters: {}", std::strerror(errno));
}

proc::Children::Connected Parent::connect(proc::ChildId a, proc::ChildId b) {
    auto& [child_a, role_a, generation_a, counters_a, report_a] = children_.at(a);
    auto& [child_b, role_b, generation_b, counters_b, report_b] = children_.at(b);
    const ipc::Role is_a = table()[role_a].role;
    const ipc::Role is_b = table()[role_b].role;
    const auto channel = ipc::Channel::pair(is_a, is_b);
    if (!channel) {
        spdlog::error("{}", channel.error().what);
        return {};
    }
    return {child_a->send(ipc::Peer{is_b}, channel->first.fd()),
            child_b->send(ipc::Peer{is_a}, channel->second.fd())};
}

bool Parent::received(proc::ChildId id, ipc::Received& message) {
    auto& [child, role, generation, counters, report] = children_.at(id);
    switch (message.type) {
        case ipc::Type::ready: {
            child->is_ready();
            show_role(id, ipc::RoleReport::State::ready);
            const bool first = supervisor_.ready(id);
            arm();
            return first;
        }
        case ipc::Type::quiet: {
            const bool first = supervisor_.quiet(id);
            arm();
            return first;
        }
        case ipc::Type::reload_wanted:
            spdlog::info("asked to read the configuration again, over the control socket");
            reload();
            return true;
        case ipc::Type::connection:
            hand_on(role, message.fd.get());
            return true;
        default:
            return false;
    }
}

// A connection of a child that drains goes on with the one that serves. Without one it ends.
void Parent::hand_on(proc::RoleIndex role, int connection) {
    const auto serving = supervisor_.serving(role);
    if (!serving)
        return;
    proc::Child& child = *children_.at(*serving).child;
    if (!child.send(ipc::Connection{}, connection))
        spdlog::warn("{} does not take a client's connection, which ends", child.name());
}

template <typename Message>
void Parent::tell_of_reload(const Message& message, bool with_text) {
    for (proc::RoleIndex role = 0; role < roles_.size(); ++role) {
        const Row& row = table()[role];
        const auto id = supervisor_.serving(role);
        if (!id || !row.is_told_of_reloads)
            continue;
        proc::Child& child = *children_.at(*id).child;
        const bool prepared = !with_text || !row.signs ||
                              (child.send(ipc::Image{}, newest().image.get()) &&
                               child.send(ipc::SigningKeys{}, newest().online.get()));
        if (!prepared || !child.send(message, with_text ? row.text(newest()) : -1))
            supervisor_.takes_no_messages(*id);
    }
}
template void Parent::tell_of_reload(const ipc::Reload&, bool);
template void Parent::tell_of_reload(const ipc::Retire&, bool);

// One that does not take it tries again by itself.
void Parent::tell_opened() {
    for (proc::RoleIndex role = 0; role < roles_.size(); ++role)
        if (table()[role].has_sockets)
            for (const proc::ChildId next : supervisor_.children(role, proc::Place::next))
                children_.at(next).child->send(ipc::Opened{});
}

bool Parent::drain(proc::ChildId id) {
    show_role(id, ipc::RoleReport::State::draining);
    auto& [child, role, generation, counters, report] = children_.at(id);
    return table()[role].drain(*child, supervisor_.serving(role).has_value());
}

bool Parent::end(proc::ChildId id) {
    auto& [child, role, generation, counters, report] = children_.at(id);
    return table()[role].end(*child);
}

bool Parent::give_transfers(proc::Child& child) {
    return child.send(ipc::Image{}, in_force_->image.get()) &&
           child.send(ipc::Transfers{}, in_force_->transfers.get());
}

void Parent::tell_transfers() {
    for (const auto& [id, running] : children_)
        if (table()[running.role].transfers &&
            running.report.state != ipc::RoleReport::State::ended &&
            !give_transfers(*running.child))
            supervisor_.takes_no_messages(id);
}

// -- What is shown

template <typename Message>
void Parent::show(const Message& message, int fd_to_pass) {
    for (auto& [id, running] : children_)
        if (table()[running.role].shows && running.report.state != ipc::RoleReport::State::ended &&
            !running.child->send(message, fd_to_pass))
            spdlog::warn("{} is behind, and does not hear of everything", running.child->name());
}

void Parent::show_role(proc::ChildId id, ipc::RoleReport::State state) {
    auto& running = children_.at(id);
    if (roles_[running.role].once)
        return;
    running.report.state = state;
    show(running.report);
}

void Parent::show_load(ipc::LoadReport::Result result, const std::string& why) {
    load_.report.at_ms = now_ms();
    load_.report.result = result;
    using Result = ipc::LoadReport::Result;
    load_.report.failures += result == Result::refused || result == Result::failed ? 1 : 0;
    load_.printed.clear();
    if (result != ipc::LoadReport::Result::under_way)
        if (auto printed = proc::read_memfd(estate_.printed.get()))
            load_.printed = std::move(*printed);
    if (!why.empty())
        load_.printed += why + "\n";
    if (const auto text = load_text())
        show(load_.report, text->get());
}

base::Result<base::UniqueFd> Parent::load_text() const {
    auto fd = proc::create_memfd("summond-printed");
    if (!fd)
        return fd;
    if (auto written = proc::write_all(fd->get(), load_.printed); !written)
        return tl::make_unexpected(written.error());
    if (auto sealed = proc::seal(fd->get()); !sealed)
        return tl::make_unexpected(sealed.error());
    return fd;
}

// By the numbers that they have in messages.
std::vector<std::pair<std::uint32_t, int>> Parent::control_sockets() const {
    std::vector<std::pair<std::uint32_t, int>> sockets;
    if (in_force_->control)
        sockets.emplace_back(0, in_force_->control->fd());
    for (const ControlListener& listener : in_force_->readers)
        sockets.emplace_back(sockets.empty() ? 1 : sockets.back().first + 1,
                             listener.socket->get());
    return sockets;
}

// After a reload: it may be another one, or others may connect.
void Parent::show_socket() {
    if (!in_force_->is_shown()) {
        for (const auto& [id, running] : children_)
            if (table()[running.role].shows)
                running.child->signal(SIGTERM);
        return;
    }
    for (const auto& [number, fd] : control_sockets())
        show(ipc::Listener{number}, fd);
    show(in_force_->access);
    show(ipc::Image{}, in_force_->image.get());
}

// What one has missed that has just been started.
void Parent::show_all(proc::ChildId id) {
    proc::Child& child = *children_.at(id).child;
    for (const auto& [number, fd] : control_sockets())
        child.send(ipc::Listener{number}, fd);
    child.send(in_force_->access);
    child.send(ipc::Image{}, in_force_->image.get());
    for (const Counters& counters : counters_)
        child.send(ipc::Counters{table()[counters.role].role}, counters.readable.get());
    for (const auto& [other, running] : children_)
        if (other != id && !roles_[running.role].once)
            child.send(running.report);
    if (const auto text = load_text())
        child.send(load_.report, text->get());
}

}  // namespace summond::roles
