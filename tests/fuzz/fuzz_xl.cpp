// Any bytes as an xl file: never a crash, and either a guest or a reason why not.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "load_with_file.hpp"

// libxlutil forgets what it has read of a list that turns out to be wrong.
extern "C" const char* __lsan_default_suppressions() {
    return "leak:libxlutil";
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    namespace service = summond::service;
    const std::string content(reinterpret_cast<const char*>(data), size);
    const auto loaded = summond::fuzz::load_with_file(
        "zones: [{name: a, ns: ns.b.}]\n"
        "services: [{xl: /fuzz.xl, names: a, addresses: 10.0.0.1, ready: {xenstore: data/a}}]\n",
        content);
    if (loaded.config) {
        const service::Template& service = loaded.config->services.at(0);
        if (service.id != service::id_of(service.name) ||
            (service.kernel.empty() && service.bootloader.empty()) ||
            service.max_vcpus < service.vcpus || service.memory_kib == 0 ||
            service.max_memory_kib < service.memory_kib)
            std::abort();
    }
    return 0;
}
