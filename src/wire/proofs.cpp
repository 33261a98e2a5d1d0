#include "proofs.hpp"

#include <algorithm>
#include <span>

#include "summond/base/siphash.hpp"

namespace summond::wire {
namespace {

std::uint64_t hash_of(std::span<const std::uint8_t> octets, const ProofSecret& secret) {
    std::uint64_t hash = 0;
    for (const std::uint8_t octet : base::siphash_2_4(octets, secret))
        hash = hash << 8 | octet;
    return hash;
}

// Gathers octets of a fixed form.
class Octets {
  public:
    Octets& add(const base::IpAddress& address) {
        octets_[size_] = static_cast<std::uint8_t>(address.bytes().size());
        std::ranges::copy(address.bytes(), octets_.begin() + static_cast<long>(size_ + 1));
        size_ += 17;
        return *this;
    }
    Octets& add(std::uint64_t number, unsigned octets) {
        for (unsigned i = 0; i < octets; ++i)
            octets_[size_++] = static_cast<std::uint8_t>(number >> 8 * i);
        return *this;
    }
    std::span<const std::uint8_t> all() const { return std::span(octets_).first(size_); }

  private:
    std::array<std::uint8_t, 2 * 17 + 2 * 2 + 8> octets_{};
    std::size_t size_ = 0;
};

}  // namespace

Proofs::Proofs(const base::Clock& clock, const ProofSecret& secret)
    : clock_(clock), secret_(secret) {}

std::uint64_t Proofs::period_now() const {
    return static_cast<std::uint64_t>(clock_.now().time_since_epoch() / period);
}

// Of the way from the client to the guest.
std::uint32_t Proofs::number(const frames::IpPacket& packet, std::uint64_t period) const {
    Octets octets;
    octets.add(packet.from).add(packet.to);
    octets.add(packet.from_port, 2).add(packet.to_port, 2).add(period, 8);
    return static_cast<std::uint32_t>(hash_of(octets.all(), secret_));
}

std::optional<std::uint32_t> Proofs::question(const frames::IpPacket& syn) const {
    const std::uint32_t number = this->number(syn, period_now());
    // RFC 9293 §3.10.7.3: acceptable is what is beyond its first number, up to all that it has
    // sent.
    const bool acceptable = number - syn.sequence - 1 < syn.length;
    return acceptable ? std::nullopt : std::optional(number);
}

bool Proofs::take(const frames::IpPacket& reset) {
    const std::uint64_t now = period_now();
    if (reset.sequence != number(reset, now) && reset.sequence != number(reset, now - 1))
        return false;
    believed_[place_of(reset.from)] = {reset.from, clock_.now() + believed};
    return true;
}

bool Proofs::has(const base::IpAddress& address) const {
    const Believed& place = believed_[place_of(address)];
    return place.address == address && clock_.now() < place.until;
}

std::size_t Proofs::place_of(const base::IpAddress& address) const {
    Octets octets;
    octets.add(address);
    return hash_of(octets.all(), secret_) % places;
}

}  // namespace summond::wire
