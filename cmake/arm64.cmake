# Cross compilation for arm64 (Debian's name; aarch64): `cmake --preset arm64`.
# scripts/arm64-root makes the root directory that it takes libraries and headers from.

set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)

get_filename_component(ARM64_PLACE ${CMAKE_CURRENT_LIST_DIR}/../build/arm64-root ABSOLUTE)
if(NOT EXISTS ${ARM64_PLACE}/stamp)
  message(FATAL_ERROR "There is no ${ARM64_PLACE} to compile against. Make it first: scripts/arm64-root")
endif()
set(CMAKE_SYSROOT ${ARM64_PLACE}/root)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)

set(ENV{PKG_CONFIG_SYSROOT_DIR} ${CMAKE_SYSROOT})
set(ENV{PKG_CONFIG_LIBDIR}
    ${CMAKE_SYSROOT}/usr/lib/aarch64-linux-gnu/pkgconfig:${CMAKE_SYSROOT}/usr/share/pkgconfig)

# Programs that were built are run by it: the unit tests.
set(CMAKE_CROSSCOMPILING_EMULATOR ${ARM64_PLACE}/qemu-aarch64-static -L ${CMAKE_SYSROOT})
