// Services for tests: small ones, that a test changes to what it needs.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "summond/service/template.hpp"

namespace summond::test {

inline constexpr service::Id www = 11;
inline constexpr service::Id mail = 22;

// With one interface, of 16 MiB (with what is around it: 20), and put away a minute after its
// traffic has ended.
inline service::Template service(service::Id id) {
    service::Template s;
    s.id = id;
    s.name = "s" + std::to_string(id);
    s.ipv4 = {base::IpAddress::v4({192, 0, 2, static_cast<std::uint8_t>(id)})};
    s.interfaces.resize(1);
    s.memory_kib = 16 * 1024;
    s.ttl = 10;
    s.idle_after = std::chrono::seconds(60);
    s.ready.timeout = std::chrono::seconds(30);
    return s;
}

}  // namespace summond::test
