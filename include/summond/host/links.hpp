// Network interfaces over rtnetlink(7): found, awaited, joined to a bridge. No forks.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "summond/base/result.hpp"
#include "summond/host/link.hpp"
#include "summond/host/netlink.hpp"

namespace summond::host {

class Links {
  public:
    static base::Result<std::unique_ptr<Links>> open(boost::asio::io_context& io);
    Links(const Links&) = delete;
    Links& operator=(const Links&) = delete;

    // None if there is no such interface.
    base::Result<std::optional<Link>> find(const std::string& name);
    // Only while it is down.
    base::Result<void> rename(const Link& link, const std::string& name);
    // Makes the interface a port of the bridge, with its MTU if that is known, and takes it up.
    base::Result<void> join(const Link& port, const Link& bridge);

    // A port that is not open is sent nothing but what the bridge knows to be behind it, and the
    // bridge learns nothing of what is: of a guest that has never sent anything, it is quiet.
    base::Result<void> open_port(int port, bool open);

    // Takes it up, as it is on the bridge but for the bridge: dom0 itself says nothing there.
    base::Result<void> raise(const Link& port, const Link& bridge);

    // Calls back once from io's loop, when an interface of this name appears (disappears) after
    // this call. One wait a name. Given up by forget.
    void await_there(const std::string& name, std::function<void(const Link&)> appeared);
    void await_gone(const std::string& name, std::function<void()> disappeared);
    void forget(const std::string& name) { waits_.erase(name); }

  private:
    struct Wait {
        bool gone;
        std::function<void(const Link&)> met;
    };
    Links(boost::asio::io_context& io, Netlink requests, MnlSocket events, int events_fd);
    void listen();
    void receive();
    void look_again();
    void met(const Link& link);

    Netlink requests_;
    MnlSocket events_;
    boost::asio::posix::stream_descriptor readable_;
    std::vector<char> buffer_;
    std::map<std::string, Wait> waits_;
};

}  // namespace summond::host
