#include "summond/service/instance.hpp"

#include <cassert>
#include <utility>

namespace summond::service {
namespace {

std::string name_of(std::string_view service, std::string_view label, unsigned replica) {
    std::string name(service);
    if (!label.empty())
        name.append("@").append(label);
    if (replica > 0)
        name.append(":").append(std::to_string(replica));
    return name;
}

}  // namespace

Instance::Instance(Template of) : Instance(std::make_shared<const Template>(std::move(of))) {}

Instance::Instance(std::shared_ptr<const Template> of)
    : template_(std::move(of)), id_(template_->id) {}

Instance::Instance(std::shared_ptr<const Template> of, std::string_view label, unsigned replica,
                   Addresses addresses)
    : template_(std::move(of)),
      own_(std::make_shared<const Own>(
          Own{name_of(template_->name, label, replica), std::move(addresses)})),
      id_(id_of(own_->name)) {
    assert(!label.empty() || replica > 0);
}

Mac Instance::mac(std::size_t interface) const {
    return own_ ? derived_mac(id_, interface) : template_->interfaces.at(interface).mac;
}

}  // namespace summond::service
