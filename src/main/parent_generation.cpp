#include "parent_generation.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>

#include "summond/base/log.hpp"
#include "summond/config/config.hpp"
#include "summond/net/bind.hpp"
#include "summond/proc/memfd.hpp"
#include "summond/zone/image.hpp"

namespace summond::main {
namespace {

const Listener* find(const std::vector<GenerationPtr>& generations,
                     const base::Endpoint& endpoint) {
    for (const GenerationPtr& generation : generations) {
        for (const Listener& listener : generation->listeners) {
            if (listener.endpoint == endpoint)
                return &listener;
        }
    }
    return nullptr;
}

void add(Listener& listener, std::vector<base::UniqueFd> sockets) {
    for (base::UniqueFd& socket : sockets)
        listener.sockets.push_back(std::make_shared<const base::UniqueFd>(std::move(socket)));
}

base::Result<Listener> make_listener(const base::Endpoint& endpoint, unsigned udp_workers,
                                     const std::vector<GenerationPtr>& older) {
    if (const Listener* kept = find(older, endpoint)) {
        Listener listener = *kept;
        const std::size_t udp = listener.sockets.size() - 1;
        if (udp < udp_workers) {
            auto more = net::bind_more_udp(endpoint, udp_workers - static_cast<unsigned>(udp));
            if (!more)
                return tl::make_unexpected(more.error());
            add(listener, std::move(*more));
        }
        return listener;
    }
    auto bound = net::bind_endpoint(endpoint, udp_workers);
    if (!bound)
        return tl::make_unexpected(bound.error());
    for (const std::string& warning : bound->warnings)
        spdlog::warn("{}", warning);
    Listener listener{endpoint, {}};
    add(listener, std::move(bound->sockets));
    return listener;
}

}  // namespace

std::size_t Generation::socket_count() const {
    std::size_t count = 0;
    for (const Listener& listener : listeners)
        count += listener.sockets.size();
    return count;
}

std::string Generation::to_string() const {
    std::string addresses;
    for (const Listener& listener : listeners)
        addresses += (addresses.empty() ? "" : ", ") + listener.endpoint.to_string();
    const std::string unloaded =
        unloaded_zones == 0 ? "" : fmt::format(" ({} not loaded)", unloaded_zones);
    return fmt::format("{} zone{}{} and {} service{} on {}", zones, zones == 1 ? "" : "s", unloaded,
                       services, services == 1 ? "" : "s", addresses);
}

base::Result<GenerationPtr> make_generation(const std::string& config_file, base::UniqueFd config,
                                            base::UniqueFd image,
                                            const std::vector<GenerationPtr>& older) {
    for (const int fd : {config.get(), image.get()}) {
        if (auto sealed = proc::seal(fd); !sealed)
            return tl::make_unexpected(sealed.error());
    }
    const auto text = proc::read_memfd(config.get());
    if (!text)
        return tl::make_unexpected(text.error());
    const auto parsed = config::parse_packed(*text, config_file).config;
    if (!parsed)
        return base::error(config_file + ": refused, though the loader accepted it");

    zone::image::Header header;
    if (::pread(image.get(), &header, sizeof header, 0) != ssize_t{sizeof header})
        return base::system_error("zone image: read", errno);

    auto generation = std::make_shared<Generation>();
    generation->unloaded_zones = header.unloaded_zone_count;
    generation->config = std::move(config);
    generation->image = std::move(image);
    generation->log_level = parsed->log_level;
    generation->user = parsed->user;
    for (const config::Service& service : parsed->services)
        generation->wakes_by_packet |= service.wake_packet;
    generation->zones = header.zone_count;
    generation->services = parsed->services.size();
    for (const base::Endpoint& endpoint : parsed->listen) {
        auto listener = make_listener(endpoint, net::udp_worker_count(*parsed), older);
        if (!listener)
            return tl::make_unexpected(listener.error());
        generation->listeners.push_back(std::move(*listener));
    }
    return generation;
}

}  // namespace summond::main
