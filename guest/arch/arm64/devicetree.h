// The flattened device tree (devicetree.org: Devicetree Specification, chapter 5).
#pragma once

#include <stdbool.h>
#include <stdint.h>

// Whether there is a device tree.
bool devicetree_is_at(const void* tree);
// A property of /chosen in it, of `size` octets; NULL if there is none.
const char* devicetree_chosen(const void* tree, const char* property, uint32_t* size);
