// Any bytes as state.db: never a crash; what is read of it is plausible, and there is a file to
// write to afterwards.
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "file.hpp"
#include "summond/base/log.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace summond;
    namespace fs = std::filesystem;
    spdlog::set_level(spdlog::level::off);
    static const std::string directory = [] {
        std::string name = (fs::temp_directory_path() / "fuzz-state-XXXXXX").string();
        return std::string(::mkdtemp(name.data()));
    }();
    const std::string file = directory + "/state.db";
    for (const auto& each : fs::directory_iterator(directory))
        fs::remove(each);
    std::ofstream(file, std::ios::binary)
        .write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
    fs::permissions(file, fs::perms::owner_read | fs::perms::owner_write);
    const store::Now now{base::TimePoint(std::chrono::hours(5)),
                         std::chrono::sys_days(std::chrono::year(2026) / 11 / 30), "boot"};
    store::Opened opened = store::open_file(file, now, 100);
    if (!opened.read)
        return 0;  // of a newer version, say
    for (const vm::Kept& kept : opened.read->remembered.services) {
        if (kept.pin && kept.pin->until && *kept.pin->until <= now.steady)
            std::abort();
        if (kept.rest && kept.rest->until && *kept.rest->until <= now.steady)
            std::abort();
        if (kept.last_used && *kept.last_used > now.steady)
            std::abort();
    }
    if (opened.read->remembered.wakes.size() > 100)
        std::abort();
    if (opened.database)
        (void)store::write(*opened.database, {});
    return 0;
}
