#include "vdev.hpp"

#include <charconv>
#include <limits>

namespace summond::config {

namespace {

// Its disks and partitions, counted from 0; no partition is partition 0.
struct Place {
    std::uint32_t disk = 0;
    std::uint32_t partition = 0;
};

// Takes a number off the front: decimal, or as C has it, 0x10 and 010.
std::optional<std::uint32_t> take_number(std::string_view& text) {
    int base = 10;
    if (text.starts_with("0x") || text.starts_with("0X")) {
        base = 16;
        text.remove_prefix(2);
    } else if (text.starts_with('0')) {
        base = 8;
    }
    std::uint32_t number = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number, base);
    if (ec != std::errc())
        return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return number;
}

// "a", "b1", "aa": letters count as 1, 2, ..., 26, 27.
std::optional<Place> lettered(std::string_view text, std::uint32_t disks,
                              std::uint32_t partitions) {
    std::uint64_t letters = 0;
    while (!text.empty() && text.front() >= 'a' && text.front() <= 'z') {
        letters = letters * 26 + static_cast<std::uint64_t>(text.front() - 'a') + 1;
        if (letters > disks)
            return std::nullopt;
        text.remove_prefix(1);
    }
    if (letters == 0 || text.starts_with('0'))
        return std::nullopt;
    Place place{static_cast<std::uint32_t>(letters - 1), 0};
    if (text.empty())
        return place;
    const auto partition = take_number(text);
    if (!partition || !text.empty() || *partition > partitions)
        return std::nullopt;
    place.partition = *partition;
    return place;
}

// "d0p1".
std::optional<Place> numbered(std::string_view text) {
    if (!text.starts_with('d'))
        return std::nullopt;
    text.remove_prefix(1);
    const auto disk = take_number(text);
    if (!disk || !text.starts_with('p'))
        return std::nullopt;
    text.remove_prefix(1);
    const auto partition = take_number(text);
    if (!partition || !text.empty() || *disk >= 1U << 20 || *partition > 255)
        return std::nullopt;
    return Place{*disk, *partition};
}

// xen-vbd-interface(7): Xen's own major has room for 16 disks of 16 partitions, the rest has an
// encoding of its own.
std::uint32_t xvd(Place place) {
    return place.disk <= 15 && place.partition <= 15 ? 202U << 8 | place.disk << 4 | place.partition
                                                     : 1U << 28 | place.disk << 8 | place.partition;
}

}  // namespace

std::optional<std::uint32_t> vdev_number(std::string_view name) {
    if (const auto place = numbered(name))
        return xvd(*place);
    if (name.starts_with("xvd")) {
        const auto place = lettered(name.substr(3), 1U << 20, 255);
        return place ? std::optional(xvd(*place)) : std::nullopt;
    }
    if (name.starts_with("hd")) {  // two controllers, of two disks each
        const auto place = lettered(name.substr(2), 4, 63);
        if (!place)
            return std::nullopt;
        return (place->disk < 2 ? 3U : 22U) << 8 | (place->disk & 1) << 6 | place->partition;
    }
    if (name.starts_with("sd")) {
        const auto place = lettered(name.substr(2), 16, 15);
        return place ? std::optional(8U << 8 | place->disk << 4 | place->partition) : std::nullopt;
    }
    const auto number = take_number(name);
    if (!number || !name.empty() ||
        *number > static_cast<std::uint32_t>(std::numeric_limits<std::int32_t>::max()))
        return std::nullopt;
    return number;
}

}  // namespace summond::config
