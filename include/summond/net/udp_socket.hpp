// A UDP socket of our own, for questions to others.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "summond/base/ip_address.hpp"
#include "summond/base/result.hpp"
#include "summond/base/unique_fd.hpp"

namespace summond::net {

class UdpSocket {
  public:
    // Bound to no address and a port of the kernel's.
    static base::Result<UdpSocket> open(bool v4);
    int fd() const { return fd_.get(); }

    // source: the address that it comes from, if the host has it; none: the routes say it.
    base::Result<void> send(const base::Endpoint& to, const std::optional<base::IpAddress>& source,
                            std::span<const std::uint8_t> message) const;
    struct Received {
        std::size_t size;
        base::Endpoint from;
    };
    // None: there is nothing now.
    std::optional<Received> receive(std::span<std::uint8_t> message) const;

  private:
    explicit UdpSocket(base::UniqueFd fd) : fd_(std::move(fd)) {}
    base::UniqueFd fd_;
};

}  // namespace summond::net
