// Any text as a zone file; if it is one, every name of it is asked for, also when the zone is kept
// because its file has become bad.
#include <sys/mman.h>
#include <unistd.h>

#include <string>

#include "check_answer.hpp"
#include "summond/dns/wire.hpp"
#include "summond/zone/zone.hpp"

using namespace summond;

namespace {

// Every node's name, and one below it, with the types that take paths of their own.
void ask_everything(const zone::Zones& zones) {
    answer::Context context{zones, {}};
    const auto* slots = zones.at<zone::image::Slot>(zones.header().slots);
    for (std::uint32_t i = 0; i <= zones.header().slot_mask; ++i) {
        if (slots[i].node == 0)
            continue;
        const auto* node = zones.at<zone::image::Node>(slots[i].node);
        for (const bool below : {false, true}) {
            for (const unsigned type : {1U, 2U, 15U, 43U, 255U}) {
                std::vector<std::uint8_t> query{1, 2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0};
                if (below)
                    query.insert(query.end(), {1, 'q'});
                query.insert(query.end(), node->name(), node->name() + node->name_size);
                query.insert(query.end(), {0, static_cast<std::uint8_t>(type), 0, 1});
                fuzz::check_answer(query, context);
            }
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const int file = ::memfd_create("zone", 0);
    static const std::string path = "/proc/self/fd/" + std::to_string(file);
    if (size > 4096 || ::ftruncate(file, 0) != 0 ||
        ::pwrite(file, data, size, 0) != static_cast<ssize_t>(size))
        return 0;
    config::Config config;
    config::Zone& zone = config.zones.emplace_back();
    zone.name = *dns::Name::parse("jit.example");
    zone.file = path;
    const auto built = zone::build(config);
    const bool failed = std::any_of(built.problems.begin(), built.problems.end(),
                                    [](const auto& problem) { return !problem.warning; });
    FUZZ_CHECK(failed == built.image.empty());
    if (failed)
        return 0;
    const auto zones = zone::Zones::open(built.image);
    ask_everything(*zones);
    // At a reload with a bad file the zone stays as it was.
    FUZZ_CHECK(::ftruncate(file, 0) == 0);
    const auto kept = zone::build(config, zone::BadFile::tolerate, &*zones);
    FUZZ_CHECK(kept.image.size() == built.image.size());
    ask_everything(*zone::Zones::open(kept.image));
    return 0;
}
