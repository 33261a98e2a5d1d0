// A guest described by a file of xl's (xl.cfg(5)).
#pragma once

#include <optional>
#include <string>

#include "paths.hpp"
#include "reader.hpp"
#include "service.hpp"

namespace summond::config {

// The file in terms of a service's keys, each at its place in the file.
struct XlGuest {
    std::string path;
    Problems problems;     // of the file
    NodePtr settings;      // a mapping: name, kernel, ramdisk, cmdline, memory, ...
    NodePtr vif;           // a list of mappings, as interfaces; may be empty
    NodePtr disk;          // likewise, as disks
    bool may_boot = true;  // false: a type that summond cannot boot, whatever its kernel
};

// The file that `xl` of a service names, but for what the service's own keys take the place of.
// Nothing if it cannot be read at all.
std::optional<XlGuest> read_xl(const Value& value, const Mapping& service, const Paths& paths);

// What the file says, and xl's defaults where it says nothing, in place of all that the draft says
// of the guest.
void read_xl_guest(XlGuest& guest, ServiceDraft& draft, const Paths& paths);

// The name that the file gives the domain.
std::optional<Value> xl_name(XlGuest& guest);

}  // namespace summond::config
