// The parent: one thread, one event loop, root. Binds sockets, starts front and vmm, reloads, ends.
// It parses nothing that comes from the network and never touches Xen. What it does when a child
// dies is in parent_children.cpp.

#include "parent.hpp"

#include <sys/random.h>
#include <sys/resource.h>
#include <systemd/sd-daemon.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <ctime>

#include "roles.hpp"
#include "summond/base/log.hpp"
#include "summond/proc/memfd.hpp"

namespace summond::roles {
namespace {

using namespace std::chrono_literals;

// Fronts when the daemon ends: a second for what is on its way, then nobody waits for clients.
constexpr auto stop_limit_front = 5s;
// Who waits for the daemon waits for the addresses of its services, too; but not for ever.
constexpr auto wire_ready_limit = 30s;
// How long addresses that a reload takes out of `listen` are still answered at.
constexpr auto given_up_limit = 2s;
// vmm at the end: destroying domains takes seconds each.
constexpr auto stop_limit_vmm = 60s;

// Sockets and TCP sessions are many; nothing here uses select(2), for which the soft limit is low.
void raise_descriptor_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        ::setrlimit(RLIMIT_NOFILE, &limit);
    }
}

void set_log_level(const Generation& generation) {
    spdlog::default_logger()->set_level(spdlog::level::from_str(generation.log_level));
}

base::Result<base::UniqueFd> make_cookie_secret() {
    std::array<std::uint8_t, 16> secret;
    if (::getrandom(secret.data(), secret.size(), 0) != ssize_t{secret.size()})
        return base::system_error("getrandom", errno);
    auto fd = proc::create_memfd("summond-cookie-secret");
    if (!fd)
        return fd;
    if (auto written = proc::write_all(fd->get(), secret); !written)
        return tl::make_unexpected(written.error());
    if (auto sealed = proc::seal(fd->get()); !sealed)
        return tl::make_unexpected(sealed.error());
    return fd;
}

}  // namespace

Parent::Parent(std::string config_file, bool simulate)
    : config_file_(std::move(config_file)), simulate_(simulate) {}

int Parent::run() {
    auto secret = make_cookie_secret();
    if (!secret) {
        spdlog::critical("{}", secret.error().what);
        return exit_failed;
    }
    cookie_secret_ = std::move(*secret);
    wait_for_signal();
    load();
    io_.run();
    return status_;
}

void Parent::wait_for_signal() {
    signals_.async_wait([this](auto error, int signal) {
        if (error)
            return;
        if (signal == SIGHUP)
            reload();
        else
            stop(0);
        wait_for_signal();
    });
}

// -- Load

void Parent::load() {
    auto config = proc::create_memfd("summond-config");
    auto image = proc::create_memfd("summond-zones");
    if (!config || !image)
        return load_failed(exit_failed, (config ? image : config).error().what);
    const auto memfds = std::make_shared<Memfds>(Memfds{std::move(*config), std::move(*image)});
    std::vector<std::string> arguments{"--config", config_file_};
    std::vector<proc::FdMapping> fds{{memfds->config.get(), config_fd},
                                     {memfds->image.get(), image_fd}};
    if (front_.generation) {
        arguments.emplace_back("--older-image");
        fds.push_back({front_.generation->image.get(), older_image_fd});
    }
    auto child = Child::start(
        io_, "load", arguments, std::move(fds),
        {[] {}, [this, memfds](Child&, proc::Exit exit) { loaded(exit, *memfds); }},
        // A reload leaves the CPU to those that answer queries.
        phase_ == Phase::starting ? proc::Priority::normal : proc::Priority::background);
    if (!child)
        return load_failed(exit_failed, child.error().what);
    loader_ = std::move(*child);
}

void Parent::loaded(proc::Exit exit, Memfds& memfds) {
    loader_.reset();
    if (phase_ == Phase::stopping)
        return end_if_alone();
    if (!exit.signalled && exit.value == exit_bad_configuration)
        return load_failed(exit_bad_configuration, config_file_ + " cannot be used, see above");
    if (!exit.success())
        return load_failed(exit_failed, "reading " + config_file_ + " failed: " + exit.to_string());

    net::OwnSockets own;
    if (front_.generation)
        add_sockets(*front_.generation, own);
    for (const Front& front : draining_)
        add_sockets(*front.generation, own);
    auto generation = make_generation(config_file_, std::move(memfds.config),
                                      std::move(memfds.image), front_.generation.get(), own);
    if (!generation)
        return load_failed(exit_failed, generation.error().what);
    if (phase_ == Phase::starting)
        start(std::move(*generation));
    else
        replace(std::move(*generation));
}

void Parent::load_failed(int status, const std::string& why) {
    spdlog::error("{}", why);
    if (phase_ == Phase::starting)
        return stop(status);
    spdlog::error("kept the running configuration");
    reload_ended();
}

// -- Start

void Parent::start(GenerationPtr generation) {
    front_.generation = std::move(generation);
    set_log_level(*front_.generation);
    if (simulate_)
        spdlog::warn(
            "SIMULATED: Xen is not touched, no domain is started and nothing lives at the "
            "addresses of services");
    if (front_.generation->services > 0)
        start_vmm();
    if (wants_wire())
        start_wire();
    if (wire_)
        wire_->must_be_ready_within(wire_ready_limit);
    if (phase_ == Phase::starting)  // vmm can have failed already
        start_front(front_);
}

void Parent::child_ready() {
    if (phase_ == Phase::starting && front_.child && front_.child->ready() &&
        (!vmm_wanted_ || (vmm_ && vmm_->ready())) && (!wire_ || wire_->ready())) {
        phase_ = Phase::running;
        spdlog::info("ready: {}", front_.generation->to_string());
        if (!wire_ && wants_wire())  // it has ended before this
            start_wire();
        reload_ended();
    } else if (phase_ == Phase::running && next_.child && next_.child->ready()) {
        finish_reload();
    }
}

// -- Reload

void Parent::reload() {
    if (phase_ == Phase::stopping)
        return;
    if (phase_ == Phase::starting || loader_ || next_.generation) {
        reload_wanted_ = true;
        return;
    }
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    ::sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld",
                 static_cast<long long>(now.tv_sec) * 1'000'000 + now.tv_nsec / 1000);
    spdlog::info("reading {} again", config_file_);
    load();
}

void Parent::replace(GenerationPtr generation) {
    next_.generation = std::move(generation);
    // vmm first: the new front may ask for new services at once.
    if (!vmm_wanted_ && next_.generation->services > 0)
        start_vmm();
    else
        configure_vmm();
    if (!wire_ && wants_wire())
        start_wire();
    start_front(next_);
}

void Parent::finish_reload() {
    if (auto opened = open_pending(*next_.generation); !opened) {
        drain(std::exchange(next_, {}));  // it may have taken queries
        return replace_failed(opened.error().what);
    }
    if (!next_.generation->pending.empty())
        next_.child->send(ipc::Opened{});  // one that does not take it tries again by itself
    front_restart_.cancel();               // of the old front, had it just died
    drain(std::exchange(front_, std::exchange(next_, {})));
    retire_others();  // now that nobody asks for them any more
    close_given_up_later();
    front_backoff_ = {};
    set_log_level(*front_.generation);
    spdlog::info("reloaded: {}", front_.generation->to_string());
    reload_ended();
}

// Clients of addresses that are listened on no more may be in the middle of a handshake.
void Parent::close_given_up_later() {
    given_up_.expires_after(given_up_limit);
    given_up_.async_wait([this](auto error) {
        if (!error && front_.generation)
            close_given_up(*front_.generation);
    });
}

void Parent::replace_failed(const std::string& why) {
    spdlog::error("{}; kept the running configuration", why);
    next_ = {};
    configure_vmm();
    retire_others();
    reload_ended();
}

void Parent::reload_ended() {
    ::sd_notifyf(0, "READY=1\nSTATUS=%s", front_.generation->to_string().c_str());
    if (std::exchange(reload_wanted_, false))
        reload();
}

// -- End

void Parent::stop(int status) {
    if (phase_ == Phase::stopping) {
        spdlog::warn("told to stop again: killing what has not ended");
        for (const Front& front : draining_)
            front.child->kill();
        if (vmm_)
            vmm_->kill();
        return;
    }
    phase_ = Phase::stopping;
    status_ = status;
    ::sd_notify(0, "STOPPING=1");
    if (status == 0)
        spdlog::info("stopping");
    front_restart_.cancel();
    vmm_restart_.cancel();
    wire_restart_.cancel();
    given_up_.cancel();
    if (wire_)
        wire_->kill();  // it has nothing to put in order
    if (loader_)
        loader_->kill();
    if (next_.child)
        next_.child->kill();
    drain(std::exchange(front_, {}));
    for (const Front& front : draining_)
        front.child->end_within(stop_limit_front);
    if (vmm_) {
        if (!vmm_->send(ipc::Stop{}))
            vmm_->kill();
        vmm_->must_end_within(stop_limit_vmm);
    }
    end_if_alone();
}

void Parent::end_if_alone() {
    if (phase_ == Phase::stopping && !loader_ && !next_.child && draining_.empty() && !vmm_ &&
        !wire_)
        io_.stop();
}

int parent_main(const std::string& config_file, bool simulate) {
    raise_descriptor_limit();
    Parent parent(config_file, simulate);
    return parent.run();
}

}  // namespace summond::roles
