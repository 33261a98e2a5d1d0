#include "database.hpp"

#include <fmt/format.h>

#include <utility>

namespace summond::store {
namespace {

// Somebody looks at the file with a tool of their own.
constexpr int busy_ms = 1000;

Fault fault_of(int code) {
    switch (code & 0xff) {  // the primary result code
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
            return Fault::damaged;
        case SQLITE_READONLY:
        case SQLITE_PERM:
        case SQLITE_AUTH:
            return Fault::read_only;
        default:
            return Fault::other;
    }
}

tl::unexpected<Error> error_of(sqlite3* handle, int code) {
    const char* const what = handle != nullptr ? sqlite3_errmsg(handle) : sqlite3_errstr(code);
    return tl::make_unexpected(Error{fmt::format("{} (SQLite {})", what, code), fault_of(code)});
}

}  // namespace

std::optional<std::int64_t> Row::number(int column) const {
    if (sqlite3_column_type(statement_, column) != SQLITE_INTEGER)
        return std::nullopt;
    return sqlite3_column_int64(statement_, column);
}

std::string Row::text(int column) const {
    const auto* const bytes = sqlite3_column_text(statement_, column);
    if (bytes == nullptr)
        return {};
    return {reinterpret_cast<const char*>(bytes),
            static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

Statement& Statement::bind(std::int64_t value) {
    failed_ |= sqlite3_bind_int64(statement_.get(), ++bound_, value);
    return *this;
}

Statement& Statement::bind(std::optional<std::int64_t> value) {
    if (value)
        return bind(*value);
    failed_ |= sqlite3_bind_null(statement_.get(), ++bound_);
    return *this;
}

Statement& Statement::bind(std::string_view value) {
    failed_ |= sqlite3_bind_text(statement_.get(), ++bound_, value.data(),
                                 static_cast<int>(value.size()), SQLITE_TRANSIENT);
    return *this;
}

Result<void> Statement::run() {
    for (;;) {
        const auto row = next();
        if (!row)
            return tl::make_unexpected(row.error());
        if (!*row)
            return {};
    }
}

Result<std::optional<Row>> Statement::next() {
    const int code = failed_ != SQLITE_OK ? failed_ : sqlite3_step(statement_.get());
    if (code == SQLITE_ROW)
        return Row(statement_.get());
    auto* const handle = sqlite3_db_handle(statement_.get());
    Result<std::optional<Row>> result = std::optional<Row>{};
    if (code != SQLITE_DONE)
        result = error_of(handle, sqlite3_extended_errcode(handle));
    sqlite3_reset(statement_.get());
    bound_ = 0;
    failed_ = SQLITE_OK;
    return result;
}

Result<Database> Database::open(const std::string& file) {
    sqlite3* handle = nullptr;
    constexpr int flags =
        SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    const int code = sqlite3_open_v2(file.c_str(), &handle, flags, nullptr);
    Database database(handle);
    if (code != SQLITE_OK)
        return error_of(handle, code);
    sqlite3_busy_timeout(handle, busy_ms);
    return database;
}

Result<void> Database::run(const std::string& sql) {
    const int code = sqlite3_exec(handle_.get(), sql.c_str(), nullptr, nullptr, nullptr);
    if (code != SQLITE_OK)
        return error_of(handle_.get(), code);
    return {};
}

Result<Statement> Database::prepare(std::string_view sql) {
    sqlite3_stmt* statement = nullptr;
    const int code = sqlite3_prepare_v2(handle_.get(), sql.data(), static_cast<int>(sql.size()),
                                        &statement, nullptr);
    if (code != SQLITE_OK)
        return error_of(handle_.get(), code);
    return Statement(statement);
}

Result<std::int64_t> Database::number(std::string_view sql) {
    auto statement = prepare(sql);
    if (!statement)
        return tl::make_unexpected(statement.error());
    const auto row = statement->next();
    if (!row)
        return tl::make_unexpected(row.error());
    const auto number = *row ? (*row)->number(0) : std::nullopt;
    if (!number)
        return tl::make_unexpected(Error{"no number where one must be", Fault::damaged});
    return *number;
}

}  // namespace summond::store
