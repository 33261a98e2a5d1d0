#include "limits.hpp"

#include "scalars.hpp"

namespace summond::config {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t least_memory_kib = 1024;
constexpr std::uint64_t least_dom0_kib = 128 * 1024;  // LIBXL_MIN_DOM0_MEM
constexpr std::uint64_t most_memory_kib = 1024ULL * 1024 * 1024 * 1024;
constexpr std::uint64_t most_domains = 32'752;            // DOMID_FIRST_RESERVED, xen/xen.h
constexpr std::chrono::milliseconds longest_queue = 10s;  // no resolver waits longer

std::optional<std::uint64_t> read_limit(const Value& value, std::uint64_t least_kib) {
    std::string reason;
    value.takes_size(least_kib, most_memory_kib);
    if (value.is(Node::Kind::scalar)) {
        const auto size = parse_size_kib(value.node->text);
        if (size && *size >= least_kib && *size <= most_memory_kib)
            return *size;
        if (!size)
            reason = size.error().what;
    }
    value.refuse("a size such as 8GiB", reason);
    return std::nullopt;
}

}  // namespace

void read_limits(const Value& value, service::Limits& limits) {
    auto mapping = Mapping::of(value, "limits.", "a mapping, such as {memory: 8GiB, evict: true}");
    if (!mapping)
        return;
    if (const auto memory = mapping->take(
            {"memory", "of all domains, with what Xen needs for each", "what Xen has free"}))
        limits.memory_kib = read_limit(*memory, least_memory_kib);
    if (const auto domains =
            mapping->take({"domains", "how many there may be", "as many as there is memory for"}))
        if (const auto number = domains->number(1, most_domains))
            limits.domains = static_cast<std::uint32_t>(*number);
    if (const auto memory = mapping->take(
            {"standby_memory", "of the standby copies, within memory", "half of memory"}))
        limits.standby_memory_kib = read_limit(*memory, 0);
    if (const auto memory = mapping->take({"dom0_memory", "what dom0 keeps of its memory", "1GiB"}))
        limits.dom0_memory_kib =
            read_limit(*memory, least_dom0_kib).value_or(limits.dom0_memory_kib);
    if (const auto evict =
            mapping->take({"evict", "idle domains are put away for those that wake", "false"}))
        limits.evict = evict->one_of({"false", "true"}) == 1U;
    if (const auto queue = mapping->take({"queue", "how long a wake waits for room", "9s"}))
        if (const auto duration = read_duration(*queue, 0ms, longest_queue, "9s"))
            limits.queue = *duration;
    if (const auto pressure = mapping->take(
            {"pressure", "from how many wakes at a time on clients have to show whose they are",
             "64"})) {
        if (pressure->word({"never"}))
            limits.pressure.reset();
        else if (const auto number = pressure->number(1, most_domains))
            limits.pressure = static_cast<std::uint32_t>(*number);
    }
    mapping->refuse_rest();
}

void read_standby(const Value& value, service::Standby& standby) {
    standby = {};
    const auto read_count = [&standby](const Value& count) {
        standby.count =
            static_cast<std::uint32_t>(count.number(0, service::max_standby).value_or(0));
    };
    if (value.is(Node::Kind::scalar))
        read_count(value);
    if (value.is_only(Node::Kind::scalar))
        return;
    auto mapping = Mapping::of(value, "standby.",
                               "a number, {count: 1, stage: booted or built}, or {shells: 4}");
    if (!mapping)
        return;
    const auto shells = mapping->take(
        {"shells", "how many built domains wait for whichever service of this kernel and size",
         "0"});
    if (shells)
        standby.shells =
            static_cast<std::uint32_t>(shells->number(0, service::max_shells).value_or(0));
    constexpr Key count_key{"count", "how many copies wait", "0, with shells"};
    const auto count = shells && !shells->is_described()
                           ? mapping->take(count_key)
                           : mapping->require(count_key, "standby",
                                              "say how many copies, such as count: 1", "shells");
    if (count)
        read_count(*count);
    if (const auto stage = mapping->take(
            {"stage", "how far copies get: their guest runs, or they only exist", "booted"})) {
        standby.stage =
            static_cast<service::StandbyStage>(stage->one_of({"booted", "built"}).value_or(0));
        if (shells && !count && !stage->is_described())
            stage->complain("it is how far copies get, and goes with count; shells are built");
    }
    mapping->goes_with("stage", "count");
    mapping->refuse_rest();
}

}  // namespace summond::config
