// Any bytes as a request: method, target, the id of the last event and the host, by lines.
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "summond/control/events.hpp"
#include "summond/control/routes.hpp"

using namespace summond::control;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto line = [&text] {
        const auto end = text.find('\n');
        const auto taken = text.substr(0, end);
        text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
        return taken;
    };
    const auto method = line();
    const auto target = line();
    const auto asked = understand(method, target);
    if (asked) {
        if (asked->route == nullptr)
            std::abort();
        // HEAD is the only other name of a method.
        if (method != to_string(asked->route->method) && method != "HEAD")
            std::abort();
        for (const char c : asked->service)
            if (static_cast<unsigned char>(c) < 0x20)
                std::abort();
    } else if (asked.error().status < 400 || asked.error().status > 499 ||
               asked.error().expected.empty() ||
               (asked.error().status == 405) == asked.error().allow.empty()) {
        std::abort();
    }
    static Events events(7);
    static const EventText only = events.add("a", {});
    if (events.since(line()).size() > 1)
        std::abort();
    static const std::vector<std::string> names{"dom0.example.net"};
    const auto why = suspicious({std::string(line()), ""}, Right::read, names);
    if (why && why->status != 421)
        std::abort();
    return 0;
}
