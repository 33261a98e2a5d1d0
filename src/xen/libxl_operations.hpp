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
    service::Id service;
    std::unique_ptr<DomainConfig> config;
    std::vector<service::Interface> interfaces;
    std::vector<frames::Frame> announcements;
    std::size_t rumprun_octets;  // of its configuration, 0: none
    Built done;
    unsigned number = 0;     // of a standby copy, whose vifs stay off their bridges
    base::UniqueFd image{};  // what it is restored from; none: it is built
    std::optional<vm::DomId>
        chosen{};  // begun by Vifs, and nobody's until libxl has made the domain
    vm::DomId domid = static_cast<vm::DomId>(INVALID_DOMID);
    ErrorSink errors{};
    vm::DomId known_domid = domid;            // sooner than libxl tells it
    bool plumbed = false;                     // its vifs are made, or being made
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

// One save: libxl's part, then the disk's.
struct LibxlBackend::Save {
    LibxlBackend& backend;
    vm::DomId domid;
    Saves::Writing file;
    Saved done;
    ErrorSink errors{};
};

struct LibxlBackend::Resume {
    LibxlBackend& backend;
    vm::DomId domid;
    Done done;
    ErrorSink errors{};
};

}  // namespace summond::xen
