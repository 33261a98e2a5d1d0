#include "summond/service/instance.hpp"

#include <algorithm>
#include <cassert>
#include <map>
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

// Ids have no braces, so what has been put in is not looked at again.
std::string with_id(std::string text, std::string_view id) {
    constexpr std::string_view placeholder = "{id}";
    for (std::size_t at = text.find(placeholder); at != std::string::npos;
         at = text.find(placeholder, at + id.size()))
        text.replace(at, placeholder.size(), id);
    return text;
}

// Module config has seen to it that there are no other placeholders and no brace alone.
std::string filled_in(std::string_view text,
                      const std::map<std::string_view, std::string>& values) {
    std::string line;
    for (std::size_t i = 0; i < text.size(); ++i) {
        line += text[i];
        if (text[i] != '{' && text[i] != '}')
            continue;
        if (text.substr(i + 1, 1) == text.substr(i, 1)) {
            ++i;
            continue;
        }
        const auto end = std::min(text.find('}', i), text.size());
        const auto value = values.find(text.substr(i + 1, end - i - 1));
        line.pop_back();
        line += value == values.end() ? std::string() : value->second;
        i = end;
    }
    return line;
}

// Where {id} may stand.
std::vector<std::string*> paths_of(Template& of) {
    std::vector<std::string*> paths{&of.kernel};
    if (of.ramdisk)
        paths.push_back(&*of.ramdisk);
    for (Disk& disk : of.disks)
        paths.push_back(&disk.path);
    for (Share& share : of.shares)
        paths.push_back(&share.path);
    return paths;
}

}  // namespace

Instance::Instance(Template of) : Instance(std::make_shared<const Template>(std::move(of))) {}

Instance::Instance(std::shared_ptr<const Template> of)
    : template_(std::move(of)), id_(template_->id) {}

Instance::Instance(std::shared_ptr<const Template> of, std::string_view label, unsigned replica,
                   Addresses addresses)
    : template_(std::move(of)),
      own_(std::make_shared<const Own>(
          Own{std::string(label), name_of(template_->name, label, replica), std::move(addresses)})),
      id_(id_of(own_->name)) {
    assert(!label.empty() || replica > 0);
}

const std::string& Instance::label() const {
    static const std::string none;
    return own_ ? own_->label : none;
}

Mac Instance::mac(std::size_t interface) const {
    return own_ ? derived_wide_mac(id_, interface) : template_->interfaces.at(interface).mac;
}

std::string instance_name(std::string_view service, std::string_view label) {
    return name_of(service, label, 0);
}

std::optional<std::string_view> label_in(std::string_view name, std::string_view service) {
    if (name.size() <= service.size() + 1 || !name.starts_with(service) ||
        name[service.size()] != '@')
        return std::nullopt;
    return name.substr(service.size() + 1);
}

Instance instance_of(const std::shared_ptr<const Template>& of, std::string_view id,
                     const std::optional<base::IpAddress>& ipv4) {
    Addresses addresses{{}, {of->pattern->addresses->of(id)}};
    if (ipv4)
        addresses.ipv4.push_back(*ipv4);
    const Instance identity(of, id, 0, addresses);
    auto own = std::make_shared<Template>(*of);
    for (std::string* path : paths_of(*own))
        *path = with_id(*path, id);
    own->cmdline =
        filled_in(own->cmdline,
                  {{"id", std::string(id)},
                   {"name", identity.name()},
                   {"ipv4", ipv4 ? ipv4->to_string() : "{ipv4}"},
                   {"ipv6", addresses.ipv6.front().to_string()},
                   {"mac", of->interfaces.empty() ? std::string() : to_string(identity.mac(0))}});
    return {std::move(own), id, 0, std::move(addresses)};
}

}  // namespace summond::service
