#include "denial.hpp"

#include <algorithm>
#include <optional>

#include "record_types.hpp"
#include "summond/dns/canonical.hpp"
#include "summond/dns/wire.hpp"
#include "summond/sign/nsec3.hpp"

namespace summond::zone {

namespace {

using dns::Type;
using Wire = std::span<const std::uint8_t>;
using Link = DenialChain::Link;

// The fields of NSEC3 and NSEC3PARAM records (RFC 5155 §3.2, §4.2).
struct Nsec3 {
    std::uint8_t algorithm;
    std::uint8_t flags;
    std::uint16_t iterations;
    Wire salt;
    Wire rest;
};

Nsec3 read_nsec3(Wire rdata) {
    constexpr std::size_t fixed = 5;
    return {rdata[0], rdata[1], dns::get16(&rdata[2]), rdata.subspan(fixed, rdata[4]),
            rdata.subspan(fixed + rdata[4])};
}

constexpr std::uint8_t opt_out = 1;  // RFC 5155 §3.1.2.1

// RFC 4034 §4.1.2.
std::vector<Type> read_types(Wire bitmaps) {
    std::vector<Type> types;
    while (bitmaps.size() >= 2) {
        const std::size_t size = std::min<std::size_t>(bitmaps[1], bitmaps.size() - 2);
        for (std::size_t bit = 0; bit < 8 * size; ++bit) {
            if ((bitmaps[2 + bit / 8] & 0x80U >> bit % 8) != 0)
                types.push_back(static_cast<Type>(std::size_t{bitmaps[0]} << 8 | bit));
        }
        bitmaps = bitmaps.subspan(2 + size);
    }
    return types;
}

std::string_view text(Wire wire) {
    return {reinterpret_cast<const char*>(wire.data()), wire.size()};
}

Wire octets(std::string_view wire) {
    return {reinterpret_cast<const std::uint8_t*>(wire.data()), wire.size()};
}

class Linker {
  public:
    Linker(ZoneData& zone, Report& report) : zone_(zone), report_(report), chain_(zone.chain) {
        apex_.assign(octets(view(zone.apex())));
    }
    void run();

  private:
    std::string name(std::uint32_t owner) const {
        return to_name(zone_.owners[owner].name).to_string();
    }
    const char* kind() const { return chain_.hashed ? "NSEC3" : "NSEC"; }
    void choose_nsec3();
    bool is_of_chain(const Record& nsec3) const;
    void collect_links();
    void add_link(std::uint32_t owner);
    const Record& record_of(std::uint32_t owner) const;
    std::string next_of(std::uint32_t owner) const;
    void check_order();
    void link_name(std::uint32_t owner);
    void check_covered(std::uint32_t owner, const Link& link);
    void check_types(std::uint32_t owner);

    // The last link at or before a name, and whether it is the name's own.
    struct Found {
        Link* link;
        bool exact;
    };
    Found find(const dns::FoldedName& name);
    Found find(std::string_view name);
    dns::FoldedName in_chain(std::string_view name) const;
    dns::FoldedName folded(std::uint32_t owner) const {
        dns::FoldedName name;
        name.assign(octets(zone_.owners[owner].name));
        return name;
    }

    ZoneData& zone_;
    Report& report_;
    DenialChain& chain_;
    dns::FoldedName apex_;
};

// Of several chains (RFC 5155 §10.4: while one takes the place of another) the first is used.
void Linker::choose_nsec3() {
    for (const Record& record : zone_.records_of(zone_.owners[0], Type::nsec3param)) {
        const Nsec3 parameters = read_nsec3(zone_.rdata(record));
        // RFC 5155 §4.1.2: other flags are none that we know.
        if (parameters.algorithm != sign::nsec3_sha1 || parameters.flags != 0)
            continue;
        if (parameters.iterations > sign::max_nsec3_iterations)
            report_.error(record.where, "NSEC3 with " + std::to_string(parameters.iterations) +
                                            " iterations: resolvers take the zone for unsigned or "
                                            "refuse it; sign it with 0 (RFC 9276 §3.1)");
        else if (parameters.iterations > 0)
            report_.warning(record.where, "NSEC3 with " + std::to_string(parameters.iterations) +
                                              " iterations; RFC 9276 §3.1 wants 0");
        chain_.hashed = true;
        chain_.iterations = parameters.iterations;
        chain_.salt.assign(parameters.salt.begin(), parameters.salt.end());
        return;
    }
}

bool Linker::is_of_chain(const Record& nsec3) const {
    const Nsec3 fields = read_nsec3(zone_.rdata(nsec3));
    return fields.algorithm == sign::nsec3_sha1 && fields.iterations == chain_.iterations &&
           std::ranges::equal(fields.salt, chain_.salt) &&
           fields.rest.size() > sign::nsec3_hash_size && fields.rest[0] == sign::nsec3_hash_size;
}

void Linker::add_link(std::uint32_t owner) {
    chain_.links.push_back({dns::canonical_key(folded(owner), apex_.labels), owner});
    zone_.owners[owner].denial = owner;
}

void Linker::collect_links() {
    for (std::uint32_t i = 0; i < zone_.owners.size(); ++i) {
        const Owner& owner = zone_.owners[i];
        const bool hashed = (owner.flags & image::hashed) != 0;
        const auto records = zone_.records_of(owner, chain_.hashed ? Type::nsec3 : Type::nsec);
        if (hashed &&
            zone_.records_of(owner).size() != zone_.records_of(owner, Type::nsec3).size() +
                                                  zone_.records_of(owner, Type::rrsig).size())
            report_.error(zone_.records_of(owner, Type::nsec3)[0].where,
                          name(i) + " has other records beside NSEC3");
        if (!chain_.hashed) {
            if (records.empty() || (owner.cut != image::none && owner.cut != i))
                continue;
            if (records.size() > 1)
                report_.error(records[1].where, name(i) + " has two NSEC records");
            add_link(i);
        } else if (std::ranges::any_of(records, [&](const Record& r) { return is_of_chain(r); })) {
            if (parent_of(owner.name) != view(zone_.apex()) ||
                static_cast<std::uint8_t>(owner.name[0]) != sign::nsec3_label_size - 1)
                report_.error(records[0].where,
                              "the owner name of an NSEC3 record is a hash: 32 "
                              "letters and digits, below the zone's name");
            else if (records.size() > 1)
                report_.error(records[1].where, name(i) + " has two NSEC3 records");
            else
                add_link(i);
        }
    }
    std::ranges::sort(chain_.links, [&](const Link& a, const Link& b) {
        if (a.key != b.key)
            return a.key < b.key;
        return dns::compare_canonical(folded(a.owner), folded(b.owner), apex_.labels) < 0;
    });
}

const Record& Linker::record_of(std::uint32_t owner) const {
    return zone_.records_of(zone_.owners[owner], chain_.hashed ? Type::nsec3 : Type::nsec)[0];
}

std::string Linker::next_of(std::uint32_t owner) const {
    const auto rdata = zone_.rdata(record_of(owner));
    std::string next;
    if (chain_.hashed) {
        const auto hash = read_nsec3(rdata).rest.subspan(1).first<sign::nsec3_hash_size>();
        const auto label = sign::nsec3_label(hash);
        next.assign(label.begin(), label.end());
        next += view(zone_.apex());
    } else {
        for (const std::uint8_t octet : nsec_next(rdata))
            next += static_cast<char>(dns::fold(octet));
    }
    return next;
}

// A chain whose links each name the next one has no gap in which a name could be denied.
void Linker::check_order() {
    for (std::size_t i = 0; i < chain_.links.size(); ++i) {
        const std::uint32_t owner = chain_.links[i].owner;
        const std::uint32_t next = chain_.links[(i + 1) % chain_.links.size()].owner;
        if (chain_.compact) {
            dns::NameBuffer own;
            const std::size_t size = dns::next_name(folded(owner), own);
            if (next_of(owner) != text(std::span(own).first(size)))
                report_.error(record_of(owner).where, "the NSEC record of " + name(owner) +
                                                          " denies more than its own types");
            continue;
        }
        if (const std::string said = next_of(owner); said != zone_.owners[next].name)
            report_.error(record_of(owner).where,
                          std::string("the ") + kind() + " record of " + name(owner) + " names " +
                              to_name(said).to_string() + " as the next; that is " + name(next));
    }
}

// The name that stands for it in the chain.
dns::FoldedName Linker::in_chain(std::string_view name) const {
    dns::FoldedName folded;
    if (!chain_.hashed) {
        folded.assign(octets(name));
        return folded;
    }
    const auto label =
        sign::nsec3_label(sign::nsec3_hash(octets(name), {chain_.iterations, chain_.salt}));
    std::string wire(label.begin(), label.end());
    folded.assign(octets(wire += view(zone_.apex())));
    return folded;
}

Linker::Found Linker::find(std::string_view name) {
    return find(in_chain(name));
}

Linker::Found Linker::find(const dns::FoldedName& name) {
    const std::uint64_t key = dns::canonical_key(name, apex_.labels);
    const auto after = std::ranges::partition_point(chain_.links, [&](const Link& link) {
        if (link.key != key)
            return link.key < key;
        return dns::compare_canonical(folded(link.owner), name, apex_.labels) <= 0;
    });
    Link& link = after == chain_.links.begin() ? chain_.links.back() : *std::prev(after);
    return {&link, zone_.owners[link.owner].name == text({name.wire.data(), name.size})};
}

void Linker::check_covered(std::uint32_t index, const Link& link) {
    const Owner& owner = zone_.owners[index];
    const bool unsigned_delegation =
        (owner.flags & image::delegation) != 0 && zone_.records_of(owner, Type::ds).empty();
    if (chain_.hashed) {
        const bool may_be = (owner.count == 0 || unsigned_delegation) &&
                            (read_nsec3(zone_.rdata(record_of(link.owner))).flags & opt_out) != 0;
        if (!may_be)
            report_.error(owner.where, name(index) +
                                           " exists, but has no NSEC3 record: resolvers "
                                           "that validate would not believe it");
    } else if (owner.count > 0) {
        report_.error(owner.where, name(index) + " exists, but has no NSEC record, and that of " +
                                       name(link.owner) + " denies it");
    } else if (!is_at_or_below(next_of(link.owner), owner.name)) {
        report_.warning(owner.where, name(index) + " is not delegated in the signed zone " +
                                         zone_.apex().to_string() + ": the NSEC record of " +
                                         name(link.owner) + " denies it");
    }
}

// Glue at a cut is not the zone's own (RFC 4035 §2.3).
void Linker::check_types(std::uint32_t index) {
    const Owner& owner = zone_.owners[index];
    const Record& record = record_of(owner.denial);
    const auto rdata = zone_.rdata(record);
    const auto said =
        read_types(chain_.hashed ? read_nsec3(rdata).rest.subspan(1 + sign::nsec3_hash_size)
                                 : rdata.subspan(nsec_next(rdata).size()));
    std::vector<Type> there;
    for (const Record& r : zone_.records_of(owner)) {
        const bool own = (owner.flags & image::delegation) == 0 || r.type == Type::ns ||
                         r.type == Type::ds || r.type == Type::nsec || r.type == Type::rrsig;
        if (own && (there.empty() || there.back() != r.type))
            there.push_back(r.type);
    }
    const auto tell = [&](Type type, const char* what) {
        report_.error(record.where, std::string("the ") + kind() + " record of " + name(index) +
                                        what + type_to_text(type));
    };
    std::vector<Type> difference;
    std::ranges::set_difference(there, said, std::back_inserter(difference));
    if (!difference.empty())
        return tell(difference[0], " denies its records of type ");
    std::ranges::set_difference(said, there, std::back_inserter(difference));
    if (!difference.empty())
        tell(difference[0], " lists a type that the name has not: ");
}

void Linker::link_name(std::uint32_t index) {
    const Owner& owner = zone_.owners[index];
    const bool hidden = owner.cut != image::none && owner.cut != index;
    if (hidden || (owner.flags & image::hashed) != 0)
        return;
    const Found found = find(owner.name);
    zone_.owners[index].denial = found.link->owner;
    if (!found.exact) {
        zone_.owners[index].flags |= image::covered;
        return check_covered(index, *found.link);
    }
    check_types(index);
    std::string wildcard("\1*", 2);
    wildcard += owner.name;
    if (chain_.hashed && wildcard.size() <= dns::max_name_size)
        found.link->wildcard = find(wildcard).link->owner;
}

void Linker::run() {
    const std::size_t before = report_.errors();
    choose_nsec3();
    collect_links();
    if (report_.errors() > before)
        return;
    const bool begins = chain_.hashed || (!chain_.links.empty() && chain_.links[0].owner == 0);
    if (chain_.links.empty() || !begins)
        return report_.error(
            zone_.where(),
            "zone " + zone_.apex().to_string() + " is signed, but has no " + kind() +
                (chain_.hashed ? " records as its NSEC3PARAM says" : " record at its apex"));
    check_order();
    if (report_.errors() > before)
        return;
    for (std::uint32_t i = 0; i < zone_.owners.size(); ++i)
        link_name(i);
}

}  // namespace

Wire nsec_next(Wire rdata) {
    std::size_t at = 0;
    while (rdata[at] != 0)
        at += 1U + rdata[at];
    return rdata.first(at + 1);
}

void link_denials(ZoneData& zone, Report& report) {
    if (zone.is_signed())
        Linker(zone, report).run();
}

}  // namespace summond::zone
