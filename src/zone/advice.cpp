#include "advice.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "rdata.hpp"
#include "summond/dns/folded_name.hpp"
#include "summond/dns/wire.hpp"

namespace summond::zone {

namespace {

using dns::Type;

constexpr Type spf = static_cast<Type>(99);

// A name in RDATA, in lower case, at an offset behind which it ends the data or another follows.
class Target {
  public:
    Target(std::span<const std::uint8_t> rdata, std::size_t offset) {
        name_.assign(rdata.subspan(offset));
    }
    std::string_view name() const {
        return {reinterpret_cast<const char*>(name_.wire.data()), name_.size};
    }
    std::string to_string() const { return to_name(name()).to_string(); }
    bool is_root() const { return name_.size == 1; }

  private:
    dns::FoldedName name_;
};

std::string_view first_label(std::string_view wire) {
    return wire.substr(1, static_cast<std::uint8_t>(wire[0]));
}

// Begins with an IPv4 address or is an IPv6 address: nobody's name, written where a name belongs.
bool is_address(std::string_view wire) {
    const std::string_view label = first_label(wire);
    if (std::ranges::count(label, ':') > 1)
        return label.find_first_not_of("0123456789abcdef:") == std::string_view::npos;
    for (int i = 0; i < 4; ++i, wire = parent_of(wire)) {
        unsigned value = 256;
        const std::string_view digits = first_label(wire);
        if (wire[0] == '\0' || digits.size() > 3 ||
            digits.find_first_not_of("0123456789") != std::string_view::npos)
            return false;
        std::from_chars(digits.begin(), digits.end(), value);
        if (value > 255)
            return false;
    }
    return true;
}

// RFC 952, RFC 1123 §2.1.
bool is_host_name(std::string_view wire) {
    for (; wire[0] != '\0'; wire = parent_of(wire)) {
        const std::string_view label = first_label(wire);
        if (label.front() == '-' || label.back() == '-' ||
            label.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") !=
                std::string_view::npos)
            return false;
    }
    return true;
}

// RFC 7208 §4.5.
bool is_spf(std::span<const std::uint8_t> rdata) {
    constexpr std::string_view version = "v=spf1";
    const std::string_view text(reinterpret_cast<const char*>(rdata.data()) + 1, rdata[0]);
    return std::ranges::equal(text.substr(0, version.size()), version, {},
                              [](char c) { return dns::fold(static_cast<std::uint8_t>(c)); }) &&
           (text.size() == version.size() || text[version.size()] == ' ');
}

// Of the types that the checks of an owner are about.
bool leads_somewhere(const Record& record) {
    constexpr std::array types{Type::ns, Type::cname, Type::mx, Type::srv, Type::txt, spf};
    return std::ranges::find(types, record.type) != types.end();
}

class Adviser {
  public:
    Adviser(const ZoneData& zone, std::uint32_t number, const ZoneIndex& index,
            std::span<const Rule> rules, Report& report)
        : zone_(zone), number_(number), index_(index), rules_(rules), report_(report) {}

    void run() {
        check_soa();
        for (const Owner& owner : zone_.owners) {
            if (owner.count == 0 || (owner.cut != image::none && &cut_of(owner) != &owner))
                continue;
            check_owner(owner);
            if (std::ranges::none_of(zone_.records_of(owner), leads_somewhere))
                continue;  // as nearly all of a large zone
            check_name_servers(owner);
            if (owner.cut != image::none)
                continue;
            check_alias(owner);
            check_mail_and_services(owner);
            check_sender_policy(owner);
        }
    }

  private:
    // What the zone has under a name.
    enum class Fate : std::uint8_t {
        elsewhere,  // it is another zone's
        delegated,
        address,
        alias,
        no_address,
        missing,
    };
    struct Found {
        Fate fate;
        const Owner* owner = nullptr;  // its own, or the wildcard's
    };

    void check_soa();
    void check_owner(const Owner& owner);
    void check_name_servers(const Owner& owner);
    void check_glue(const Owner& cut, const Record& ns, const Target& server);
    void check_alias(const Owner& owner);
    void check_mail_and_services(const Owner& owner);
    void check_sender_policy(const Owner& owner);
    // What is wrong with all kinds of hosts; false: it has been said.
    bool check_host(const Record& record, const Target& target, std::string_view what);

    Found find(std::string_view name) const;
    bool is_by_rule(std::string_view name) const;
    bool repeats_apex(std::string_view name) const;
    std::string dot_hint(std::string_view name) const;
    const Owner& cut_of(const Owner& owner) const { return zone_.owners[owner.cut]; }
    std::span<const Record> of(const Owner& owner, Type type) const {
        return zone_.records_of(owner, type);
    }
    bool has_address(const Owner& owner) const {
        return !of(owner, Type::a).empty() || !of(owner, Type::aaaa).empty();
    }

    const ZoneData& zone_;
    const std::uint32_t number_;
    const ZoneIndex& index_;
    const std::span<const Rule> rules_;
    Report& report_;
};

Adviser::Found Adviser::find(std::string_view name) const {
    if (!is_at_or_below(name, view(zone_.apex())) || index_.find(name) != number_)
        return {Fate::elsewhere};
    std::string_view existing = name;
    std::uint32_t number = zone_.find(existing);
    while (number == image::none)
        number = zone_.find(existing = parent_of(existing));
    const Owner* owner = &zone_.owners[number];
    const bool exact = existing.size() == name.size();
    if (owner->cut != image::none && (cut_of(*owner).flags & image::delegation) != 0)
        return {Fate::delegated, exact ? owner : nullptr};
    if (owner->cut != image::none || (!exact && (owner->flags & image::dname) != 0))
        return {Fate::alias};
    if (!exact) {
        if (is_by_rule(name))
            return {Fate::address};
        if (owner->wildcard == image::none)
            return {Fate::missing};
        owner = &zone_.owners[owner->wildcard];
    }
    if ((owner->flags & image::cname) != 0)
        return {Fate::alias, owner};
    return {has_address(*owner) ? Fate::address : Fate::no_address, owner};
}

bool Adviser::is_by_rule(std::string_view name) const {
    return std::ranges::any_of(rules_, [name](const Rule& rule) {
        return view(rule.name->parent) == parent_of(name) &&
               rule.pattern->id_in(first_label(name), *rule.name);
    });
}

// "www.jit.example" in the zone jit.example, without its final dot.
bool Adviser::repeats_apex(std::string_view name) const {
    const std::string_view apex = view(zone_.apex());
    if (apex.size() == 1 || parent_of(apex).size() == 1 || !is_at_or_below(name, apex) ||
        name.size() < 2 * apex.size() - 1)
        return false;
    const std::string_view labels = apex.substr(0, apex.size() - 1);
    std::string_view below = name;
    while (below.size() > 2 * apex.size() - 1)
        below = parent_of(below);
    return below.size() == 2 * apex.size() - 1 && below.starts_with(labels);
}

std::string Adviser::dot_hint(std::string_view name) const {
    if (!repeats_apex(name))
        return {};
    const std::string_view apex = view(zone_.apex());
    std::string meant(name.substr(0, name.size() - apex.size()));
    meant += '\0';
    return "; is the final dot of \"" + to_name(meant).to_string() + "\" missing?";
}

void Adviser::check_soa() {
    constexpr std::uint32_t day = 86400;
    const Record& soa = of(zone_.owners[0], Type::soa)[0];
    const auto rdata = zone_.rdata(soa);
    const Target mname(rdata, 0);
    const Target rname(rdata, mname.name().size());
    const std::uint32_t negative = std::min(soa.ttl, dns::get32(&rdata[rdata.size() - 4]));
    if (first_label(rname.name()).find('@') != std::string_view::npos)
        report_.warning(soa.where, "the SOA's mail address " + rname.to_string() +
                                       " has an \"@\"; DNS writes a dot there (RFC 1035 §8)");
    for (const Target* name : {&mname, &rname})
        if (repeats_apex(name->name()))
            report_.warning(soa.where,
                            "the SOA names " + name->to_string() + dot_hint(name->name()));
    if (negative > day)
        report_.warning(soa.where, "resolvers keep it for " + std::to_string(negative) +
                                       " seconds that a name does not exist: the lesser of the "
                                       "SOA's TTL and MINIMUM (RFC 2308 §5 has up to 3 hours)");
}

void Adviser::check_owner(const Owner& owner) {
    if (owner.service == image::none && repeats_apex(owner.name))
        report_.warning(
            zone_.records_of(owner)[0].where,
            to_name(owner.name).to_string() + " has the zone's name twice" + dot_hint(owner.name));
}

bool Adviser::check_host(const Record& record, const Target& target, std::string_view what) {
    const std::string who = std::string(what) + " " + target.to_string();
    if (is_address(target.name())) {
        report_.warning(record.where, who + " is an address; it must be the name of a host");
        return false;
    }
    const Fate fate = find(target.name()).fate;
    if (fate != Fate::missing && fate != Fate::no_address)
        return true;
    report_.warning(record.where,
                    who + (fate == Fate::missing ? " does not exist" : " has no address") +
                        dot_hint(target.name()));
    return false;
}

void Adviser::check_name_servers(const Owner& owner) {
    for (const Record& ns : of(owner, Type::ns)) {
        const Target server(zone_.rdata(ns), 0);
        if (!check_host(ns, server, "name server"))
            continue;
        if (find(server.name()).fate == Fate::alias)
            report_.warning(ns.where, "name server " + server.to_string() +
                                          " is an alias; resolvers want a name with an address "
                                          "(RFC 2181 §10.3)");
        else if (!is_host_name(server.name()))
            report_.warning(ns.where, "name server " + server.to_string() +
                                          " is not a host name (RFC 1123 §2.1): letters, digits "
                                          "and hyphens");
        else if (owner.cut != image::none)
            check_glue(owner, ns, server);
    }
}

// RFC 1034 §4.2.1: a name server below the cut that it serves is found by its glue only.
void Adviser::check_glue(const Owner& cut, const Record& ns, const Target& server) {
    if (!is_at_or_below(server.name(), cut.name))
        return;
    const Found found = find(server.name());
    if (found.fate == Fate::delegated && (found.owner == nullptr || !has_address(*found.owner)))
        report_.warning(ns.where, to_name(cut.name).to_string() + " is delegated to " +
                                      server.to_string() +
                                      ", which only an address here (glue) would make known");
}

void Adviser::check_alias(const Owner& owner) {
    constexpr int longest = 16;  // as answers follow
    if ((owner.flags & image::cname) == 0)
        return;
    const Record& alias = of(owner, Type::cname)[0];
    const std::string name = to_name(owner.name).to_string();
    const Target target(zone_.rdata(alias), 0);
    Found found = find(target.name());
    if (found.fate == Fate::missing)
        return report_.warning(alias.where, name + " is an alias of " + target.to_string() +
                                                ", which does not exist" + dot_hint(target.name()));
    for (int i = 0; found.fate == Fate::alias && found.owner != nullptr; ++i) {
        if (i == longest)
            return report_.warning(
                alias.where, name + " is an alias that leads in a circle, or over more than " +
                                 std::to_string(longest) + " others");
        found = find(Target(zone_.rdata(of(*found.owner, Type::cname)[0]), 0).name());
    }
}

void Adviser::check_mail_and_services(const Owner& owner) {
    constexpr std::size_t mx_target = 2;
    constexpr std::size_t srv_target = 6;
    for (const Record& mx : of(owner, Type::mx)) {
        const Target exchange(zone_.rdata(mx), mx_target);
        if (exchange.is_root() || !check_host(mx, exchange, "mail exchange"))  // RFC 7505
            continue;
        if (find(exchange.name()).fate == Fate::alias)
            report_.warning(mx.where, "mail exchange " + exchange.to_string() +
                                          " is an alias; some mail servers want a name with an "
                                          "address (RFC 2181 §10.3)");
        else if (!is_host_name(exchange.name()))
            report_.warning(mx.where, "mail exchange " + exchange.to_string() +
                                          " is not a host name (RFC 1123 §2.1): letters, digits "
                                          "and hyphens");
    }
    for (const Record& srv : of(owner, Type::srv)) {
        const Target target(zone_.rdata(srv), srv_target);
        if (!target.is_root())
            check_host(srv, target, "the target of SRV");
    }
}

void Adviser::check_sender_policy(const Owner& owner) {
    const Record* policy = nullptr;
    for (const Record& txt : of(owner, Type::txt)) {
        if (!is_spf(zone_.rdata(txt)))
            continue;
        if (policy != nullptr)
            return report_.warning(txt.where, to_name(owner.name).to_string() +
                                                  " has two SPF records, which counts as none "
                                                  "(RFC 7208 §4.5)");
        policy = &txt;
    }
    if (const auto obsolete = of(owner, spf); policy == nullptr && !obsolete.empty())
        report_.warning(obsolete[0].where,
                        "nobody asks for records of type SPF (RFC 7208 §3.1); write it as TXT");
}

}  // namespace

void advise(const ZoneData& zone, std::uint32_t number, const ZoneIndex& index,
            std::span<const Rule> rules, Report& report) {
    Adviser(zone, number, index, rules, report).run();
}

}  // namespace summond::zone
