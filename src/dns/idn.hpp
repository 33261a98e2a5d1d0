// Internationalised domain names (RFC 5890), which DNS itself does not know. The only user of
// libidn2.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace summond::dns {

// The ASCII form (UTS #46, non-transitional) of a name in UTF-8, label by label: xn-- where it has
// to be. Nothing: it has none, or is not UTF-8.
std::optional<std::string> ascii_form(std::string_view text);

}  // namespace summond::dns
