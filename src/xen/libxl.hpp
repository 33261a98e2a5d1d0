// libxl's headers for C++ (4.17's have no extern "C"), and RAII for its types.
#pragma once

extern "C" {
#include <libxl.h>
#include <libxl_event.h>
#include <libxl_utils.h>
#include <xenstore.h>
#include <xentoollog.h>
}

namespace summond::xen {

// A libxl_domain_config that is disposed of. Stays where it is: libxl keeps its address.
struct DomainConfig {
    DomainConfig() { libxl_domain_config_init(&config); }
    ~DomainConfig() { libxl_domain_config_dispose(&config); }
    DomainConfig(const DomainConfig&) = delete;
    DomainConfig& operator=(const DomainConfig&) = delete;
    libxl_domain_config config;
};

}  // namespace summond::xen
