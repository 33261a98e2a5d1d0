// The flattened device tree (devicetree.org: Devicetree Specification, chapter 5).
#pragma once

#include <stdint.h>

// The string property /chosen/bootargs of the tree at `tree`; empty if there is none, NULL if this is
// no device tree.
const char* devicetree_bootargs(const void* tree);
