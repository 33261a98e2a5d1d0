// Reads services and their defaults.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "paths.hpp"
#include "reader.hpp"
#include "rumprun.hpp"
#include "summond/config/config.hpp"

namespace summond::config {

inline constexpr char default_bridge[] = "xenbr0";  // xl's own, xl-network-configuration(5)
inline constexpr std::uint64_t default_memory_kib = 32 * 1024;  // libxl's own

// A service while it is read.
struct ServiceDraft {
    ServiceDraft();  // with the defaults of docs/CONFIGURATION.md

    service::Host host = service::this_host();
    service::Template service;
    ServicePlaces places;
    std::string cmdline;  // its placeholders not yet filled in
    Location cmdline_where;
    Mark standby_where;
    bool has_kernel = false;                  // the key is there, right or wrong
    bool has_type = false;                    // likewise
    bool by_xl = false;                       // an xl file says what the guest is
    bool idle_given = false;                  // likewise
    bool ready_given = false;                 // and not left to what `ports` says
    std::optional<Mark> ready_timeout_where;  // of one that is given
    std::optional<bool> wake_packet;          // the configuration says whether
    Mark wake_where;
    Mark wake_by_where;

    struct Interface {
        service::Interface interface;
        bool has_mac = false;  // the configuration says it
        Location mac_where;
    };
    RumprunDraft rumprun;
    Location max_memory_where;
    Location max_vcpus_where;
    Location type_where;
    Location pvshim_where;
    Location idle_action_where;
    Location bootloader_where;
    std::map<std::string, Location> option_where;  // of Template::options
    std::vector<Interface> interfaces;
    Location interfaces_where;  // of what says that there is none

    // Never from defaults:
    struct Address {
        base::IpAddress address;
        Mark where;
    };
    std::vector<Address> addresses;
    bool addresses_complete = true;  // false: some could not be read
    bool is_pattern = false;         // ids.hpp; whether or not it could be read
    std::vector<Mark> pattern_names;
    Mark prefix_where;
    Mark pool_where;
    Location replicas_where;
};

// Whose settings are read: a service's own, or those that services share.
enum class Whose { service, defaults };

// The settings that `defaults:` may have too (settings.cpp): everything but what makes a service
// this one.
void read_settings(Mapping& mapping, ServiceDraft& draft, const Paths& paths, Whose whose);

// Of those, what the guest is: all that xl files say too (guest.cpp); and what is left to decide
// when all keys are known.
void read_guest(Mapping& mapping, ServiceDraft& draft, const Paths& paths, Whose whose);
void complete_guest(ServiceDraft& draft, const std::string& owner, Problems& problems);
// Refuses what Xen cannot do on such a host (host.cpp); when the rest is complete.
void complete_host(ServiceDraft& draft, const std::string& owner, Problems& problems);

// Of those, how it is reached (reach.cpp); likewise.
void read_reach(Mapping& mapping, ServiceDraft& draft);
void complete_reach(ServiceDraft& draft);

// And what wakes it (wake.cpp).
void read_wakes(Mapping& mapping, ServiceDraft& draft);
// And when it is up without being woken (keep.cpp).
void read_keep_warm(Mapping& mapping, ServiceDraft& draft);
void complete_wakes(ServiceDraft& draft, const std::string& owner, Problems& problems);

ServiceDraft read_defaults(const Value& value, const Paths& paths);
// A service whose name cannot be used has none. One with replicas is several.
std::vector<ServiceDraft> read_services(const Value& value, const ServiceDraft& defaults,
                                        const Paths& paths);

}  // namespace summond::config
