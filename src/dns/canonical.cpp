#include "summond/dns/canonical.hpp"

#include <algorithm>
#include <cstring>

namespace summond::dns {

int compare_canonical(const FoldedName& a, const FoldedName& b, std::size_t shared) noexcept {
    const std::size_t common = std::min(a.labels, b.labels);
    for (std::size_t i = shared; i < common; ++i) {
        const std::uint8_t* in_a = a.suffix(i + 1);
        const std::uint8_t* in_b = b.suffix(i + 1);
        if (const int order = std::memcmp(in_a + 1, in_b + 1, std::min(*in_a, *in_b)); order != 0)
            return order;
        if (*in_a != *in_b)
            return int{*in_a} - int{*in_b};
    }
    return int{a.labels} - int{b.labels};
}

// Labels end with a 0, which their own octets 0 and 1 are told from by a 1 before them, so that a
// label comes before all that it begins.
std::uint64_t canonical_key(const FoldedName& name, std::size_t shared) noexcept {
    std::uint64_t key = 0;
    unsigned room = sizeof key;
    const auto push = [&](std::uint8_t octet) {
        if (room > 0)
            key |= std::uint64_t{octet} << (8 * --room);
    };
    for (std::size_t i = shared; i < name.labels && room > 0; ++i) {
        const std::uint8_t* label = name.suffix(i + 1);
        for (unsigned n = 1; n <= *label && room > 0; ++n) {
            if (label[n] <= 1) {
                push(1);
                push(static_cast<std::uint8_t>(label[n] + 1));
            } else {
                push(label[n]);
            }
        }
        push(0);
    }
    return key;
}

}  // namespace summond::dns
