#include "validate.hpp"

#include <algorithm>

#include "rdata.hpp"

namespace summond::zone {

namespace {

using dns::Type;

// Leaves room in a message for the header, the longest question and EDNS.
constexpr std::size_t max_rrset_size = dns::max_message_size - 512;
// A record's owner (as a pointer), type, class, TTL and RDLENGTH.
constexpr std::size_t record_overhead = 12;

class Validator {
  public:
    Validator(const ZoneData& zone, Report& report) : zone_(zone), report_(report) {}

    void run(bool complete) {
        check_apex(complete);
        for (const Owner& owner : zone_.owners) {
            if (owner.count == 0)
                continue;
            check_rrsets(owner);
            check_aliases(owner);
            check_position(owner);
            if (owner.service != image::none)
                check_service(owner);
        }
    }

  private:
    std::string name(const Owner& owner) const { return to_name(owner.name).to_string(); }
    bool is_apex(const Owner& owner) const { return &owner == &zone_.owners[0]; }
    std::span<const Record> of(const Owner& owner, Type type) const {
        return zone_.records_of(owner, type);
    }

    void check_apex(bool complete);
    void check_rrsets(const Owner& owner);
    void check_aliases(const Owner& owner);
    void check_position(const Owner& owner);
    void check_service(const Owner& owner);

    const ZoneData& zone_;
    Report& report_;
};

void Validator::check_apex(bool complete) {
    const Owner& apex = zone_.owners[0];
    const auto soa = of(apex, Type::soa);
    if (soa.size() > 1)
        report_.error(soa[1].where, "a second SOA record; a zone has one");
    if (!complete)
        return;
    if (soa.empty())
        report_.error(zone_.where(), "zone " + name(apex) + " has no SOA record");
    if (of(apex, Type::ns).empty())
        report_.error(zone_.where(), "zone " + name(apex) + " has no NS record at its apex");
}

void Validator::check_rrsets(const Owner& owner) {
    const auto all = zone_.records_of(owner);
    for (std::size_t first = 0; first < all.size();) {
        const auto set = of(owner, all[first].type);
        std::size_t size = 0;
        for (const Record& record : set)
            size += record_overhead + record.rdata_size;
        if (size > max_rrset_size)
            report_.error(set[0].where, name(owner) + " " + type_to_text(set[0].type) +
                                            " records are more than fit into one answer");
        const auto other = std::ranges::find_if(
            set, [&](const Record& r) { return r.ttl != set[0].ttl && !r.of_service; });
        // An RRSIG has the TTL of what it covers (RFC 4034 §3).
        if (other != set.end() && other->type != Type::rrsig)
            report_.warning(other->where, "the TTL differs from that of the other " +
                                              type_to_text(set[0].type) + " records of " +
                                              name(owner) + " (RFC 2181 §5.2); the first is used");
        first += set.size();
    }
}

void Validator::check_aliases(const Owner& owner) {
    for (const Type type : {Type::cname, Type::dname}) {
        if (const auto set = of(owner, type); set.size() > 1)
            report_.error(set[1].where, name(owner) + " has two " + type_to_text(type) +
                                            " records; only one can be followed");
    }
    if ((owner.flags & image::cname) == 0)
        return;
    // RFC 2181 §10.1; DNSSEC's own types may stand beside (RFC 4034 §3, §4, RFC 2535 §2.3.5).
    const auto all = zone_.records_of(owner);
    const auto other = std::ranges::find_if(all, [](const Record& r) {
        return r.type != Type::cname && r.type != Type::rrsig && r.type != Type::nsec &&
               r.type != Type::key;
    });
    if (other == all.end())
        return;
    const Record& alias = of(owner, Type::cname)[0];
    const bool alias_is_later =
        alias.where.file == other->where.file && alias.where.line > other->where.line;
    report_.error(alias_is_later ? alias.where : other->where,
                  name(owner) + " has a CNAME record and " + type_to_text(other->type) +
                      (owner.service != image::none ? " of a service" : "") +
                      "; a CNAME allows no other data");
}

void Validator::check_position(const Owner& owner) {
    const bool wildcard = owner.name.substr(0, 2) == std::string_view("\1*");
    const Where where = zone_.records_of(owner)[0].where;
    if (const auto soa = of(owner, Type::soa); !is_apex(owner) && !soa.empty())
        report_.error(soa[0].where,
                      "an SOA record at " + name(owner) + ", which is not the apex of its zone");
    if (const auto dname = of(owner, Type::dname); !dname.empty()) {
        if (wildcard)
            report_.error(dname[0].where, "a DNAME record at a wildcard has no defined meaning");
        if ((owner.flags & image::delegation) != 0)
            report_.error(dname[0].where, name(owner) +
                                              " has DNAME and NS records; a DNAME cannot "
                                              "stand at a delegation (RFC 6672 §2.3)");
    }
    if (wildcard && (owner.flags & image::delegation) != 0)
        report_.error(of(owner, Type::ns)[0].where,
                      "an NS record at a wildcard has no defined meaning (RFC 4592 §4.2)");
    // NSEC3 records are hashes of names, not names below (RFC 5155 §3).
    const bool only_hashes = std::ranges::all_of(zone_.records_of(owner), [](const Record& r) {
        return r.type == Type::nsec3 || r.type == Type::rrsig;
    });
    if (owner.cut != image::none && &zone_.owners[owner.cut] != &owner &&
        (zone_.owners[owner.cut].flags & image::dname) != 0 && !only_hashes)
        report_.error(where, name(owner) + " lies below the DNAME record at " +
                                 name(zone_.owners[owner.cut]) + " (RFC 6672 §2.4)");
}

void Validator::check_service(const Owner& owner) {
    const auto all = zone_.records_of(owner);
    const auto is_address = [](const Record& r) {
        return r.type == Type::a || r.type == Type::aaaa;
    };
    const auto fixed =
        std::ranges::find_if(all, [&](const Record& r) { return is_address(r) && !r.of_service; });
    if (fixed != all.end())
        report_.error(fixed->where, name(owner) + " is a service's name and cannot have " +
                                        type_to_text(fixed->type) + " records of its own");
    if (owner.cut != image::none && (zone_.owners[owner.cut].flags & image::delegation) != 0)
        report_.error(owner.where, "service name " + name(owner) + " lies at or below " +
                                       name(zone_.owners[owner.cut]) +
                                       ", which the zone delegates to other servers");
}

}  // namespace

void validate(const ZoneData& zone, bool complete, Report& report) {
    Validator(zone, report).run(complete);
}

}  // namespace summond::zone
