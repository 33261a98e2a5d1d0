// From a configuration to a zone image, one zone after the other.
#include <algorithm>
#include <optional>
#include <span>

#include "advice.hpp"
#include "denial.hpp"
#include "image_builder.hpp"
#include "older_signatures.hpp"
#include "older_zone.hpp"
#include "serials.hpp"
#include "signatures.hpp"
#include "signing.hpp"
#include "summond/dns/canonical.hpp"
#include "summond/dns/wire.hpp"
#include "summond/zone/records.hpp"
#include "summond/zone/zone.hpp"
#include "trust.hpp"
#include "validate.hpp"
#include "zone_data.hpp"
#include "zone_digest.hpp"
#include "zone_file.hpp"
#include "zone_index.hpp"
#include "zone_keys.hpp"

namespace summond::zone {

namespace {

class Builder {
  public:
    Builder(const config::Config& config, BadFile bad_file, const Zones* before,
            const Checks& checks)
        : config_(config),
          bad_file_(bad_file),
          checks_(checks),
          signatures_{checks.now, checks.signatures, bad_file == BadFile::refuse},
          keys_(config, checks.keys, checks.now, report_),
          serials_(config.save_dir),
          index_(config.zones.size()) {
        if (before != nullptr)
            before_.emplace(*before);
    }

    Built build();

  private:
    // What stands in a zone though the zone itself does not say so: in the order of its mention.
    struct Guest {
        enum class Kind : std::uint8_t {
            zone,     // the apex of a zone nested in it
            name,     // of a service
            pointer,  // to a service
            ids,      // that names by a rule are below
            reverse,  // that these names' addresses are below
        };
        std::uint32_t zone;
        Kind kind;
        std::uint32_t index;  // of the nested zone or the service
        std::uint32_t item;   // which of the service's names, of its rule's, or addresses
    };

    void index_zones();
    void find_guests();
    const service::Template& named(std::uint32_t service) const;
    void find_pointers(std::uint32_t service);
    Where where_of(std::uint32_t service, std::optional<std::uint32_t> name = {});
    void add_zone(std::uint32_t index);
    bool read_zone(std::uint32_t index, ZoneData& data);
    void add_soa_and_ns(const config::Zone& zone, ZoneData& data);
    // What others put into a zone. (clang 14 does not compile std::ranges::equal_range.)
    std::span<const Guest> guests_of(std::uint32_t zone) const;
    void add_guests(std::uint32_t zone, ZoneData& data);
    void add_service_name(const Guest& guest, ZoneData& data);
    void add_pointer(const Guest& guest, ZoneData& data);
    void find_names_by_rule(std::uint32_t service);
    void add_parent_of_ids(const Guest& guest, ZoneData& data);
    void check_ids(std::uint32_t zone, const ZoneData& data);
    void replace_zone(std::uint32_t index, std::optional<ZoneKeys::Keys> keys);
    // A finished zone that is valid. False: it cannot be signed, and errors say why. Takes keys
    // away that cannot be used.
    bool sign(std::uint32_t index, std::optional<ZoneKeys::Keys>& keys, ZoneData& data);
    void keep_online(const config::Zone& zone, const ZoneKeys::Keys& keys);
    void check_chain_and_signatures(ZoneData& data);
    // Of a finished, valid zone that is not signed here.
    void make_serial(const config::Zone& zone, ZoneData& data);
    void keep_serial(const config::Zone& zone, const ZoneData& data);
    // At a time that is due for a load: the first of them.
    void load_again_at(std::int64_t time) { again_at_ = std::min(again_at_, time); }
    void finish(Built& built);

    const config::Config& config_;
    const BadFile bad_file_;
    const Checks& checks_;
    SignatureCheck signatures_;
    std::optional<OlderZones> before_;
    Report report_;
    ZoneKeys keys_;
    Serials serials_;
    bool signs_ = false;  // some zone
    std::int64_t again_at_ = INT64_MAX;
    ZoneIndex index_;
    Trust trust_;
    std::vector<Guest> guests_;  // sorted by zone
    std::optional<ImageBuilder> image_;
    std::vector<sign::OnlineZone> online_;
    bool refused_ = false;
};

std::vector<base::IpAddress> addresses_of(const service::Template& service) {
    std::vector<base::IpAddress> all = service.ipv4;
    all.insert(all.end(), service.ipv6.begin(), service.ipv6.end());
    return all;
}

// A wildcard is no name that an address could have.
const dns::Name* pointer_target(const service::Template& service) {
    const auto name = std::ranges::find_if(service.names, [](const dns::Name& candidate) {
        return view(candidate).substr(0, 2) != std::string_view("\1*");
    });
    return name == service.names.end() ? nullptr : &*name;
}

void Builder::index_zones() {
    for (std::uint32_t i = 0; i < config_.zones.size(); ++i) {
        const config::Zone& zone = config_.zones[i];
        if (index_.add(view(zone.name), i))
            continue;
        report_.error(report_.where(zone.where),
                      "zone " + zone.name.to_string() + " is there twice");
        refused_ = true;
    }
}

void Builder::find_guests() {
    // The name of a nested zone exists in the zone around it, delegated there or not.
    for (std::uint32_t i = 0; i < config_.zones.size(); ++i) {
        const auto parent = index_.find_parent(view(config_.zones[i].name));
        if (parent != image::none)
            guests_.push_back({parent, Guest::Kind::zone, i, 0});
    }
    for (std::uint32_t i = 0; i < config_.services.size(); ++i) {
        const service::Template& service = config_.services[i];
        for (std::uint32_t n = 0; n < service.names.size(); ++n) {
            const auto zone = index_.find(view(service.names[n]));
            if (zone != image::none) {
                guests_.push_back({zone, Guest::Kind::name, i, n});
                continue;
            }
            report_.error(where_of(i, n), "name " + service.names[n].to_string() + " of service " +
                                              service.name + " is in none of the zones");
            refused_ = true;
        }
        find_pointers(i);
        find_names_by_rule(i);
    }
    std::ranges::stable_sort(guests_, {}, &Guest::zone);
}

Where Builder::where_of(std::uint32_t service, std::optional<std::uint32_t> name) {
    if (service >= config_.service_places.size())
        return {};
    const config::ServicePlaces& places = config_.service_places[service];
    return report_.where(name && *name < places.names.size() ? places.names[*name] : places.name);
}

// Of a service's replicas, which follow it, all have its names.
const service::Template& Builder::named(std::uint32_t service) const {
    const auto& replicas = config_.services[service].replicas;
    return config_.services[service - (replicas ? replicas->number : 0)];
}

void Builder::find_pointers(std::uint32_t service) {
    if (pointer_target(named(service)) == nullptr)
        return;
    const auto addresses = addresses_of(config_.services[service]);
    for (std::uint32_t i = 0; i < addresses.size(); ++i) {
        const auto zone = index_.find(view(dns::Name::reverse(addresses[i])));
        if (zone != image::none)
            guests_.push_back({zone, Guest::Kind::pointer, service, i});
    }
}

void Builder::find_names_by_rule(std::uint32_t service) {
    const service::Pattern* const pattern = config_.services[service].pattern.get();
    if (pattern == nullptr)
        return;
    for (std::uint32_t n = 0; n < pattern->names.size(); ++n)  // all of them are in some zone
        if (const auto zone = index_.find(view(pattern->names[n].parent)); zone != image::none)
            guests_.push_back({zone, Guest::Kind::ids, service, n});
    const auto zone = index_.find(view(pattern->addresses->reverse_parent()));
    if (zone != image::none && pattern->tells_ids())
        guests_.push_back({zone, Guest::Kind::reverse, service, 0});
    if (!pattern->pool)
        return;
    const auto parents = pattern->pool->reverse_parents();
    for (std::uint32_t n = 0; n < parents.size(); ++n)
        if (const auto of = index_.find(view(parents[n])); of != image::none)
            guests_.push_back({of, Guest::Kind::reverse, service, n + 1});
}

// What names by a rule are below exists, even if nothing else is there (RFC 8020).
void Builder::add_parent_of_ids(const Guest& guest, ZoneData& data) {
    const service::Template& service = config_.services[guest.index];
    const service::Pattern& pattern = *service.pattern;
    const bool forward = guest.kind == Guest::Kind::ids;
    const dns::Name parent = forward           ? pattern.names[guest.item].parent
                             : guest.item == 0 ? pattern.addresses->reverse_parent()
                                               : pattern.pool->reverse_parents().at(guest.item - 1);
    const Where where = where_of(guest.index);
    const auto& policy = config_.zones[guest.zone].dnssec;
    const bool as_it_was = data.signed_here && data.chain.compact;
    if (!forward && guest.item > 0 && (policy || data.is_signed())) {
        report_.warning(where, "IPv4 addresses that service " + service.name +
                                   " leases have no PTR records: zone " + data.apex().to_string() +
                                   " is signed, and whose they are changes");
        return;
    }
    if (!as_it_was && (policy ? policy->nsec3 : data.is_signed())) {
        const std::string zone = data.apex().to_string();
        if (!forward) {
            report_.warning(where, "addresses of service " + service.name +
                                       " have no PTR records: zone " + zone +
                                       (policy ? " is signed with nsec3, which names that are "
                                                 "signed when they are asked for cannot have"
                                               : " is signed already, and nothing can be added"));
            return;
        }
        report_.error(where, policy ? "the names of service " + service.name +
                                          " are signed when they are asked for, which zone " +
                                          zone + " cannot do with nsec3; leave nsec3 out"
                                    : "the names of service " + service.name +
                                          " are in no signature of zone " + zone +
                                          ", whose file is signed already, so validating resolvers "
                                          "would take them for forged; say `dnssec: on` for the "
                                          "zone as it was before it was signed, or put them into "
                                          "a zone of their own");
        refused_ = true;
        return;
    }
    if (policy && data.apex().wire().size() > dns::max_compact_apex) {
        report_.error(where, "zone " + data.apex().to_string() +
                                 ": its name leaves no room for names that are signed when they "
                                 "are asked for");
        refused_ = true;
        return;
    }
    data.owner(view(parent), where);
    data.chain.compact = data.chain.compact || policy.has_value();
}

// After what the zone itself says is known.
void Builder::check_ids(std::uint32_t zone, const ZoneData& data) {
    for (const Guest& guest : guests_of(zone)) {
        if (guest.kind != Guest::Kind::ids)
            continue;
        const service::Template& service = config_.services[guest.index];
        const service::Pattern::Name& name = service.pattern->names[guest.item];
        const std::uint32_t parent = data.find(view(name.parent));
        if (parent == image::none)
            continue;
        const Owner& owner = data.owners[parent];
        if (owner.cut != image::none || (owner.flags & image::dname) != 0) {
            report_.error(
                where_of(guest.index),
                "the names of service " + service.name + " lie at or below " +
                    to_name(owner.cut != image::none ? data.owners[owner.cut].name : owner.name)
                        .to_string() +
                    ", which the zone delegates to other servers or redirects by DNAME");
            refused_ = true;
            continue;
        }
        for (const Owner& each : data.owners) {
            if (each.parent != parent || each.service != image::none)
                continue;
            const std::string_view label =
                each.name.substr(1, static_cast<unsigned char>(each.name[0]));
            if (const auto id = service.pattern->id_in(label, name))
                report_.warning(each.where,
                                to_name(each.name).to_string() +
                                    " has records in the zone, and is not the name of id " +
                                    std::string(*id) + " of service " + service.name);
        }
    }
}

void Builder::add_soa_and_ns(const config::Zone& zone, ZoneData& data) {
    const config::Soa& soa = zone.soa;
    std::vector<std::uint8_t> rdata(soa.mname.wire().begin(), soa.mname.wire().end());
    rdata.insert(rdata.end(), soa.rname.wire().begin(), soa.rname.wire().end());
    for (const std::uint32_t value :
         {soa.serial, soa.refresh, soa.retry, soa.expire, soa.minimum}) {
        rdata.resize(rdata.size() + 4);
        dns::put32(&rdata[rdata.size() - 4], value);
    }
    data.add(0, dns::Type::soa, soa.ttl, rdata, data.where());
    for (std::size_t i = 0; i < zone.ns.size(); ++i) {
        Where where = data.where();
        if (i < zone.ns_where.size()) {
            where.line = static_cast<std::uint32_t>(zone.ns_where[i].line);
            where.column = static_cast<std::uint32_t>(zone.ns_where[i].column);
        }
        data.add(0, dns::Type::ns, soa.ttl, zone.ns[i].wire(), where);
    }
}

void Builder::add_service_name(const Guest& guest, ZoneData& data) {
    const service::Template& service = config_.services[guest.index];
    const dns::Name& name = service.names[guest.item];
    const Where where = where_of(guest.index, guest.item);
    const std::uint32_t owner = data.owner(view(name), where);
    if (data.owners[owner].service != image::none) {
        report_.error(where, "name " + name.to_string() + " of service " + service.name +
                                 " is already one of service " +
                                 config_.services[data.owners[owner].service].name);
        refused_ = true;
        return;
    }
    if (service.replicas && (config_.zones[guest.zone].dnssec || data.is_signed())) {
        report_.error(where, "zone " + data.apex().to_string() +
                                 " is signed, and which of its replicas service " + service.name +
                                 " answers with is known only then; leave replicas out, or put " +
                                 name.to_string() + " into a zone of its own that is not signed");
        refused_ = true;
        return;
    }
    data.owners[owner].service = guest.index;
    data.owners[owner].where = where;
    for (const base::IpAddress& address : service.ipv4)
        data.add(owner, dns::Type::a, service.ttl, address.bytes(), where, true);
    for (const base::IpAddress& address : service.ipv6)
        data.add(owner, dns::Type::aaaa, service.ttl, address.bytes(), where, true);
}

// Where the zone's author has said what stands at the address's name (PTR, CNAME as in RFC 2317, a
// delegation), that is what stands there.
void Builder::add_pointer(const Guest& guest, ZoneData& data) {
    const service::Template& service = config_.services[guest.index];
    const dns::Name name = dns::Name::reverse(addresses_of(service)[guest.item]);
    for (std::string_view above = view(name); above != view(data.apex());
         above = parent_of(above)) {
        const std::uint32_t owner = data.find(above);
        if (owner == image::none)
            continue;
        const Owner& found = data.owners[owner];
        const bool here = above == view(name);
        if ((found.flags & (image::delegation | image::dname)) != 0 ||
            (here && ((found.flags & image::cname) != 0 || found.has_ptr)))
            return;
    }
    const Where where = where_of(guest.index);
    if (data.is_signed() && !data.signed_here)
        return report_.warning(where, "the address of service " + service.name +
                                          " has no PTR record " + name.to_string() +
                                          ": the zone's file is signed, and "
                                          "nothing can be added to it");
    const std::uint32_t owner = data.owner(view(name), where);
    data.add(owner, dns::Type::ptr, service.ttl, pointer_target(named(guest.index))->wire(), where,
             true);
    data.owners[owner].flags |= image::service_pointer;
}

std::span<const Builder::Guest> Builder::guests_of(std::uint32_t zone) const {
    const auto first = std::ranges::lower_bound(guests_, zone, {}, &Guest::zone);
    const auto last = std::ranges::upper_bound(guests_, zone, {}, &Guest::zone);
    return {first, last};
}

void Builder::add_guests(std::uint32_t zone, ZoneData& data) {
    for (const Guest& guest : guests_of(zone)) {
        switch (guest.kind) {
            case Guest::Kind::zone:
                data.owner(view(config_.zones[guest.index].name), data.where());
                break;
            case Guest::Kind::name:
                add_service_name(guest, data);
                break;
            case Guest::Kind::pointer:
                add_pointer(guest, data);
                break;
            case Guest::Kind::ids:
            case Guest::Kind::reverse:
                add_parent_of_ids(guest, data);
                break;
        }
    }
}

// False: nothing sensible can be said of its content.
bool Builder::read_zone(std::uint32_t index, ZoneData& data) {
    const config::Zone& zone = config_.zones[index];
    const std::size_t before = report_.errors();
    if (zone.file) {
        read_zone_file(*zone.file, report_.where(zone.file_where), data, report_);
        if (report_.errors() == before)
            check_digest(data, report_);
    } else {
        add_soa_and_ns(zone, data);
    }
    const std::size_t after_file = report_.errors();
    for (const config::RecordText& record : zone.records)
        read_record_text(record, zone.soa.ttl, data, report_);
    if (report_.errors() > after_file)
        refused_ = true;
    return report_.errors() == before;
}

// Of signatures that have just been made some are looked at, against mistakes of ours.
void Builder::check_chain_and_signatures(ZoneData& data) {
    constexpr std::size_t of_ours = 100;
    link_denials(data, report_);
    const std::size_t left = signatures_.computations;
    if (data.signed_here)
        signatures_.computations = std::min(left, of_ours);
    const std::size_t given = signatures_.computations;
    check_signatures(data, signatures_, report_);
    signatures_.computations = left - (given - signatures_.computations);
}

bool Builder::sign(std::uint32_t index, std::optional<ZoneKeys::Keys>& keys, ZoneData& data) {
    const config::Zone& zone = config_.zones[index];
    const auto older_index = before_ ? before_->find(zone.name) : std::nullopt;
    OlderSignatures older;
    if (older_index) {
        const config::Dnssec& policy = *zone.dnssec;
        // When some are due, those are made anew that would be soon.
        const std::int64_t due = checks_.now + policy.rrsig_refresh.count();
        const bool are_due = before_->image().zone(*older_index).signed_until <= due;
        older = OlderSignatures(before_->image(), *older_index, checks_.now,
                                are_due ? due + policy.rrsig_jitter.count() : due,
                                checks_.now + policy.rrsig_lifetime.count());
    }
    const std::size_t before = report_.errors();
    if (!keys_.prepare(zone, report_.where(zone.dnssec_where), older.served().has_value(),
                       max_ttl_of(data), *keys)) {
        keys.reset();
        return false;
    }
    const auto made = serials_.find(zone.name);
    sign_zone(data,
              {*zone.dnssec, *keys, checks_.now, checks_.threads, older,
               made ? std::optional(made->serial) : std::nullopt},
              report_);
    if (data.chain.compact && report_.errors() == before)
        keep_online(zone, *keys);
    return report_.errors() == before;
}

// What role signer needs to sign names of a zone when they are asked for.
void Builder::keep_online(const config::Zone& zone, const ZoneKeys::Keys& keys) {
    sign::OnlineZone online{zone.name,
                            zone.dnssec->rrsig_lifetime.count(),
                            zone.dnssec->rrsig_jitter.count(),
                            zone.dnssec->rrsig_refresh.count(),
                            {}};
    for (const sign::Key& key : keys)
        if (signs(keys, key, dns::Type::nsec, checks_.now))
            online.keys.push_back({key.tag, key.secret.algorithm(), key.secret.secret()});
    if (online.keys.size() > sign::OnlineZone::max_keys)
        return report_.error(report_.where(zone.dnssec_where),
                             "zone " + zone.name.to_string() + ": " +
                                 std::to_string(online.keys.size()) +
                                 " keys sign at a time; names that are signed when they are asked "
                                 "for have room for two");
    std::erase_if(online_, [&](const auto& other) { return other.apex == zone.name; });
    online_.push_back(std::move(online));
}

// The image in use knows best what is served, if it has the zone.
void Builder::make_serial(const config::Zone& zone, ZoneData& data) {
    if (zone.serial == config::SerialPolicy::file)
        return;
    if (data.is_signed()) {
        report_.warning(data.where(), "zone " + zone.name.to_string() +
                                          " is signed elsewhere, and its serial with it; it stays "
                                          "as it is");
        return;
    }
    auto last = serials_.find(zone.name);
    if (const auto index = before_ ? before_->find(zone.name) : std::nullopt) {
        const Zones& image = before_->image();
        last = {serial_of(image, *index), image.zone(*index).content};
    }
    data.content = content_of(data);
    data.set_serial(next_serial(zone.serial, data.serial(), data.content, last, checks_.now));
}

// Where it would matter that it is smaller one day.
void Builder::keep_serial(const config::Zone& zone, const ZoneData& data) {
    if (zone.transfer && data.content != 0)
        serials_.set(zone.name, {data.serial(), data.content});
}

void Builder::add_zone(std::uint32_t index) {
    const config::Zone& zone = config_.zones[index];
    report_.begin_zone();
    const std::size_t before = report_.errors();
    std::optional<ZoneKeys::Keys> keys;
    if (zone.dnssec) {
        signs_ = true;
        keys = keys_.open(zone, report_.where(zone.dnssec_where));
    }
    bool signing_fails = zone.dnssec && !keys;
    ZoneData data(zone.name,
                  zone.file ? Where{report_.file(*zone.file), 0, 0} : report_.where(zone.where));
    const bool complete = read_zone(index, data);
    add_guests(index, data);
    // A digest is of what its author has written.
    if (zone.dnssec || zone.serial != config::SerialPolicy::file || !zone.records.empty() ||
        std::ranges::any_of(data.records, &Record::of_service))
        drop_digest(data);
    data.finish();
    check_ids(index, data);
    validate(data, complete, report_);
    if (report_.errors() == before && keys)
        signing_fails = !sign(index, keys, data);
    if (report_.errors() == before && !zone.dnssec)
        make_serial(zone, data);
    if (complete && !signing_fails)
        check_chain_and_signatures(data);
    if (report_.errors() == before) {
        std::vector<Rule> rules;
        for (const Guest& guest : guests_of(index))
            if (guest.kind == Guest::Kind::ids)
                if (const auto& pattern = config_.services[guest.index].pattern)
                    rules.push_back({pattern.get(), &pattern->names[guest.item]});
        advise(data, index, index_, rules, report_);
        if (index_.find_parent(view(zone.name)) != image::none)
            trust_.add_keys(data);
        for (const Guest& guest : guests_of(index))
            if (guest.kind == Guest::Kind::zone)
                trust_.add_ds(data, config_.zones[guest.index].name);
        const auto older = before_ && !data.is_signed() ? before_->find(zone.name) : std::nullopt;
        if (older && before_->image().chain(*older) != nullptr)
            report_.warning(data.where(),
                            "zone " + zone.name.to_string() +
                                " is not signed any more: resolvers that validate refuse it as "
                                "long as its parent has a DS record for it");
        if (data.signed_here) {
            load_again_at(data.signed_until - zone.dnssec->rrsig_refresh.count());
            keys_.keep(std::move(*keys));
        }
        keep_serial(zone, data);
        if (image_)
            image_->add(index, data);
    } else if ((zone.file || signing_fails) && bad_file_ == BadFile::tolerate && !refused_) {
        replace_zone(index, std::move(keys));
    } else {
        refused_ = true;
    }
}

// A zone that cannot be loaded, by what it was before, or by one that is answered with SERVFAIL.
// keys: where it is to be signed and they are not what is wrong.
void Builder::replace_zone(std::uint32_t index, std::optional<ZoneKeys::Keys> keys) {
    const config::Zone& zone = config_.zones[index];
    const Where where = report_.where(zone.where);
    ZoneData data(zone.name, where);
    if (before_ && before_->restore(data, where, keys.has_value())) {
        const std::size_t errors = report_.errors();
        report_.warning(where, "zone " + zone.name.to_string() +
                                   " cannot be loaded, see its errors; it stays as it was");
        add_guests(index, data);
        data.finish();
        check_ids(index, data);
        validate(data, true, report_);
        if (keys && report_.errors() == errors && sign(index, keys, data))
            keys_.keep(std::move(*keys));
        if (report_.errors() == errors && !zone.dnssec)
            make_serial(zone, data);
        keep_serial(zone, data);
        check_chain_and_signatures(data);
        if (data.signed_here && zone.dnssec)
            load_again_at(data.signed_until - zone.dnssec->rrsig_refresh.count());
        if (report_.errors() > errors)
            refused_ = true;
    } else {
        report_.warning(where, "zone " + zone.name.to_string() +
                                   " cannot be loaded, see its errors; queries for it are answered "
                                   "with SERVFAIL");
        for (const Guest& guest : guests_of(index)) {
            if (guest.kind == Guest::Kind::zone)
                data.owner(view(config_.zones[guest.index].name), where);
        }
        data.finish();
    }
    if (image_)
        image_->add(index, data);
}

// When signatures are to be made again, or keys take over. Where that is not possible now, since
// the clock or a file is wrong, it is tried again.
void Builder::finish(Built& built) {
    constexpr std::int64_t for_the_clock = 60;  // seconds
    constexpr std::int64_t between_loads = 600;
    if (signs_) {
        if (keys_.next())
            load_again_at(*keys_.next());
        if (again_at_ <= checks_.now)
            again_at_ = checks_.now + between_loads;
        if (keys_.clock_is_wrong())
            again_at_ = checks_.now + for_the_clock;
        image_->set_signing(checks_.now, again_at_);
    }
    if (!keys_.save())
        return;
    if (checks_.keys == KeyUse::keep)
        if (const auto why = serials_.save())
            built.notes.push_back(*why);
    built.image = image_->finish();
    built.online = std::move(online_);
}

Built Builder::build() {
    index_zones();
    find_guests();
    if (!refused_)
        image_.emplace(config_, index_);
    for (std::uint32_t i = 0; i < config_.zones.size(); ++i) {
        add_zone(i);
        if (refused_)  // what is wrong with the others is still to be said
            image_.reset();
    }
    report_.begin_zone();
    trust_.check(report_);
    Built built;
    if (image_)
        finish(built);
    built.problems = report_.take();
    for (std::string& note : keys_.take_notes())
        built.notes.push_back(std::move(note));
    return built;
}

}  // namespace

Built build(const config::Config& config, BadFile bad_file, const Zones* before,
            const Checks& checks) {
    return Builder(config, bad_file, before, checks).build();
}

}  // namespace summond::zone
