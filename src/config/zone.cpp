#include "zone.hpp"

#include <algorithm>
#include <limits>

#include "scalars.hpp"

namespace summond::config {

namespace {

using std::chrono::milliseconds;

// The name of a name server. One label alone ("ns1") would be a top-level name, and is nearly
// always meant relative to the zone, so it is only taken with its final dot.
std::optional<dns::Name> read_server(const Value& value, const dns::Name& zone) {
    const std::string example = "ns1." + zone.to_string();
    if (value.is_described()) {
        value.takes(server_pattern());
        return std::nullopt;
    }
    auto name = read_name(value, NameRule::host, example);
    if (name && name->label_count() < 2 && !value.node->text.ends_with('.')) {
        value.refuse("a domain name in full, such as " + example, "a single label");
        return std::nullopt;
    }
    return name;
}

// An RNAME, also as a mail address, whose local part is one label with its dots escaped (RFC 1035
// §8).
std::optional<dns::Name> read_rname(const Value& value, const dns::Name& zone) {
    const std::string expected = "a mail address, such as hostmaster@" + zone.to_string();
    auto text = value.text(expected, mail_pattern());
    if (!text)
        return std::nullopt;
    const auto at = text->find('@');
    // A domain in another script has an xn-- form, which the error says; a local part has none.
    const std::string domain = text->substr(at == std::string::npos ? 0 : at + 1);
    const auto is_ascii = [](char c) { return static_cast<unsigned char>(c) < 0x80; };
    if (!std::ranges::all_of(domain, is_ascii)) {
        value.complain(dns::Name::parse(domain).error().what);
        return std::nullopt;
    }
    if (at != std::string::npos) {
        std::string label;
        for (const char c : text->substr(0, at)) {
            if (c == '.' || c == '\\')
                label += '\\';
            label += c;
        }
        text = label + "." + text->substr(at + 1);
    }
    auto name = dns::Name::parse(*text);
    if (!name || name->label_count() < 2 || at == 0 || text->find(' ') != std::string::npos) {
        value.refuse(expected);
        return std::nullopt;
    }
    return std::move(*name);
}

void read_soa(const Value& value, const dns::Name& zone, Soa& soa) {
    auto mapping = Mapping::of(value, "soa.", "a mapping of SOA fields, such as {refresh: 1h}");
    if (!mapping)
        return;
    if (const auto mname = mapping->take({"mname", "the primary server's name", "the first ns"}))
        if (const auto name = read_server(*mname, zone))
            soa.mname = *name;
    if (const auto rname =
            mapping->take({"rname", "mail of the responsible person", "hostmaster. and the zone"}))
        if (const auto name = read_rname(*rname, zone))
            soa.rname = *name;
    if (const auto serial = mapping->take({"serial", "serial number", "1"}))
        if (const auto number = serial->number(0, std::numeric_limits<std::uint32_t>::max()))
            soa.serial = static_cast<std::uint32_t>(*number);
    const auto seconds = [&](const Key& key, std::uint32_t& field) {
        if (const auto given = mapping->take(key))
            if (const auto read = read_seconds(*given))
                field = *read;
    };
    seconds({"refresh", "for secondaries", "4h"}, soa.refresh);
    seconds({"retry", "for secondaries", "1h"}, soa.retry);
    seconds({"expire", "for secondaries", "14d"}, soa.expire);
    seconds({"minimum", "how long resolvers remember that a name does not exist", "5m"},
            soa.minimum);
    seconds({"ttl", "of the SOA and NS records", "3600"}, soa.ttl);
    mapping->refuse_rest();
}

void read_ns(const Value& value, Zone& zone) {
    const std::string example = "ns1." + zone.name.to_string();
    for (const Value& item : value.list_or_one("a name or a list of names, such as " + example)) {
        const auto name = read_server(item, zone.name);
        if (!name)
            continue;
        if (std::find(zone.ns.begin(), zone.ns.end(), *name) != zone.ns.end())
            item.complain(name->to_string() + " is there twice; keep one");
        else {
            zone.ns.push_back(*name);
            zone.ns_where.push_back({item.where.line, item.where.column});
        }
    }
}

void read_records(const Value& value, Zone& zone) {
    constexpr std::string_view line =
        "one record as a line of a zone file, such as \"www A "
        "192.0.2.1\", in quotes where it has \": \" or \" #\" in it";
    constexpr std::string_view lines =
        "a list of records, each a line of a zone file, such as - www A 192.0.2.1";
    for (const Value& item : value.list(lines)) {
        const auto text = item.text(line, R"([^$\x00-\x1f\x7f][^\x00-\x1f\x7f]*)");
        if (!text)
            continue;
        if (text->starts_with('$'))
            item.complain("directives belong in a zone file; " + in_quotes(*text) +
                          " is no record");
        else
            zone.records.push_back({*text, item.problems->at(item.where)});
    }
}

// SOA and NS of a zone come from its file or from here, not from both.
void read_apex(Mapping& mapping, Zone& zone, const std::string& owner, bool from_file) {
    if (from_file)
        for (const std::string_view key : {"ns", "soa"}) {
            mapping.refuse(key, "the zone's file has its own; leave this out or leave out file");
            mapping.has_at_most_one_of({"file", key});
        }
    if (from_file && !mapping.is_described())
        return;
    const auto ns = mapping.require(
        {"ns", "the zone's NS records: names in full, as the parent zone has them"}, owner,
        "name this server as the parent zone's delegation does, such "
        "as ns: ns1." +
            zone.name.to_string(),
        "file");
    if (ns)
        read_ns(*ns, zone);
    if (!zone.ns.empty())
        zone.soa.mname = zone.ns.front();
    if (auto rname = dns::Name::parse("hostmaster", zone.name))
        zone.soa.rname = *rname;
    else  // too long: the zone's own name is at least valid
        zone.soa.rname = zone.name;
    if (const auto soa = mapping.take({"soa", "fields of its SOA record"}))
        read_soa(*soa, zone.name, zone.soa);
}

std::optional<Zone> read_zone(const Value& value, const Paths& paths) {
    auto mapping = Mapping::of(value, "", "a zone, such as - name: jit.example");
    if (!mapping)
        return std::nullopt;
    Zone zone;
    zone.name = *dns::Name::parse("jit.example");  // for the examples in messages, until it is read
    const auto name_value = mapping->require({"name", "the zone's name in full"}, "a zone",
                                             "add name: and the zone's name");
    const auto name =
        name_value ? read_name(*name_value, NameRule::any, "jit.example") : std::nullopt;
    if (name) {
        zone.name = *name;
        zone.where = value.problems->at(name_value->where);
    }
    const auto file =
        mapping->take({"file", "a zone file (RFC 1035 section 5) with its own SOA and NS records"});
    if (file) {
        zone.file = paths.read(*file);
        zone.file_where = value.problems->at(file->where);
    }
    read_apex(*mapping, zone, name ? "zone " + name->to_string() : "a zone", file.has_value());
    if (const auto records =
            mapping->take({"records", "records that wake nothing, each a line of a zone file"}))
        read_records(*records, zone);
    mapping->refuse_rest();
    return name ? std::optional(std::move(zone)) : std::nullopt;
}

}  // namespace

Zones read_zones(const Value& value, const Paths& paths) {
    Zones read;
    for (const Value& item : value.list("a list of zones, such as - name: jit.example")) {
        if (auto zone = read_zone(item, paths))
            read.zones.push_back(std::move(*zone));
        else
            read.complete = false;
    }
    if (read.zones.empty())
        read.complete = false;
    return read;
}

}  // namespace summond::config
