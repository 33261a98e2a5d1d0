#include "kept_sockets.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <set>

#include "summond/base/log.hpp"

namespace summond::roles {
namespace {

constexpr const char* prefix = "summond-";
constexpr const char* readers_prefix = "summond-control-";  // TCP, of `control: {listen}`

// The same for a socket in every process and run that has it; "" for what is no socket.
std::string name_of(int fd, const char* beginning) {
    struct stat status {};
    if (::fstat(fd, &status) != 0 || !S_ISSOCK(status.st_mode))
        return "";
    return fmt::format("{}{}", beginning, status.st_ino);
}

// Ours, by the name that the run before has given it.
bool is_ours(const char* name) {
    return name != nullptr && std::strncmp(name, prefix, std::strlen(prefix)) == 0;
}

bool is_for_readers(const char* name) {
    return std::strncmp(name, readers_prefix, std::strlen(readers_prefix)) == 0;
}

// The names are sd_listen_fds_with_names', to be freed one by one.
struct Given {
    char** names = nullptr;
    int count;  // or an errno, negative

    Given() : count(::sd_listen_fds_with_names(1, &names)) {}
    Given(const Given&) = delete;
    Given& operator=(const Given&) = delete;
    ~Given() {
        for (char** name = names; name != nullptr && *name != nullptr; ++name)
            std::free(*name);
        std::free(names);
    }
};

Listener& listener_at(const base::Endpoint& endpoint, std::vector<Listener>& listeners) {
    const auto found = std::ranges::find(listeners, endpoint, &Listener::endpoint);
    return found != listeners.end() ? *found : listeners.emplace_back(Listener{endpoint, {}});
}

}  // namespace

GenerationPtr KeptSockets::take() {
    const Given given;
    if (given.count < 0)
        spdlog::warn("what the service manager has kept: {}", std::strerror(-given.count));
    auto generation = std::make_shared<Generation>();
    std::map<std::string, std::shared_ptr<const base::UniqueFd>> tcp;  // by endpoint
    for (int i = 0; i < given.count; ++i) {
        auto fd = std::make_shared<const base::UniqueFd>(SD_LISTEN_FDS_START + i);
        const auto info = net::describe(fd->get());
        if (!is_ours(given.names[i]) || !info) {
            spdlog::warn("descriptor {} ({}) of the service manager is no socket of an earlier run",
                         fd->get(), given.names[i]);
            continue;
        }
        kept_.emplace(given.names[i], fd->get());
        if (is_for_readers(given.names[i]))
            generation->readers.push_back({info->local, std::move(fd)});
        else if (info->kind == net::SocketInfo::Kind::udp)
            listener_at(info->local, generation->listeners).sockets.push_back(std::move(fd));
        else
            tcp.emplace(info->local.to_string(), std::move(fd));
    }
    // Each as the daemon makes them: UDP, then one for TCP. What is incomplete is closed.
    std::erase_if(generation->listeners, [&tcp](Listener& listener) {
        const auto found = tcp.find(listener.endpoint.to_string());
        if (found == tcp.end())
            return true;
        listener.sockets.push_back(found->second);
        return false;
    });
    return generation->listeners.empty() && generation->readers.empty() ? nullptr : generation;
}

void KeptSockets::keep(const Generation& generation) {
    std::map<std::string, int> wanted;
    for (const int fd : open_sockets(generation))
        wanted.emplace(name_of(fd, prefix), fd);
    for (const ControlListener& listener : generation.readers)
        wanted.emplace(name_of(listener.socket->get(), readers_prefix), listener.socket->get());
    std::erase_if(kept_, [&wanted](const auto& kept) {
        if (wanted.contains(kept.first))
            return false;
        ::sd_notifyf(0, "FDSTOREREMOVE=1\nFDNAME=%s", kept.first.c_str());
        return true;
    });
    for (const auto& [name, fd] : wanted) {
        if (!kept_.emplace(name, fd).second)
            continue;
        // Not looked after by the manager: an error of ICMP's would look like a hang-up to it.
        const std::string state = "FDSTORE=1\nFDPOLL=0\nFDNAME=" + name;
        const int r = ::sd_pid_notify_with_fds(0, 0, state.c_str(), &fd, 1);
        if (r < 0)
            spdlog::warn("the service manager does not keep a socket: {}", std::strerror(-r));
    }
}

}  // namespace summond::roles
