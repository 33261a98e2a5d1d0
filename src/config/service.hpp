// Reads services and their defaults.
#pragma once

#include <string>
#include <vector>

#include "paths.hpp"
#include "reader.hpp"
#include "summond/config/config.hpp"

namespace summond::config {

// A service while it is read.
struct ServiceDraft {
    ServiceDraft();  // with the defaults of docs/CONFIGURATION.md

    Service service;
    std::string cmdline;  // its placeholders not yet filled in
    Mark cmdline_where;
    bool has_kernel = false;  // the key is there, right or wrong
    Mark bridge_where;

    // Never from defaults:
    struct Address {
        base::IpAddress address;
        Mark where;
    };
    std::vector<Address> addresses;
    bool addresses_complete = true;  // false: some could not be read
    Mark mac_where;
};

// The settings that `defaults:` may have too (settings.cpp): everything but what makes a service
// this one.
void read_settings(Mapping& mapping, ServiceDraft& draft, const Paths& paths);

ServiceDraft read_defaults(const Value& value, const Paths& paths);
// A service whose name cannot be used has none.
std::vector<ServiceDraft> read_services(const Value& value, const ServiceDraft& defaults,
                                        const Paths& paths);

}  // namespace summond::config
