// What hosts tell each other of themselves: each one's key in etcd, as JSON. Whoever may write
// below that prefix has written it, so it is read as a stranger's.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "summond/base/ip_address.hpp"
#include "summond/base/result.hpp"

namespace summond::fleet {

// What is larger is ignored.
inline constexpr std::size_t longest_name = 63;
inline constexpr std::size_t longest_value = 4096;
inline constexpr std::size_t longest_location = 32;
inline constexpr std::size_t most_networks = 16;

struct Host {
    std::vector<base::IpPrefix> networks;  // of which it gives out addresses
    std::string location;                  // "59.91,10.75"; empty: not said
    bool drained = false;                  // it wakes nothing new
    bool pressure = false;                 // it has little memory or processor left
    // Whose key it is: the same for a host over restarts, another one for each process.
    std::string identity;
    std::string incarnation;

    friend bool operator==(const Host&, const Host&) = default;
};

// 1 to 63 letters, digits, dots, - and _, beginning with a letter or digit.
bool is_host_name(std::string_view name);

std::string to_value(const Host& host);
// Errors: why it is no host's.
base::Result<Host> from_value(std::string_view value);

}  // namespace summond::fleet
