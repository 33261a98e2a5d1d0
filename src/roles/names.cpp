// `summond name` and `summond sign`: names by rule, for people. They read the configuration as
// `check` does and ask nobody.

#include <cstdio>
#include <filesystem>

#include "load.hpp"
#include "roles.hpp"
#include "summond/answer/rules.hpp"
#include "summond/service/instance.hpp"
#include "summond/zone/zone.hpp"

namespace summond::roles {
namespace {

void line(const char* what, const std::string& value) {
    std::printf("  %-13s %s\n", what, value.c_str());
}

std::string with_presence(const std::string& path) {
    std::error_code ignored;
    return std::filesystem::exists(path, ignored) ? path : path + " (does not exist)";
}

void describe(const service::Instance& service) {
    if (service->pattern && service->pattern->pool)
        line("IPv4 address:", "one of " + service->pattern->pool->prefix.to_string() +
                                  ", leased when somebody asks for it");
    for (const auto* addresses : {&service.ipv4(), &service.ipv6()})
        for (const base::IpAddress& address : *addresses)
            line("address:", address.to_string());
    line("domain:", service.name());
    if (!service->interfaces.empty())
        line("MAC:", service::to_string(service.mac(0)));
    if (!service->kernel.empty())
        line("kernel:",
             service->bootloader.empty() ? with_presence(service->kernel) : service->kernel);
    if (service->ramdisk)
        line("ramdisk:", with_presence(*service->ramdisk));
    if (!service->cmdline.empty())
        line("command line:", service->cmdline);
    for (const service::Disk& disk : service->disks)
        line("disk:", disk.path);
}

std::string_view text_of(const std::uint8_t* label) {
    return {reinterpret_cast<const char*>(label + 1), *label};
}

// The label of a name that is directly below an existing one, and whether there are more before it.
struct Below {
    std::string_view label;
    bool is_name;
};

Below below(const dns::FoldedName& name, const zone::image::Node& encloser) {
    std::size_t at = 0;
    while (name.start[at] + 1U + name.wire[name.start[at]] + encloser.name_size < name.size)
        ++at;
    return {text_of(&name.wire[name.start[at]]), at == 0};
}

int absent(const std::string& name, const std::string& why) {
    std::printf("%s: does not exist: %s\n", name.c_str(), why.c_str());
    return exit_failed;
}

}  // namespace

int name_main(const std::string& config_file, const std::string& asked) {
    const auto name = dns::Name::parse(asked);
    if (!name) {
        std::fprintf(stderr, "%s: %s\n", asked.c_str(), name.error().what.c_str());
        return exit_bad_configuration;
    }
    const auto loaded = read_config(config_file);
    const auto image =
        loaded ? build_zones(loaded->config, zone::BadFile::refuse, nullptr, {}) : std::nullopt;
    if (!image)
        return exit_bad_configuration;
    const auto zones = zone::Zones::open(image->image);
    if (!zones) {
        std::fprintf(stderr, "%s: %s\n", config_file.c_str(), zones.error().what.c_str());
        return exit_failed;
    }
    const std::string text = name->to_string();
    dns::FoldedName folded;
    folded.assign(name->wire());
    const auto [node, exact] = zones->find(folded);
    if (node->zone == zone::image::none)
        return absent(text, "it is in none of the zones");
    const auto& services = loaded->config.services;
    if (exact && node->service != zone::image::none) {
        std::printf("%s: service %s\n", text.c_str(), services[node->service].name.c_str());
        describe(services[node->service]);
        return 0;
    }
    if (exact) {
        std::printf("%s: of the zone%s\n", text.c_str(),
                    node->rrset_count == 0 ? ", without records: there are names below it" : "");
        return 0;
    }
    const answer::Rules rules(*zones, services, 1);
    const Below below_it = below(folded, *node);
    for (const answer::Rule& rule : rules.below(*node)) {
        const auto id = rule.pattern->id_in(below_it.label, *rule.name);
        if (!id)
            continue;
        if (!below_it.is_name)
            return absent(text, "it is below the name of an id, where there is nothing");
        const auto of = std::make_shared<const service::Template>(services[rule.service]);
        std::printf("%s: id %s of service %s\n", text.c_str(), std::string(*id).c_str(),
                    of->name.c_str());
        describe(service::instance_of(of, *id));
        return 0;
    }
    if (node->wildcard != 0) {
        std::printf("%s: of the zone, by a wildcard\n", text.c_str());
        return 0;
    }
    if (rules.below(*node).empty())
        return absent(text, "neither the zone nor a service has it");
    return absent(
        text, "no id of " + services[rules.below(*node).front().service].name + " has this name");
}

int sign_main(const std::string& config_file, const std::vector<std::string>& ids,
              const std::string& of) {
    const auto loaded = read_config(config_file);
    if (!loaded)
        return exit_bad_configuration;
    const service::Template* found = nullptr;
    for (const service::Template& service : loaded->config.services) {
        if (!service.pattern || service.pattern->who != service::Who::tagged ||
            (!of.empty() && service.name != of))
            continue;
        if (found != nullptr) {
            std::fprintf(stderr,
                         "%s: several services have signed ids, such as %s and %s; say which "
                         "with --service\n",
                         config_file.c_str(), found->name.c_str(), service.name.c_str());
            return exit_bad_configuration;
        }
        found = &service;
    }
    if (found == nullptr) {
        std::fprintf(stderr, "%s: no service%s has signed ids (ids: {signed: {secret: ...}})\n",
                     config_file.c_str(), of.empty() ? "" : (" " + of).c_str());
        return exit_bad_configuration;
    }
    bool good = true;
    for (const std::string& id : ids) {
        if (!found->pattern->has(id)) {
            std::fprintf(
                stderr, "%s: no id of %s: %zu to %zu characters of \"%s\", not - at an end\n",
                id.c_str(), found->name.c_str(), found->pattern->grammar.shortest,
                found->pattern->grammar.longest, found->pattern->grammar.characters.c_str());
            good = false;
            continue;
        }
        for (const service::Pattern::Name& name : found->pattern->names)
            if (const auto made = found->pattern->name_of(id, name))
                std::printf("%s\n", made->to_string().c_str());
    }
    return good ? 0 : exit_bad_configuration;
}

}  // namespace summond::roles
