#include <sys/stat.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <map>
#include <string_view>
#include <tuple>

#include "summond/config/config.hpp"
#include "summond/service/kernel_fault.hpp"

namespace summond::config {

namespace {

void check_file(std::vector<Problem>& problems, const std::string& key, const std::string& path,
                const Location& where, bool may_be_block_device) {
    std::error_code error;
    const auto status = std::filesystem::status(path, error);
    std::string what;
    if (status.type() == std::filesystem::file_type::not_found)
        what = "does not exist";
    else if (error)
        what = "cannot be looked at (" + error.message() + ")";
    else if (!is_regular_file(status) && !(may_be_block_device && is_block_file(status)))
        what = may_be_block_device ? "is neither a file nor a block device" : "is not a file";
    if (!what.empty())
        problems.push_back(
            {where, key + ": " + path + " " + what + "; wakes fail until it is there", true});
}

// Two guests on one file system that either of them writes to destroy it, by whatever names they
// know it. (Equal names parse has refused.)
class SharedDisks {
  public:
    void check(const service::Template& service, const service::Disk& disk, const Location& where,
               std::vector<Problem>& problems) {
        struct stat status {};
        if (::stat(disk.path.c_str(), &status) != 0)
            return;
        const bool device = S_ISBLK(status.st_mode);
        const auto [found, is_new] = users_.try_emplace(
            {device, device ? 0 : status.st_dev, device ? status.st_rdev : status.st_ino},
            User{&service, &disk});
        if (is_new)
            return;
        User& other = found->second;
        if (other.disk->path != disk.path && (disk.writable || other.disk->writable))
            problems.push_back(
                {where,
                 "disks.path: " + disk.path + " is the same as " + other.disk->path +
                     ", a disk of service " + other.service->name +
                     ", and one of the two may write to it; share with mode: r, or give each its "
                     "own",
                 false});
        if (disk.writable)
            other = {&service, &disk};
    }

  private:
    struct User {
        const service::Template* service;
        const service::Disk* disk;
    };
    std::map<std::tuple<bool, dev_t, std::uint64_t>, User> users_;
};

void check_kernel_type(std::vector<Problem>& problems, const service::Template& service,
                       service::Host host, const Location& where) {
    const std::string fault =
        service::kernel_fault(service.kernel, service.type, service.pvshim, host);
    if (!fault.empty())
        problems.push_back({where, "kernel: " + fault, true});
}

// A compressed Linux kernel, by its header (Documentation/arch/x86/boot.rst).
bool is_bzimage(const std::string& path) {
    constexpr std::streamoff magic_at = 0x202;
    std::array<char, 4> magic{};
    std::ifstream file(path, std::ios::binary);
    file.seekg(magic_at).read(magic.data(), magic.size());
    return file && std::string_view(magic.data(), magic.size()) == "HdrS";
}

void check_compressed(std::vector<Problem>& problems, const service::Template& service,
                      const Location& where) {
    if (is_bzimage(service.kernel))
        problems.push_back(
            {where,
             "kernel: " + service.kernel +
                 " is compressed and is unpacked at each wake, during which no other domain is "
                 "built; as an ELF file (scripts/extract-vmlinux of Linux) it takes half the "
                 "time",
             true});
}

}  // namespace

std::vector<Problem> check_files(const Config& config) {
    std::vector<Problem> problems;
    SharedDisks shared;
    for (std::size_t i = 0; i < config.services.size(); ++i) {
        const service::Template& service = config.services[i];
        const ServicePlaces& places = config.service_places[i];
        if (service.replicas && service.replicas->number > 0)
            continue;  // its files are those of the first one
        for (std::size_t each = 0; each < service.keep.size(); ++each)
            if (const std::string& zone = service.keep[each].zone; !service::is_time_zone(zone))
                problems.push_back(
                    {places.zones[each], "keep.zone: this host knows no time zone \"" + zone +
                                             "\"; timedatectl list-timezones "
                                             "shows those that it knows"});
        // Of a file for each id nobody knows which there are to be.
        const auto of_each_id = [&service](const std::string& path) {
            return service.pattern && path.find("{id}") != std::string::npos;
        };
        if (of_each_id(service.kernel))
            continue;
        if (service.bootloader.empty()) {  // otherwise these are in the disk
            check_file(problems, "kernel", service.kernel, places.kernel, false);
            if (service.ramdisk && !of_each_id(*service.ramdisk))
                check_file(problems, "ramdisk", *service.ramdisk, places.ramdisk, false);
            check_kernel_type(problems, service, config.host, places.kernel);
            if (config.services.size() > 1)
                check_compressed(problems, service, places.kernel);
        } else if (service.bootloader.starts_with('/')) {
            const std::size_t before = problems.size();
            check_file(problems, "bootloader", service.bootloader, places.kernel, false);
            if (problems.size() > before)  // often the path of an older Xen
                problems.back().what +=
                    "; a name alone, such as pygrub, is looked for beside Xen's own programs";
        }
        for (std::size_t d = 0; d < service.disks.size(); ++d) {
            const service::Disk& disk = service.disks[d];
            if (!disk.script.empty() || of_each_id(disk.path))
                continue;  // the script knows what its path means
            check_file(problems, "disks.path", disk.path, places.disks[d], true);
            shared.check(service, disk, places.disks[d], problems);
        }
    }
    return problems;
}

}  // namespace summond::config
