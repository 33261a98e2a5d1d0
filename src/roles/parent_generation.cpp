#include "parent_generation.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "summond/base/log.hpp"
#include "summond/config/config.hpp"
#include "summond/fleet/settings.hpp"
#include "summond/notify/pack.hpp"
#include "summond/proc/memfd.hpp"
#include "summond/zone/image.hpp"

namespace summond::roles {
namespace {

using Sockets = std::vector<std::shared_ptr<const base::UniqueFd>>;

Sockets shared(std::vector<base::UniqueFd> sockets) {
    Sockets result;
    for (base::UniqueFd& socket : sockets)
        result.push_back(std::make_shared<const base::UniqueFd>(std::move(socket)));
    return result;
}

void add(const std::vector<Listener>& listeners, std::vector<int>& sockets) {
    for (const Listener& listener : listeners) {
        for (const auto& socket : listener.sockets)
            sockets.push_back(socket->get());
    }
}

// What is open from the generation before.
std::vector<Listener> listeners_of(const Generation* before) {
    if (before == nullptr)
        return {};
    std::vector<Listener> listeners = before->listeners;
    listeners.insert(listeners.end(), before->inherited.begin(), before->inherited.end());
    return listeners;
}

bool is_covered(const base::Endpoint& endpoint, const std::vector<Listener>& listeners) {
    return std::ranges::any_of(listeners, [&](const Listener& listener) {
        return net::covers(listener.endpoint, endpoint);
    });
}

class GenerationSockets {
  public:
    GenerationSockets(Generation& generation, unsigned udp_workers, const Generation* before,
                      net::OwnSockets own)
        : generation_(generation),
          udp_workers_(udp_workers),
          before_(listeners_of(before)),
          own_(std::move(own)) {}

    base::Result<void> listen_on(const base::Endpoint& endpoint) {
        const auto kept = std::ranges::find(before_, endpoint, &Listener::endpoint);
        if (kept != before_.end())
            return keep(*kept, generation_.listeners);
        Listener listener{endpoint, {}};
        if (is_covered(endpoint, before_)) {
            auto sockets = net::prepare_endpoint(endpoint, udp_workers_, own_);
            if (!sockets)
                return tl::make_unexpected(sockets.error());
            listener.sockets = shared(std::move(*sockets));
            generation_.pending.push_back({endpoint, listener.sockets});
        } else {
            auto bound = net::bind_endpoint(endpoint, udp_workers_, own_);
            if (!bound)
                return tl::make_unexpected(bound.error());
            for (const std::string& warning : bound->warnings)
                spdlog::warn("{}", warning);
            listener.sockets = shared(std::move(bound->sockets));
            for (const auto& socket : listener.sockets)
                own_.push_back(socket->get());
        }
        generation_.listeners.push_back(std::move(listener));
        return {};
    }

    // After all of listen_on.
    base::Result<void> inherit() {
        const std::vector<Listener> own = generation_.listeners;
        for (const Listener& listener : before_) {
            if (std::ranges::find(own, listener.endpoint, &Listener::endpoint) != own.end())
                continue;
            if (auto r = keep(listener, generation_.inherited); !r)
                return r;
        }
        return {};
    }

  private:
    base::Result<void> keep(Listener listener, std::vector<Listener>& listeners) {
        const std::size_t udp = listener.sockets.size() - 1;
        if (udp < udp_workers_) {
            auto more =
                net::prepare_more_udp(listener.endpoint, udp_workers_ - static_cast<unsigned>(udp));
            if (!more)
                return tl::make_unexpected(more.error());
            const Sockets added = shared(std::move(*more));
            generation_.pending.push_back({listener.endpoint, added});
            listener.sockets.insert(listener.sockets.end() - 1, added.begin(), added.end());
        }
        listeners.push_back(std::move(listener));
        return {};
    }

    Generation& generation_;
    unsigned udp_workers_;
    const std::vector<Listener> before_;
    net::OwnSockets own_;
};

// The socket of the generation before, where it stays; null where there is none.
base::Result<std::shared_ptr<const ControlSocket>> control_socket(const config::Control& control,
                                                                  const ipc::Access& access,
                                                                  const Generation* before) {
    if (!control.enabled)
        return nullptr;
    if (before != nullptr && before->control && before->control->path() == control.socket) {
        if (auto r = before->control->allow(access); !r)
            return tl::make_unexpected(r.error());
        return before->control;
    }
    auto socket = ControlSocket::open(control.socket, access);
    if (socket)
        return std::shared_ptr<const ControlSocket>(std::move(*socket));
    if (control.socket_given)
        return base::error("control socket: " + socket.error().what);
    spdlog::warn(
        "no control socket: {}; `control: {{socket: PATH}}` names another, `control: off` none",
        socket.error().what);
    return nullptr;
}

// Those of the generation before go on where they stay.
base::Result<std::vector<ControlListener>> reader_sockets(const config::Control& control,
                                                          const Generation* before) {
    std::vector<ControlListener> sockets;
    if (!control.enabled)
        return sockets;
    for (const base::Endpoint& endpoint : control.listen) {
        if (before != nullptr) {
            const auto kept =
                std::ranges::find(before->readers, endpoint, &ControlListener::endpoint);
            if (kept != before->readers.end()) {
                sockets.push_back(*kept);
                continue;
            }
        }
        auto made = listen_for_readers(endpoint);
        const auto same_port = [&endpoint](const ControlListener& each) {
            return each.endpoint.port == endpoint.port;
        };
        if (!made && before != nullptr && std::ranges::any_of(before->readers, same_port))
            return base::error(made.error().what +
                               "; summond has it until now: from one address of a port to all of "
                               "them, or back, takes a restart");
        if (!made)
            return tl::make_unexpected(made.error());
        sockets.push_back(std::move(*made));
    }
    return sockets;
}

}  // namespace

std::string Generation::to_string() const {
    std::string addresses;
    for (const Listener& listener : listeners)
        addresses += (addresses.empty() ? "" : ", ") + listener.endpoint.to_string();
    const std::string unloaded =
        unloaded_zones == 0 ? "" : fmt::format(" ({} not loaded)", unloaded_zones);
    return fmt::format("{} zone{}{} and {} service{} on {}", zones, zones == 1 ? "" : "s", unloaded,
                       services, services == 1 ? "" : "s", addresses);
}

base::Result<GenerationPtr> make_generation(const std::string& config_file, LoadedFiles loaded,
                                            const Generation* before, net::OwnSockets own) {
    auto& [config, image, transfers, webhooks, fleet, online] = loaded;
    for (const int fd :
         {config.get(), image.get(), transfers.get(), webhooks.get(), fleet.get(), online.get()}) {
        if (auto sealed = proc::seal(fd); !sealed)
            return tl::make_unexpected(sealed.error());
    }
    const auto text = proc::read_memfd(config.get());
    if (!text)
        return tl::make_unexpected(text.error());
    const auto parsed = config::parse_packed(*text, config_file).config;
    if (!parsed)
        return base::error(config_file + ": refused, though the loader accepted it");

    const auto packed = proc::read_memfd(webhooks.get());
    const auto unpacked = notify::unpack(packed ? *packed : std::string());
    if (!unpacked)
        return tl::make_unexpected(unpacked.error());
    const auto packed_fleet = proc::read_memfd(fleet.get());
    const auto member = fleet::unpack(packed_fleet ? *packed_fleet : std::string());
    if (!member)
        return tl::make_unexpected(member.error());
    zone::image::Header header;
    if (::pread(image.get(), &header, sizeof header, 0) != ssize_t{sizeof header})
        return base::system_error("zone image: read", errno);

    auto generation = std::make_shared<Generation>();
    generation->unloaded_zones = header.unloaded_zone_count;
    generation->signed_at = header.signed_at;
    generation->sign_again_at = header.sign_again_at;
    generation->config = std::move(config);
    generation->image = std::move(image);
    generation->transfers = std::move(transfers);
    generation->transferred_zones = header.transfer_count;
    generation->online = std::move(online);
    generation->online_zones = header.compact_count;
    generation->webhooks = std::move(webhooks);
    generation->has_webhooks = !unpacked->empty();
    generation->fleet = std::move(fleet);
    generation->has_fleet = member->has_value();
    generation->log_level = parsed->log_level;
    generation->user = parsed->user;
    for (const service::Template& service : parsed->services) {
        generation->wakes_by_packet |= service.wake_packet;
        if (service.pattern && service.pattern->files)
            generation->files.push_back(*service.pattern->files);
    }
    generation->zones = header.zone_count;
    generation->services = parsed->services.size();
    auto access = access_of(parsed->control);
    if (!access)
        return tl::make_unexpected(access.error());
    generation->access = *access;
    auto control = control_socket(parsed->control, *access, before);
    if (!control)
        return tl::make_unexpected(control.error());
    generation->control = std::move(*control);
    auto readers = reader_sockets(parsed->control, before);
    if (!readers)
        return tl::make_unexpected(readers.error());
    generation->readers = std::move(*readers);
    generation->access.listeners = static_cast<std::uint32_t>(generation->readers.size());
    GenerationSockets sockets(*generation, net::udp_worker_count(*parsed), before, std::move(own));
    for (const base::Endpoint& endpoint : parsed->listen) {
        if (auto r = sockets.listen_on(endpoint); !r)
            return tl::make_unexpected(r.error());
    }
    if (auto r = sockets.inherit(); !r)
        return tl::make_unexpected(r.error());
    return generation;
}

base::Result<void> open_pending(const Generation& generation) {
    for (const Pending& pending : generation.pending) {
        for (const auto& socket : pending.sockets) {
            if (auto r = net::open_socket(socket->get(), pending.endpoint); !r)
                return r;
        }
    }
    return {};
}

void close_given_up(Generation& generation) {
    std::erase_if(generation.inherited, [&](Listener& listener) {
        if (is_covered(listener.endpoint, generation.listeners))
            return false;
        for (const auto& socket : listener.sockets)
            net::close_shared(socket->get());
        generation.given_up.push_back(std::move(listener));
        return true;
    });
}

void close_other_readers(const Generation& generation, const Generation& next) {
    for (const ControlListener& listener : generation.readers)
        if (std::ranges::find(next.readers, listener.endpoint, &ControlListener::endpoint) ==
            next.readers.end())
            net::close_shared(listener.socket->get());
}

std::vector<int> open_sockets(const Generation& generation) {
    std::vector<int> sockets;
    add(generation.listeners, sockets);
    add(generation.inherited, sockets);
    return sockets;
}

void add_sockets(const Generation& generation, net::OwnSockets& own) {
    add(generation.listeners, own);
    add(generation.inherited, own);
    add(generation.given_up, own);
}

}  // namespace summond::roles
