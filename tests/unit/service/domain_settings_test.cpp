#include "summond/service/domain_settings.hpp"

#include <gtest/gtest.h>

namespace summond::service {
namespace {

Template www() {
    Template service;
    service.id = id_of("www");
    service.name = "www";
    service.kernel = "/srv/www.elf";
    service.cmdline = "--ipv4=10.0.0.10/24";
    service.memory_kib = service.max_memory_kib = 32768;
    service.max_vcpus = 1;
    Interface& interface = service.interfaces.emplace_back();
    interface.mac = derived_mac(service.id);
    interface.bridge = "xenbr0";
    Disk& disk = service.disks.emplace_back();
    disk.path = "/srv/www.img";
    disk.device = "xvda";
    return service;
}

// Saved domains and standby copies of versions before carry a digest of this text: where it
// changes, they are thrown away.
TEST(DomainSettings, AreWrittenAsEver) {
    EXPECT_EQ(domain_settings(www()),
              "type 1 false\nkernel /srv/www.elf\nramdisk \ncmdline --ipv4=10.0.0.10/24\n"
              "memory 32768 32768 0\nvcpus 1 1\nbootloader \n\ncpus false \ncpus false \n"
              "rumprun 0 \n"
              "interface 00:16:3e:d7:21:ec\nxenbr0\n\n\n\n\n0 0 0 true\n"
              "disk /srv/www.img\nxvda\nfalse 0\n\n0 false false -1 true\n");
}

TEST(DomainSettings, OnlyWhatTheDomainIsBuiltFrom) {
    Template service = www();
    service.ttl = 5;
    service.idle_after = std::chrono::seconds(10);
    service.standby.count = 2;
    EXPECT_EQ(domain_settings(service), domain_settings(www()));
    service.cmdline += " ";
    EXPECT_NE(domain_settings(service), domain_settings(www()));
}

}  // namespace
}  // namespace summond::service
