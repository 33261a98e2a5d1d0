// The configuration of a rumprun guest: the text that it finds as rumprun/cfg in its part of
// xenstore (doc/config.md and lib/librumprun_base/config.c of rumprun).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "paths.hpp"
#include "reader.hpp"
#include "summond/config/config.hpp"

namespace summond::config {

// A write to xenstore has 4096 octets with the path and its NUL (XENSTORE_PAYLOAD_MAX in
// xen/io/xs_wire.h); no domid is above 32751.
inline constexpr std::size_t max_rumprun = 4096 - sizeof "/local/domain/32751/rumprun/cfg";
// What oxenstored takes of anybody, unless its quota-maxsize says more.
inline constexpr std::size_t usual_rumprun = 2048;

// While it is read: pieces of the text. Placeholders in values wait for the rest of the service.
struct RumprunDraft {
    struct Piece {
        std::string text;
        bool is_value = false;
        Mark where;
    };
    bool given = false;
    Location where;
    std::vector<Piece> pieces;
    // Disks of Xen's that it registers (etfs), as it names them.
    struct Disk {
        std::string path;
        Location where;
    };
    std::vector<Disk> disks;
};

// {config: FILE}, or the same things by key.
RumprunDraft read_rumprun(const Value& value, const Paths& paths);
void complete_rumprun(const RumprunDraft& draft, service::Template& service,
                      const std::string& owner, Problems& problems);

// The first thing in a text that a rumprun guest could not read, as it reads: by jsmn, to which
// commas mean nothing, and with keys that repeat. What is only unknown is added to unknown, and the
// path of each disk of source etfs to disks.
struct RumprunFault {
    Mark where;
    std::string what;
};
struct RumprunDisk {
    Mark where;
    std::string path;
};
std::optional<RumprunFault> check_rumprun(std::string_view text, std::vector<RumprunFault>& unknown,
                                          std::vector<RumprunDisk>& disks);

}  // namespace summond::config
