// What a domain takes of the host, beside libxl's own arithmetic.
#include <gtest/gtest.h>

#include "summond/service/template.hpp"

namespace summond::service {
namespace {

constexpr std::uint64_t mib = 1024;

std::uint64_t footprint(std::uint64_t memory, std::uint32_t vcpus, Host host) {
    Template service;
    service.memory_kib = memory;
    service.vcpus = vcpus;
    return footprint_kib(service, host);
}

// libxl_get_required_shadow_memory: 1 MiB for each vCPU, 2 pages for each MiB, and 128 pages on
// ARM; LIBXL_HVM_EXTRA_MEMORY beside it.
TEST(Footprint, TablesTakeMoreOnArm) {
    EXPECT_EQ(footprint(256 * mib, 1, Host::amd64), (256 + 2 + 1 + 2) * mib);
    EXPECT_EQ(footprint(256 * mib, 1, Host::arm64), (256 + 2 + 1 + 2) * mib + 512);
    EXPECT_EQ(footprint(128 * mib, 4, Host::amd64), (128 + 2 + 4 + 1) * mib);
    EXPECT_EQ(footprint(128 * mib, 4, Host::arm64), (128 + 2 + 4 + 1) * mib + 512);
}

TEST(Footprint, SmallDomainsHaveTheLeastThatServes) {
    for (const Host host : {Host::amd64, Host::arm64})
        EXPECT_EQ(footprint(16 * mib, 1, host), (16 + 2 + 2) * mib);
}

}  // namespace
}  // namespace summond::service
