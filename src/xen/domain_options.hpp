// The settings of a service that go to libxl as they are (service::Template::options and
// affinities).
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "libxl.hpp"
#include "summond/service/template.hpp"

namespace summond::xen {

// Into a configuration whose type is set and whose vCPUs are counted. As xl does (xl_parse.c).
void set_options(libxl_domain_config& config, const service::Template& service);
void set_affinities(libxl_ctx* ctx, libxl_domain_build_info& info,
                    const service::Template& service);

// Every key that set_options knows.
std::vector<std::string_view> known_options();

// libxl frees what a configuration holds with free(). They throw std::bad_alloc.
char* copy(const std::string& text);
void* zeroed_octets(std::size_t count);
template <typename T>
T* zeroed(std::size_t count) {
    return static_cast<T*>(zeroed_octets(count * sizeof(T)));
}

}  // namespace summond::xen
