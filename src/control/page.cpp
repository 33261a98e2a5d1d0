#include "summond/control/page.hpp"

namespace summond {

// Made by cmake/embed.cmake.
std::string_view control_page_text(std::string_view name);

namespace control {

PageFile page_file(std::string_view path) {
    const std::string_view name = path == "/" ? "page.html" : path.substr(1);
    const auto end = [&](std::string_view with) { return name.ends_with(with); };
    return {end(".js")    ? "text/javascript"
            : end(".css") ? "text/css"
            : end(".svg") ? "image/svg+xml"
                          : "text/html; charset=utf-8",
            control_page_text(name)};
}

}  // namespace control
}  // namespace summond
