// Prints the metrics of a summond from the memory that its processes count in, which its parent has
// open: counted PID.
#include <fcntl.h>
#include <sys/stat.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>

#include "summond/metrics/table.hpp"
#include "summond/proc/shared_memory.hpp"

int main(int argc, char** argv) {
    using namespace summond;
    if (argc != 2)
        return 2;
    const auto snapshot = std::make_unique<metrics::Snapshot>();
    std::vector<proc::SharedMapping> mappings;
    for (const auto& fd :
         std::filesystem::directory_iterator(std::string("/proc/") + argv[1] + "/fd")) {
        std::error_code gone;
        if (std::filesystem::read_symlink(fd, gone).string().find("summond-counters") ==
            std::string::npos)
            continue;
        const base::UniqueFd file(::open(fd.path().c_str(), O_RDONLY | O_CLOEXEC));
        struct stat status {};
        ::fstat(file.get(), &status);
        const auto size = static_cast<std::size_t>(status.st_size);
        auto mapping =
            proc::SharedMapping::map(file.get(), size, proc::SharedMapping::Access::read);
        if (!mapping) {
            std::fprintf(stderr, "%s\n", mapping.error().what.c_str());
            return 1;
        }
        if (size == sizeof(metrics::FrontCounters))
            snapshot->front.add(*mapping->as<const metrics::FrontCounters>());
        else if (size == sizeof(metrics::VmmCounters))
            snapshot->vmm = mapping->as<const metrics::VmmCounters>();
        mappings.push_back(std::move(*mapping));
    }
    std::fputs(metrics::exposition(*snapshot).c_str(), stdout);
    return 0;
}
