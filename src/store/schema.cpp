#include "schema.hpp"

#include <fmt/format.h>

#include <array>

namespace summond::store {
namespace {

// What makes version N of version N - 1: a new version is a row. A row that has been released never
// changes. Times are milliseconds since 1970, durations microseconds; boot, offset and told are
// store::Stamp.
constexpr std::array migrations{
    // 1
    "CREATE TABLE service ("
    "  id INTEGER PRIMARY KEY,"  // service::Id, as a signed number
    "  pinned INTEGER NOT NULL, pin_until INTEGER,"
    "  failures INTEGER NOT NULL, short_lives INTEGER NOT NULL,"
    "  why TEXT NOT NULL, retry_at INTEGER,"
    "  last_used INTEGER,"
    "  boot TEXT NOT NULL, offset INTEGER NOT NULL, told INTEGER NOT NULL) STRICT;"
    "CREATE TABLE host ("  // one row at the most
    "  id INTEGER PRIMARY KEY CHECK (id = 1),"
    "  drained INTEGER NOT NULL) STRICT;"
    "CREATE TABLE wake ("
    "  number INTEGER PRIMARY KEY,"
    "  service INTEGER NOT NULL, name TEXT NOT NULL,"
    "  why TEXT NOT NULL, how TEXT, failure TEXT NOT NULL, what TEXT NOT NULL,"
    "  asked INTEGER NOT NULL,"
    "  admitted INTEGER, built INTEGER, unpaused INTEGER, answerable INTEGER, ready INTEGER,"
    "  handed_over INTEGER, failed INTEGER, packets INTEGER NOT NULL,"
    "  boot TEXT NOT NULL, offset INTEGER NOT NULL, told INTEGER NOT NULL) STRICT;",
    // 2: who waited for a wake, and its guest's first byte; services that sleep by command
    "ALTER TABLE wake ADD COLUMN query_type INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE wake ADD COLUMN queries INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE wake ADD COLUMN first_waited INTEGER;"
    "ALTER TABLE wake ADD COLUMN first_byte INTEGER;"
    "ALTER TABLE service ADD COLUMN rests INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE service ADD COLUMN rest_until INTEGER;",
    // 3: IPv4 addresses of pools
    "CREATE TABLE lease ("
    "  address TEXT PRIMARY KEY,"
    "  name TEXT NOT NULL,"  // of the instance that has it
    "  ttl INTEGER NOT NULL) STRICT;",
};

}  // namespace

int schema_version() {
    return static_cast<int>(migrations.size());
}

Result<void> migrate(Database& database) {
    const auto version = database.number("PRAGMA user_version");
    if (!version)
        return tl::make_unexpected(version.error());
    if (*version > schema_version())
        return tl::make_unexpected(
            Error{fmt::format("it is of a newer summond (version {} of the tables, this one knows "
                              "{}); go back to that one, or move the file away",
                              *version, schema_version()),
                  Fault::other});
    if (*version < 0)
        return tl::make_unexpected(
            Error{fmt::format("it has version {}", *version), Fault::damaged});
    for (auto next = static_cast<std::size_t>(*version); next < migrations.size(); ++next) {
        const auto r = database.run(fmt::format(
            "BEGIN IMMEDIATE; {} PRAGMA user_version = {}; COMMIT", migrations.at(next), next + 1));
        if (!r) {
            (void)database.run("ROLLBACK");
            return r;
        }
    }
    return {};
}

}  // namespace summond::store
