#include "identity.hpp"

#include <algorithm>

namespace summond::xen {
namespace {

constexpr std::array<std::uint8_t, 6> prefix{'s', 'u', 'm', 'm', 'o', 'n'};

}  // namespace

std::array<std::uint8_t, 16> domain_uuid(service::Id service, unsigned number) {
    std::array<std::uint8_t, 16> uuid{};
    std::copy(prefix.begin(), prefix.end(), uuid.begin());
    uuid[6] = static_cast<std::uint8_t>(0x80 | (number >> 6 & 0x0f));  // version 8
    uuid[7] =
        static_cast<std::uint8_t>((number & 0x3f) << 2 | service >> 62);  // the two bits that the
    uuid[8] = static_cast<std::uint8_t>(0x80 | (service >> 56 & 0x3f));   // variant displaces
    for (std::size_t i = 9; i < 16; ++i)
        uuid[i] = static_cast<std::uint8_t>(service >> (8 * (15 - i)));
    return uuid;
}

std::optional<Identity> identity_of(std::span<const std::uint8_t, 16> uuid) {
    Identity identity{.service = (service::Id{uuid[7]} & 3) << 62 | (service::Id{uuid[8]} & 0x3f)
                                                                        << 56,
                      .number = (uuid[6] & 0x0fU) << 6 | uuid[7] >> 2};
    for (std::size_t i = 9; i < 16; ++i)
        identity.service |= service::Id{uuid[i]} << (8 * (15 - i));
    if (!std::ranges::equal(domain_uuid(identity.service, identity.number), uuid))
        return std::nullopt;
    return identity;
}

std::string domain_path(vm::DomId domid) {
    return "/local/domain/" + std::to_string(domid);
}

}  // namespace summond::xen
