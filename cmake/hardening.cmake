# What makes a fault of ours harder to use, in all that is built but for Debug (where sanitizers look).
# tests/unit/hardening reads a release back. Flags that a compiler or a processor does not have are left out.
include(CheckCompilerFlag)

set(hardening -fPIE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -D_GLIBCXX_ASSERTIONS)
set(CMAKE_REQUIRED_FLAGS -Werror)
foreach(flag -fstack-protector-strong
        -fstack-clash-protection
        -fcf-protection                # x86: CET
        -mbranch-protection=standard)  # arm64: PAC and BTI
  string(MAKE_C_IDENTIFIER "HAS${flag}" has)
  check_compiler_flag(CXX ${flag} ${has})
  if(${has})
    list(APPEND hardening ${flag})
  endif()
endforeach()
unset(CMAKE_REQUIRED_FLAGS)

add_compile_definitions($<$<CONFIG:Debug>:_FORTIFY_SOURCE=0>)
add_compile_options("$<$<NOT:$<CONFIG:Debug>>:${hardening}>")
add_link_options("$<$<NOT:$<CONFIG:Debug>>:-pie;-Wl,-z,relro,-z,now>")
