// Network interfaces over rtnetlink(7): found, awaited, joined to a bridge. No forks.
//
// A request is answered by the kernel in the call itself; it can wait there for others' changes of
// interfaces (the kernel's one lock for them), which takes milliseconds.
#pragma once

#include <libmnl/libmnl.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "link_message.hpp"
#include "summond/base/result.hpp"

namespace summond::xen {

class Links {
  public:
    static base::Result<std::unique_ptr<Links>> open(boost::asio::io_context& io);
    Links(const Links&) = delete;
    Links& operator=(const Links&) = delete;

    // None if there is no such interface.
    base::Result<std::optional<Link>> find(const std::string& name);
    // Makes the interface a port of the bridge, with its MTU, and takes it up.
    base::Result<void> join(const Link& port, const Link& bridge);

    // Calls back once from io's loop, when an interface of this name appears (disappears) after
    // this call. One wait a name. Given up by forget.
    void await_there(const std::string& name, std::function<void(const Link&)> appeared);
    void await_gone(const std::string& name, std::function<void()> disappeared);
    void forget(const std::string& name) { waits_.erase(name); }

  private:
    struct Close {
        void operator()(mnl_socket* socket) const { ::mnl_socket_close(socket); }
    };
    using Socket = std::unique_ptr<mnl_socket, Close>;
    struct Wait {
        bool gone;
        std::function<void(const Link&)> met;
    };
    Links(boost::asio::io_context& io, Socket requests, Socket events, int events_fd);
    // The kernel's answer to a request, if it is about an interface. Error: errno's value.
    tl::expected<std::optional<Link>, int> ask(nlmsghdr& request);
    void listen();
    void receive();
    void look_again();
    void met(const Link& link);

    Socket requests_;
    Socket events_;
    boost::asio::posix::stream_descriptor readable_;
    unsigned sequence_ = 0;
    std::vector<char> buffer_;
    std::map<std::string, Wait> waits_;
};

}  // namespace summond::xen
