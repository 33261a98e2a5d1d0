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

TEST(CheckFiles, RefusesADiskOfTwoNamesThatSomebodyWritesTo) {
    const std::filesystem::path directory =
        std::filesystem::path(testing::TempDir()) / "summond-check-disks";
    std::filesystem::remove_all(directory);
    std::filesystem::create_directories(directory / "releases/42");
    std::filesystem::create_directory_symlink("releases/42", directory / "current");
    std::ofstream(directory / "www.elf") << "kernel";
    std::ofstream(directory / "releases/42/d.img") << "disk";
    const std::string config_file = (directory / "c.yaml").string();
    const auto errors = [&](const std::string& mode) {
        const auto service = [&](const std::string& name, const std::string& address,
                                 const std::string& disk) {
            return good_service.with("name", name)
                .with("names", name + ".jit.example")
                .with("addresses", address)
                .with("disks", "[{path: " + disk + ", device: xvda, mode: " + mode + "}]");
        };
        const Loaded loaded =
            parse(service_config({service("a", "10.0.0.10", "current/d.img"),
                                  service("b", "10.0.0.11", "releases/42/d.img")}),
                  config_file);
        EXPECT_TRUE(loaded.config);
        std::string text;
        for (const Problem& problem : check_files(loaded.config.value_or(Config{})))
            text += problem.to_string() + "\n";
        return text;
    };
    EXPECT_EQ(errors("r"), "");
    EXPECT_EQ(errors("w"), config_file +
                               ":14:13: disks.path: " + (directory / "releases/42/d.img").string() +
                               " is the same as " + (directory / "current/d.img").string() +
                               ", a disk of service a, and one of the two may write to it; share "
                               "with mode: r, or give each its own\n");
    std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace summond::config
