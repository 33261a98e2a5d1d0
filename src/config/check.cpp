#include "check.hpp"

#include <algorithm>
#include <map>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "ids.hpp"

namespace summond::config {

namespace {

Mark mark_of(const Location& where) {
    return {where.line, where.column};
}

std::string line_of(const Location& where) {
    return "line " + std::to_string(where.line);
}

// Who has a thing already: "service web, line 12".
std::string holder(const ServiceDraft& draft) {
    return (draft.service.name.empty() ? "a service" : "service " + draft.service.name) + ", " +
           line_of(draft.places.name);
}

// A name as a key of hash tables, since zones may be a hundred thousand. The name must stay.
std::string_view key(const dns::Name& name) {
    return {reinterpret_cast<const char*>(name.wire().data()), name.wire().size()};
}

using ZoneNames = std::unordered_set<std::string_view>;

bool is_in_a_zone(const dns::Name& name, const ZoneNames& zones) {
    for (std::string_view ancestor = key(name);;) {
        if (zones.contains(ancestor))
            return true;
        if (ancestor.size() == 1)
            return false;
        ancestor.remove_prefix(1U + static_cast<unsigned char>(ancestor[0]));
    }
}

class ServiceChecks {
  public:
    ServiceChecks(const Zones& zones, const std::vector<base::Endpoint>& listen, Problems& problems)
        : zones_known_(zones.complete), listen_(listen), problems_(problems) {
        zones_.reserve(zones.zones.size());
        for (const Zone& zone : zones.zones)
            zones_.insert(key(zone.name));
    }

    void check(const ServiceDraft& draft) {
        check_identity(draft);
        check_names(draft);
        check_addresses(draft);
        check_macs(draft);
        check_disks(draft);
    }

  private:
    // Where the same disk file or device is used.
    struct DiskUse {
        const ServiceDraft* draft;
        bool writable;
    };

    void check_identity(const ServiceDraft& draft) {
        const service::Template& service = draft.service;
        if (service.name.empty())
            return;
        const auto [other, is_new] = ids_.try_emplace(service.id, &draft);
        if (is_new)
            return;
        if (other->second->service.name == service.name)
            problems_.error(mark_of(draft.places.name), "name: " + service.name +
                                                            " is a service already, " +
                                                            line_of(other->second->places.name));
        else
            problems_.error(mark_of(draft.places.name),
                            "name: " + service.name + " hashes to the same id as " +
                                holder(*other->second) + "; rename one of them");
    }

    void check_names(const ServiceDraft& draft) {
        const service::Template& service = draft.service;
        for (std::size_t i = 0; i < service.names.size(); ++i) {
            const dns::Name& name = service.names[i];
            const Mark where = mark_of(draft.places.names[i]);
            if (zones_known_ && !is_in_a_zone(name, zones_))
                problems_.error(where, "names: " + name.to_string() +
                                           " is in none of the zones; write the name in full, or "
                                           "add its zone");
            const auto [other, is_new] = names_.try_emplace(name, &draft);
            if (!is_new)
                problems_.error(where, "names: " + name.to_string() + " is already a name of " +
                                           holder(*other->second));
        }
    }

    void check_addresses(const ServiceDraft& draft) {
        for (const ServiceDraft::Address& given : draft.addresses) {
            const base::IpAddress& address = given.address;
            const auto is_ours = [&](const base::Endpoint& own) { return own.address == address; };
            if (std::any_of(listen_.begin(), listen_.end(), is_ours))
                problems_.error(given.where,
                                "addresses: " + address.to_string() +
                                    " is what summond itself listens on; a guest needs an "
                                    "address of its own");
            const auto [other, is_new] = addresses_.try_emplace(address, &draft);
            if (!is_new)
                problems_.error(given.where, "addresses: " + address.to_string() +
                                                 " is already an address of " +
                                                 holder(*other->second));
        }
    }

    void check_macs(const ServiceDraft& draft) {
        if (draft.service.name.empty() || draft.is_pattern)  // they have theirs of somewhere else
            return;
        for (const ServiceDraft::Interface& given : draft.interfaces) {
            const service::Mac& mac = given.interface.mac;
            const auto [other, is_new] = macs_.try_emplace(mac, &draft);
            if (is_new)
                continue;
            if (other->second == &draft)
                problems_.error_at(given.mac_where, "mac: " + service::to_string(mac) +
                                                        " is that of two of its interfaces; set "
                                                        "another mac: for one of the two");
            else if (other->second->service.id != draft.service.id)
                problems_.error_at(given.mac_where, "mac: " + service::to_string(mac) +
                                                        " is also that of " +
                                                        holder(*other->second) +
                                                        "; set another mac: for one of the two");
        }
    }

    // Two guests on one file system that either of them writes to destroy it.
    void check_disks(const ServiceDraft& draft) {
        for (std::size_t i = 0; i < draft.service.disks.size(); ++i) {
            const service::Disk& disk = draft.service.disks[i];
            if (disk.path.empty())
                continue;
            const auto [other, is_new] =
                disks_.try_emplace(disk.path, DiskUse{&draft, disk.writable});
            if (is_new)
                continue;
            if (disk.writable || other->second.writable)
                problems_.error_at(
                    draft.places.disks[i],
                    "disks: " + disk.path + " is also a disk of " + holder(*other->second.draft) +
                        ", and one of the two may write to it; share with mode: r, or "
                        "give each its own");
            if (disk.writable)
                other->second = {&draft, true};
        }
    }

    bool zones_known_;
    const std::vector<base::Endpoint>& listen_;
    Problems& problems_;
    ZoneNames zones_;
    std::map<service::Id, const ServiceDraft*> ids_;
    std::map<dns::Name, const ServiceDraft*> names_;
    std::map<base::IpAddress, const ServiceDraft*> addresses_;
    std::map<service::Mac, const ServiceDraft*> macs_;
    std::map<std::string, DiskUse> disks_;
};

}  // namespace

void check_zones(const Zones& zones, Problems& problems) {
    std::unordered_map<std::string_view, const Zone*> names;
    names.reserve(zones.zones.size());
    for (const Zone& zone : zones.zones) {
        const auto [other, is_new] = names.try_emplace(key(zone.name), &zone);
        if (!is_new)
            problems.error(mark_of(zone.where), "name: " + zone.name.to_string() +
                                                    " is a zone already, " +
                                                    line_of(other->second->where));
    }
}

void check_services(const std::vector<ServiceDraft>& drafts, const Zones& zones,
                    const std::vector<base::Endpoint>& listen, Problems& problems) {
    ServiceChecks checks(zones, listen, problems);
    for (const ServiceDraft& draft : drafts)
        checks.check(draft);
    check_patterns(drafts, zones, listen, problems);
}

}  // namespace summond::config
