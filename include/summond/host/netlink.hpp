// Requests to the kernel over rtnetlink(7), one after another. The answer comes in the call itself;
// it can wait there for others' changes of interfaces (the kernel's one lock for them), which takes
// milliseconds.
#pragma once

#include <libmnl/libmnl.h>

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "summond/base/ip_address.hpp"
#include "summond/base/result.hpp"

namespace summond::host {

struct CloseMnl {
    void operator()(mnl_socket* socket) const { ::mnl_socket_close(socket); }
};
using MnlSocket = std::unique_ptr<mnl_socket, CloseMnl>;

// An interface with many virtual functions takes more than a page (netlink(7) advises 8 KiB).
inline constexpr std::size_t netlink_message_size = 32 * 1024;

// A request under construction: header, then what it is about, then attributes of libmnl's.
class NetlinkRequest {
  public:
    template <typename About>
    NetlinkRequest(std::uint16_t type, int flags, const About& about) {
        header_ = mnl_nlmsg_put_header(buffer_.data());
        header_->nlmsg_type = type;
        header_->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
        *static_cast<About*>(mnl_nlmsg_put_extra_header(header_, sizeof(About))) = about;
    }
    NetlinkRequest(const NetlinkRequest&) = delete;
    NetlinkRequest& operator=(const NetlinkRequest&) = delete;

    nlmsghdr* header() { return header_; }
    void put(std::uint16_t type, std::span<const std::uint8_t> bytes) {
        mnl_attr_put(header_, type, bytes.size(), bytes.data());
    }

  private:
    alignas(nlmsghdr) std::array<char, 512> buffer_{};
    nlmsghdr* header_;
};

class Netlink {
  public:
    static base::Result<Netlink> open();
    // answer is called with the kernel's message, unless that is a mere acknowledgement. Error:
    // errno's value.
    tl::expected<void, int> ask(NetlinkRequest& request,
                                const std::function<void(const nlmsghdr&)>& answer = {});

  private:
    explicit Netlink(MnlSocket socket)
        : socket_(std::move(socket)), buffer_(netlink_message_size) {}

    MnlSocket socket_;
    unsigned sequence_ = 0;
    std::vector<char> buffer_;
};

}  // namespace summond::host
