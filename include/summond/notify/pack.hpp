// Webhooks on their way from the loader, which has read their files, to the notifier, which opens
// none: as JSON.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "summond/base/result.hpp"
#include "summond/config/config.hpp"

namespace summond::notify {

std::string pack(const std::vector<config::Webhook>& webhooks);
base::Result<std::vector<config::Webhook>> unpack(std::string_view text);

}  // namespace summond::notify
