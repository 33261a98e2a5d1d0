// UDP queries that wait for a service to come up, or for a signature: a bounded table, one a
// worker, used only by its thread. All memory is allocated at the start.
//
// When the table is full, or one service has its share of it, a further query is dropped without
// an answer: the client asks again, and by then the domain that it woke may be up. Those who
// have waited longest keep their places, so a flood cannot drive them out.
#pragma once

#include <netinet/in.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "socket_address.hpp"
#include "summond/base/clock.hpp"

namespace summond::net {

// How long a query may wait for its service before it is answered SERVFAIL; over TCP, too. Stub
// resolvers ask again after 5 s (resolv.conf(5)) with the same message, which keeps its place;
// what comes later finds nobody waiting.
inline constexpr auto park_time = std::chrono::seconds(10);
// Octets; longer queries cannot wait.
inline constexpr std::size_t max_parked_query = 512;

// Room for one IP_PKTINFO or IPV6_PKTINFO message.
struct alignas(cmsghdr) PacketInfo {
    std::byte bytes[CMSG_SPACE(sizeof(in6_pktinfo))];
};

class ParkedQueries {
  public:
    static constexpr std::size_t default_capacity = 1024;

    // Whom to answer, and how.
    struct Client {
        std::uint32_t socket = 0;  // index into the worker's sockets
        SocketAddress address{};
        socklen_t address_size = 0;
        PacketInfo info{};
        std::size_t info_size = 0;
    };

    // Each service may have half of the places, and so may all that wait for signatures.
    explicit ParkedQueries(std::size_t capacity = default_capacity);

    // What for: a service, or the signature of a statement (answer::Statement::tag).
    static constexpr std::uint32_t no_service = UINT32_MAX;
    struct Awaited {
        std::uint32_t service = no_service;
        std::uint64_t signature = 0;  // 0: none
    };

    enum class Added { yes, known, full };
    // known: the same client waits with the same message already (it sent it again); its first
    // deadline holds.
    Added add(const Client& client, std::span<const std::uint8_t> query, const Awaited& awaited,
              base::TimePoint deadline);

    std::size_t size() const { return heads_.size(); }
    bool empty() const { return heads_.empty(); }
    const Awaited& awaited(std::size_t i) const { return heads_[i].awaited; }
    base::TimePoint deadline(std::size_t i) const { return heads_[i].deadline; }
    const Client& client(std::size_t i) const { return entry(i).client; }
    std::span<const std::uint8_t> query(std::size_t i) const {
        return {entry(i).query.data(), entry(i).size};
    }
    // An instance by rule may have got another place meanwhile, or a signature is still to be made.
    void wait_for(std::size_t i, const Awaited& awaited) { heads_[i].awaited = awaited; }
    // The last one takes its place.
    void remove(std::size_t i);
    // The earliest of all. Not when empty.
    base::TimePoint next_deadline() const;

  private:
    // What the scans read, close together.
    struct Head {
        base::TimePoint deadline;
        Awaited awaited;
        std::uint32_t client_hash;
        std::uint32_t entry;
    };
    struct Entry {
        Client client;
        std::size_t size = 0;
        std::array<std::uint8_t, max_parked_query> query;
    };
    const Entry& entry(std::size_t i) const { return entries_[heads_[i].entry]; }

    std::vector<Entry> entries_;
    std::vector<std::uint32_t> free_;
    std::vector<Head> heads_;
};

}  // namespace summond::net
