// Words of other people's in messages.
#pragma once

#include <string>
#include <string_view>

namespace summond::base {

// "text" in quotes, short enough for a message.
std::string in_quotes(std::string_view text);

}  // namespace summond::base
