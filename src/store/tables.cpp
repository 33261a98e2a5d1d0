#include "tables.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <string_view>
#include <utility>

namespace summond::store {
namespace {

using std::chrono::duration_cast;
using std::chrono::microseconds;

// An id is a hash, so all of its 64 bits may be set; SQLite's numbers are signed.
std::int64_t signed_of(service::Id id) {
    return std::bit_cast<std::int64_t>(id);
}
service::Id id_of(std::int64_t number) {
    return std::bit_cast<service::Id>(number);
}

// By its name, which outlives a version in which the numbers are others. The last of the
// enumeration is at most `last`.
template <typename Enum>
std::optional<Enum> named(std::string_view name) {
    for (int each = 0; each <= static_cast<int>(Enum::last); ++each)
        if (name == to_string(static_cast<Enum>(each)))
            return static_cast<Enum>(each);
    return std::nullopt;
}

// Durations of a wake, in the order of their columns.
constexpr std::array phases{
    &vm::WakeRecord::admitted,   &vm::WakeRecord::built,        &vm::WakeRecord::unpaused,
    &vm::WakeRecord::answerable, &vm::WakeRecord::ready,        &vm::WakeRecord::handed_over,
    &vm::WakeRecord::failed,     &vm::WakeRecord::first_waited, &vm::WakeRecord::first_byte,
};
// Far more than there are in all pools.
constexpr std::int64_t most_leases = 65536;
constexpr std::int64_t longest_ttl = 0x7fffffff;  // RFC 2181 §8
constexpr microseconds longest_phase = std::chrono::hours(24 * 365);

template <typename T>
T bounded(std::optional<std::int64_t> value) {
    return static_cast<T>(
        std::clamp<std::int64_t>(value.value_or(0), 0, std::numeric_limits<T>::max()));
}

void bind_stamp(Statement& statement, const Now& at) {
    const Stamp stamp = stamp_of(at);
    statement.bind(std::string_view(stamp.boot)).bind(stamp.offset).bind(stamp.told);
}

Stamp stamp_at(const Row& row, int column) {
    return {row.text(column), row.number(column + 1).value_or(0),
            row.number(column + 2).value_or(-1)};
}

Result<void> write_services(Database& database, const Batch& batch) {
    auto put = database.prepare(
        "INSERT OR REPLACE INTO service (id, pinned, pin_until, failures, short_lives, why,"
        " retry_at, last_used, rests, rest_until, boot, offset, told)"
        " VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)");
    auto remove = database.prepare("DELETE FROM service WHERE id = ?");
    if (!put || !remove)
        return tl::make_unexpected((!put ? put : remove).error());
    for (const auto& [id, told] : batch.services) {
        if (!told) {
            if (auto r = remove->bind(signed_of(id)).run(); !r)
                return r;
            continue;
        }
        const auto& [kept, at] = *told;
        const auto wall = [&at = at](const auto& time) -> std::optional<std::int64_t> {
            return time ? std::optional(to_wall(*time, at)) : std::nullopt;
        };
        const vm::Setback setback = kept.setback.value_or(vm::Setback{});
        put->bind(signed_of(id))
            .bind(std::int64_t{kept.pin ? 1 : 0})
            .bind(kept.pin ? wall(kept.pin->until) : std::nullopt)
            .bind(std::int64_t{setback.failures})
            .bind(std::int64_t{setback.short_lives})
            .bind(std::string_view(to_string(setback.why)))
            .bind(kept.setback ? wall(std::optional(setback.until)) : std::nullopt)
            .bind(wall(kept.last_used))
            .bind(std::int64_t{kept.rest ? 1 : 0})
            .bind(kept.rest ? wall(kept.rest->until) : std::nullopt);
        bind_stamp(*put, at);
        if (auto r = put->run(); !r)
            return r;
    }
    return {};
}

Result<void> write_wakes(Database& database, const Batch& batch) {
    auto put = database.prepare(
        "INSERT OR REPLACE INTO wake (number, service, name, why, how, failure, what, asked,"
        " admitted, built, unpaused, answerable, ready, handed_over, failed, first_waited,"
        " first_byte, packets, queries, query_type, boot, offset, told)"
        " VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)");
    if (!put)
        return tl::make_unexpected(put.error());
    for (const auto& [number, told] : batch.wakes) {
        const auto& [record, at] = told;
        put->bind(static_cast<std::int64_t>(number))
            .bind(signed_of(record.service))
            .bind(std::string_view(record.name))
            .bind(std::string_view(to_string(record.why)));
        if (record.how)
            put->bind(std::string_view(to_string(*record.how)));
        else
            put->bind(std::optional<std::int64_t>{});
        put->bind(std::string_view(to_string(record.failure)))
            .bind(std::string_view(record.what))
            .bind(to_wall(record.asked_at, at));
        for (const auto phase : phases) {
            const auto& after = record.*phase;
            put->bind(after
                          ? std::optional<std::int64_t>(duration_cast<microseconds>(*after).count())
                          : std::nullopt);
        }
        put->bind(std::int64_t{record.packets})
            .bind(std::int64_t{record.queries})
            .bind(std::int64_t{record.query_type});
        bind_stamp(*put, at);
        if (auto r = put->run(); !r)
            return r;
    }
    return {};
}

Result<void> write_leases(Database& database, const Batch& batch) {
    auto put = database.prepare("INSERT OR REPLACE INTO lease (address, name, ttl) VALUES (?,?,?)");
    auto remove = database.prepare("DELETE FROM lease WHERE address = ?");
    if (!put || !remove)
        return tl::make_unexpected((!put ? put : remove).error());
    for (const auto& [address, lease] : batch.leases) {
        const std::string text = address.to_string();
        Statement& statement = lease ? *put : *remove;
        statement.bind(std::string_view(text));
        if (lease)
            statement.bind(std::string_view(lease->name)).bind(std::int64_t{lease->ttl});
        if (auto r = statement.run(); !r)
            return r;
    }
    return {};
}

Result<void> write_all(Database& database, const Batch& batch) {
    if (auto r = write_leases(database, batch); !r)
        return r;
    if (auto r = write_services(database, batch); !r)
        return r;
    if (batch.drained) {
        auto put = database.prepare("INSERT OR REPLACE INTO host (id, drained) VALUES (1, ?)");
        if (!put)
            return tl::make_unexpected(put.error());
        if (auto r = put->bind(std::int64_t{*batch.drained ? 1 : 0}).run(); !r)
            return r;
    }
    return write_wakes(database, batch);
}

// Something that holds until a time, or for good: whether it does, and in the next column until
// when. None: it does not, or not any more.
template <typename Hold>
std::optional<Hold> until_of(const Row& row, int column, const Stamp& stamp, const Now& now) {
    if (row.number(column) != 1)
        return std::nullopt;
    const auto wall = row.number(column + 1);
    if (!wall)
        return Hold{};
    const auto until = deadline_of(*wall, stamp, now);
    return until && *until > now.steady ? std::optional(Hold{until}) : std::nullopt;
}

Result<void> read_services(Database& database, const Now& now, Read& result) {
    auto rows = database.prepare(
        "SELECT id, pinned, pin_until, failures, short_lives, why, retry_at, last_used,"
        " rests, rest_until, boot, offset, told FROM service ORDER BY told");
    if (!rows)
        return tl::make_unexpected(rows.error());
    for (;;) {
        const auto row = rows->next();
        if (!row)
            return tl::make_unexpected(row.error());
        if (!*row)
            return {};
        const Row& each = **row;
        const Stamp stamp = stamp_at(each, 10);
        result.jump = jump_since(stamp, now);  // of the last one
        vm::Kept kept{.service = id_of(each.number(0).value_or(0))};
        kept.pin = until_of<vm::Pin>(each, 1, stamp, now);
        kept.rest = until_of<vm::Rest>(each, 8, stamp, now);
        vm::Setback setback{
            bounded<unsigned>(each.number(3)), bounded<unsigned>(each.number(4)),
            named<service::WakeFailure>(each.text(5)).value_or(service::WakeFailure::refused),
            now.steady};
        if (const auto retry_at = each.number(6))
            setback.until = deadline_of(*retry_at, stamp, now).value_or(now.steady);
        if (setback.failures > 0 || setback.short_lives > 0)
            kept.setback = setback;
        if (const auto used = each.number(7))
            kept.last_used = past_of(*used, stamp, now);
        result.remembered.services.push_back(kept);
    }
}

Result<void> read_leases(Database& database, Read& result) {
    auto rows = database.prepare("SELECT address, name, ttl FROM lease LIMIT ?");
    if (!rows)
        return tl::make_unexpected(rows.error());
    rows->bind(std::int64_t{most_leases});
    for (;;) {
        const auto row = rows->next();
        if (!row)
            return tl::make_unexpected(row.error());
        if (!*row)
            return {};
        const auto address = base::IpAddress::parse((*row)->text(0));
        const std::int64_t ttl = (*row)->number(2).value_or(0);
        if (address && address->is_v4())
            result.remembered.leases.push_back(
                {*address, (*row)->text(1),
                 static_cast<std::uint32_t>(std::clamp<std::int64_t>(ttl, 0, longest_ttl))});
    }
}

std::optional<vm::WakeRecord> record_of(const Row& row, const Now& now) {
    const Stamp stamp = stamp_at(row, 20);
    const auto number = row.number(0);
    const auto asked_at = past_of(row.number(7).value_or(-1), stamp, now);
    const auto why = named<service::WakeReason>(row.text(3));
    if (!number || *number <= 0 || !asked_at || !why)
        return std::nullopt;
    vm::WakeRecord record;
    record.number = static_cast<std::uint64_t>(*number);
    record.service = id_of(row.number(1).value_or(0));
    record.name = row.text(2);
    record.why = *why;
    record.how = named<vm::WakeHow>(row.text(4));
    record.failure =
        named<service::WakeFailure>(row.text(5)).value_or(service::WakeFailure::refused);
    record.what = row.text(6);
    record.asked_at = *asked_at;
    int column = 8;
    for (const auto phase : phases)
        if (const auto after = row.number(column++))
            record.*phase = std::clamp(microseconds(*after), microseconds(0), longest_phase);
    record.packets = bounded<std::uint32_t>(row.number(column++));
    record.queries = bounded<std::uint32_t>(row.number(column++));
    record.query_type = bounded<std::uint16_t>(row.number(column));
    return record;
}

Result<void> read_wakes(Database& database, const Now& now, std::size_t most, Read& result) {
    auto rows = database.prepare(
        "SELECT number, service, name, why, how, failure, what, asked, admitted, built, unpaused,"
        " answerable, ready, handed_over, failed, first_waited, first_byte, packets, queries,"
        " query_type, boot, offset, told FROM wake"
        " ORDER BY number DESC LIMIT ?");
    if (!rows)
        return tl::make_unexpected(rows.error());
    rows->bind(static_cast<std::int64_t>(most));
    auto& wakes = result.remembered.wakes;
    for (;;) {
        const auto row = rows->next();
        if (!row)
            return tl::make_unexpected(row.error());
        if (!*row)
            break;
        if (auto record = record_of(**row, now))
            wakes.push_back(std::move(*record));
    }
    std::ranges::reverse(wakes);
    return {};
}

}  // namespace

void Batch::add_older(Batch older) {
    services.merge(older.services);
    wakes.merge(older.wakes);
    leases.merge(older.leases);
    leased = std::max(leased, older.leased);
    if (!drained)
        drained = older.drained;
}

Result<void> write(Database& database, const Batch& batch) {
    // What a lease promises to others, a power failure must not take back.
    const bool at_once = batch.leased != 0;
    auto r = at_once ? database.run("PRAGMA synchronous = FULL") : Result<void>{};
    if (r)
        r = database.run("BEGIN IMMEDIATE");
    if (r)
        r = write_all(database, batch);
    if (r)
        r = database.run("COMMIT");
    if (!r)
        (void)database.run(
            "ROLLBACK");  // where there is nothing to roll back that is an error, too
    if (at_once)
        (void)database.run("PRAGMA synchronous = NORMAL");
    return r;
}

Result<void> shorten(Database& database, std::size_t most, Millis oldest) {
    auto remove = database.prepare(
        "DELETE FROM wake WHERE number <= (SELECT max(number) FROM wake) - ? OR asked < ?");
    if (!remove)
        return tl::make_unexpected(remove.error());
    return remove->bind(static_cast<std::int64_t>(most)).bind(oldest).run();
}

Result<Read> read(Database& database, const Now& now, std::size_t wakes) {
    Read result;
    if (const auto r = read_services(database, now, result); !r)
        return tl::make_unexpected(r.error());
    if (const auto r = read_leases(database, result); !r)
        return tl::make_unexpected(r.error());
    const auto drained = database.number("SELECT coalesce(max(drained), 0) FROM host");
    if (!drained)
        return tl::make_unexpected(drained.error());
    result.remembered.drained = *drained == 1;
    if (const auto r = read_wakes(database, now, wakes, result); !r)
        return tl::make_unexpected(r.error());
    return result;
}

}  // namespace summond::store
