// What is refused for a dom0 of the other architecture, and why.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "files_given.hpp"
#include "summond/service/kernel_fault.hpp"

namespace summond::config {
namespace {

class RefusedOnArm : public testing::TestWithParam<BadCase> {};

// What is good on amd64 is an error with its reason on arm64.
TEST_P(RefusedOnArm, WithItsReason) {
    const std::string yaml = service_config({good_service.with(GetParam().key, GetParam().value)});
    EXPECT_EQ(problems_of(yaml, service::Host::amd64), "");
    EXPECT_EQ(problems_of(yaml, service::Host::arm64), GetParam().problem);
}

INSTANTIATE_TEST_SUITE_P(
    Keys, RefusedOnArm,
    testing::Values(
        BadCase{"type", "pv",
                "9:11: type of service www is pv, and Xen has no PV guests on arm64; leave it out, "
                "or say pvh"},
        BadCase{
            "pvshim", "true",
            "9:13: pvshim of service www: it is a Xen for x86 that runs PV guests, and there are "
            "none on arm64; leave it out"},
        BadCase{"rumprun", "{cmdline: httpd}",
                "9:14: rumprun of service www: it runs as a PV guest, and Xen has none on arm64"},
        BadCase{
            "idle", "{after: 5m, action: suspend}",
            "9:31: idle.action of service www is suspend, and Xen saves no domains on arm64; say "
            "pause, which keeps its memory, or destroy"},
        BadCase{"passthrough", "sync_pt",
                "9:18: passthrough of service www is sync_pt; on arm64 a device uses the domain's "
                "page tables, which is share_pt"},
        BadCase{"hap", "true",
                "9:10: hap of service www is for hosts of amd64; on arm64 leave it out"},
        BadCase{"tsc_mode", "native",
                "9:15: tsc_mode of service www is for hosts of amd64; on arm64 leave it out"}));

TEST(OnArm, TakesWhatArmHas) {
    for (const auto& [key, value] : {std::pair{"type", "pvh"},
                                     {"gic_version", "v3"},
                                     {"vuart", "sbsa_uart"},
                                     {"vpmu", "true"},
                                     {"acpi", "true"},
                                     {"idle", "{action: pause}"},
                                     {"standby", "2"},
                                     {"pvshim", "false"}})
        EXPECT_EQ(
            problems_of(service_config({good_service.with(key, value)}), service::Host::arm64), "")
            << key;
}

TEST(OnArm, GicOfVersion2HasEightCpus) {
    const auto with = [](const std::string& vcpus) {
        return problems_of(
            service_config({good_service.with("gic_version", "v2").with("vcpus", vcpus)}),
            service::Host::arm64);
    };
    EXPECT_EQ(with("8"), "");
    EXPECT_EQ(with("9"),
              "9:18: gic_version of service www is v2, which has 8 CPUs at most; it has 9");
}

TEST(OnArm, DefaultsAreSettingsOfEachService) {
    const std::string yaml =
        "defaults: {idle: {action: suspend}}\n" + service_config({good_service});
    EXPECT_EQ(problems_of(yaml, service::Host::arm64),
              "1:27: idle.action of service www is suspend, and Xen saves no domains on arm64; say "
              "pause, which keeps its memory, or destroy");
}

// xl's default is pv on x86, and pvh on ARM.
TEST(OnArm, GuestsOfXlFilesArePvhWhereTheyDoNotSay) {
    const Files files{{xl_path, "name = 'www'; vif = ['']\nkernel = 'www.xen'\n"}};
    const std::string yaml = service_config({xl_service});
    for (const auto& [host, type] : {std::pair{service::Host::amd64, service::DomainType::pv},
                                     {service::Host::arm64, service::DomainType::pvh}}) {
        const Loaded loaded = parse(yaml, file, reading(files), ReadZones::yes, host);
        ASSERT_TRUE(loaded.config) << problems_with(files, xl_service, "", host);
        EXPECT_EQ(loaded.config->services[0].type, type);
    }
    EXPECT_EQ(problems_with({{xl_path, files.at(xl_path) + "type = 'pv'\n"}}, xl_service, "",
                            service::Host::arm64),
              xl_path +
                  ":3:1: type of service www is pv, and Xen has no PV guests on arm64; leave it "
                  "out, or say pvh");
}

// A kernel of the other architecture, by the beginning of its file.
TEST(KernelFault, TellsTheHostThatAKernelIsFor) {
    const auto path = std::filesystem::path(testing::TempDir()) / "summond-host-kernel";
    const auto write = [&](std::size_t at, const std::string& magic) {
        std::string text(1024, '\0');
        std::ofstream(path, std::ios::binary) << text.replace(at, magic.size(), magic);
    };
    const auto fault = [&](service::Host host) {
        return service::kernel_fault(path.string(), service::DomainType::pvh, false, host);
    };
    const std::string elf(
        "\x7f"
        "ELF\2\1\1\0\0\0\0\0\0\0\0\0\2\0",
        18);
    const std::string name = path.string();
    for (const auto& [at, magic, of] :
         {std::tuple{std::size_t{0x38}, std::string("ARM\x64"), service::Host::arm64},
          {std::size_t{0}, elf + "\xb7", service::Host::arm64},
          {std::size_t{0x202}, std::string("HdrS"), service::Host::amd64},
          {std::size_t{0}, elf + "\x3e", service::Host::amd64}}) {
        write(at, magic);
        EXPECT_EQ(fault(of), "");
        EXPECT_EQ(fault(of == service::Host::arm64 ? service::Host::amd64 : service::Host::arm64),
                  of == service::Host::arm64 ? name + " is for arm64, and this host is amd64"
                                             : name + " is for amd64, and this host is arm64");
    }
    write(0, "");
    EXPECT_EQ(fault(service::Host::amd64) + fault(service::Host::arm64), "") << "nobody knows";
    std::filesystem::remove(path);
}

}  // namespace
}  // namespace summond::config
