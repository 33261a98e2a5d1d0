// One domain's identity: which of the domains that a service's text makes possible. Everything at
// run time is about instances. They are cheap to make and to copy, and share their template.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "summond/base/ip_address.hpp"
#include "summond/service/identity.hpp"
#include "summond/service/template.hpp"

namespace summond::service {

using ReadyHow = decltype(Ready::how);

struct Addresses {
    std::vector<base::IpAddress> ipv4;
    std::vector<base::IpAddress> ipv6;
};

class Instance {
  public:
    // A plain service is a template with one instance, whose name, id, addresses and MACs are those
    // that the template says.
    Instance(Template of);  // NOLINT(google-explicit-constructor)
    explicit Instance(std::shared_ptr<const Template> of);
    // One of several of a service: for a label, which its names have, and the replica-th of these.
    // label: letters, digits, - and _, or empty; replica: from 0, from 1 without a label. Its
    // addresses are its own.
    Instance(std::shared_ptr<const Template> of, std::string_view label, unsigned replica,
             Addresses addresses);

    // What its service's text says of all its instances. What tells them apart is below.
    const Template* operator->() const { return template_.get(); }
    const Template& operator*() const { return *template_; }

    // The digest of its name: its domains' UUIDs and derived MACs follow from it.
    Id id() const { return id_; }
    // Its domain's, too: NAME of a plain service, else NAME@LABEL, NAME:REPLICA or
    // NAME@LABEL:REPLICA, without replica 0. No service's own name has @ or : in it.
    const std::string& name() const { return own_ ? own_->name : template_->name; }
    const std::vector<base::IpAddress>& ipv4() const {
        return own_ ? own_->addresses.ipv4 : template_->ipv4;
    }
    const std::vector<base::IpAddress>& ipv6() const {
        return own_ ? own_->addresses.ipv6 : template_->ipv6;
    }
    // Empty: it has none.
    const std::string& label() const;
    // Of its interface (counted from 0): that of the text, of which a plain service alone has one,
    // or the one derived from its id.
    Mac mac(std::size_t interface) const;

  private:
    struct Own {
        std::string label;
        std::string name;
        Addresses addresses;
    };

    std::shared_ptr<const Template> template_;
    std::shared_ptr<const Own> own_;  // null: of a plain service
    Id id_;
};

// Of an instance with a label.
std::string instance_name(std::string_view service, std::string_view label);
// The label in such a name of this service; none: it is no instance's of it.
std::optional<std::string_view> label_in(std::string_view name, std::string_view service);
// The instance of an id that `of`'s pattern has: with the id in its paths and its command line.
// ipv4: that it has of the pattern's pool; none: {ipv4} stays as it is.
Instance instance_of(const std::shared_ptr<const Template>& of, std::string_view id,
                     const std::optional<base::IpAddress>& ipv4 = {});

}  // namespace summond::service
