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

}  // namespace summond::dns
