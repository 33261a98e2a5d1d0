// Ids to addresses and back.
#include <algorithm>
#include <cstring>

#include "summond/base/siphash.hpp"
#include "summond/service/pattern.hpp"

namespace summond::service {
namespace {

__extension__ using Wide = unsigned __int128;

// Of a Feistel network with a strong round function 4 are as good as a random permutation (Luby and
// Rackoff, 1988); more, since its halves are small.
constexpr unsigned rounds = 8;

constexpr std::uint64_t network_addresses = 65536;

std::uint64_t word_of(const std::array<std::uint8_t, 8>& octets) {
    std::uint64_t word = 0;
    for (std::size_t i = octets.size(); i > 0; --i)
        word = word << 8 | octets[i - 1];
    return word;
}

std::array<std::uint8_t, 8> octets_of(std::uint64_t word) {
    std::array<std::uint8_t, 8> octets;
    for (std::uint8_t& octet : octets) {
        octet = static_cast<std::uint8_t>(word);
        word >>= 8;
    }
    return octets;
}

}  // namespace

IdAddresses::IdAddresses(const base::IpPrefix& prefix, const IdGrammar& grammar, const Key& key)
    : prefix_(prefix),
      characters_(grammar.characters),
      shortest_(grammar.shortest),
      longest_(grammar.longest),
      key_(key),
      bits_(128 - prefix.length) {
    free_.push_back({0, network_addresses - 1});
    if (bits_ == 64) {  // RFC 5453 §3 and IANA's registry of it
        free_.push_back({0x02005efffe000000, 0x02005efffeffffff});
        free_.push_back({0xfdffffffffffff80, 0xfdffffffffffffff});
    }
    Wide room = Wide{1} << bits_;
    for (const Range& range : free_)
        room -= Wide{range.last} - range.first + 1;
    Wide count = 0;
    Wide of_length = 1;
    for (std::size_t length = 0; length <= longest_ && count <= room; ++length) {
        if (length >= shortest_) {
            shorter_.push_back(static_cast<std::uint64_t>(count));
            count += of_length;
        }
        of_length *= characters_.size();
        if (of_length > (Wide{1} << 70))  // far more than there is room for
            of_length = Wide{1} << 70;
    }
    reversible_ = count <= room;
    if (reversible_)
        count_ = static_cast<std::uint64_t>(count);
}

dns::Name IdAddresses::reverse_parent() const {
    dns::Name name = dns::Name::reverse(prefix_.address);
    for (unsigned bits = 128; bits > prefix_.length; bits -= 4)
        name = name.parent();
    return name;
}

bool IdAddresses::is_free(std::uint64_t host) const noexcept {
    return std::any_of(free_.begin(), free_.end(), [host](const Range& range) {
        return host >= range.first && host <= range.last;
    });
}

std::uint64_t IdAddresses::round(unsigned number, std::uint64_t half) const noexcept {
    std::array<std::uint8_t, 9> message;
    message[0] = static_cast<std::uint8_t>(number);
    std::ranges::copy(octets_of(half), message.begin() + 1);
    return word_of(base::siphash_2_4(message, key_)) & ((std::uint64_t{1} << bits_ / 2) - 1);
}

// Two halves of equal size: bits_ is even.
std::uint64_t IdAddresses::encrypt(std::uint64_t value) const noexcept {
    const unsigned half = bits_ / 2;
    std::uint64_t left = value >> half;
    std::uint64_t right = value & ((std::uint64_t{1} << half) - 1);
    for (unsigned i = 0; i < rounds; ++i) {
        const std::uint64_t next = left ^ round(i, right);
        left = right;
        right = next;
    }
    return left << half | right;
}

std::uint64_t IdAddresses::decrypt(std::uint64_t value) const noexcept {
    const unsigned half = bits_ / 2;
    std::uint64_t left = value >> half;
    std::uint64_t right = value & ((std::uint64_t{1} << half) - 1);
    for (unsigned i = rounds; i > 0; --i) {
        const std::uint64_t before = right ^ round(i - 1, left);
        right = left;
        left = before;
    }
    return left << half | right;
}

std::uint64_t IdAddresses::number_of(std::string_view id) const noexcept {
    std::uint64_t number = 0;
    for (const char c : id)
        number = number * characters_.size() + characters_.find(c);
    return number + shorter_[id.size() - shortest_];
}

// Cycle walking (Black and Rogaway, 2002): a permutation of what is not kept free.
std::uint64_t IdAddresses::permuted(std::uint64_t number) const noexcept {
    std::uint64_t host = number;
    for (const Range& range : free_)  // in ascending order
        if (host >= range.first)
            host += range.last - range.first + 1;
    do
        host = encrypt(host);
    while (is_free(host));
    return host;
}

std::uint64_t IdAddresses::number_at(std::uint64_t host) const noexcept {
    do
        host = decrypt(host);
    while (is_free(host));
    std::uint64_t number = host;
    for (const Range& range : free_)
        if (host > range.last)
            number -= range.last - range.first + 1;
    return number;
}

base::IpAddress IdAddresses::of(std::string_view id) const noexcept {
    std::uint64_t host;
    if (reversible_) {
        host = permuted(number_of(id));
    } else {
        host = word_of(
            base::siphash_2_4({reinterpret_cast<const std::uint8_t*>(id.data()), id.size()}, key_));
        while (is_free(host))
            host = word_of(base::siphash_2_4(octets_of(host), key_));
    }
    std::array<std::uint8_t, 16> octets;
    std::ranges::copy(prefix_.address.bytes(), octets.begin());
    for (std::size_t i = 0; i < 8; ++i)
        octets[15 - i] = static_cast<std::uint8_t>(octets[15 - i] | host >> (8 * i));
    return base::IpAddress::v6(octets);
}

namespace {

std::uint64_t host_of(const base::IpAddress& address, unsigned bits) {
    std::uint64_t host = 0;
    for (std::size_t i = 8; i < 16; ++i)
        host = host << 8 | address.bytes()[i];
    return bits == 64 ? host : host & ((std::uint64_t{1} << bits) - 1);
}

}  // namespace

std::uint32_t Pool::size() const {
    const std::uint32_t all = 1U << (32 - prefix.length);
    return prefix.length >= 31 ? all : all - 2;
}

base::IpAddress Pool::at(std::uint32_t number) const {
    std::array<std::uint8_t, 4> octets;
    std::ranges::copy(prefix.address.bytes(), octets.begin());
    const std::uint32_t host = prefix.length >= 31 ? number : number + 1;
    for (std::size_t i = 0; i < 4; ++i)
        octets[3 - i] = static_cast<std::uint8_t>(octets[3 - i] | host >> (8 * i));
    return base::IpAddress::v4(octets);
}

std::optional<std::uint32_t> Pool::number_of(const base::IpAddress& address) const {
    if (!address.is_v4() || !prefix.contains(address))
        return std::nullopt;
    std::uint32_t host = 0;
    for (const std::uint8_t octet : address.bytes())
        host = host << 8 | octet;
    host &= (1U << (32 - prefix.length)) - 1;
    const std::uint32_t number = prefix.length >= 31 ? host : host - 1;
    return number < size() ? std::optional(number) : std::nullopt;
}

std::vector<dns::Name> Pool::reverse_parents() const {
    std::vector<dns::Name> parents;
    for (std::uint32_t i = 0; i < size(); ++i)
        if (auto parent = dns::Name::reverse(at(i)).parent();
            parents.empty() || parents.back() != parent)
            parents.push_back(std::move(parent));
    return parents;
}

bool IdAddresses::is_kept_free(const base::IpAddress& address) const noexcept {
    return is_free(host_of(address, bits_));
}

std::optional<IdText> IdAddresses::id_at(const base::IpAddress& address) const noexcept {
    if (!reversible_ || !prefix_.contains(address))
        return std::nullopt;
    const std::uint64_t host = host_of(address, bits_);
    if (is_free(host))
        return std::nullopt;
    std::uint64_t number = number_at(host);
    if (number >= count_)
        return std::nullopt;
    std::size_t length = shorter_.size();
    while (shorter_[length - 1] > number)
        --length;
    number -= shorter_[length - 1];
    IdText id;
    id.size = shortest_ + length - 1;
    for (std::size_t i = id.size; i > 0; --i, number /= characters_.size())
        id.octets[i - 1] = characters_[number % characters_.size()];
    return id;
}

}  // namespace summond::service
