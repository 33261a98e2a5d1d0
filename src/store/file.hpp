// The file on the disk: whether it may be used, opened for writing with its tables as they are now,
// set aside where it is damaged. Says in the log what it finds. The store's thread only.
#pragma once

#include <optional>
#include <string>

#include "database.hpp"
#include "tables.hpp"

namespace summond::store {

// What there is of a file at the start.
struct Opened {
    std::optional<Database> database;  // none: nothing can be written for now
    std::optional<Read> read;          // none: what was in it is not known
};

// wakes: so many of them are read.
Opened open_file(const std::string& file, const Now& now, std::size_t wakes);
// Again, for writing, after open_file or a write has failed. Nothing is set aside: what is in it
// has been read. Says nothing.
Result<Database> open_for_writing(const std::string& file);
// state.db.damaged-20261130T051500Z, with its log beside it. Of those that there are the newest
// three stay. The error is a reason.
base::Result<std::string> set_aside(const std::string& file, base::WallTime now);

}  // namespace summond::store
