#include "options.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

#include "summond/xlfile/xl_file.hpp"

namespace summond::config {

namespace {

using Kind = Option::Kind;
using Of = Option::Of;

constexpr std::int64_t max_int = std::numeric_limits<std::int32_t>::max();

const std::vector<Option>& table() {
    static const std::vector<Option> options{
        {"pool", "the CPU pool that it runs in", Kind::text},
        {"cpu_weight", "its share of the CPUs, beside that of others", Kind::number, 1, 65535},
        {"cap", "the most that it gets, in hundredths of a CPU; 0: no limit", Kind::number, 0,
         65535},
        {"max_grant_frames", "pages of its grant table", Kind::number, 1, max_int},
        {"max_maptrack_frames", "pages in which Xen keeps track of grants that it maps",
         Kind::number, 0, max_int},
        {"max_grant_version", "the latest version of grant tables that it may use", Kind::number, 1,
         2},
        {"max_event_channels", "event channels that it may have", Kind::number, 1, 131071},
        {"vmtrace_buf_kb", "the buffer of processor traces of each vCPU, in KiB", Kind::number, 0,
         16 << 10},
        {"rtc_timeoffset", "what its clock is ahead of the host's, in seconds", Kind::number,
         -max_int, max_int},
        {"localtime", "its clock shows the host's local time, not UTC", Kind::boolean},
        {"nomigrate", "it uses what a migration would not keep", Kind::boolean},
        {"driver_domain", "it serves devices to other domains", Kind::boolean},
        {"xend_suspend_evtchn_compat", "it is suspended as xend did it", Kind::boolean},
        {"msr_relaxed", "reading an unknown MSR is no fault", Kind::boolean},
        {"vpmu", "it may use the processor's performance counters (ARM)", Kind::boolean},
        {"seclabel", "its XSM label", Kind::text},
        {"init_seclabel", "its XSM label while it is built", Kind::text},
        {"device_tree", "path of a partial device tree (ARM)", Kind::path},
        {"cpuid", "what its CPUs say of themselves, as in xl.cfg(5)", Kind::cpuid},
        {"passthrough",
         "how its devices reach memory",
         Kind::words,
         0,
         0,
         {"default", "disabled", "enabled", "sync_pt", "share_pt"}},
        {"tsc_mode",
         "how it reads the time stamp counter",
         Kind::words,
         0,
         0,
         {"default", "always_emulate", "native", "native_paravirt"}},
        {"tee", "its trusted execution environment (ARM)", Kind::words, 0, 0, {"none", "optee"}},
        {"gic_version",
         "its interrupt controller (ARM)",
         Kind::words,
         0,
         0,
         {"default", "v2", "v3"}},
        {"vuart", "an emulated UART (ARM)", Kind::words, 0, 0, {"unknown", "sbsa_uart"}},
        {"e820_host",
         "its memory map is laid out as the host's (pv)",
         Kind::boolean,
         0,
         0,
         {},
         Of::pv},
        {"hap",
         "its page tables are walked by the processor (pvh)",
         Kind::boolean,
         0,
         0,
         {},
         Of::pvh},
        {"oos",
         "shadow page tables may be out of step for a while (pvh)",
         Kind::boolean,
         0,
         0,
         {},
         Of::pvh},
        {"nestedhvm", "it may run virtual machines itself (pvh)", Kind::boolean, 0, 0, {}, Of::pvh},
        {"acpi", "it gets ACPI tables (pvh)", Kind::boolean, 0, 0, {}, Of::pvh},
        {"timer_mode",
         "what becomes of timer interrupts that it misses (pvh)",
         Kind::words,
         0,
         0,
         {"delay_for_missed_ticks", "no_delay_for_missed_ticks", "no_missed_ticks_pending",
          "one_missed_tick_pending"},
         Of::pvh},
        {"altp2m",
         "who may give it several views of its memory (pvh)",
         Kind::words,
         0,
         0,
         {"disabled", "mixed", "external", "limited"},
         Of::pvh},
        {"pvshim_path", "path of the shim that pvshim boots (pvh)", Kind::path, 0, 0, {}, Of::pvh},
        {"pvshim_cmdline", "the shim's command line (pvh)", Kind::text, 0, 0, {}, Of::pvh},
        {"pvshim_extra",
         "what is added to the shim's command line (pvh)",
         Kind::text,
         0,
         0,
         {},
         Of::pvh},
    };
    return options;
}

std::optional<std::string> read_number(const Option& option, const Value& value) {
    const std::string& text = value.node->text;  // empty if it is no scalar
    std::int64_t number = 0;
    value.takes_number(option.low, option.high);
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (!text.empty() && ec == std::errc() && end == text.data() + text.size() &&
        number >= option.low && number <= option.high)
        return text;
    value.refuse("a whole number from " + std::to_string(option.low) + " to " +
                 std::to_string(option.high));
    return std::nullopt;
}

std::optional<std::string> read_cpuid(const Value& value) {
    constexpr std::string_view expected =
        "as in xl.cfg(5), such as \"host,avx512f=0\" or a list of texts in xend's form";
    std::string text;
    for (const Value& item : value.list_or_one(expected))
        if (const auto line = item.text(expected))
            text.append(text.empty() ? "" : "\n").append(*line);
    if (text.empty())
        return std::nullopt;
    const bool is_list = value.is(Node::Kind::list);
    const auto known = xlfile::check_xl_cpuid(text);
    if (is_list != text.starts_with("host") && known)
        return text;
    value.refuse(expected, known ? "" : known.error().what);
    return std::nullopt;
}

std::optional<std::string> read_option(const Option& option, const Value& value,
                                       const Paths& paths) {
    switch (option.kind) {
        case Kind::number:
            return read_number(option, value);
        case Kind::boolean:
            if (const auto index = value.one_of({"false", "true"}))
                return *index == 1 ? "1" : "0";
            return std::nullopt;
        case Kind::words:
            if (const auto index = value.one_of(option.words))
                return std::string(option.words[*index]);
            return std::nullopt;
        case Kind::text:
            return value.text("a text, as in xl.cfg(5)");
        case Kind::path:
            return paths.read(value);
        case Kind::cpuid:
            return read_cpuid(value);
    }
    return std::nullopt;
}

}  // namespace

std::span<const Option> all_options() {
    return table();
}

const Option* find_option(std::string_view key) {
    const auto option = std::ranges::find(table(), key, &Option::key);
    return option == table().end() ? nullptr : &*option;
}

std::vector<std::string_view> option_keys() {
    std::vector<std::string_view> keys;
    for (const Option& option : table())
        keys.push_back(option.key);
    return keys;
}

void read_options(Mapping& mapping, ServiceDraft& draft, const Paths& paths) {
    for (const Option& option : table()) {
        const auto value = mapping.take_rare({option.key, option.about});
        if (!value)
            continue;
        const std::string key(option.key);
        draft.option_where[key] = mapping.problems().at(value->where);
        if (auto text = read_option(option, *value, paths))
            draft.service.options[key] = std::move(*text);
    }
}

void complete_options(ServiceDraft& draft, const std::string& owner, Problems& problems) {
    const bool is_pv = draft.service.type == service::DomainType::pv;
    for (const Option& option : table()) {
        const std::string key(option.key);
        if (option.of == Of::any || (option.of == Of::pv) == is_pv ||
            draft.service.options.erase(key) == 0)
            continue;
        std::string what = key;
        what.append(" of ").append(owner).append(" means nothing to a guest of type ");
        problems.warning_at(draft.option_where[key], what.append(is_pv ? "pv" : "pvh"));
    }
}

}  // namespace summond::config
