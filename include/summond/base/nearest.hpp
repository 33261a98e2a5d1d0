// What somebody has probably meant.
#pragma once

#include <span>
#include <string_view>

namespace summond::base {

// The known word that is nearest to `word` (edit distance), empty if none is near.
std::string_view nearest(std::string_view word, std::span<const std::string_view> known);

}  // namespace summond::base
