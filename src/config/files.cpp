#include <filesystem>

#include "summond/config/config.hpp"

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

}  // namespace

std::vector<Problem> check_files(const Config& config) {
    std::vector<Problem> problems;
    for (const Service& service : config.services) {
        check_file(problems, "kernel", service.kernel, service.kernel_where, false);
        if (service.ramdisk)
            check_file(problems, "ramdisk", *service.ramdisk, service.ramdisk_where, false);
        for (const Disk& disk : service.disks)
            check_file(problems, "disks.path", disk.path, disk.where, true);
    }
    return problems;
}

}  // namespace summond::config
