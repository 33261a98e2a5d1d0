// Any bytes as a rumprun configuration: never a crash; refused, or given on as it is.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "load_with_file.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace summond::config;
    const std::string content(reinterpret_cast<const char*>(data), size);
    const Loaded loaded = summond::fuzz::load_with_file(
        "zones: [{name: a, ns: ns.b.}]\n"
        "services: [{name: a, names: a, addresses: 10.0.0.1, kernel: /k, rumprun: {config: /c}}]\n",
        content);
    if (loaded.config && loaded.config->services.at(0).rumprun != content)
        std::abort();
    return 0;
}
