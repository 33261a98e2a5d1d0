// What the control role is asked, and what it answers: who may, from what is known, by way of vmm
// or of the parent. No reader waits for anybody.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "control_counters.hpp"
#include "control_fleet.hpp"
#include "control_webhooks.hpp"
#include "summond/base/clock.hpp"
#include "summond/control/commands.hpp"
#include "summond/control/followers.hpp"
#include "summond/control/model.hpp"
#include "summond/control/routes.hpp"
#include "summond/control/server.hpp"
#include "summond/ipc/messages.hpp"
#include "summond/proc/memfd.hpp"

namespace summond::roles {

// What control has been told.
struct Known {
    control::Model model;
    control::Followers followers;
    std::optional<proc::Mapping> image{};
    CounterMappings counters{};
    std::uint64_t config_hash = 0;
    ipc::Access access{ipc::Access::nobody, ipc::Access::nobody, 0};
    ControlWebhooks* webhooks = nullptr;  // is there once control is
    ControlFleet* fleet = nullptr;        // likewise
    std::vector<std::string> names{};     // of this host, config::Control::names
};

class ControlAnswers {
  public:
    // own: the user that control itself is. reload: asks the parent for one; false: it cannot be
    // asked. All outlive it.
    ControlAnswers(Known& known, control::Commands& commands, const base::Clock& clock, uid_t own,
                   std::function<bool()> reload)
        : known_(known),
          commands_(commands),
          clock_(clock),
          own_(own),
          reload_(std::move(reload)) {}

    // exchange gets its answer, perhaps later.
    void serve(const control::Request& request, std::shared_ptr<control::Exchange> exchange);
    // The model has the result of a load, which answers those who have asked for it.
    void loaded(std::uint32_t number);
    control::Now now() const;

  private:
    struct Reload {
        std::uint32_t number;  // of the load that answers it
        std::shared_ptr<control::Exchange> exchange;
    };

    std::optional<control::Refusal> why_not(const control::Client& client,
                                            control::Right right) const;
    void events(const control::Asked& asked, const control::Request& request,
                control::Exchange& exchange);
    void reload(std::shared_ptr<control::Exchange> exchange);
    void command(const control::Asked& asked, uid_t user,
                 const std::shared_ptr<control::Exchange>& exchange);
    control::Response read(const control::Asked& asked) const;
    control::Response zones() const;
    control::Response unknown_service(const std::string& name) const;
    control::Response response_of(const control::CommandAnswer& answer) const;
    control::Response response_of_load() const;
    std::string metrics_text() const;

    Known& known_;
    control::Commands& commands_;
    const base::Clock& clock_;
    uid_t own_;
    std::function<bool()> reload_;
    std::vector<Reload> reloads_;
};

}  // namespace summond::roles
