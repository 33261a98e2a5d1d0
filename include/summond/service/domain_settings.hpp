// What of a service's settings its domain is built from; the rest can change under a running one.
#pragma once

#include <string>

#include "summond/service/instance.hpp"

namespace summond::service {

// The same text for two instances whose domains would be built the same way, as far as settings go
// (the files that they name are not looked at).
std::string domain_settings(const Instance& service);

}  // namespace summond::service
