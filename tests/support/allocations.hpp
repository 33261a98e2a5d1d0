// Counts the allocations of a test program, for tests of paths that must make none. A program that
// includes this links allocations.cpp, which replaces operator new for all of it.
#pragma once

#include <cstddef>

namespace summond::test {

// So far, in all threads.
std::size_t allocations();

}  // namespace summond::test
