// Reads a configuration and its zone files: as a short-lived child of the parent, so that neither
// the parsers' memory nor a crash in them stays with the daemon, and for `summond check`. Zones are
// signed here, too: the private keys are in this process, and go with it.

#include "load.hpp"

#include <fcntl.h>
#include <malloc.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <optional>
#include <system_error>
#include <thread>

#include "load.hpp"
#include "roles.hpp"
#include "summond/base/excerpt.hpp"
#include "summond/base/unique_fd.hpp"
#include "summond/config/config.hpp"
#include "summond/fleet/settings.hpp"
#include "summond/notify/pack.hpp"
#include "summond/proc/memfd.hpp"
#include "summond/proc/spawn.hpp"
#include "summond/transfer/plan.hpp"
#include "summond/zone/image.hpp"
#include "summond/zone/journal.hpp"
#include "summond/zone/zone.hpp"
#include "transfers.hpp"

namespace summond::roles {
namespace {

// Against a device or a wrong file; zones of any size belong into zone files.
constexpr std::size_t max_config_size = std::size_t{256} << 20;

struct Loaded {
    Read read;
    zone::Built built;
    Transfers transfers;
};

// What was before, at a reload.
struct Before {
    const zone::Zones* zones = nullptr;  // null: nothing
    std::string transfers;
};

base::Result<std::string> read_text(const std::string& file) {
    const base::UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd)
        return base::system_error(file + ": cannot be opened", errno);
    std::string text;
    char buffer[65536];
    for (;;) {
        const ssize_t r = ::read(fd.get(), buffer, sizeof buffer);
        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0)
            return base::system_error(file + ": cannot be read", errno);
        if (r == 0)
            return text;
        text.append(buffer, static_cast<std::size_t>(r));
        if (text.size() > max_config_size)
            return base::error(file + ": too large for a configuration, more than 256 MiB");
    }
}

// A file that is part of the configuration, such as an xl file or a list of ids; no pipe to wait
// for.
base::Result<std::string> read_part(const std::string& file) {
    constexpr off_t max_size = off_t{128} << 20;
    const base::UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    struct stat status {};
    if (!fd || ::fstat(fd.get(), &status) != 0)
        return base::error(std::generic_category().message(errno));
    if (!S_ISREG(status.st_mode))
        return base::error("not a file");
    if (status.st_size > max_size)
        return base::error("larger than 128 MiB");
    std::string text(static_cast<std::size_t>(status.st_size), '\0');
    const ssize_t r = ::pread(fd.get(), text.data(), text.size(), 0);
    if (r != ssize_t{status.st_size})
        return base::error(r < 0 ? std::generic_category().message(errno)
                                 : "changed while it was read");
    return text;
}

// The ids of which there are files, one a line.
base::Result<std::string> list_ids(const service::Pattern::Files& files) {
    std::error_code error;
    std::string ids;
    for (std::filesystem::directory_iterator entry(files.directory, error), end;
         !error && entry != end; entry.increment(error)) {
        const std::string name = entry->path().filename().string();
        if (const auto id = files.id_in(name); id && id->find('\n') == std::string_view::npos)
            ids.append(*id).push_back('\n');
    }
    if (error)
        return base::error(files.directory + ": " + error.message());
    return ids;
}

// Where what is printed goes besides; none: nowhere.
int printed_copy = -1;

void print(const std::string& line) {
    std::fprintf(stderr, "%s\n", line.c_str());
    if (printed_copy >= 0)
        static_cast<void>(proc::write_all(printed_copy, line + "\n"));
}

// One line each, as editors understand them, and on a terminal the place in its file; true if one
// of them is an error.
bool print(const std::vector<config::Problem>& problems) {
    constexpr int most_excerpts = 100;  // each reads its file anew
    const auto style = base::excerpt_style(STDERR_FILENO);
    int excerpts = 0;
    bool refused = false;
    for (const config::Problem& problem : problems) {
        const std::string line = problem.to_string();
        print(line);
        if (style && excerpts++ < most_excerpts)
            std::fputs(base::excerpt_of(line, *style).c_str(), stderr);
        refused = refused || !problem.warning;
    }
    return refused;
}

// Signatures of zones: some seconds at most, which nobody waits for at a start. `check` has time.
constexpr std::size_t verified_at_load = 20000;

}  // namespace

void hide_memory() {
    ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

std::optional<Read> read_config(const std::string& file, service::Host host) {
    auto text = read_text(file);
    if (!text) {
        print(text.error().what);
        return std::nullopt;
    }
    Read read{{std::move(*text), {}}, {}};
    auto parsed = config::parse(
        read.sources.yaml, file,
        [&](const std::string& path) -> base::Result<std::string> {
            auto& files = read.sources.files;
            if (const auto known = files.find(path); known != files.end())
                return known->second;
            const auto listed = service::Pattern::Files::of(path);
            auto content = listed ? list_ids(*listed) : read_part(path);
            if (content)
                files.emplace(path, *content);
            return content;
        },
        config::ReadZones::yes, host);
    print(parsed.problems);
    if (!parsed.config)
        return std::nullopt;
    read.config = std::move(*parsed.config);
    read.sources.yaml = std::move(parsed.without_zones);
    for (const config::Webhook& webhook : read.config.webhooks)  // they are nobody's else
        for (const std::string& path : webhook.files)
            read.sources.files.erase(path);
    if (read.config.fleet)
        for (const std::string& path : read.config.fleet->files)
            read.sources.files.erase(path);
    return read;
}

std::optional<zone::Built> build_zones(const config::Config& config, zone::BadFile bad_file,
                                       const zone::Zones* before, const zone::Checks& checks) {
    auto built = zone::build(config, bad_file, before, checks);
    print(built.problems);
    for (const std::string& note : built.notes)
        std::fprintf(stderr, "%s\n", note.c_str());
    if (built.image.empty())
        return std::nullopt;
    return built;
}

namespace {

// Who may have the zones, and how they have changed; none: the configuration is refused.
std::optional<Transfers> find_transfers(const config::Config& config, const Before& before,
                                        const std::vector<std::uint8_t>& image) {
    std::vector<config::Problem> problems;
    Transfers transfers;
    transfers.plan = transfer::make_plan(config, problems).pack();
    const auto after = zone::Zones::open(image);
    if (before.zones != nullptr && after) {
        const auto older = Transfers::split(before.transfers);
        const auto journal = older ? zone::Journal::open(older->journal)
                                   : base::Result<zone::Journal>(zone::Journal());
        transfers.journal =
            journal.value_or(zone::Journal()).write(config, *before.zones, *after, problems);
    }
    return print(problems) ? std::nullopt : std::optional(std::move(transfers));
}

// Prints every problem; nothing if the configuration is refused. threads: that sign.
std::optional<Loaded> load(const std::string& file, zone::BadFile bad_file, const Before& before,
                           unsigned threads, service::Host host = service::this_host()) {
    auto read = read_config(file, host);
    if (!read)
        return std::nullopt;
    const bool bad_files = print(config::check_files(read->config));
    zone::Checks checks;
    checks.threads = threads;
    if (bad_file == zone::BadFile::tolerate) {
        checks.signatures = verified_at_load;
        checks.keys = zone::KeyUse::keep;
    }
    auto built = build_zones(read->config, bad_file, before.zones, checks);
    auto transfers = built ? find_transfers(read->config, before, built->image) : std::nullopt;
    if (bad_files || !transfers)
        return std::nullopt;
    return Loaded{std::move(*read), std::move(*built), std::move(*transfers)};
}

// Over all zones, addresses of services included.
std::size_t count_records(const std::vector<std::uint8_t>& bytes) {
    std::size_t records = 0;
    const auto zones = zone::Zones::open(bytes);
    if (!zones)
        return 0;
    const auto count = [&records](const zone::image::Node& node) {
        const zone::image::RRset* rrset = node.first();
        for (unsigned n = 0; n < node.rrset_count; ++n, rrset = rrset->next())
            records += rrset->count;
    };
    const zone::image::Header& header = zones->header();
    const auto* const slots = zones->at<zone::image::Slot>(header.slots);
    for (std::uint32_t i = 0; i <= header.slot_mask; ++i) {
        if (slots[i].node != 0)
            count(*zones->at<zone::image::Node>(slots[i].node));
    }
    for (std::uint32_t i = 0; i < header.zone_count; ++i) {
        const zone::image::Chain* chain = zones->chain(i);
        for (std::uint32_t n = 0; chain != nullptr && chain->hashed != 0 && n < chain->count; ++n)
            count(*zones->at<zone::image::Node>(chain->nodes()[n]));
    }
    return records;
}

// In the background: memory would go back to the kernel in large pieces, when it is freed or at the
// end, each of which keeps those waiting who want the CPU. Where that memory begins.
const std::uint8_t* keep_memory() {
    ::mallopt(M_MMAP_MAX, 0);
    ::mallopt(M_TRIM_THRESHOLD, -1);
    return static_cast<const std::uint8_t*>(::sbrk(0));
}

// Instead of a return from main: what keep_memory has kept goes bit by bit. Not by brk(2), which
// would change a mapping each time: what the kernel leaves behind of that is cleared up at once.
[[noreturn]] void give_back_and_exit(const std::uint8_t* begin) {
    proc::advise({begin, static_cast<const std::uint8_t*>(::sbrk(0))}, MADV_DONTNEED);
    ::_exit(0);
}

unsigned processors() {
    return std::max(1U, std::thread::hardware_concurrency());
}

// Which host this is stays the same while it has this machine-id(5) and this configuration.
std::optional<fleet::Settings> settings_of_fleet(const config::Config& config,
                                                 const std::string& config_file) {
    if (!config.fleet)
        return std::nullopt;
    const auto machine = read_text("/etc/machine-id");
    std::error_code error;
    const auto path = std::filesystem::absolute(config_file, error);
    return fleet::Settings{*config.fleet, fleet::identity_of(machine.value_or(std::string()),
                                                             error ? config_file : path.string())};
}

int failed(const std::string& config_file, const base::Error& error) {
    print(config_file + ": " + error.what);
    return exit_failed;
}

std::string counted(std::size_t count, const std::string& what) {
    return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

}  // namespace

int load_main(const Arguments& arguments, const Row& /*row*/) {
    const std::string& config_file = arguments.config;
    printed_copy = printed_fd;
    hide_memory();
    const bool background = proc::in_background();
    const std::uint8_t* const memory = background ? keep_memory() : nullptr;
    std::optional<proc::Mapping> older_image;
    std::optional<zone::Zones> zones_before;
    Before before;
    if (arguments.older_image) {
        auto mapping = proc::Mapping::map(older_image_fd);
        if (!mapping)
            return failed(config_file, mapping.error());
        older_image.emplace(std::move(*mapping));
        const auto zones = zone::Zones::open(older_image->bytes());
        if (!zones)
            return failed(config_file, zones.error());
        zones_before.emplace(*zones);
        before.zones = &*zones_before;
        if (auto transfers = proc::read_memfd(older_transfers_fd))
            before.transfers = std::move(*transfers);
    }
    // In the background the CPUs are for the fronts.
    const unsigned threads = background ? 1 : processors();
    auto loaded = load(config_file, zone::BadFile::tolerate, before, threads);
    if (!loaded)
        return exit_bad_configuration;
    auto written = proc::write_all(config_fd, loaded->read.sources.pack());
    if (written)
        written = proc::write_all(webhooks_fd, notify::pack(loaded->read.config.webhooks));
    if (written)
        written = proc::write_all(fleet_fd,
                                  fleet::pack(settings_of_fleet(loaded->read.config, config_file)));
    if (written)
        written = proc::write_all(online_keys_fd, sign::pack(loaded->built.online).text());
    if (written)
        written = proc::move_all(image_fd, loaded->built.image);
    if (written)
        written = proc::write_all(transfers_fd, loaded->transfers.join());
    if (written && !background)  // otherwise the front does it bit by bit
        proc::use_huge_pages(image_fd);
    if (!written)
        return failed(config_file, written.error());
    if (background)
        give_back_and_exit(memory);
    return 0;
}

namespace {

// "; pages leases 62 IPv4 addresses, 192.0.2.65 to 192.0.2.126".
std::string pools_of(const config::Config& config) {
    std::string text;
    for (const service::Template& service : config.services) {
        if (!service.pattern || !service.pattern->pool)
            continue;
        const service::Pool& pool = *service.pattern->pool;
        text += "; " + service.name + " leases " + std::to_string(pool.size()) + " IPv4 address" +
                (pool.size() == 1 ? ", " : "es, ") + pool.at(0).to_string();
        if (pool.size() > 1)
            text += " to " + pool.at(pool.size() - 1).to_string();
    }
    return text;
}

}  // namespace

int check_main(const std::string& config_file, service::Host host) {
    hide_memory();
    const auto loaded = load(config_file, zone::BadFile::refuse, {}, processors(), host);
    if (!loaded)
        return exit_bad_configuration;
    std::printf("%s: ok: %s, %s, %s%s\n", config_file.c_str(),
                counted(loaded->read.config.zones.size(), "zone").c_str(),
                counted(count_records(loaded->built.image), "record").c_str(),
                counted(loaded->read.config.services.size(), "service").c_str(),
                pools_of(loaded->read.config).c_str());
    return 0;
}

}  // namespace summond::roles
