// What the guest is: its kernel, memory and devices. An xl file says these too (xl.cpp).
#include <algorithm>

#include "cmdline.hpp"
#include "devices.hpp"
#include "options.hpp"
#include "scalars.hpp"
#include "service.hpp"

namespace summond::config {

namespace {

constexpr std::uint64_t min_memory_kib = 1024;
constexpr std::uint64_t max_memory_kib = 1024ULL * 1024 * 1024;
constexpr std::uint64_t max_cpus = 4095;  // of a host, Xen's NR_CPUS
constexpr std::uint64_t max_vcpus = 128;  // HVM_MAX_VCPUS, xen/hvm/hvm_info_table.h

// The size, or otherwise if it is wrong.
std::uint64_t read_memory(const Value& value, std::uint64_t otherwise) {
    std::string reason;
    value.takes_size(min_memory_kib, max_memory_kib);
    if (value.is(Node::Kind::scalar)) {
        const auto size = parse_size_kib(value.node->text);
        if (size && *size >= min_memory_kib && *size <= max_memory_kib)
            return *size;
        if (!size)
            reason = size.error().what;
    }
    value.refuse("a size from " + size_text(min_memory_kib) + " to " + size_text(max_memory_kib) +
                     ", such as 16MiB",
                 reason);
    return otherwise;
}

service::DomainType read_type(const Value& value) {
    if (value.is(Node::Kind::scalar) && value.node->text == "hvm")
        value.refuse("pv or pvh",
                     "which needs a device model, a qemu for each domain, that summond does not "
                     "start");
    else if (value.one_of({"pv", "pvh"}) == 0U)
        return service::DomainType::pv;
    return service::DomainType::pvh;
}

// parse_cpurange of xl: parts with commas between, each all, a CPU or a range of them, or with
// nodes: before it NUMA nodes; ^ takes out.
bool is_cpu_list(std::string_view text) {
    bool any = false;
    while (!text.empty()) {
        const auto end = std::min(text.find(','), text.size());
        std::string_view part = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        part.remove_prefix(std::min(part.find_first_not_of(' '), part.size()));
        if (part.empty())  // xl takes two commas for one
            continue;
        const bool taken_out = part.starts_with('^');
        part.remove_prefix(taken_out ? 1 : 0);
        for (const std::string_view node : {"node:", "nodes:"})
            part.remove_prefix(part.starts_with(node) ? node.size() : 0);
        const auto dash = part.find('-');
        const auto first = parse_number(part.substr(0, dash));
        const auto last =
            dash == std::string_view::npos ? first : parse_number(part.substr(dash + 1));
        if (part == "all" ? taken_out : !first || !last || *first > *last || *last >= max_cpus)
            return false;
        any = true;
    }
    return any;
}

// The same as a regular expression, but that a range may end before it begins.
const std::string& cpu_list_pattern() {
    static const std::string pattern = [] {
        const std::string number = number_pattern(0, max_cpus - 1);
        const std::string part = "(?:(?:node:)?(?:nodes:)?all|\\^?(?:node:)?(?:nodes:)?" + number +
                                 "(?:-" + number + ")?)";
        return "[, ]*" + part + "(?:,[, ]*" + part + ")*(?:,[, ]*)?";
    }();
    return pattern;
}

service::Affinity read_affinity(const Value& value) {
    constexpr std::string_view expected =
        "CPUs of the host such as 0-3,^1 or node:0, or a list with those of each vCPU";
    service::Affinity affinity;
    affinity.each = value.is(Node::Kind::list);
    for (const Value& item : value.list_or_one(expected)) {
        const auto text = item.text(expected, cpu_list_pattern());
        if (text && is_cpu_list(*text))
            affinity.cpus.push_back(*text);
        else if (text)
            item.refuse(expected);
    }
    return affinity;
}

void read_machine(Mapping& mapping, ServiceDraft& draft) {
    service::Template& service = draft.service;
    const auto at = [&](const Value& value) { return mapping.problems().at(value.where); };
    if (const auto memory = mapping.take({"memory", "memory of its domain", "32MiB"})) {
        service.memory_kib = read_memory(*memory, service.memory_kib);
        service.max_memory_kib = 0;  // of somebody else's memory
    }
    if (const auto max = mapping.take(
            {"max_memory", "what it may grow to by itself (ballooning)", "its memory"})) {
        service.max_memory_kib = read_memory(*max, 0);
        draft.max_memory_where = at(*max);
    }
    if (const auto shadow = mapping.take(
            {"shadow_memory", "what Xen may use for its page tables (pvh)", "as its size needs"}))
        service.shadow_memory_kib = read_memory(*shadow, 0);
    if (const auto vcpus = mapping.take({"vcpus", "virtual CPUs at the start", "1"})) {
        service.vcpus = static_cast<std::uint32_t>(vcpus->number(1, max_vcpus).value_or(1));
        service.max_vcpus = 0;  // of somebody else's vcpus
    }
    if (const auto max =
            mapping.take({"max_vcpus", "as many as it may bring up itself", "its vcpus"})) {
        service.max_vcpus = static_cast<std::uint32_t>(max->number(1, max_vcpus).value_or(0));
        draft.max_vcpus_where = at(*max);
    }
    if (const auto cpus = mapping.take({"cpus",
                                        "the host's CPUs on which it runs: 0-3,^1, node:0, all, or "
                                        "a list with those of each vCPU",
                                        "any"}))
        service.cpus = read_affinity(*cpus);
    if (const auto cpus = mapping.take(
            {"cpus_soft", "the host's CPUs on which it runs if it can, as cpus", "any"}))
        service.cpus_soft = read_affinity(*cpus);
    if (const auto type =
            mapping.take({"type", "the type of its domain", "pvh; pv with rumprun"})) {
        service.type = read_type(*type);
        draft.has_type = true;
        draft.type_where = at(*type);
    }
    if (const auto pvshim =
            mapping.take({"pvshim", "a PV kernel runs inside a pvh domain", "false"})) {
        service.pvshim = pvshim->one_of({"false", "true"}) == 1U;
        draft.pvshim_where = at(*pvshim);
    }
}

void read_ends(Mapping& mapping, service::Template& service) {
    const auto read = [&](const Key& key, bool& restart, bool& preserve) {
        const auto action = mapping.take(key);
        if (!action)
            return;
        if (action->is(Node::Kind::scalar) && action->node->text.starts_with("coredump-")) {
            action->refuse("destroy, restart, preserve or rename-restart",
                           "which summond does not write; preserve the domain and use xl "
                           "dump-core");
            return;
        }
        const auto chosen =
            action->one_of({"destroy", "restart", "preserve", "rename-restart"}).value_or(0);
        restart = chosen == 1 || chosen == 3;
        preserve = chosen >= 2;
    };
    service::Restart& restart = service.restart;
    service::Preserve& preserve = service.preserve;
    read({"on_poweroff", "what is done with a domain that has powered off", "destroy"},
         restart.poweroff, preserve.poweroff);
    read({"on_reboot", "what is done with a domain that wants to reboot", "restart"},
         restart.reboot, preserve.reboot);
    read({"on_watchdog", "what is done with a domain whose watchdog has run out", "destroy"},
         restart.watchdog, preserve.watchdog);
    read({"on_crash", "what is done with a domain that has crashed", "destroy"}, restart.crash,
         preserve.crash);
}

// A path, or a name that libxl looks for beside its own programs.
std::string read_bootloader(const Value& value, const Paths& paths) {
    constexpr std::string_view expected = "a program, such as pygrub";
    const auto name = value.text(expected);
    if (!name || name->find('/') == std::string::npos)
        return name.value_or("");
    return paths.read(value).value_or("");
}

// What is booted. Of kernel and bootloader, one takes the place of the other; together they say
// which kernel the bootloader is to take out of the disk.
void read_boot(Mapping& mapping, ServiceDraft& draft, const Paths& paths) {
    service::Template& service = draft.service;
    Problems& problems = mapping.problems();
    const auto kernel = mapping.take(
        {"kernel", "path of the kernel or unikernel; with a bootloader, a file in the disk"});
    const auto bootloader = mapping.take(
        {"bootloader", "a program that finds the kernel in the first disk, such as pygrub"});
    const auto args = mapping.take({"bootloader_args", "arguments of the bootloader"});
    const auto ramdisk = mapping.take(
        {"ramdisk", "path of an initial ramdisk; with a bootloader, a file in the disk"});
    if (kernel || bootloader) {
        draft.has_kernel = true;
        service.kernel.clear();
        service.bootloader.clear();
    }
    if (bootloader) {
        service.bootloader = read_bootloader(*bootloader, paths);
        service.ramdisk.reset();
        draft.bootloader_where = draft.places.kernel = problems.at(bootloader->where);
    }
    const auto read = [&](const Value& value) {
        return service.bootloader.empty() ? paths.read(value)
                                          : value.text("the path of a file in the disk");
    };
    if (kernel) {
        service.kernel = read(*kernel).value_or("");
        draft.places.kernel = problems.at(kernel->where);
    }
    if (ramdisk) {
        service.ramdisk = read(*ramdisk);
        draft.places.ramdisk = problems.at(ramdisk->where);
    }
    if (args) {
        service.bootloader_args.clear();
        for (const Value& item : args->list_or_one("an argument of the bootloader, or a list"))
            if (auto text = item.text("an argument of the bootloader"))
                service.bootloader_args.push_back(std::move(*text));
    }
}

}  // namespace

void read_guest(Mapping& mapping, ServiceDraft& draft, const Paths& paths, Whose whose) {
    service::Template& service = draft.service;
    Problems& problems = mapping.problems();
    read_boot(mapping, draft, paths);
    if (const auto cmdline = mapping.take(
            {"cmdline",
             "the kernel's command line; {ipv4}, {ipv6}, {name} and {mac} are filled in"})) {
        draft.cmdline =
            cmdline->text("the kernel's command line, in quotes if it begins with {").value_or("");
        draft.cmdline_where = problems.at(cmdline->where);
    }
    read_machine(mapping, draft);
    read_interfaces(mapping, draft, whose);
    if (const auto disks = mapping.take({"disks", "its disks"}))
        read_disks(*disks, paths, draft);
    if (const auto rumprun = mapping.take({"rumprun", "the configuration of a rumprun guest"}))
        draft.rumprun = read_rumprun(*rumprun, paths);
    if (const auto shares = mapping.take({"p9", "directories of dom0 that it can mount"}))
        read_shares(*shares, paths, service.shares);
    read_options(mapping, draft, paths);
    read_ends(mapping, service);
}

void complete_guest(ServiceDraft& draft, const std::string& owner, Problems& problems) {
    service::Template& service = draft.service;
    if (draft.rumprun.given && !draft.has_type)
        service.type = service::DomainType::pv;
    if (service.max_memory_kib == 0)
        service.max_memory_kib = service.memory_kib;
    else if (service.max_memory_kib < service.memory_kib)
        problems.error_at(draft.max_memory_where,
                          "max_memory of " + owner + " is " + size_text(service.max_memory_kib) +
                              ", less than its memory of " + size_text(service.memory_kib));
    if (service.pvshim && service.type == service::DomainType::pv)
        problems.error_at(draft.pvshim_where, "pvshim of " + owner +
                                                  ": runs a PV guest inside a PVH domain; it needs "
                                                  "type: pvh");
    if (service.max_vcpus == 0)
        service.max_vcpus = service.vcpus;
    else if (service.max_vcpus < service.vcpus)
        problems.error_at(draft.max_vcpus_where,
                          "max_vcpus of " + owner + " is " + std::to_string(service.max_vcpus) +
                              ", less than its vcpus, " + std::to_string(service.vcpus));
    if (!service.bootloader.empty() && service.disks.empty())
        problems.error_at(draft.bootloader_where,
                          "bootloader of " + owner +
                              ": it looks for a kernel in the first disk, and there is no disk");
    complete_options(draft, owner, problems);
    complete_interfaces(draft);
    if (!draft.addresses_complete)
        return;  // {ipv4} may only seem to be missing
    auto cmdline = expand_cmdline(draft.cmdline, service);
    if (cmdline)
        service.cmdline = std::move(*cmdline);
    else
        problems.error_at(draft.cmdline_where, "cmdline of " + owner + ": " + cmdline.error().what);
    complete_rumprun(draft.rumprun, service, owner, problems);
}

}  // namespace summond::config
