// vmm's end of the channel to one front. The front parses bytes from strangers, so it is taken for
// hostile: all it can do is ask for wakes of configured services and say that addresses were given
// out, and whatever it does or omits to do costs a bounded amount of memory.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <map>
#include <optional>

#include "summond/ipc/link.hpp"
#include "summond/vm/manager.hpp"

namespace summond::roles {

class FrontLink {
  public:
    // closed is called once, from io's loop, when the front is gone or has broken the protocol;
    // the link may be deleted in it.
    FrontLink(boost::asio::io_context& io, ipc::Channel channel, vm::Manager& manager,
              std::function<void(FrontLink*)> closed);

    // A service's status is new: it is sent as soon as the front takes it, once however often it
    // changes meanwhile.
    void changed(const service::Status& status);
    // How much a replica has to do. Where it cannot be sent, the next one says it.
    void measured(const vm::Manager::Load& load) {
        if (unsent_.empty())
            link_.send(ipc::Load{load.service, load.packets, load.spare ? 1U : 0U});
    }
    // Whether the host is under pressure is.
    void pressure_changed() { flush(); }
    // There is nothing to be said of it any more.
    void forget(service::Id service) { unsent_.erase(service); }

  private:
    bool handle(const ipc::Received& message);
    void wake(service::Id service, std::int64_t asked_ns, const ipc::Address& from,
              std::uint16_t query_type);
    void refuse(service::Id instance, service::WakeFailure why);
    void flush();

    vm::Manager& manager_;
    std::map<service::Id, service::Status> unsent_;
    bool told_all_ = false;  // of what there was when it came
    std::optional<bool> told_pressure_;
    ipc::Link link_;
};

}  // namespace summond::roles
