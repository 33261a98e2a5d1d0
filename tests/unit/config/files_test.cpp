#include <elf.h>
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <initializer_list>

#include "summond/service/kernel_fault.hpp"
#include "texts.hpp"

namespace summond::config {
namespace {

TEST(CheckFiles, WarnsOfWhatIsNotThere) {
    const std::filesystem::path directory =
        std::filesystem::path(testing::TempDir()) / "summond-check-files";
    std::filesystem::create_directories(directory / "directory");
    std::ofstream(directory / "www.elf") << "kernel";
    const std::string config_file = (directory / "c.yaml").string();
    const auto warnings = [&](const std::vector<Lines>& services) {
        const Loaded loaded =
            parse(service_config(services), config_file, {}, ReadZones::yes, service::Host::amd64);
        EXPECT_TRUE(loaded.config);
        std::string text;
        for (const Problem& problem : check_files(loaded.config.value_or(Config{})))
            text += problem.to_string() + "\n";
        return text;
    };
    EXPECT_EQ(warnings({good_service}), "");
    EXPECT_EQ(warnings({good_service.with("ramdisk", "initrd")
                            .with("disks", "[{path: directory, device: xvda}]")}),
              config_file + ":9:14: warning: ramdisk: " + (directory / "initrd").string() +
                  " does not exist; wakes fail until it is there\n" + config_file +
                  ":10:13: warning: disks.path: " + (directory / "directory").string() +
                  " is neither a file nor a block device; wakes fail until it is there\n");
    EXPECT_EQ(warnings({good_service.with("kernel", "www.elf/x")}),
              config_file + ":8:13: warning: kernel: " + (directory / "www.elf/x").string() +
                  " does not exist; wakes fail until it is there\n");
    EXPECT_EQ(warnings({good_service.with("kernel", "directory")}),
              config_file + ":8:13: warning: kernel: " + (directory / "directory").string() +
                  " is not a file; wakes fail until it is there\n");
    // What a bootloader is to take out of the disk is not looked for here.
    std::ofstream(directory / "root.img") << "disk";
    const Lines in_disk = good_service.with("kernel", "")
                              .with("disks", "[{path: root.img, device: xvda}]")
                              .with("ramdisk", "/boot/initrd");
    EXPECT_EQ(warnings({in_disk.with("bootloader", "pygrub")}), "");
    EXPECT_EQ(
        warnings({in_disk.with("bootloader", "/usr/lib/xen-4.4/bin/pygrub")}),
        config_file +
            ":10:17: warning: bootloader: /usr/lib/xen-4.4/bin/pygrub does not exist; wakes "
            "fail until it is there; a name alone, such as pygrub, is looked for beside Xen's "
            "own programs\n");
    const auto other = good_service.with("name", "other")
                           .with("names", "other.jit.example")
                           .with("addresses", "10.0.0.99");
    std::ofstream(directory / "vmlinuz") << std::string(0x202, 'x') << "HdrS"
                                         << "more";
    const auto linux = good_service.with("kernel", "vmlinuz");
    EXPECT_EQ(warnings({linux}), "") << "there is nobody whom it would hold up";
    EXPECT_EQ(warnings({linux, other}),
              config_file + ":8:13: warning: kernel: " + (directory / "vmlinuz").string() +
                  " is compressed and is unpacked at each wake, during which no other domain is "
                  "built; as an ELF file (scripts/extract-vmlinux of Linux) it takes half the "
                  "time\n");
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

// An ELF file with nothing but Xen's notes of these types.
void write_kernel(const std::filesystem::path& path, std::initializer_list<std::uint32_t> types) {
    std::string notes;
    for (const std::uint32_t type : types) {
        const Elf64_Nhdr note{4, 4, type};
        notes.append(reinterpret_cast<const char*>(&note), sizeof note);
        notes.append("Xen\0", 4).append(4, '\0');
    }
    Elf64_Ehdr header{};
    std::memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    header.e_phoff = sizeof header;
    header.e_phnum = 1;
    Elf64_Phdr segment{};
    segment.p_type = PT_NOTE;
    segment.p_offset = sizeof header + sizeof segment;
    segment.p_filesz = notes.size();
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(&header), sizeof header)
        .write(reinterpret_cast<const char*>(&segment), sizeof segment)
        .write(notes.data(), static_cast<std::streamsize>(notes.size()));
}

TEST(KernelFault, TellsTheTypesThatAKernelIsFor) {
    constexpr std::uint32_t pv = 1;  // XEN_ELFNOTE_ENTRY, xen/elfnote.h
    constexpr std::uint32_t pvh = 18;
    const auto path = std::filesystem::path(testing::TempDir()) / "summond-kernel.elf";
    const auto fault = [&](service::DomainType type, bool pvshim = false) {
        return service::kernel_fault(path.string(), type, pvshim, service::Host::amd64);
    };
    write_kernel(path, {6, pvh});
    EXPECT_EQ(fault(service::DomainType::pvh), "");
    EXPECT_EQ(fault(service::DomainType::pv),
              path.string() + " is for guests of type pvh, and this one is of type pv");
    EXPECT_EQ(
        fault(service::DomainType::pvh, true),
        path.string() + " is for guests of type pvh, and this one is of type pvh with pvshim");
    write_kernel(path, {6, pv});
    EXPECT_EQ(fault(service::DomainType::pvh),
              path.string() + " is for guests of type pv, and this one is of type pvh");
    EXPECT_EQ(fault(service::DomainType::pvh, true), "");
    write_kernel(path, {pv, 6, pvh});  // as Linux
    EXPECT_EQ(fault(service::DomainType::pv) + fault(service::DomainType::pvh), "");
    write_kernel(path, {});
    EXPECT_EQ(fault(service::DomainType::pv), "") << "nobody knows";
    std::ofstream(path) << "a bzImage";
    EXPECT_EQ(fault(service::DomainType::pv), "");
    std::filesystem::resize_file(path, 0);
    EXPECT_EQ(fault(service::DomainType::pvh), "");
    std::filesystem::remove(path);
    EXPECT_EQ(fault(service::DomainType::pvh), "");
}

}  // namespace
}  // namespace summond::config
