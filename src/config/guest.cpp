// What the guest is: its kernel, memory and devices. An xl file says these too (xl.cpp).
#include <algorithm>

#include "cmdline.hpp"
#include "devices.hpp"
#include "scalars.hpp"
#include "service.hpp"

namespace summond::config {

namespace {

constexpr std::uint64_t min_memory_kib = 1024;
constexpr std::uint64_t max_memory_kib = 1024ULL * 1024 * 1024;
constexpr std::uint64_t max_vcpus = 128;  // HVM_MAX_VCPUS, xen/hvm/hvm_info_table.h

// The size, or otherwise if it is wrong.
std::uint64_t read_memory(const Value& value, std::uint64_t otherwise) {
    std::string reason;
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

DomainType read_type(const Value& value) {
    if (value.is(Node::Kind::scalar) && value.node->text == "hvm")
        value.refuse("pv or pvh",
                     "which needs a device model, a qemu for each domain, that summond does not "
                     "start");
    else if (value.one_of({"pv", "pvh"}) == 0U)
        return DomainType::pv;
    return DomainType::pvh;
}

void read_machine(Mapping& mapping, ServiceDraft& draft) {
    Service& service = draft.service;
    const auto at = [&](const Value& value) { return mapping.problems().at(value.where); };
    if (const auto memory = mapping.take("memory")) {
        service.memory_kib = read_memory(*memory, service.memory_kib);
        service.max_memory_kib = 0;  // of somebody else's memory
    }
    if (const auto max = mapping.take("max_memory")) {
        service.max_memory_kib = read_memory(*max, 0);
        draft.max_memory_where = at(*max);
    }
    if (const auto shadow = mapping.take("shadow_memory"))
        service.shadow_memory_kib = read_memory(*shadow, 0);
    if (const auto vcpus = mapping.take("vcpus"))
        service.vcpus = static_cast<std::uint32_t>(vcpus->number(1, max_vcpus).value_or(1));
    if (const auto type = mapping.take("type")) {
        service.type = read_type(*type);
        draft.has_type = true;
    }
    if (const auto pvshim = mapping.take("pvshim")) {
        service.pvshim = pvshim->one_of({"false", "true"}) == 1U;
        draft.pvshim_where = at(*pvshim);
    }
}

void read_restart(Mapping& mapping, Restart& restart) {
    const auto read = [&](std::string_view key, bool& field) {
        if (const auto action = mapping.take(key))
            field = action->one_of({"destroy", "restart"}) == 1U;
    };
    read("on_poweroff", restart.poweroff);
    read("on_reboot", restart.reboot);
    read("on_watchdog", restart.watchdog);
    read("on_crash", restart.crash);
}

}  // namespace

void read_guest(Mapping& mapping, ServiceDraft& draft, const Paths& paths, Whose whose) {
    Service& service = draft.service;
    Problems& problems = mapping.problems();
    if (const auto kernel = mapping.take("kernel")) {
        draft.has_kernel = true;
        service.kernel = paths.read(*kernel).value_or("");
        service.kernel_where = problems.at(kernel->where);
    }
    if (const auto ramdisk = mapping.take("ramdisk")) {
        service.ramdisk = paths.read(*ramdisk);
        service.ramdisk_where = problems.at(ramdisk->where);
    }
    if (const auto cmdline = mapping.take("cmdline")) {
        draft.cmdline =
            cmdline->text("the kernel's command line, in quotes if it begins with {").value_or("");
        draft.cmdline_where = problems.at(cmdline->where);
    }
    read_machine(mapping, draft);
    read_interfaces(mapping, draft, whose);
    if (const auto disks = mapping.take("disks"))
        read_disks(*disks, paths, service.disks);
    if (const auto rumprun = mapping.take("rumprun"))
        draft.rumprun = read_rumprun(*rumprun, paths);
    read_restart(mapping, service.restart);
}

void complete_guest(ServiceDraft& draft, const std::string& owner, Problems& problems) {
    Service& service = draft.service;
    if (draft.rumprun.given && !draft.has_type)
        service.type = DomainType::pv;
    if (service.max_memory_kib == 0)
        service.max_memory_kib = service.memory_kib;
    else if (service.max_memory_kib < service.memory_kib)
        problems.error_at(draft.max_memory_where,
                          "max_memory of " + owner + " is " + size_text(service.max_memory_kib) +
                              ", less than its memory of " + size_text(service.memory_kib));
    if (service.pvshim && service.type == DomainType::pv)
        problems.error_at(draft.pvshim_where, "pvshim of " + owner +
                                                  ": runs a PV guest inside a PVH domain; it needs "
                                                  "type: pvh");
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
