// vm::Ledger in a SQLite file, written by a thread of its own. Whoever tells it something only puts
// that into a queue in memory: of a service the latest state, and so many wakes; what does not fit
// is dropped and counted. A file that cannot be used, whatever the reason, costs what is in it and
// nothing else: the log says so, and everything is answered as if there were none.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "summond/base/clock.hpp"
#include "summond/base/wall_clock.hpp"
#include "summond/vm/ledger.hpp"

namespace summond::store {

struct Health {
    bool usable = false;           // the last that was done with the file went well
    std::uint64_t commits = 0;     // transactions
    base::WallTime last_commit{};  // when the last of them was; 1970: there has been none
    std::uint64_t failures = 0;    // of opening or writing it
    std::uint64_t lost_wakes = 0;  // that did not fit
};

class Ledger final : public vm::Ledger {
  public:
    struct Options {
        std::string file;                 // absolute; its directory is made if there is none
        std::size_t most_wakes = 10'000;  // of history; as many may wait to be written at the most
        std::chrono::days longest{90};    // likewise
        std::size_t queue = 1000;         // wakes that may wait to be written
        // Told after each change of it, on the ledger's thread; may be empty.
        std::function<void(const Health&)> on_health{};
    };

    // Starts the thread, which opens the file. The clocks outlive the ledger.
    Ledger(Options options, const base::Clock& clock, const base::WallClock& wall_clock);
    // Writes what waits, for a few seconds at most.
    ~Ledger() override;
    Ledger(const Ledger&) = delete;
    Ledger& operator=(const Ledger&) = delete;

    // Waits for the file, some seconds at most: a disk that hangs is no reason not to serve.
    vm::Remembered remembered() override;
    void keep(const vm::Kept& kept) override;
    void forget(service::Id service) override;
    void drained(bool drained) override;
    void woke(const vm::WakeRecord& record) override;
    void lease(const vm::Lease& lease, std::uint64_t number) override;
    void release(const base::IpAddress& address) override;
    void on_leased(std::function<void(std::uint64_t)> kept) override;

    Health health() const;
    // Until all that has been told is written, or writing has failed. For tests.
    void flush();

  private:
    struct Shared;
    std::shared_ptr<Shared>
        shared_;  // with the thread, which may outlive this on a disk that hangs
    const base::Clock& clock_;
    const base::WallClock& wall_clock_;
};

}  // namespace summond::store
