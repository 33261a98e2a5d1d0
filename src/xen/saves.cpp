#include "saves.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <boost/asio/post.hpp>
#include <cerrno>
#include <memory>
#include <string_view>
#include <utility>

#include "summond/base/log.hpp"
#include "summond/service/domain_settings.hpp"

namespace summond::xen {
namespace {

constexpr std::string_view whole = ".save";
constexpr std::string_view unfinished = ".saving";
constexpr std::size_t digest_size = 16;  // hexadecimal digits

// A file's identity as make sees it. Empty: there is none.
std::string version(const std::string& path) {
    struct stat s {};
    if (::stat(path.c_str(), &s) != 0)
        return {};
    return fmt::format("{} {}.{:09}\n", s.st_size, s.st_mtim.tv_sec, s.st_mtim.tv_nsec);
}

std::string stem_of(const service::Instance& service) {
    const std::string all = service::domain_settings(service) + version(service->kernel) +
                            (service->ramdisk ? version(*service->ramdisk) : "");
    return fmt::format("{}.{:016x}", service.name(), service::digest(all));
}

// The service's name in a stem, where it is one.
std::optional<std::string> service_name(std::string_view stem) {
    if (stem.size() < digest_size + 2 || stem[stem.size() - digest_size - 1] != '.' ||
        stem.substr(stem.size() - digest_size).find_first_not_of("0123456789abcdef") !=
            std::string_view::npos)
        return std::nullopt;
    return std::string(stem.substr(0, stem.size() - digest_size - 1));
}

std::vector<std::string> names_in(int directory) {
    std::vector<std::string> names;
    // fdopendir takes the descriptor, and its position is shared with duplicates.
    const int fd = ::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR* entries = fd < 0 ? nullptr : ::fdopendir(fd);
    if (entries == nullptr)
        return names;
    while (const dirent* entry = ::readdir(entries))
        names.emplace_back(entry->d_name);
    ::closedir(entries);
    return names;
}

std::string path_of(const std::string& directory, const std::string& stem,
                    std::string_view ending) {
    return directory + "/" + stem + std::string(ending);
}

void remove(const std::string& path) {
    if (::unlink(path.c_str()) != 0 && errno != ENOENT)
        spdlog::error("{}", base::system_error("cannot remove " + path, errno).value().what);
}

}  // namespace

base::Result<base::UniqueFd> Saves::directory() const {
    base::UniqueFd fd(::open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd)
        return base::system_error(directory_, errno);
    return fd;
}

// What is restored from here runs as a guest, and the files hold all that guests know.
base::Result<base::UniqueFd> Saves::make_directory() const {
    if (::mkdir(directory_.c_str(), 0700) != 0 && errno != EEXIST)
        return base::system_error("cannot make " + directory_, errno);
    auto fd = directory();
    struct stat s {};
    if (fd && ::fstat(fd->get(), &s) == 0 && (s.st_uid != ::geteuid() || (s.st_mode & 022) != 0))
        return base::error(directory_ + " can be written by others; it must be root's, mode 0700");
    return fd;
}

void Saves::keep(const std::vector<service::Instance>& services) {
    stems_.clear();
    const auto fd = directory();
    if (!fd)
        return;  // nothing was ever saved here
    std::map<std::string, std::pair<service::Id, std::string>> wanted;  // by service's name
    for (const service::Instance& service : services)
        wanted[service.name()] = {service.id(), stem_of(service)};
    for (const std::string& name : names_in(fd->get())) {
        const bool is_whole = name.ends_with(whole);
        if (!is_whole && !name.ends_with(unfinished))
            continue;
        const std::string stem =
            name.substr(0, name.size() - (is_whole ? whole : unfinished).size());
        const auto service = service_name(stem);
        if (!service || (!is_whole && writing_.contains(stem)))
            continue;
        const auto it = wanted.find(*service);
        if (is_whole && it != wanted.end() && it->second.second == stem) {
            stems_[it->second.first] = stem;
            continue;
        }
        spdlog::info("removing {}/{}: {}", directory_, name,
                     !is_whole            ? "it is not whole"
                     : it == wanted.end() ? "its service is not configured any more"
                                          : "its service has other settings or another kernel now");
        remove(directory_ + "/" + name);
    }
}

bool Saves::has(const service::Instance& service) {
    const auto it = stems_.find(service.id());
    if (it == stems_.end())
        return false;
    if (it->second == stem_of(service))
        return true;
    spdlog::warn("{} is not restored but booted anew: it has other settings or another kernel now",
                 service.name());
    discard(service.id());
    return false;
}

base::Result<base::UniqueFd> Saves::open(service::Id service) const {
    const auto it = stems_.find(service);
    if (it == stems_.end())
        return base::error("it is not saved");
    const std::string path = path_of(directory_, it->second, whole);
    base::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    if (!fd)
        return base::system_error(path, errno);
    return fd;
}

void Saves::discard(service::Id service) {
    const auto it = stems_.find(service);
    if (it == stems_.end())
        return;
    remove(path_of(directory_, it->second, whole));
    stems_.erase(it);
}

base::Result<Saves::Writing> Saves::begin(const service::Instance& service, std::uint64_t bytes) {
    const auto fd = make_directory();
    if (!fd)
        return tl::make_unexpected(fd.error());
    struct statvfs space {};
    if (::fstatvfs(fd->get(), &space) != 0)
        return base::system_error(directory_, errno);
    const std::uint64_t free = space.f_bavail * space.f_frsize;
    if (free < bytes)
        return base::error(fmt::format("no room in {}: {} KiB are needed, {} KiB are free",
                                       directory_, bytes / 1024, free / 1024));
    Writing file{service.id(), directory_, stem_of(service), {}};
    const std::string path = path_of(file.directory, file.stem, unfinished);
    file.fd.reset(::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file.fd)
        return base::system_error(path, errno);
    writing_.insert(file.stem);
    return file;
}

void Saves::finish(Writing writing, Done done) {
    auto file = std::make_shared<Writing>(std::move(writing));
    boost::asio::post(disk_, [this, file, done = std::move(done)] {
        base::Result<void> result;
        const std::string from = path_of(file->directory, file->stem, unfinished);
        const std::string to = path_of(file->directory, file->stem, whole);
        const base::UniqueFd there(
            ::open(file->directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        if (::fsync(file->fd.get()) != 0 || ::rename(from.c_str(), to.c_str()) != 0 ||
            ::fsync(there.get()) != 0)
            result = base::system_error(to, errno);
        boost::asio::post(
            io_, [this, file, result = std::move(result), done] { finished(*file, result, done); });
    });
}

void Saves::finished(const Writing& file, base::Result<void> result, const Done& done) {
    writing_.erase(file.stem);
    if (result) {
        std::string& stem = stems_[file.service];
        if (!stem.empty() && stem != file.stem)
            remove(path_of(directory_, stem, whole));
        stem = file.stem;
    } else {
        remove(path_of(file.directory, file.stem, unfinished));
        remove(path_of(file.directory, file.stem, whole));
    }
    done(std::move(result));
}

void Saves::abandon(Writing file) {
    writing_.erase(file.stem);
    remove(path_of(file.directory, file.stem, unfinished));
}

}  // namespace summond::xen
