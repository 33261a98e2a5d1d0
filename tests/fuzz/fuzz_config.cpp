// Any bytes as a configuration: never a crash, and either a configuration or a reason why not.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "summond/config/config.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace summond::config;
    namespace service = summond::service;
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
        if (loaded.config->service_places.size() != loaded.config->services.size())
            std::abort();
        for (std::size_t i = 0; i < loaded.config->services.size(); ++i) {
            const service::Template& service = loaded.config->services[i];
            const ServicePlaces& places = loaded.config->service_places[i];
            if (service.id != service::id_of(service.name) || service.names.empty() ||
                service.names.size() != places.names.size() ||
                service.disks.size() != places.disks.size() || service.kernel.empty() ||
                service.ipv4.size() + service.ipv6.size() == 0 || service.memory_kib == 0)
                std::abort();
        }
    }
    return 0;
}
