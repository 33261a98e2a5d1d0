// Commands on their way: each goes to vmm once, and its answer comes back to whoever has given it,
// after what it was to wait for. Pure; the clock is injected.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <optional>

#include "summond/base/clock.hpp"
#include "summond/control/model.hpp"
#include "summond/control/routes.hpp"
#include "summond/ipc/messages.hpp"

namespace summond::control {

// What has become of a command: an answer with this status.
struct CommandAnswer {
    unsigned status;                     // of HTTP
    std::string outcome{};               // of one that was done; else:
    std::string error{};                 // why not
    std::string expected{};              // what would be right
    std::optional<service::Id> about{};  // the service that it was about
};

class Commands {
  public:
    using Reply = std::function<void(const CommandAnswer&)>;
    static constexpr std::size_t most = 1000;  // under way
    // For vmm to take it up: libxl may hold it for a while.
    static constexpr std::chrono::seconds patience{30};

    // send: to vmm; false: it does not take it. All outlive it.
    Commands(const Model& model, const base::Clock& clock,
             std::function<bool(const ipc::Command&)> send)
        : model_(model), clock_(clock), send_(std::move(send)) {}

    // reply is called once, perhaps at once. The value is its number, 0 if that is over.
    std::uint64_t begin(const Asked& asked, std::uint32_t user, Reply reply);
    // Nobody waits for its answer any more; vmm does it all the same.
    void forget(std::uint64_t serial);
    void done(const ipc::CommandDone& message);
    // What the model says of a service is new.
    void changed(service::Id service);
    // Nobody answers any more.
    void vmm_lost();
    std::optional<base::TimePoint> deadline() const;
    void tick();

  private:
    struct Command {
        std::uint64_t serial;
        Asked asked;
        std::optional<service::Id> service;
        Reply reply;
        base::TimePoint until;
        bool waits = false;  // taken up; what is waited for is its effect
    };
    using Each = std::list<Command>::iterator;

    void finish(Each command, CommandAnswer answer);
    // Whether what it waits for has come.
    bool look(Each command);

    const Model& model_;
    const base::Clock& clock_;
    std::function<bool(const ipc::Command&)> send_;
    std::list<Command> commands_;
    std::uint64_t last_serial_ = 0;
};

}  // namespace summond::control
