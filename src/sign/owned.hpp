// Owning pointers to libcrypto's objects.
#pragma once

#include <memory>

namespace summond::sign {

template <auto free_it>
struct Freer {
    template <typename T>
    void operator()(T* it) const {
        free_it(it);
    }
};
template <typename T, auto free_it>
using Owned = std::unique_ptr<T, Freer<free_it>>;

}  // namespace summond::sign
