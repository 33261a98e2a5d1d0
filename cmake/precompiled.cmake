# Headers that most sources include, read by the compiler once for all targets of a build. For clang's builds,
# which only tests see (presets asan, fuzz): in the others a missing #include does not compile, and GCC forgets
# of precompiled headers that they are the system's, whose warnings nobody wants.
option(SUMMOND_PRECOMPILED "Precompile the headers that most sources include" OFF)

set(precompiled_headers
  <algorithm> <array> <charconv> <chrono> <functional> <map> <memory> <optional> <set> <span> <string>
  <string_view> <unordered_map> <utility> <variant> <vector> <fmt/format.h> <tl/expected.hpp>)

# summond_precompiled(NAME [<more headers>...]): a set of them.
function(summond_precompiled name)
  add_library(summond_precompiled_${name} OBJECT ${PROJECT_SOURCE_DIR}/cmake/precompiled.cpp)
  target_precompile_headers(summond_precompiled_${name} PRIVATE ${precompiled_headers} ${ARGN})
  target_link_libraries(summond_precompiled_${name} PRIVATE fmt::fmt tl::expected)
endfunction()

if(SUMMOND_PRECOMPILED)
  summond_precompiled(all)
endif()

# summond_precompile(TARGET [NAME]): it takes part, with that set (all: the above).
function(summond_precompile target)
  if(SUMMOND_PRECOMPILED)
    list(APPEND ARGN all)
    list(GET ARGN 0 which)
    target_precompile_headers(${target} REUSE_FROM summond_precompiled_${which})
  endif()
endfunction()
