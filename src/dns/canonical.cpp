#include "summond/dns/canonical.hpp"

#include <algorithm>
#include <cstring>
#include <span>

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

std::size_t next_name(const FoldedName& name, NameBuffer& to) noexcept {
    if (name.size + 2U > to.size())
        return next_sibling(name, name.labels, to);
    to[0] = 1;
    to[1] = 0;
    std::copy_n(name.wire.begin(), name.size, to.begin() + 2);
    return name.size + 2U;
}

namespace {

// The first `octets` of a label, one of which the label may be longer than, and what follows it.
std::size_t put_label(std::span<const std::uint8_t> octets, std::span<const std::uint8_t> rest,
                      NameBuffer& to) {
    to[0] = static_cast<std::uint8_t>(octets.size());
    std::ranges::copy(octets, to.begin() + 1);
    std::ranges::copy(rest, to.begin() + 1 + static_cast<std::ptrdiff_t>(octets.size()));
    return 1 + octets.size() + rest.size();
}

constexpr std::size_t max_label = 63;

}  // namespace

std::size_t next_sibling(const FoldedName& name, std::size_t labels, NameBuffer& to) noexcept {
    for (; labels > 0; --labels) {
        const std::uint8_t* const at = name.suffix(labels);
        const std::size_t size = name.suffix_size(labels);
        std::array<std::uint8_t, max_label> label{};
        std::size_t length = *at;
        std::copy_n(at + 1, length, label.begin());
        const std::span rest(at + 1 + length, size - 1 - length);
        if (length < max_label && size < to.size())
            return put_label(std::span(label).first(length + 1), rest, to);
        while (length > 0 && label[length - 1] == 0xff)
            --length;
        if (length == 0)
            continue;  // what comes after its parent
        ++label[length - 1];
        if (label[length - 1] == 'A')  // which are sorted as lower case
            label[length - 1] = 'Z' + 1;
        return put_label(std::span(label).first(length), rest, to);
    }
    to[0] = 0;
    return 1;
}

std::size_t previous_sibling(const FoldedName& name, std::size_t labels, NameBuffer& to) noexcept {
    const std::uint8_t* const at = name.suffix(labels);
    const std::size_t size = name.suffix_size(labels);
    std::size_t length = *at;
    std::array<std::uint8_t, max_label> label;
    label.fill(0xff);
    std::copy_n(at + 1, length, label.begin());
    const std::span rest(at + 1 + length, size - 1 - length);
    const std::size_t most = std::min(max_label, to.size() - 1 - rest.size());
    if (label[length - 1] != 0) {
        --label[length - 1];
        if (label[length - 1] == 'Z')
            label[length - 1] = 'A' - 1;
        return put_label(std::span(label).first(most), rest, to);
    }
    // Without the NUL it is the name before, but for those that are below that.
    if (--length == 0)
        return 0;
    NameBuffer parent;
    const std::size_t parent_size = put_label(std::span(label).first(length), rest, parent);
    if (parent_size + 2 > to.size())
        return 0;
    std::array<std::uint8_t, max_label> last;
    last.fill(0xff);
    return put_label(std::span(last).first(std::min(max_label, to.size() - 1 - parent_size)),
                     std::span(parent).first(parent_size), to);
}

}  // namespace summond::dns
