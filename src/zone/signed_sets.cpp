#include "signed_sets.hpp"

#include "canonical_rdata.hpp"

namespace summond::zone {

using dns::Type;

bool is_signed_set(const ZoneData& zone, const Owner& owner, Type type) {
    if (type == Type::rrsig)
        return false;
    if ((owner.flags & image::hashed) != 0 || owner.cut == image::none)
        return true;
    return &zone.owners[owner.cut] == &owner && (type == Type::ds || type == Type::nsec);
}

std::uint8_t signed_labels(std::string_view name) {
    std::uint8_t labels = 0;
    if (name.substr(0, 2) == std::string_view("\1*"))
        name = parent_of(name);
    for (; name[0] != '\0'; name = parent_of(name))
        ++labels;
    return labels;
}

CanonicalSet::CanonicalSet(const ZoneData& zone, std::span<const Record> set) {
    const bool changes = has_canonical_form(set[0].type);
    rdatas_.reserve(set.size());
    for (const Record& record : set) {
        const auto rdata = zone.rdata(record);
        if (changes) {
            changed_.emplace_back(rdata.begin(), rdata.end());
            make_canonical(record.type, changed_.back());
        } else {
            rdatas_.push_back(rdata);
        }
    }
    for (const auto& rdata : changed_)
        rdatas_.emplace_back(rdata);
}

}  // namespace summond::zone
