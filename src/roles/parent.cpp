// The parent: one thread, one event loop, root. Binds sockets, starts its children, reloads, ends.
// It parses nothing that comes from the network and never touches Xen. What it gives to its
// children and tells them is in parent_children.cpp.

#include "parent.hpp"

#include <sys/random.h>
#include <sys/resource.h>
#include <systemd/sd-daemon.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <ctime>
#include <set>

#include "roles.hpp"
#include "summond/base/log.hpp"
#include "summond/proc/memfd.hpp"

namespace summond::roles {
namespace {

using namespace std::chrono_literals;

// How long addresses that a reload takes out of `listen` are still answered at.
constexpr auto given_up_limit = 2s;

// How long after a file that is an id has come or gone others are waited for; and how much of the
// time at most goes into loads for that, where they take long: one part in so many.
constexpr auto listing_pause = 50ms;
constexpr int listing_share = 5;

constexpr std::int64_t second_ns = 1'000'000'000;

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

std::vector<proc::Role> supervised_roles() {
    std::vector<proc::Role> roles;
    for (const Row& row : table()) {
        roles.push_back(row.kept);
        roles.back().name = ipc::to_string(row.role);
    }
    return roles;
}

}  // namespace

Parent::Parent(const Arguments& arguments)
    : estate_{arguments.config, arguments.simulate, {}, {}, {}, arguments.uncounted},
      roles_(supervised_roles()),
      supervisor_(roles_, peers(), clock_, *this) {}

int Parent::run() {
    auto secret = make_cookie_secret();
    if (!secret) {
        spdlog::critical("{}", secret.error().what);
        return exit_failed;
    }
    estate_.cookie_secret = std::move(*secret);
    left_ = kept_.take();
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

void Parent::arm() {
    timer_.set(supervisor_.deadline());
}

// -- Load

void Parent::load() {
    auto config = proc::create_memfd("summond-config");
    auto image = proc::create_memfd("summond-zones");
    auto webhooks = proc::create_memfd("summond-webhooks");
    auto fleet = proc::create_memfd("summond-fleet");
    auto printed = proc::create_memfd("summond-printed");
    auto transfers = proc::create_memfd("summond-transfers");
    auto online = proc::create_memfd("summond-keys");
    for (const auto* made : {&config, &image, &webhooks, &fleet, &printed, &transfers, &online})
        if (!*made)
            return load_failed(exit_failed, made->error().what);
    estate_.loaded = {std::move(*config),   std::move(*image), std::move(*transfers),
                      std::move(*webhooks), std::move(*fleet), std::move(*online)};
    estate_.printed = std::move(*printed);
    load_began_ns_ =
        std::chrono::nanoseconds(std::chrono::system_clock::now().time_since_epoch()).count();
    load_began_at_ = clock_.now();
    config_changed_ns_ = changed_at(estate_.config_file);
    ++load_.report.number;
    show_load(ipc::LoadReport::Result::under_way);
    for (proc::RoleIndex role = 0; role < roles_.size(); ++role) {
        if (!roles_[role].once)
            continue;
        loading_ = supervisor_.run_once(role);
        if (!loading_)
            load_failed(exit_failed, "reading " + estate_.config_file + " failed");
    }
}

void Parent::finished(proc::RoleIndex /*role*/, proc::Exit exit) {
    loading_ = false;
    const std::string& file = estate_.config_file;
    if (!exit.signalled && exit.value == exit_bad_configuration)
        return load_failed(exit_bad_configuration, file + " cannot be used, see above");
    if (!exit.success())
        return load_failed(exit_failed, "reading " + file + " failed: " + exit.to_string());
    auto generation = make_generation(file, std::exchange(estate_.loaded, {}),
                                      (in_force_ ? in_force_ : left_).get(), own_sockets());
    if (!generation)
        return load_failed(exit_failed, generation.error().what);
    (*generation)->config_changed_ns = config_changed_ns_;
    if (supervisor_.phase() == Phase::starting)
        begin(std::move(*generation));
    else
        replace(std::move(*generation));
}

net::OwnSockets Parent::own_sockets() const {
    std::set<const Generation*> generations;
    for (const GenerationPtr& generation : {in_force_, left_})
        if (generation)
            generations.insert(generation.get());
    for (const auto& [id, running] : children_)
        if (running.generation)
            generations.insert(running.generation.get());
    net::OwnSockets own;
    for (const Generation* generation : generations)
        add_sockets(*generation, own);
    return own;
}

void Parent::load_failed(int status, const std::string& why) {
    spdlog::error("{}", why);
    estate_.loaded = {};
    if (supervisor_.phase() == Phase::starting)
        return stop(status);
    spdlog::error("kept the running configuration");
    if (status == exit_bad_configuration)
        show_load(ipc::LoadReport::Result::refused);
    else
        show_load(ipc::LoadReport::Result::failed, why);
    reload_ended();
}

// -- Start

void Parent::begin(GenerationPtr generation) {
    if (auto opened = open_pending(*generation); !opened)
        return load_failed(exit_failed, opened.error().what);
    in_force_ = std::move(generation);
    left_.reset();
    kept_.keep(*in_force_);
    set_log_level(*in_force_);
    if (estate_.simulate)
        spdlog::warn(
            "SIMULATED: Xen is not touched, no domain is started and nothing lives at the "
            "addresses of services");
    want_roles();
    supervisor_.start();
}

void Parent::all_ready() {
    close_given_up_later();
    spdlog::info("ready: {}", in_force_->to_string());
    show_load(ipc::LoadReport::Result::in_force);
    reload_ended();
}

void Parent::start_failed() {
    stop(exit_failed);
}

// -- Reload

void Parent::reload() {
    if (supervisor_.phase() == Phase::stopping)
        return;
    if (supervisor_.phase() == Phase::starting || loading_ || next_ || supervisor_.taking_over()) {
        reload_wanted_ = true;
        return;
    }
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    ::sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld",
                 static_cast<long long>(now.tv_sec) * 1'000'000 + now.tv_nsec / 1000);
    spdlog::info("reading {} again", estate_.config_file);
    load();
}

void Parent::replace(GenerationPtr generation) {
    next_ = std::move(generation);
    want_roles();
    // First, as successors may ask for new services at once. One that is not there, or waits to be
    // started again, reads the newest configuration then.
    tell_of_reload(ipc::Reload{}, true);
    supervisor_.replace();
}

void Parent::finish_reload() {
    if (auto opened = open_pending(*next_); !opened) {
        supervisor_.give_up_replacement();  // they may have taken queries
        return replacement_failed(opened.error().what);
    }
    if (!next_->pending.empty())
        tell_opened();
    close_other_readers(*in_force_, *next_);
    in_force_ = std::exchange(next_, nullptr);
    kept_.keep(*in_force_);
    close_given_up_later();
    show_socket();
    set_log_level(*in_force_);
    supervisor_.take_over();
}

// Whoever hears that the new zones are in force finds nobody who answers for those before: a
// secondary that did, asked by NOTIFY, would stay behind until its refresh.
void Parent::replaced() {
    tell_of_reload(ipc::Retire{});  // now that nobody asks for what is gone any more
    tell_transfers();
    spdlog::info("reloaded: {}", in_force_->to_string());
    show_load(ipc::LoadReport::Result::in_force);
    reload_ended();
}

// Clients of addresses that are listened on no more may be in the middle of a handshake.
void Parent::close_given_up_later() {
    given_up_.expires_after(given_up_limit);
    given_up_.async_wait([this](auto error) {
        if (error)
            return;
        close_given_up(*in_force_);
        kept_.keep(*in_force_);
    });
}

void Parent::replacement_failed(const std::string& why) {
    spdlog::error("{}; kept the running configuration", why);
    next_.reset();
    want_roles();
    tell_of_reload(ipc::Reload{}, true);
    tell_of_reload(ipc::Retire{});
    show_socket();
    show_load(ipc::LoadReport::Result::failed, why);
    reload_ended();
}

void Parent::reload_ended() {
    ::sd_notifyf(0, "READY=1\nSTATUS=%s", in_force_->to_string().c_str());
    watch_signing();
    watch_files();
    if (std::exchange(reload_wanted_, false))
        reload();
}

// Also where the clock has been set back behind the time of the signatures, which are in the future
// then.
bool Parent::signing_is_due() const {
    constexpr std::time_t tolerance = 60;
    const std::time_t now = std::time(nullptr);
    return in_force_->sign_again_at != 0 &&
           (now >= in_force_->sign_again_at || now + tolerance < in_force_->signed_at);
}

// Somebody may set the clock at any time, so it is looked at once a minute.
void Parent::watch_signing() {
    if (in_force_->sign_again_at == 0) {
        signing_.cancel();
        return;
    }
    auto wait = std::chrono::seconds(
        std::clamp<std::int64_t>(in_force_->sign_again_at - std::time(nullptr), 1, 60));
    // It may have become due after the load that is over now had begun.
    if (signing_is_due() && load_began_ns_ / second_ns >= in_force_->sign_again_at) {
        spdlog::warn("zones could not be signed again; it is tried again in 10 minutes");
        wait = 10min;
    }
    signing_.expires_after(wait);
    signing_.async_wait([this](auto error) {
        if (error)
            return;
        if (!signing_is_due())
            return watch_signing();
        spdlog::info("zones are to be signed again");
        reload();
    });
}

void Parent::watch_files() {
    const auto now = clock_.now();
    listing_not_before_ = now + (listing_share - 1) * (now - load_began_at_);
    watch_.set(in_force_->files, load_began_ns_);
}

void Parent::files_changed() {
    if (std::exchange(listing_is_planned_, true))
        return;
    const base::Duration pause = listing_pause;
    listing_.expires_after(std::max(pause, listing_not_before_ - clock_.now()));
    listing_.async_wait([this](auto error) {
        listing_is_planned_ = false;
        if (error)
            return;
        const std::string& file = estate_.config_file;
        if (changed_at(file) != in_force_->config_changed_ns)
            return spdlog::warn(
                "files that are ids have come or gone, and {} has been changed since it was read: "
                "all of it counts when it is reloaded",
                file);
        spdlog::info("files that are ids have come or gone");
        reload();
    });
}

// -- End

void Parent::stop(int status) {
    if (supervisor_.phase() != Phase::stopping) {
        status_ = status;
        ::sd_notify(0, "STOPPING=1");
        if (status == 0)
            spdlog::info("stopping");
        given_up_.cancel();
        signing_.cancel();
        listing_.cancel();
        watch_.end();
    }
    supervisor_.stop();
    arm();
}

int parent_main(const Arguments& arguments) {
    raise_descriptor_limit();
    Parent parent(arguments);
    return parent.run();
}

}  // namespace summond::roles
