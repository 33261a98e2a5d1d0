// Any bytes as a name, as text and as wire format.
#include <cstdlib>
#include <string_view>

#include "summond/dns/name.hpp"

using summond::dns::Name;

namespace {

void check(const Name& name) {
    if (name.wire().empty() || name.wire().size() > summond::dns::max_name_size)
        std::abort();
    const auto again = Name::parse(name.to_string());
    const auto from_wire = Name::from_wire(name.wire());
    if (!again || *again != name || !from_wire || *from_wire != name)
        std::abort();
    std::size_t labels = name.label_count();
    for (Name above = name; !above.is_root(); --labels) {
        if (!name.is_at_or_below(above) || above.label_count() != labels)
            std::abort();
        above = above.parent();
    }
    if (labels != 0)
        std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto name = Name::parse(text))
        check(*name);
    const auto origin = Name::parse("jit.example");
    if (const auto name = Name::parse(text, *origin))
        check(*name);
    if (const auto name = Name::from_wire({data, size}))
        check(*name);
    return 0;
}
