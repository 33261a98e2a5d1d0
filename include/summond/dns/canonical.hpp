// The canonical order of names, which DNSSEC's denials go by (RFC 4034 §6.1): as of words whose
// letters are the labels, the last label first.
#pragma once

#include <cstddef>
#include <cstdint>

#include "summond/dns/folded_name.hpp"

namespace summond::dns {

// The order of two names that share their last `shared` labels: negative, 0 or positive. A name
// comes before those below it.
int compare_canonical(const FoldedName& a, const FoldedName& b, std::size_t shared) noexcept;

// The beginning of what a name below its last `shared` labels is sorted by: where two keys differ,
// their names are in the same order.
std::uint64_t canonical_key(const FoldedName& name, std::size_t shared) noexcept;

// The names next to another one (RFC 4470, RFC 4471), for denials that cover as little as there is.
// Below a zone of at most max_compact_apex octets all of them stay in the zone. Each writes
// the name to `to`, lower case, and returns its size.
inline constexpr std::size_t max_compact_apex = 200;

// The first name after `name` that there could be: "\000." before it, where there is room.
std::size_t next_name(const FoldedName& name, NameBuffer& to) noexcept;
// The first name after that of the last `labels` labels of `name` and all that is below it.
std::size_t next_sibling(const FoldedName& name, std::size_t labels, NameBuffer& to) noexcept;
// A name shortly before that of the last `labels` labels, below the same parent: with octets
// between the two that no name has by any rule. 0: that label is a single NUL.
std::size_t previous_sibling(const FoldedName& name, std::size_t labels, NameBuffer& to) noexcept;

}  // namespace summond::dns
