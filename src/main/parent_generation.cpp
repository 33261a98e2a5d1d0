#include "parent_generation.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "summond/config/config.hpp"
#include "summond/net/bind.hpp"
#include "summond/proc/memfd.hpp"

namespace summond::main {
namespace {

std::shared_ptr<const Listener> find(const std::vector<GenerationPtr>& generations,
                                     const base::Endpoint& endpoint) {
    for (const GenerationPtr& generation : generations) {
        for (const auto& listener : generation->listeners) {
            if (listener->endpoint == endpoint)
                return listener;
        }
    }
    return nullptr;
}

}  // namespace

std::size_t Generation::socket_count() const {
    std::size_t count = 0;
    for (const auto& listener : listeners)
        count += listener->sockets.size();
    return count;
}

std::string Generation::to_string() const {
    std::string addresses;
    for (const auto& listener : listeners)
        addresses += (addresses.empty() ? "" : ", ") + listener->endpoint.to_string();
    return fmt::format("{} zone{} and {} service{} on {}", zones, zones == 1 ? "" : "s", services,
                       services == 1 ? "" : "s", addresses);
}

base::Result<GenerationPtr> make_generation(const std::string& config_file, base::UniqueFd config,
                                            base::UniqueFd image,
                                            const std::vector<GenerationPtr>& older,
                                            unsigned udp_workers) {
    for (const int fd : {config.get(), image.get()}) {
        if (auto sealed = proc::seal(fd); !sealed)
            return tl::make_unexpected(sealed.error());
    }
    const auto text = proc::read_memfd(config.get());
    if (!text)
        return tl::make_unexpected(text.error());
    const auto parsed = config::parse(*text, config_file).config;
    if (!parsed)
        return base::error(config_file + ": refused, though the loader accepted it");

    auto generation = std::make_shared<Generation>();
    generation->config = std::move(config);
    generation->image = std::move(image);
    generation->log_level = parsed->log_level;
    generation->zones = parsed->zones.size();
    generation->services = parsed->services.size();
    for (const base::Endpoint& endpoint : parsed->listen) {
        if (auto kept = find(older, endpoint)) {
            generation->listeners.push_back(std::move(kept));
            continue;
        }
        auto bound = net::bind_endpoint(endpoint, udp_workers);
        if (!bound)
            return tl::make_unexpected(bound.error());
        for (const std::string& warning : bound->warnings)
            spdlog::warn("{}", warning);
        generation->listeners.push_back(
            std::make_shared<Listener>(Listener{endpoint, std::move(bound->sockets)}));
    }
    return generation;
}

}  // namespace summond::main
