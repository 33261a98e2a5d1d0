// What the host that the configuration is for cannot do.
#include <array>
#include <string_view>

#include "service.hpp"

namespace summond::config {

namespace {

// Of all_options(), those that are about an x86 CPU or PC. Of those that are about ARM, libxl takes
// no notice on the other hosts.
constexpr std::array<std::string_view, 15> of_amd64{
    "altp2m",     "cpuid",    "e820_host",      "hap",          "localtime",   "msr_relaxed",
    "nestedhvm",  "oos",      "pvshim_cmdline", "pvshim_extra", "pvshim_path", "rtc_timeoffset",
    "timer_mode", "tsc_mode", "vmtrace_buf_kb"};

constexpr std::uint32_t gic_v2_vcpus = 8;  // GICv2 architecture: CPU interfaces

// Xen and libxl 4.17: arch_sanitise_domain_config (xen/arch/arm/domain.c), libxl_arm.c.
void refuse_types(const ServiceDraft& draft, const std::string& owner, Problems& problems) {
    const service::Template& service = draft.service;
    if (draft.rumprun.given)
        problems.error_at(
            draft.rumprun.where,
            "rumprun of " + owner + ": it runs as a PV guest, and Xen has none on arm64");
    else if (service.type == service::DomainType::pv)
        problems.error_at(draft.type_where,
                          "type of " + owner +
                              " is pv, and Xen has no PV guests on arm64; leave it "
                              "out, or say pvh");
    if (service.pvshim)
        problems.error_at(draft.pvshim_where,
                          "pvshim of " + owner +
                              ": it is a Xen for x86 that runs PV guests, and there are none on "
                              "arm64; leave it out");
    if (service.idle_after && service.idle_action == service::IdleAction::suspend)
        problems.error_at(draft.idle_action_where,
                          "idle.action of " + owner +
                              " is suspend, and Xen saves no domains on arm64; say pause, which "
                              "keeps its memory, or destroy");
}

void refuse_values(const ServiceDraft& draft, const std::string& owner, Problems& problems) {
    const service::Template& service = draft.service;
    const auto passthrough = service.options.find("passthrough");
    if (passthrough != service.options.end() && passthrough->second == "sync_pt")
        problems.error_at(draft.option_where.at("passthrough"),
                          "passthrough of " + owner +
                              " is sync_pt; on arm64 a device uses the domain's page tables, which "
                              "is share_pt");
    const auto gic = service.options.find("gic_version");
    if (gic != service.options.end() && gic->second == "v2" && service.max_vcpus > gic_v2_vcpus)
        problems.error_at(draft.option_where.at("gic_version"),
                          "gic_version of " + owner + " is v2, which has " +
                              std::to_string(gic_v2_vcpus) + " CPUs at most; it has " +
                              std::to_string(service.max_vcpus));
}

}  // namespace

void complete_host(ServiceDraft& draft, const std::string& owner, Problems& problems) {
    if (draft.host != service::Host::arm64)
        return;
    refuse_types(draft, owner, problems);
    refuse_values(draft, owner, problems);
    for (const std::string_view option : of_amd64) {
        const auto where = draft.option_where.find(std::string(option));
        if (where != draft.option_where.end())
            problems.error_at(where->second, std::string(option) + " of " + owner +
                                                 " is for hosts of amd64; on arm64 leave it out");
    }
}

}  // namespace summond::config
