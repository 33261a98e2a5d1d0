// Any bytes as a configuration: never a crash, and either a configuration or a reason why not.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "summond/config/config.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace summond::config;
    const Loaded loaded =
        parse(std::string_view(reinterpret_cast<const char*>(data), size), "/fuzz.yaml");
    if (loaded.config.has_value() != loaded.problems.empty())
        std::abort();
    int line = 0;
    for (const Problem& problem : loaded.problems) {
        if (problem.what.empty() || problem.to_string().size() > 4096)
            std::abort();
        if (problem.where.line > 0 && problem.where.line < line)
            std::abort();
        line = problem.where.line;
    }
    if (loaded.config) {
        for (const Service& service : loaded.config->services) {
            if (service.id != service_id(service.name) || service.names.empty() ||
                service.names.size() != service.name_where.size() || service.kernel.empty() ||
                service.ipv4.size() + service.ipv6.size() == 0 || service.memory_kib == 0)
                std::abort();
        }
    }
    return 0;
}
