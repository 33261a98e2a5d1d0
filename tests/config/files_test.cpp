#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "texts.hpp"

namespace summond::config {
namespace {

TEST(CheckFiles, WarnsOfWhatIsNotThere) {
    const std::filesystem::path directory =
        std::filesystem::path(testing::TempDir()) / "summond-check-files";
    std::filesystem::create_directories(directory / "directory");
    std::ofstream(directory / "www.elf") << "kernel";
    const std::string config_file = (directory / "c.yaml").string();
    const auto warnings = [&](const Lines& service) {
        const Loaded loaded = parse(service_config({service}), config_file);
        EXPECT_TRUE(loaded.config);
        std::string text;
        for (const Problem& problem : check_files(loaded.config.value_or(Config{})))
            text += problem.to_string() + "\n";
        return text;
    };
    EXPECT_EQ(warnings(good_service), "");
    EXPECT_EQ(warnings(good_service.with("ramdisk", "initrd")
                           .with("disks", "[{path: directory, device: xvda}]")),
              config_file + ":9:14: warning: ramdisk: " + (directory / "initrd").string() +
                  " does not exist; wakes fail until it is there\n" + config_file +
                  ":10:13: warning: disks.path: " + (directory / "directory").string() +
                  " is neither a file nor a block device; wakes fail until it is there\n");
    EXPECT_EQ(warnings(good_service.with("kernel", "www.elf/x")),
              config_file + ":8:13: warning: kernel: " + (directory / "www.elf/x").string() +
                  " does not exist; wakes fail until it is there\n");
    EXPECT_EQ(warnings(good_service.with("kernel", "directory")),
              config_file + ":8:13: warning: kernel: " + (directory / "directory").string() +
                  " is not a file; wakes fail until it is there\n");
    std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace summond::config
