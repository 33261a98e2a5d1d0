// vmm's end of the channel to control: tells it of every change, and does what it is commanded. It
// talks with everybody who may see, so it is taken for hostile: all it can do is what the list of
// commands says, and it costs a bounded amount of memory.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "summond/ipc/link.hpp"
#include "summond/ipc/report.hpp"
#include "summond/vm/manager.hpp"

namespace summond::roles {

class ControlLink {
  public:
    // closed is called once, from io's loop, when control is gone or has broken the protocol; the
    // link may be deleted in it. commanded: after each command.
    ControlLink(boost::asio::io_context& io, ipc::Channel channel, vm::Manager& manager,
                std::function<void()> commanded, std::function<void()> closed);

    // A service's status may be new: it is told as soon as control takes it, once however often it
    // changes meanwhile, and only if there is anything new.
    void changed(service::Id service);
    // The same of all services.
    void changed_all();
    // A wake is over, or more is known of one.
    void woke(const vm::WakeRecord& record);
    // Whether the host is under pressure is.
    void pressure_changed() { flush(); }
    // Time has passed, in which traffic may have been seen.
    void look();

  private:
    bool handle(const ipc::Received& message);
    // why: of an outcome that has words of its own.
    ipc::CommandDone::Outcome execute(const ipc::Command& command, std::string& why);
    void flush();
    bool flush_services();
    void flush_wakes();

    vm::Manager& manager_;
    std::function<void()> commanded_;
    std::map<service::Id, service::Report> told_;
    std::set<service::Id> unsent_;
    std::set<service::Id> up_;              // whose idle time moves
    std::set<std::uint64_t> unsent_wakes_;  // by number: after all else
    std::uint64_t last_remembered_ = 0;     // of those that there were when control came
    struct Host {
        bool drained = false;
        service::PressureCauses pressure = 0;
        service::Shells shells;
        service::Pools pools;
        friend bool operator==(const Host&, const Host&) = default;
    };
    std::optional<Host> told_host_;
    bool told_all_ = false;
    ipc::Link link_;
};

}  // namespace summond::roles
