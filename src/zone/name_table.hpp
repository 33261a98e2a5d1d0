// The names of one zone and their numbers: an open-addressing hash table over names in large
// blocks, so that a million names take neither a million allocations nor a million frees.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "large_memory.hpp"
#include "summond/zone/image.hpp"

namespace summond::zone {

class NameTable {
  public:
    // Room for about so many names, to spare growing. More may come.
    void expect(std::size_t names) {
        if (count_ == 0 && names >= slots_.size() / 2)
            resize(std::bit_ceil(2 * names + 2));
    }
    // The number of the name; image::none if it is not there. name_of: the name of a number.
    template <typename NameOf>
    std::uint32_t find(std::string_view name, const NameOf& name_of) const {
        return slots_[slot(hash(name), name, name_of)].number;
    }
    // The number of the name, which gets this one if it is not there.
    template <typename NameOf>
    std::uint32_t find_or_add(std::string_view name, std::uint32_t number, const NameOf& name_of) {
        const std::uint32_t tag = hash(name);
        std::size_t at = slot(tag, name, name_of);
        if (slots_[at].number != image::none)
            return slots_[at].number;
        if (2 * ++count_ > slots_.size()) {
            resize(2 * slots_.size());
            at = free_slot(tag);
        }
        slots_[at] = {tag, number};
        return number;
    }
    // A copy of the name that stays as long as the table, wherever that is moved.
    std::string_view keep(std::string_view name) {
        if (name.size() > left_) {
            // Most zones are small and come in thousands; a large one needs few large blocks.
            left_ = blocks_.size() < 8 ? std::size_t{1024} << blocks_.size() : 256 * 1024;
            blocks_.push_back(std::make_unique_for_overwrite<char[]>(left_));
            free_ = blocks_.back().get();
        }
        std::memcpy(free_, name.data(), name.size());
        const std::string_view kept(free_, name.size());
        free_ += name.size();
        left_ -= name.size();
        return kept;
    }

  private:
    struct Slot {
        std::uint32_t tag = 0;
        std::uint32_t number = image::none;  // none: free
    };

    static std::uint32_t hash(std::string_view name) {
        return static_cast<std::uint32_t>(std::hash<std::string_view>{}(name) >> 16);
    }
    // The first bits of the tag, so that growing needs no name.
    std::size_t first_slot(std::uint32_t tag) const { return tag >> (32 - bits_); }
    std::size_t after(std::size_t at) const { return (at + 1) & (slots_.size() - 1); }
    // The name's, or the free one that it would get.
    template <typename NameOf>
    std::size_t slot(std::uint32_t tag, std::string_view name, const NameOf& name_of) const {
        std::size_t at = first_slot(tag);
        while (slots_[at].number != image::none &&
               (slots_[at].tag != tag || name_of(slots_[at].number) != name))
            at = after(at);
        return at;
    }
    std::size_t free_slot(std::uint32_t tag) const {
        std::size_t at = first_slot(tag);
        while (slots_[at].number != image::none)
            at = after(at);
        return at;
    }
    void resize(std::size_t size) {
        std::vector<Slot> old;
        reserve_large(old, size);
        old.resize(size);
        old.swap(slots_);
        bits_ = static_cast<unsigned>(std::countr_zero(size));
        for (const Slot& slot : old) {
            if (slot.number != image::none)
                slots_[free_slot(slot.tag)] = slot;
        }
    }

    std::vector<Slot> slots_ = std::vector<Slot>(4);  // a power of two, at most half of them taken
    unsigned bits_ = 2;
    std::size_t count_ = 0;
    std::vector<std::unique_ptr<char[]>> blocks_;
    char* free_ = nullptr;  // in the last block
    std::size_t left_ = 0;
};

}  // namespace summond::zone
