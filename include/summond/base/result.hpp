// Expected errors as return values (exceptions are for start-up and library edges only).
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace summond::base {

// What went wrong, in words for the person who reads the log.
struct Error {
    std::string what;
};

template <typename T>
using Result = tl::expected<T, Error>;

inline tl::unexpected<Error> error(std::string what) {
    return tl::make_unexpected(Error{std::move(what)});
}

// "what: strerror(errno_value)".
tl::unexpected<Error> system_error(const std::string& what, int errno_value);

}  // namespace summond::base
