// `webhooks:`: who is told over HTTP what happens.
#pragma once

#include <vector>

#include "paths.hpp"
#include "reader.hpp"
#include "service.hpp"

namespace summond::config {

// What each needs of the configuration besides is looked at when its services are known.
struct WebhookDraft {
    Webhook webhook;
    std::vector<Mark> services_where;  // of Webhook::services, one each
};

std::vector<WebhookDraft> read_webhooks(const Value& value, const Paths& paths);
// Reports services that there are not.
void check_webhooks(const std::vector<WebhookDraft>& webhooks,
                    const std::vector<ServiceDraft>& services, Problems& problems);

}  // namespace summond::config
