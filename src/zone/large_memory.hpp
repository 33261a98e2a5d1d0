// Memory of a size that is known roughly beforehand.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <memory>
#include <vector>

namespace summond::zone {

// Reserves room in a vector, in huge pages where the kernel gives them on request: the tables of a
// large zone are read all over the place, and small pages would each have to be faulted in.
template <typename T>
void reserve_large(std::vector<T>& vector, std::size_t count) {
    constexpr std::size_t huge_page = std::size_t{2} << 20;
    vector.reserve(count);
    void* at = vector.data();
    std::size_t room = vector.capacity() * sizeof(T);
    if (std::align(huge_page, huge_page, at, room) != nullptr)
        ::madvise(at, room / huge_page * huge_page, MADV_HUGEPAGE);  // a wish, no more
}

}  // namespace summond::zone
