#include "file.hpp"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <system_error>
#include <utility>

#include "schema.hpp"
#include "summond/base/log.hpp"
#include "summond/base/unique_fd.hpp"

namespace summond::store {
namespace {

constexpr char aside[] = ".damaged-";
constexpr std::size_t asides_kept = 3;
constexpr char lost[] = "pins, drain, back-off, last use, leases and the history of wakes";

tl::unexpected<Error> system_error(const std::string& what, int error) {
    return tl::make_unexpected(Error{
        base::system_error(what, error).value().what,
        error == EROFS || error == EACCES || error == EPERM ? Fault::read_only : Fault::other});
}

tl::unexpected<Error> refused(std::string what) {
    return tl::make_unexpected(Error{std::move(what), Fault::other});
}

// SQLite parses what is in the file, so nobody else may write it, nor put another in its place.
Result<void> check_owner(const std::string& file) {
    const std::string directory = file.substr(0, std::max<std::size_t>(1, file.rfind('/')));
    struct stat of {};
    if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST && errno != EROFS)
        return system_error(directory, errno);
    if (::stat(directory.c_str(), &of) != 0)
        return system_error(directory, errno);
    const auto others_write = [&of] { return (of.st_mode & (S_IWGRP | S_IWOTH)) != 0; };
    const auto is_ours = [&of] { return of.st_uid == ::geteuid() || of.st_uid == 0; };
    if (!S_ISDIR(of.st_mode))
        return refused(directory + " is no directory");
    if (!is_ours() || others_write())
        return refused(directory + " can be written by others; it must be root's, mode 0700");
    if (::lstat(file.c_str(), &of) != 0)
        return errno == ENOENT ? Result<void>{} : system_error(file, errno);
    if (!S_ISREG(of.st_mode))
        return refused("it is no regular file; move it away");
    if (of.st_uid != ::geteuid() || others_write())
        return refused(
            fmt::format("it can be written by others (owner {}, mode {:04o}); chown {} "
                        "and chmod 600 it if it is good, or move it away",
                        of.st_uid, of.st_mode & 07777U, ::geteuid()));
    return {};
}

// SQLite makes files with the process's umask; what is in this one is nobody's business.
Result<void> make(const std::string& file) {
    const base::UniqueFd fd(
        ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600));
    if (!fd)
        return system_error("cannot be written", errno);
    return {};
}

// WAL: a transaction is one write, and who looks at the file with a tool of theirs keeps nobody
// from writing. synchronous NORMAL: after kill -9 everything is there, since the kernel has it;
// after a power failure what the kernel had not written, the last half minute or so, may not be,
// but what is there is whole. No domain is left then, either. FULL would have dom0's disk flushed
// for each wake; it is for leases (tables.cpp).
constexpr char settings[] =
    "PRAGMA journal_mode = WAL;"
    "PRAGMA synchronous = NORMAL;"
    "PRAGMA trusted_schema = OFF;"
    "PRAGMA journal_size_limit = 1048576;";

Result<void> check_content(Database& database) {
    auto check = database.prepare("PRAGMA quick_check(1)");
    if (!check)
        return tl::make_unexpected(check.error());
    const auto row = check->next();
    if (!row)
        return tl::make_unexpected(row.error());
    const std::string result = *row ? (*row)->text(0) : "";
    if (result != "ok")
        return tl::make_unexpected(Error{result, Fault::damaged});
    return {};
}

Result<Database> open_whole(const std::string& file) {
    if (const auto r = make(file); !r)
        return tl::make_unexpected(r.error());
    auto database = Database::open(file);
    if (!database)
        return database;
    // Reading first: nothing is written to a file that is not known to be good and of this version.
    auto r = check_content(*database);
    if (r)
        r = migrate(*database);
    if (r)
        r = database->run(settings);
    if (!r)
        return tl::make_unexpected(r.error());
    return database;
}

// A copy of it, since SQLite reads no file with a log where it cannot write.
std::optional<Read> read_copy(const std::string& file, const Now& now, std::size_t wakes) {
    namespace fs = std::filesystem;
    std::error_code ec;
    std::string directory = (fs::temp_directory_path(ec) / "summond-state-XXXXXX").string();
    if (ec || ::mkdtemp(directory.data()) == nullptr)
        return std::nullopt;
    std::optional<Read> result;
    const std::string copy = directory + "/state.db";
    if (fs::copy_file(file, copy, ec)) {
        fs::copy_file(file + "-wal", copy + "-wal", ec);
        if (auto database = open_whole(copy)) {
            if (auto there = read(*database, now, wakes))
                result = std::move(*there);
        }
    }
    fs::remove_all(directory, ec);
    return result;
}

Opened with(Database database, const std::string& file, const Now& now, std::size_t wakes) {
    auto result = read(database, now, wakes);
    if (!result) {
        spdlog::error("{}: cannot be read: {}; {} are not known", file, result.error().what, lost);
        return {std::move(database), std::nullopt};
    }
    return {std::move(database), std::move(*result)};
}

// A disk that damages a file may do so again and again. Their names sort by time.
void remove_older_asides(const std::string& file) {
    namespace fs = std::filesystem;
    const fs::path path(file);
    const std::string prefix = path.filename().string() + aside;
    std::set<std::string> names;
    std::error_code ec;
    for (auto each = fs::directory_iterator(path.parent_path(), ec);
         !ec && each != fs::directory_iterator(); each.increment(ec))
        if (const std::string name = each->path().filename();
            name.starts_with(prefix) && !name.ends_with("-wal"))
            names.insert(name);
    for (; names.size() > asides_kept; names.erase(names.begin())) {
        const fs::path oldest = path.parent_path() / *names.begin();
        fs::remove(oldest, ec);
        fs::remove(oldest.string() + "-wal", ec);
        spdlog::info("{} is removed: {} newer damaged ones are kept", oldest.string(), asides_kept);
    }
}

}  // namespace

Result<Database> open_for_writing(const std::string& file) {
    if (const auto r = check_owner(file); !r)
        return tl::make_unexpected(r.error());
    return open_whole(file);
}

base::Result<std::string> set_aside(const std::string& file, base::WallTime now) {
    const std::string to = fmt::format("{}{}{:%Y%m%dT%H%M%SZ}", file, aside,
                                       fmt::gmtime(std::chrono::system_clock::to_time_t(
                                           std::chrono::system_clock::time_point(now))));
    // Its log first: left alone, it would be put into the new file.
    if (::rename((file + "-wal").c_str(), (to + "-wal").c_str()) != 0 && errno != ENOENT)
        return base::system_error("its log cannot be renamed", errno);
    if (::rename(file.c_str(), to.c_str()) != 0)
        return base::system_error("cannot be renamed", errno);
    ::unlink((file + "-shm").c_str());
    remove_older_asides(file);
    return to;
}

Opened open_file(const std::string& file, const Now& now, std::size_t wakes) {
    auto database = open_for_writing(file);
    if (database)
        return with(std::move(*database), file, now, wakes);
    const Error fault = std::move(database.error());
    if (fault.fault == Fault::read_only) {
        auto read = read_copy(file, now, wakes);
        spdlog::error("{}: {}; {} are {}, and nothing is kept until it can be written", file,
                      fault.what, lost, read ? "as they were" : "not known");
        return {std::nullopt, std::move(read)};
    }
    if (fault.fault != Fault::damaged) {
        spdlog::error("{}: {}; {} are not known, and nothing is kept until that is mended", file,
                      fault.what, lost);
        return {};
    }
    const auto aside = set_aside(file, now.wall);
    if (!aside) {
        spdlog::error("{} is damaged ({}) and {}; {} are lost, and nothing is kept", file,
                      fault.what, aside.error().what, lost);
        return {};
    }
    spdlog::error("{} was damaged ({}) and is now {}; {} are lost, and kept anew from now on", file,
                  fault.what, *aside, lost);
    database = open_for_writing(file);
    if (database) {
        Opened anew = with(std::move(*database), file, now, wakes);
        if (anew.read)
            anew.read->remembered.leases_lost = true;
        return anew;
    }
    spdlog::error("{}: {}; nothing is kept", file, database.error().what);
    return {};
}

}  // namespace summond::store
