// LibxlBackend's operations under way.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "libxl_backend.hpp"

namespace summond::xen {

// One build under way; libxl holds its address. libxl's part is all but the vifs that are summond's
// own, which need the domid and are plumbed beside what libxl has still to do.
struct LibxlBackend::Build {
    LibxlBackend& backend;
    config::ServiceId service;
    std::unique_ptr<DomainConfig> config;
    std::vector<config::Interface> interfaces;
    std::vector<wire::Frame> announcements;
    Begun begun;
    Built done;
    std::optional<vm::DomId>
        chosen{};  // begun by Vifs, and nobody's until libxl has made the domain
    vm::DomId domid = static_cast<vm::DomId>(INVALID_DOMID);
    ErrorSink errors{};
    vm::DomId known_domid = domid;            // sooner than libxl tells it
    bool ended = false;                       // libxl has called back
    std::optional<int> created{};             // libxl's result, when it has called back
    std::optional<base::Result<void>> vif{};  // there, all of them, or failed
};

// Likewise one destroy: libxl's part and the vif's go on at the same time.
struct LibxlBackend::Destroy {
    LibxlBackend& backend;
    vm::DomId domid;
    Done done;
    ErrorSink errors{};
    std::optional<int> destroyed{};
    std::optional<base::Result<void>> vif{};
};

}  // namespace summond::xen
