// YAML text as a small tree with positions: what the rest of the module reads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "problems.hpp"

namespace summond::config {

struct Node;
using NodePtr = std::shared_ptr<const Node>;

struct Entry {
    std::string key;
    Mark where;
    NodePtr value;
};

struct Node {
    enum class Kind : std::uint8_t { empty, scalar, list, mapping };
    Kind kind = Kind::empty;
    Mark where;
    std::string text;            // scalar
    std::vector<NodePtr> items;  // list
    std::vector<Entry> entries;  // mapping; keys are unique
    std::size_t weight = 1;      // of this and all below it, aliases counted each time
    bool anchored = false;       // an anchor stands here or below
};

// The one document of the text; nothing if it is not YAML (reported) or has no document at all.
// Bounded for any input: nesting, and values with aliases counted each time they are used, so a
// walk over the tree is bounded too.
NodePtr read_yaml(std::string_view text, Problems& problems);

// The text, whose tree this is, with empty lines instead of those of a key of its outermost
// mapping. As it is if the key's lines are not its own, or something in them is referred to
// elsewhere.
std::string without(std::string_view key, std::string_view text, const Node& root);

}  // namespace summond::config
