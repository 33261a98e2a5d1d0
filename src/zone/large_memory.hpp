// Memory of a size that is known roughly beforehand.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace summond::zone {

// Reserves room in a vector, in huge pages where the kernel gives them on request: the tables of a
// large zone are read all over the place, and small pages would each have to be faulted in.
template <typename T>
void reserve_large(std::vector<T>& vector, std::size_t count) {
    constexpr std::uintptr_t huge_page = std::uintptr_t{2} << 20;
    vector.reserve(count);
    const auto begin = reinterpret_cast<std::uintptr_t>(vector.data());
    const std::uintptr_t from = (begin + huge_page - 1) / huge_page * huge_page;
    const std::uintptr_t to = (begin + vector.capacity() * sizeof(T)) / huge_page * huge_page;
    if (from < to)  // a wish, no more
        ::madvise(reinterpret_cast<void*>(from), to - from, MADV_HUGEPAGE);
}

}  // namespace summond::zone
