// Any text as a zone file; if it is one, every name of it is asked for, also when the zone is kept
// because its file has become bad. Data that are taken as text are taken as the octets that they
// make, too (RFC 3597 §5).
#include <sys/mman.h>
#include <unistd.h>

#include <string>

#include "../../src/zone/rdata.hpp"
#include "../../src/zone/scanner.hpp"
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
                query[11] = 1;  // DO
                query.insert(query.end(), {0, 0, 41, 16, 0, 0, 0, 0x80, 0, 0, 0});
                fuzz::check_answer(query, context);
            }
        }
    }
}

// Lines of owner, type and data.
void read_both_ways(std::string_view text) {
    zone::Scanner scanner(text);
    zone::Entry entry;
    zone::RdataReader reader;
    while (scanner.next(entry)) {
        const std::span words(entry.words);
        const auto type = entry.problem.empty() && words.size() > 1 ? zone::type_from_text(words[1])
                                                                    : std::nullopt;
        if (!type)
            continue;
        const auto rdata = reader.read(*type, words.subspan(2));
        if (!rdata)
            continue;
        const std::vector<std::uint8_t> octets(rdata->begin(), rdata->end());
        std::string hex;
        for (const std::uint8_t octet : octets) {
            constexpr char digits[] = "0123456789abcdef";
            hex += {digits[octet >> 4], digits[octet & 0xf]};
        }
        const std::string size = std::to_string(octets.size());
        std::vector<std::string_view> generic{"\\#", size};
        if (!hex.empty())
            generic.emplace_back(hex);
        const auto again = reader.read(*type, generic);
        FUZZ_CHECK(again && std::ranges::equal(*again, octets));
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const int file = ::memfd_create("zone", 0);
    static const std::string path = "/proc/self/fd/" + std::to_string(file);
    if (size > 4096 || ::ftruncate(file, 0) != 0 ||
        ::pwrite(file, data, size, 0) != static_cast<ssize_t>(size))
        return 0;
    read_both_ways({reinterpret_cast<const char*>(data), size});
    config::Config config;
    config::Zone& zone = config.zones.emplace_back();
    zone.name = *dns::Name::parse("jit.example");
    zone.file = path;
    // Whatever the signatures are: what comes of them has to be looked at, too.
    constexpr zone::Checks checks{1800000000, 0};
    const auto built = zone::build(config, zone::BadFile::refuse, nullptr, checks);
    const bool failed = std::any_of(built.problems.begin(), built.problems.end(),
                                    [](const auto& problem) { return !problem.warning; });
    FUZZ_CHECK(failed == built.image.empty());
    if (failed)
        return 0;
    const auto zones = zone::Zones::open(built.image);
    ask_everything(*zones);
    // At a reload with a bad file the zone stays as it was.
    FUZZ_CHECK(::ftruncate(file, 0) == 0);
    const auto kept = zone::build(config, zone::BadFile::tolerate, &*zones, checks);
    FUZZ_CHECK(kept.image.size() == built.image.size());
    ask_everything(*zone::Zones::open(kept.image));
    return 0;
}
