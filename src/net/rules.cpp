#include "summond/net/rules.hpp"

#include <map>
#include <vector>

namespace summond::net {

std::unique_ptr<answer::Rules> make_rules(const config::Config& config, const zone::Zones& zones,
                                          std::uint32_t places) {
    std::map<service::Id, const service::Template*> of_service;
    for (const service::Template& service : config.services)
        if (service.pattern)
            of_service[service.id] = &service;
    if (of_service.empty())
        return nullptr;
    std::vector<service::Template> services(zones.service_count());
    for (std::size_t i = 0; i < services.size(); ++i)
        if (const auto found = of_service.find(zones.service_id(i)); found != of_service.end())
            services[i] = *found->second;
    return std::make_unique<answer::Rules>(zones, services, places);
}

}  // namespace summond::net
