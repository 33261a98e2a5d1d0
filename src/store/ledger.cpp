// Threads: whoever tells (vmm's) puts into Shared::waits under its lock and goes on; the store's
// own takes all that waits, and writes it without the lock.
#include "summond/store/ledger.hpp"

#include <fmt/format.h>
#include <pthread.h>

#include <algorithm>
#include <condition_variable>
#include <csignal>
#include <fstream>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "file.hpp"
#include "summond/base/log.hpp"
#include "tables.hpp"

namespace summond::store {
namespace {

using std::chrono::seconds;

// How long the daemon waits for a disk, at its start and at its end.
constexpr seconds patience{10};
// What is told within this time is one transaction.
constexpr std::chrono::milliseconds gathers{100};
// A file that could not be written is tried again after the first, then twice as long each time.
constexpr seconds first_retry{1};
constexpr seconds longest_retry{60};
// History is shortened at the start and after so many wakes.
constexpr std::size_t shorten_every = 100;

std::string read_boot_id() {
    std::string id;
    std::ifstream("/proc/sys/kernel/random/boot_id") >> id;
    return id;
}

void say_jump(Millis jump) {
    if (jump != 0)
        spdlog::warn(
            "the clock was set {} by {} s since the last run; what ends at a time is "
            "reckoned without that",
            jump < 0 ? "back" : "forward", std::abs(jump) / 1000);
}

}  // namespace

struct Ledger::Shared {
    explicit Shared(Options with) : options(std::move(with)) {}

    const Options options;
    const std::string boot = read_boot_id();

    mutable std::mutex mutex;
    std::condition_variable changed;
    Batch waits;
    bool writing = false;
    bool stopping = false;
    bool opened = false;  // or not to be opened: `remembered` is there
    bool ended = false;
    vm::Remembered remembered{.leases_lost = true};  // until it is read
    Health health;
    std::function<void(std::uint64_t)> on_leased;

    void run(const Now& start);

  private:
    void write_what_waits(std::unique_lock<std::mutex>& lock);
    std::optional<Batch> commit(Batch batch, bool& lost);
    bool shorten_history();
    void tell_health() const;
    void failed(const std::string& what);

    // The thread's own.
    std::optional<Database> database_;
    base::SystemClock clock_;
    seconds retry_{0};  // 0: the last that was done went well
    std::size_t wakes_written_ = shorten_every;
    std::uint64_t lost_said_ = 0;
};

void Ledger::Shared::run(const Now& start) {
    Opened file = open_file(options.file, start, options.most_wakes);
    database_ = std::move(file.database);
    if (!database_)
        retry_ = first_retry;
    if (file.read)
        say_jump(file.read->jump);
    std::unique_lock lock(mutex);
    if (file.read)
        remembered = std::move(file.read->remembered);
    opened = true;
    health.usable = database_.has_value();
    health.failures += database_ ? 0 : 1;
    changed.notify_all();
    tell_health();
    while (true) {
        changed.wait(lock, [this] { return stopping || !waits.empty(); });
        if (waits.empty())
            break;
        if (!stopping)
            changed.wait_for(
                lock, retry_ > seconds(0) ? std::chrono::milliseconds(retry_) : gathers,
                [this] { return stopping || (waits.leased != 0 && retry_ == seconds(0)); });
        const bool last = stopping;
        write_what_waits(lock);
        if (last)
            break;
    }
    lock.unlock();
    database_.reset();
    lock.lock();
    ended = true;
    changed.notify_all();
}

void Ledger::Shared::write_what_waits(std::unique_lock<std::mutex>& lock) {
    Batch batch = std::exchange(waits, {});
    writing = true;
    const std::uint64_t leased = batch.leased;
    lock.unlock();
    bool lost = false;
    auto unwritten = commit(std::move(batch), lost);
    lock.lock();
    writing = false;
    if (on_leased && lost)
        on_leased(0);
    if (on_leased && !unwritten && leased != 0)
        on_leased(leased);
    if (unwritten)
        waits.add_older(std::move(*unwritten));
    health.usable = !unwritten;
    ++(unwritten ? health.failures : health.commits);
    if (!unwritten)
        health.last_commit = clock_.now();
    if (const auto lost = health.lost_wakes - std::exchange(lost_said_, health.lost_wakes))
        spdlog::warn("{}: {} wakes are missing from the history, since it was not written in time",
                     options.file, lost);
    changed.notify_all();
    tell_health();
}

void Ledger::Shared::tell_health() const {
    if (options.on_health)
        options.on_health(health);
}

// What is still to be written. lost: all that was is not there any more.
std::optional<Batch> Ledger::Shared::commit(Batch batch, bool& lost) {
    if (!database_) {
        auto database = open_for_writing(options.file);
        if (!database) {
            failed(database.error().what);
            return batch;
        }
        database_ = std::move(*database);
    }
    if (const auto r = write(*database_, batch); !r) {
        failed(r.error().what);
        database_.reset();
        if (r.error().fault == Fault::damaged)
            if (const auto aside = set_aside(options.file, clock_.now()); aside) {
                spdlog::error("{} was damaged and is now {}", options.file, *aside);
                lost = true;
            }
        return batch;
    }
    if (retry_ > seconds(0))
        spdlog::info("{} is written again", options.file);
    retry_ = seconds(0);
    wakes_written_ += batch.wakes.size();
    if (wakes_written_ >= shorten_every && shorten_history())
        wakes_written_ = 0;
    return std::nullopt;
}

bool Ledger::Shared::shorten_history() {
    const auto oldest = (clock_.now() - options.longest).time_since_epoch();
    const auto r = shorten(*database_, options.most_wakes, oldest.count());
    if (!r)
        spdlog::warn("{}: old wakes cannot be removed: {}", options.file, r.error().what);
    return r.has_value();
}

void Ledger::Shared::failed(const std::string& what) {
    if (retry_ == seconds(0))
        spdlog::error("{} cannot be written: {}; it is tried again, and all else goes on",
                      options.file, what);
    retry_ = std::clamp(2 * retry_, first_retry, longest_retry);
}

Ledger::Ledger(Options options, const base::Clock& clock, const base::WallClock& wall_clock)
    : shared_(std::make_shared<Shared>(std::move(options))),
      clock_(clock),
      wall_clock_(wall_clock) {
    const Now start{clock.now(), wall_clock.now(), shared_->boot};
    // Signals are the main thread's: libxl waits for its children there.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    std::thread([shared = shared_, start] {
        ::pthread_setname_np(::pthread_self(), "store");
        shared->run(start);
    }).detach();
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

Ledger::~Ledger() {
    std::unique_lock lock(shared_->mutex);
    shared_->stopping = true;
    shared_->changed.notify_all();
    if (!shared_->changed.wait_for(lock, patience, [this] { return shared_->ended; }))
        spdlog::error("{}: the disk does not answer; the last changes are not kept",
                      shared_->options.file);
}

vm::Remembered Ledger::remembered() {
    std::unique_lock lock(shared_->mutex);
    if (!shared_->changed.wait_for(lock, patience, [this] { return shared_->opened; })) {
        spdlog::error("{}: the disk does not answer; what was kept is not known",
                      shared_->options.file);
        return {.leases_lost = true};
    }
    return std::exchange(shared_->remembered, {});
}

void Ledger::keep(const vm::Kept& kept) {
    ToldState told{kept, {clock_.now(), wall_clock_.now(), shared_->boot}};
    const std::lock_guard lock(shared_->mutex);
    shared_->waits.services.insert_or_assign(kept.service, std::move(told));
    shared_->changed.notify_all();
}

void Ledger::forget(service::Id service) {
    const std::lock_guard lock(shared_->mutex);
    shared_->waits.services.insert_or_assign(service, std::nullopt);
    shared_->changed.notify_all();
}

void Ledger::drained(bool drained) {
    const std::lock_guard lock(shared_->mutex);
    shared_->waits.drained = drained;
    shared_->changed.notify_all();
}

void Ledger::woke(const vm::WakeRecord& record) {
    ToldWake told{record, {clock_.now(), wall_clock_.now(), shared_->boot}};
    const std::lock_guard lock(shared_->mutex);
    auto& wakes = shared_->waits.wakes;
    if (wakes.size() >= shared_->options.queue && !wakes.contains(record.number)) {
        ++shared_->health.lost_wakes;
        return;
    }
    wakes.insert_or_assign(record.number, std::move(told));
    shared_->changed.notify_all();
}

void Ledger::lease(const vm::Lease& lease, std::uint64_t number) {
    const std::lock_guard lock(shared_->mutex);
    shared_->waits.leases.insert_or_assign(lease.address, lease);
    shared_->waits.leased = number;
    shared_->changed.notify_all();
}

void Ledger::release(const base::IpAddress& address) {
    const std::lock_guard lock(shared_->mutex);
    shared_->waits.leases.insert_or_assign(address, std::nullopt);
    shared_->changed.notify_all();
}

void Ledger::on_leased(std::function<void(std::uint64_t)> kept) {
    const std::lock_guard lock(shared_->mutex);
    shared_->on_leased = std::move(kept);
}

Health Ledger::health() const {
    const std::lock_guard lock(shared_->mutex);
    return shared_->health;
}

void Ledger::flush() {
    std::unique_lock lock(shared_->mutex);
    const auto before = shared_->health.failures;
    shared_->changed.wait(lock, [&] {
        return (shared_->waits.empty() && !shared_->writing) || shared_->health.failures > before;
    });
}

}  // namespace summond::store
