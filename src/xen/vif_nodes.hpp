// A vif in xenstore: where its three directories are and what is in them (xen/io/netif.h and
// xen/io/xenbus.h for the backend's and the frontend's, libxl for its own).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "summond/service/instance.hpp"
#include "summond/vm/hypervisor.hpp"
#include "xenstore.hpp"

namespace summond::xen {

// One vif to be made: the index-th interface of its domain (libxl's devid, the guest's handle).
struct Vif {
    vm::DomId domid = 0;
    unsigned index = 0;
    service::Mac mac{};
    std::string bridge;
    std::string name{};        // of its interface in dom0; empty: netback's
    std::uint32_t mtu{};       // 0: its bridge's
    std::uint64_t rate{};      // bytes in an interval; 0: no limit
    std::uint32_t interval{};  // microseconds
    bool trusted = true;
};

// Of those interfaces that have no script.
std::vector<Vif> own_vifs(vm::DomId domid, const service::Instance& service);

struct VifPaths {
    VifPaths(vm::DomId domid, unsigned index);
    std::string backend;   // dom0's: netback is dom0's
    std::string frontend;  // the guest's
    std::string libxl;     // by it libxl knows the vif: xl network-list, xl destroy
};

// The hotplug script of our vifs. netback does not probe a vif without one and libxl runs it when
// it removes one; all that a script would do is done here. It is also how a vif is known as ours.
inline constexpr char vif_script[] = "/bin/true";

// In the order of writing. The guest's side is the guest's, who can change it at will: nothing in
// it may be believed.
std::vector<Node> vif_nodes(const Vif& vif, std::uint32_t mtu);

// A spare vif: made before its domain is, which is then built with that domid (domain_config.hpp),
// as its first interface. spare_nodes is what netback needs to make the interface in dom0. Building
// the domain removes the guest's side, all but spare_state, which libxl writes again in the same
// transaction, so that netback sees no change. claimed_nodes is the rest, when the domain is there.
std::vector<Node> spare_nodes(vm::DomId domid);
std::vector<Node> claimed_nodes(const Vif& vif, std::uint32_t mtu);
// Below the domain's own directory.
inline constexpr char spare_state[] = "device/vif/0/state";
// XenbusStateInitialising, xen/io/xenbus.h
inline constexpr char initialising[] = "1";

// What has the MAC of a vif in it, of one that is there and whose guest has not run.
std::vector<Node> mac_nodes(const Vif& vif);

// Who may read what the backend writes.
std::vector<xs_permissions> backend_permissions(vm::DomId domid);

// Where netback says what went wrong (xenbus_dev_error), also when only its guest was destroyed in
// the middle of connecting. Nobody else removes it.
std::string netback_errors_path(vm::DomId domid);

// A vif that libxl has made with a script of the operator's.
struct ScriptedVif {
    std::string interface;  // its network interface in dom0
    std::string mac;
};
std::vector<ScriptedVif> scripted_vifs(const XenStore& xenstore, vm::DomId domid);

}  // namespace summond::xen
