// The instances of services with many (service::Pattern) that clients have asked for of late: a
// bounded table, whose places are numbered as services beyond those of the zone image. Whatever is
// not in it sleeps, and costs nothing.
//
// find() is for any thread, without a lock and without waiting, whatever the others do; take()
// locks, since who takes a place is about to wait for seconds. release() is the front's main
// thread's.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

#include "summond/base/ip_address.hpp"
#include "summond/service/pattern.hpp"

namespace summond::answer {

// Of which service (its index in the zone image's table), and which id.
struct InstanceKey {
    std::uint32_t service = 0;
    std::string_view id;
};

class Instances {
  public:
    // Places get the numbers from `first` on. seed: as of the zone image, so that nobody can aim at
    // one bucket.
    Instances(std::uint32_t first, std::uint32_t places, std::uint64_t seed);

    // That is leased to it, and may be given out; 0.0.0.0: there is none.
    using Ipv4 = std::array<std::uint8_t, 4>;
    struct Found {
        std::uint32_t number;  // as of a service
        std::array<std::uint8_t, 16> address;
        Ipv4 ipv4;
    };
    // None: not there.
    std::optional<Found> find(const InstanceKey& key) const noexcept;
    // Its place, which it gets if it has none; none: the table is full. address: the instance's.
    std::optional<Found> take(const InstanceKey& key, const base::IpAddress& address) noexcept;

    std::uint32_t first() const { return first_; }
    std::uint32_t places() const { return places_count_; }
    // Those with higher numbers have never been taken.
    std::uint32_t end() const { return first_ + taken_.load(std::memory_order_relaxed); }

    struct Taken {
        std::uint32_t service = 0;
        service::IdText id;
    };
    // Whose address that is; none: nobody's, as far as is known here. As find().
    std::optional<Taken> leased(const Ipv4& ipv4) const noexcept;

    // -- The main thread's

    // Whose place it is; none: nobody's.
    std::optional<Taken> owner(std::uint32_t number) noexcept;
    // Somebody waits for it, or it is up.
    void be_busy(std::uint32_t number) noexcept;
    // Not so; how often that has been said since it was busy, or taken.
    unsigned be_quiet(std::uint32_t number) noexcept;
    // False: it is that already.
    bool lease(std::uint32_t number, const Ipv4& ipv4) noexcept;
    // Nobody waits for it: its number may be another's from now on.
    void release(std::uint32_t number) noexcept;

  private:
    static constexpr std::size_t id_words = 8;
    // A place's owner changes between two odd versions: whoever reads it sees the same even version
    // before and after (Linux: seqcount). What is between is stored with release and loaded with
    // acquire instead of fences, which tsan does not know.
    struct Place {
        std::atomic<std::uint32_t> version{0};
        std::atomic<std::uint32_t> service{0};
        std::atomic<std::uint8_t> size{0};  // of the id; 0: nobody's
        std::atomic<std::uint8_t> quiet{0};
        std::array<std::atomic<std::uint64_t>, id_words> id{};
        std::array<std::atomic<std::uint64_t>, 2> address{};
        std::atomic<std::uint32_t> ipv4{0};  // its octets
    };
    // The id as words, with zeros behind it.
    using Words = std::array<std::uint64_t, id_words + 1>;
    // An entry is a place's index and 1, or 0: free. A cache line.
    static constexpr std::size_t bucket_size = 16;
    struct alignas(64) Bucket {
        std::array<std::atomic<std::uint32_t>, bucket_size> entries{};
    };

    static Words words_of(std::string_view id);
    Bucket& bucket(const InstanceKey& key, const Words& words) const;
    static std::size_t lease_bucket(std::uint32_t ipv4);
    void set_lease(std::uint32_t index, std::uint32_t ipv4);
    std::optional<Found> find(const Bucket& bucket, const InstanceKey& key,
                              const Words& words) const noexcept;

    const std::uint32_t first_;
    const std::uint32_t places_count_;
    const std::uint64_t seed_;
    std::unique_ptr<Place[]> places_;
    std::size_t bucket_mask_;
    std::unique_ptr<Bucket[]> buckets_;
    static constexpr std::size_t lease_buckets = 256;
    std::array<Bucket, lease_buckets> leases_;  // by address
    std::atomic<std::uint32_t> taken_{0};
    std::vector<std::uint32_t> free_;  // below taken_; has room for all
    std::mutex taking_;
};

}  // namespace summond::answer
