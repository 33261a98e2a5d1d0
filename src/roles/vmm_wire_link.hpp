// vmm's end of the channel to wire: tells it and the kernel how the services stand, so that packets
// for a service go to wire until its guest is ready, and to the guest from then on. Wire reads
// frames of strangers, so it is taken for hostile: all it can do is ask for wakes of services that
// a packet may wake, and hand over guests that are ready, which happens without it as well.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "summond/host/bridge_ports.hpp"
#include "summond/ipc/channel.hpp"
#include "summond/vm/manager.hpp"
#include "summond/wire/door.hpp"

namespace summond::roles {

class WireLink {
  public:
    // closed is called once, from io's loop, when wire is gone or has broken the protocol; the link
    // may be deleted in it. ports and manager outlive the link.
    WireLink(boost::asio::io_context& io, ipc::Channel channel, vm::Manager& manager,
             host::BridgePorts& ports, const std::vector<service::Template>& services,
             std::function<void()> closed);
    ~WireLink();

    // The services from now on; the manager knows them already.
    void configure(const std::vector<service::Template>& services);
    // The service's status is new.
    void changed(service::Id service);

  private:
    // A service, and what wire and the kernel have been told of it.
    struct Post {
        service::Template service;
        bool told = false;  // wire knows of it
        std::optional<wire::Standing> standing{};
        std::uint32_t turn = 0;
        std::optional<vm::DomId> attached{};
        int interface = 0;             // of the domain that is attached
        bool passes = false;           // the bridge passes on what comes and goes there
        std::optional<int> goes_to{};  // the port, where we have said so
        std::optional<base::TimePoint> hand_over_by{};
        std::optional<int> young{};  // the port whose guest's resets go by way of wire
        std::optional<base::TimePoint> young_until{};
    };
    struct Bridge {
        unsigned tap;
        int port;
    };

    bool open(const std::string& bridge);
    void listen();
    void receive();
    bool handle(const ipc::Received& message);
    void arrived(const ipc::Arrived& message);
    void handed_over(const ipc::HandedOver& message);
    void grown(const ipc::Grown& message);
    void let_reset(Post& post);
    void take_over(Post& post);
    void flush();
    void wait_for_room();
    bool sync(Post& post);
    bool attach(Post& post, vm::DomId domid);
    void send_to(Post& post, int port, bool pinned);
    void watch_hand_overs();

    ipc::Channel channel_;
    boost::asio::posix::stream_descriptor events_;
    boost::asio::steady_timer timer_;
    vm::Manager& manager_;
    host::BridgePorts& ports_;
    std::function<void()> closed_;
    std::map<std::string, std::optional<Bridge>> bridges_;  // none: it cannot be used
    std::map<service::Id, Post> posts_;
    std::set<service::Id> unsent_;          // wire has to hear of them; without a post: it is gone
    std::set<service::Id> waits_for_port_;  // ready, but for their bridge's port
    bool blocked_ = false;                  // wire takes nothing at the moment
    bool told_all_ = false;                 // what there was when it came
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace summond::roles
