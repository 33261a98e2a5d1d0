// From a configuration to a zone image.
#include <deque>

#include "image_builder.hpp"
#include "summond/dns/wire.hpp"
#include "summond/zone/zone.hpp"
#include "validate.hpp"
#include "zone_data.hpp"
#include "zone_file.hpp"
#include "zone_index.hpp"

namespace summond::zone {

namespace {

class Builder {
  public:
    explicit Builder(const config::Config& config) : config_(config) {}

    Built build();

  private:
    void add_zones();
    void read_records(const config::Zone& zone, ZoneData& data);
    void add_soa_and_ns(const config::Zone& zone, ZoneData& data);
    void add_services();
    void add_service_name(std::uint32_t service, std::size_t name);
    void add_pointers(const config::Service& service);
    void add_pointer(const config::Service& service, const base::IpAddress& address,
                     const dns::Name& target);

    const config::Config& config_;
    Report report_;
    ZoneIndex index_;
    std::deque<ZoneData> zones_;
};

void Builder::add_zones() {
    for (const config::Zone& zone : config_.zones) {
        const Where where = report_.where(zone.where);
        if (!index_.add(view(zone.name), static_cast<std::uint32_t>(zones_.size())))
            report_.error(where, "zone " + zone.name.to_string() + " is there twice");
        ZoneData& data = zones_.emplace_back(
            zone.name, zone.file ? Where{report_.file(*zone.file), 0, 0} : where);
        read_records(zone, data);
    }
    // The name of a nested zone exists in the zone around it, delegated there or not.
    for (ZoneData& zone : zones_) {
        const std::string_view apex = view(zone.apex());
        if (const auto parent = index_.find_parent(apex); parent != image::none)
            zones_[parent].owner(apex, zone.where());
    }
}

void Builder::read_records(const config::Zone& zone, ZoneData& data) {
    if (zone.file)
        read_zone_file(*zone.file, report_.where(zone.file_where), data, report_);
    else
        add_soa_and_ns(zone, data);
    for (const config::RecordText& record : zone.records)
        read_record_text(record, zone.soa.ttl, data, report_);
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
    for (const dns::Name& ns : zone.ns)
        data.add(0, dns::Type::ns, soa.ttl, ns.wire(), data.where());
}

void Builder::add_services() {
    for (std::uint32_t i = 0; i < config_.services.size(); ++i) {
        const config::Service& service = config_.services[i];
        for (std::size_t name = 0; name < service.names.size(); ++name)
            add_service_name(i, name);
        add_pointers(service);
    }
}

void Builder::add_service_name(std::uint32_t index, std::size_t name_index) {
    const config::Service& service = config_.services[index];
    const dns::Name& name = service.names[name_index];
    const Where where = report_.where(
        name_index < service.name_where.size() ? service.name_where[name_index] : service.where);
    const std::uint32_t zone = index_.find(view(name));
    if (zone == image::none)
        return report_.error(where, "name " + name.to_string() + " of service " + service.name +
                                        " is in none of the zones");
    ZoneData& data = zones_[zone];
    const std::uint32_t owner = data.owner(view(name), where);
    if (data.owners[owner].service != image::none)
        return report_.error(where, "name " + name.to_string() + " of service " + service.name +
                                        " is already one of service " +
                                        config_.services[data.owners[owner].service].name);
    data.owners[owner].service = index;
    data.owners[owner].where = where;
    for (const base::IpAddress& address : service.ipv4)
        data.add(owner, dns::Type::a, service.ttl, address.bytes(), where, true);
    for (const base::IpAddress& address : service.ipv6)
        data.add(owner, dns::Type::aaaa, service.ttl, address.bytes(), where, true);
}

void Builder::add_pointers(const config::Service& service) {
    // A wildcard is no name that an address could have.
    for (const dns::Name& name : service.names) {
        if (view(name).substr(0, 2) == std::string_view("\1*"))
            continue;
        for (const base::IpAddress& address : service.ipv4)
            add_pointer(service, address, name);
        for (const base::IpAddress& address : service.ipv6)
            add_pointer(service, address, name);
        return;
    }
}

// Where the zone's author has said what stands at the address's name (PTR, CNAME as in RFC 2317, a
// delegation), that is what stands there.
void Builder::add_pointer(const config::Service& service, const base::IpAddress& address,
                          const dns::Name& target) {
    const dns::Name name = dns::Name::reverse(address);
    const std::uint32_t zone = index_.find(view(name));
    if (zone == image::none)
        return;
    ZoneData& data = zones_[zone];
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
    const Where where = report_.where(service.where);
    data.add(data.owner(view(name), where), dns::Type::ptr, service.ttl, target.wire(), where,
             true);
}

Built Builder::build() {
    add_zones();
    const bool complete = !report_.failed();
    add_services();
    for (ZoneData& zone : zones_) {
        zone.finish();
        validate(zone, complete, report_);
    }
    Built built;
    if (!report_.failed())
        built.image = build_image(zones_, index_, config_.services);
    built.problems = report_.take();
    return built;
}

}  // namespace

Built build(const config::Config& config) {
    return Builder(config).build();
}

}  // namespace summond::zone
