// The live page: a reader's browser gets these files, and asks for the rest as everybody does.
#pragma once

#include <string_view>

namespace summond::control {

struct PageFile {
    std::string_view type;  // as in Content-Type
    std::string_view text;  // empty: there is none of that path
};

// path: as in the table of routes, "/" or "/page.js".
PageFile page_file(std::string_view path);

}  // namespace summond::control
