// What the tables of the file mean: rows written of what the ledger is told, and read back as what
// a later process takes over. What is read is not trusted to make sense.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "database.hpp"
#include "summond/vm/ledger.hpp"
#include "times.hpp"

namespace summond::store {

struct ToldState {
    vm::Kept kept;
    Now at;
};

struct ToldWake {
    vm::WakeRecord record;
    Now at;
};

// What waits to be written.
struct Batch {
    std::map<service::Id, std::optional<ToldState>> services;  // none: forget it
    std::optional<bool> drained;
    std::map<std::uint64_t, ToldWake> wakes;                     // by number
    std::map<base::IpAddress, std::optional<vm::Lease>> leases;  // none: it is free
    std::uint64_t leased = 0;  // the highest number of those; 0: nobody waits for them

    bool empty() const { return services.empty() && !drained && wakes.empty() && leases.empty(); }
    // What is newer wins.
    void add_older(Batch older);
};

// In one transaction.
Result<void> write(Database& database, const Batch& batch);
// Leaves the newest so many wakes, and none that is older than that.
Result<void> shorten(Database& database, std::size_t most, Millis oldest);
// jump: by how much the clock was set since, if it was.
struct Read {
    vm::Remembered remembered;
    Millis jump = 0;
};
Result<Read> read(Database& database, const Now& now, std::size_t wakes);

}  // namespace summond::store
