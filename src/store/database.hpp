// SQLite as the rest of the module uses it: handles that are closed by themselves, errors as
// values. Nothing else includes sqlite3.h. One thread uses a Database.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "summond/base/result.hpp"

namespace summond::store {

// What of SQLite's errors (https://sqlite.org/rescode.html) makes a difference here.
enum class Fault : std::uint8_t {
    damaged,    // what is in the file is no database any more
    read_only,  // the file, its directory or its file system
    other,      // a full disk, I/O errors, somebody else's lock
};

struct Error {
    std::string what;
    Fault fault = Fault::other;
};

template <typename T>
using Result = tl::expected<T, Error>;

// Of one row, by index. A column of another type reads as absent.
class Row {
  public:
    explicit Row(sqlite3_stmt* statement) : statement_(statement) {}
    std::optional<std::int64_t> number(int column) const;
    std::string text(int column) const;

  private:
    sqlite3_stmt* statement_;
};

class Statement {
  public:
    // From 1 on, in order. Nothing: NULL.
    Statement& bind(std::int64_t value);
    Statement& bind(std::optional<std::int64_t> value);
    Statement& bind(std::string_view value);  // copied
    // To the end; what was bound is forgotten.
    Result<void> run();
    // The next row; none: there is no other.
    Result<std::optional<Row>> next();

  private:
    friend class Database;
    explicit Statement(sqlite3_stmt* statement) : statement_(statement, &sqlite3_finalize) {}
    std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> statement_;
    int bound_ = 0;
    int failed_ = SQLITE_OK;  // to bind
};

class Database {
  public:
    // The file is made if it is not there.
    static Result<Database> open(const std::string& file);

    // Any number of statements without rows.
    Result<void> run(const std::string& sql);
    Result<Statement> prepare(std::string_view sql);
    // Of a statement that has one row with a number.
    Result<std::int64_t> number(std::string_view sql);

  private:
    explicit Database(sqlite3* handle) : handle_(handle, &sqlite3_close_v2) {}
    std::unique_ptr<sqlite3, int (*)(sqlite3*)> handle_;
};

}  // namespace summond::store
