#include "domain_options.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <map>
#include <new>
#include <string>

namespace summond::xen {
namespace {

// The values have been checked (module config), and libxl's words are xl's.
std::int64_t number(std::string_view text) {
    std::int64_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

template <typename Field>
void set_number(Field& field, const std::string& text) {
    field = static_cast<Field>(number(text));
}

void set(libxl_defbool& field, const std::string& text) {
    libxl_defbool_set(&field, text == "1");
}

void set(char*& field, const std::string& text) {
    std::free(field);
    field = copy(text);
}

void set_cpuid(libxl_cpuid_policy_list& policy, std::string_view text) {
    const bool is_xend = !text.starts_with("host");
    if (!is_xend)
        text.remove_prefix(std::min(text.find(',') + 1, text.size()));
    while (!text.empty()) {
        const auto end = std::min(text.find(is_xend ? '\n' : ','), text.size());
        const std::string part(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
        if (is_xend)
            libxl_cpuid_parse_config_xend(&policy, part.c_str());
        else
            libxl_cpuid_parse_config(&policy, part.c_str());
    }
}

using Set = void (*)(libxl_domain_config& config, const std::string& text);

const std::map<std::string_view, Set>& setters() {
    using C = libxl_domain_config&;
    using T = const std::string&;
    static const std::map<std::string_view, Set> table{
        {"pool", [](C c, T t) { set(c.c_info.pool_name, t); }},
        {"cpu_weight", [](C c, T t) { set_number(c.b_info.sched_params.weight, t); }},
        {"cap", [](C c, T t) { set_number(c.b_info.sched_params.cap, t); }},
        {"max_grant_frames", [](C c, T t) { set_number(c.b_info.max_grant_frames, t); }},
        {"max_maptrack_frames", [](C c, T t) { set_number(c.b_info.max_maptrack_frames, t); }},
        {"max_grant_version", [](C c, T t) { set_number(c.b_info.max_grant_version, t); }},
        {"max_event_channels", [](C c, T t) { set_number(c.b_info.event_channels, t); }},
        {"vmtrace_buf_kb", [](C c, T t) { set_number(c.b_info.vmtrace_buf_kb, t); }},
        {"rtc_timeoffset", [](C c, T t) { set_number(c.b_info.rtc_timeoffset, t); }},
        {"localtime", [](C c, T t) { set(c.b_info.localtime, t); }},
        {"nomigrate", [](C c, T t) { set(c.b_info.disable_migrate, t); }},
        {"driver_domain", [](C c, T t) { set(c.c_info.driver_domain, t); }},
        {"xend_suspend_evtchn_compat",
         [](C c, T t) { set(c.c_info.xend_suspend_evtchn_compat, t); }},
        {"msr_relaxed", [](C c, T t) { set(c.b_info.arch_x86.msr_relaxed, t); }},
        {"vpmu", [](C c, T t) { set(c.b_info.vpmu, t); }},
        // With init_seclabel, which comes first, the domain gets this one when it is built.
        {"seclabel",
         [](C c, T t) {
             set(c.c_info.ssid_label == nullptr ? c.c_info.ssid_label : c.b_info.exec_ssid_label,
                 t);
         }},
        {"init_seclabel", [](C c, T t) { set(c.c_info.ssid_label, t); }},
        {"device_tree", [](C c, T t) { set(c.b_info.device_tree, t); }},
        {"cpuid", [](C c, T t) { set_cpuid(c.b_info.cpuid, t); }},
        {"passthrough",
         [](C c, T t) { libxl_passthrough_from_string(t.c_str(), &c.c_info.passthrough); }},
        {"tsc_mode", [](C c, T t) { libxl_tsc_mode_from_string(t.c_str(), &c.b_info.tsc_mode); }},
        {"tee", [](C c, T t) { libxl_tee_type_from_string(t.c_str(), &c.b_info.tee); }},
        {"gic_version",
         [](C c, T t) {
             libxl_gic_version_from_string(t.c_str(), &c.b_info.arch_arm.gic_version);
         }},
        {"vuart",
         [](C c, T t) { libxl_vuart_type_from_string(t.c_str(), &c.b_info.arch_arm.vuart); }},
        {"e820_host", [](C c, T t) { set(c.b_info.u.pv.e820_host, t); }},
        {"hap", [](C c, T t) { set(c.c_info.hap, t); }},
        {"oos", [](C c, T t) { set(c.c_info.oos, t); }},
        {"nestedhvm", [](C c, T t) { set(c.b_info.nested_hvm, t); }},
        {"acpi", [](C c, T t) { set(c.b_info.acpi, t); }},
        {"timer_mode",
         [](C c, T t) { libxl_timer_mode_from_string(t.c_str(), &c.b_info.timer_mode); }},
        {"altp2m", [](C c, T t) { libxl_altp2m_mode_from_string(t.c_str(), &c.b_info.altp2m); }},
        {"pvshim_path", [](C c, T t) { set(c.b_info.u.pvh.pvshim_path, t); }},
        {"pvshim_cmdline", [](C c, T t) { set(c.b_info.u.pvh.pvshim_cmdline, t); }},
        {"pvshim_extra", [](C c, T t) { set(c.b_info.u.pvh.pvshim_extra, t); }},
    };
    return table;
}

// The CPUs of a list such as "0-3,^1,node:1". Those that the host does not have are left out.
void set_cpus(libxl_ctx* ctx, libxl_bitmap& map, std::string_view list) {
    if (libxl_cpu_bitmap_alloc(ctx, &map, 0) != 0)
        throw std::bad_alloc();
    while (!list.empty()) {
        const auto end = std::min(list.find(','), list.size());
        std::string_view part = list.substr(0, end);
        list.remove_prefix(std::min(end + 1, list.size()));
        const auto skip = [&part](std::string_view prefix) {
            const bool there = part.starts_with(prefix);
            part.remove_prefix(there ? prefix.size() : 0);
            return there;
        };
        while (skip(" "))
            ;
        if (part.empty())  // xl takes two commas for one
            continue;
        const auto change = skip("^") ? libxl_bitmap_reset : libxl_bitmap_set;
        const bool nodes = skip("node:") || skip("nodes:");
        if (part == "all") {
            libxl_bitmap_set_any(&map);
            continue;
        }
        const auto dash = part.find('-');
        const auto first = static_cast<int>(number(part.substr(0, dash)));
        const auto last = dash == std::string_view::npos
                              ? first
                              : static_cast<int>(number(part.substr(dash + 1)));
        for (int each = first; each <= last; ++each) {
            libxl_bitmap of_node;
            libxl_bitmap_init(&of_node);
            if (!nodes) {
                change(&map, each);
            } else if (libxl_cpu_bitmap_alloc(ctx, &of_node, 0) == 0 &&
                       libxl_node_to_cpumap(ctx, each, &of_node) == 0) {
                const auto cpus = static_cast<int>(of_node.size * 8);
                for (int cpu = 0; cpu < cpus; ++cpu)
                    if (libxl_bitmap_test(&of_node, cpu) != 0)
                        change(&map, cpu);
            }
            libxl_bitmap_dispose(&of_node);
        }
    }
}

void set_affinity(libxl_ctx* ctx, libxl_bitmap*& maps, int& count, int vcpus,
                  const service::Affinity& affinity) {
    if (affinity.cpus.empty())
        return;
    count = affinity.each ? std::min(vcpus, static_cast<int>(affinity.cpus.size())) : vcpus;
    maps = zeroed<libxl_bitmap>(static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i)
        set_cpus(ctx, maps[i], affinity.cpus[affinity.each ? static_cast<std::size_t>(i) : 0]);
}

}  // namespace

char* copy(const std::string& text) {
    char* result = ::strdup(text.c_str());
    if (result == nullptr)
        throw std::bad_alloc();
    return result;
}

void* zeroed_octets(std::size_t count) {
    void* result = std::calloc(std::max<std::size_t>(count, 1), 1);
    if (result == nullptr)
        throw std::bad_alloc();
    return result;
}

void set_options(libxl_domain_config& config, const service::Template& service) {
    for (const auto& [key, value] : service.options)
        if (const auto set = setters().find(key); set != setters().end())
            set->second(config, value);
}

void set_affinities(libxl_ctx* ctx, libxl_domain_build_info& info,
                    const service::Template& service) {
    set_affinity(ctx, info.vcpu_hard_affinity, info.num_vcpu_hard_affinity, info.max_vcpus,
                 service.cpus);
    set_affinity(ctx, info.vcpu_soft_affinity, info.num_vcpu_soft_affinity, info.max_vcpus,
                 service.cpus_soft);
    // Where to put the guest has been said; libxl would have chosen a node.
    if (!service.cpus_soft.cpus.empty() || service.cpus.each)
        libxl_defbool_set(&info.numa_placement, false);
}

std::vector<std::string_view> known_options() {
    std::vector<std::string_view> keys;
    for (const auto& [key, set] : setters())
        keys.push_back(key);
    return keys;
}

}  // namespace summond::xen
