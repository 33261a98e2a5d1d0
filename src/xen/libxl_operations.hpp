// What is done to domains by libxl and what goes with it, one file each: the steps and their undo
// are at its top. All of them answer from io's loop, never before they have returned.
#pragma once

#include <optional>
#include <string>

#include "toolstack.hpp"

namespace summond::xen {

void create(Toolstack& toolstack, const service::Instance& service, unsigned number,
            vm::Built done);
void restore(Toolstack& toolstack, const service::Instance& service, vm::Built done);
void save(Toolstack& toolstack, vm::DomId domid, const service::Instance& service, vm::Saved done);
void stop_saving(Toolstack& toolstack, vm::DomId domid);
void resume(Toolstack& toolstack, vm::DomId domid, vm::Done done);
void destroy(Toolstack& toolstack, vm::DomId domid, vm::Done done);

// Of a standby domain: its vifs and marks.
base::Result<void> rest(Toolstack& toolstack, vm::DomId domid, const service::Instance& service,
                        const std::string& mark);
base::Result<void> join(Toolstack& toolstack, vm::DomId domid, const service::Instance& service);
void woken(Toolstack& toolstack, vm::DomId domid, const service::Instance& service);

// Of a shell: it becomes a service's domain (vm::StandbyPorts::become); and what of that can wait
// until nobody waits any more. settle: of any domain, if it was one.
base::Result<void> become(Toolstack& toolstack, vm::DomId domid, const service::Instance& service);
void settle(Toolstack& toolstack, vm::DomId domid, const service::Instance& service);
// By which name libxl keeps how a domain was made (libxl_userdata_store), in a file that has the
// domain's UUID in its name, too. xl list -l, for one, shows it; a domain can do without.
inline constexpr char libxl_record[] = "libxl-json";

// vm::Domains::claim. domains: to adopt it by.
base::Result<vm::Found> claim(Toolstack& toolstack, const service::Instance& service,
                              vm::Domains& domains);
// In xl list.
void rename(Toolstack& toolstack, vm::DomId domid, const std::string& name);
// What the domain does at this moment; none: it is not there.
std::optional<vm::Found::Run> run_of(Toolstack& toolstack, vm::DomId domid);
// Counts what is sent to interfaces that a hotplug script has put anywhere.
void meter_scripted(Toolstack& toolstack, vm::DomId domid, service::Id service);

}  // namespace summond::xen
