// What the loader leaves for the role transfer, in one file in memory: who may have which zone
// (transfer::Plan, packed, with the keys), and how zones have changed (zone::Journal).
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace summond::roles {

struct Transfers {
    std::string plan;
    std::string journal;

    std::string join() const {
        const std::uint64_t size = plan.size();
        std::string all(reinterpret_cast<const char*>(&size), sizeof size);
        return all + plan + journal;
    }
    struct Parts {
        std::string_view plan;
        std::string_view journal;
    };
    static std::optional<Parts> split(std::string_view all) {
        std::uint64_t size = 0;
        if (all.size() < sizeof size)
            return std::nullopt;
        std::memcpy(&size, all.data(), sizeof size);
        all.remove_prefix(sizeof size);
        if (size > all.size())
            return std::nullopt;
        return Parts{all.substr(0, size), all.substr(size)};
    }
};

}  // namespace summond::roles
