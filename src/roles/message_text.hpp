// Text in messages: fields of a fixed size, with a NUL.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <iterator>
#include <string>

namespace summond::roles {

// As much as there is room for. to: zeros.
template <std::size_t N>
void copy(const std::string& text, char (&to)[N]) {
    std::copy_n(text.begin(), std::min(text.size(), N - 1), std::begin(to));
}

template <std::size_t N>
std::string field_text(const char (&from)[N]) {
    return {from, ::strnlen(from, N)};
}

}  // namespace summond::roles
