#include "canonical_rdata.hpp"

#include <cstddef>

#include "summond/dns/folded_name.hpp"
#include "summond/zone/records.hpp"

namespace summond::zone {

namespace {

enum : std::uint16_t {
    rp = 17,
    afsdb = 18,
    rt = 21,
    sig = 24,
    px = 26,
    nxt = 30,
    naptr = 35,
    kx = 36
};

CompressibleNames names_of(dns::Type type) {
    switch (static_cast<std::uint16_t>(type)) {
        case rp:
            return {0, 2};
        case afsdb:
        case rt:
        case kx:
            return {2, 1};
        case px:
            return {2, 2};
        case sig:
        case static_cast<std::uint16_t>(dns::Type::rrsig):
            return {18, 1};
        case nxt:
        case static_cast<std::uint16_t>(dns::Type::dname):
            return {0, 1};
        case static_cast<std::uint16_t>(dns::Type::srv):
            return {6, 1};
        case naptr:
            return {4, 1};  // behind three strings
        default:
            return compressible_names(type);
    }
}

}  // namespace

bool has_canonical_form(dns::Type type) {
    return names_of(type).count > 0;
}

void make_canonical(dns::Type type, std::vector<std::uint8_t>& rdata) {
    const CompressibleNames names = names_of(type);
    std::size_t at = names.offset;
    if (static_cast<std::uint16_t>(type) == naptr) {
        for (int i = 0; i < 3; ++i)
            at += 1U + rdata[at];
    }
    for (std::size_t i = 0; i < names.count; ++i) {
        for (; rdata[at] != 0; at += 1U + rdata[at]) {
            for (std::size_t n = 1; n <= rdata[at]; ++n)
                rdata[at + n] = dns::fold(rdata[at + n]);
        }
        ++at;
    }
}

}  // namespace summond::zone
