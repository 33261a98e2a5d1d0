#include "summond/base/result.hpp"

#include <system_error>

namespace summond::base {

tl::unexpected<Error> system_error(const std::string& what, int errno_value) {
    return error(what + ": " + std::generic_category().message(errno_value));
}

}  // namespace summond::base
