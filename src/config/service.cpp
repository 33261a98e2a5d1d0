#include "service.hpp"

#include <algorithm>

#include "ids.hpp"
#include "replicas.hpp"
#include "scalars.hpp"
#include "summond/service/shell.hpp"
#include "xl.hpp"

namespace summond::config {

namespace {

constexpr std::size_t max_service_name = 63;

// A service's name is its domain's. xl takes a name of digits for a domid
// (libxl_domain_qualifier_to_domid), and Domain-0 is dom0.
bool is_service_name(std::string_view name) {
    const auto letter_or_digit = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    };
    const auto allowed = [&](char c) {
        return letter_or_digit(c) || c == '.' || c == '_' || c == '-';
    };
    return !name.empty() && name.size() <= max_service_name && letter_or_digit(name.front()) &&
           std::all_of(name.begin(), name.end(), allowed) &&
           name.find_first_not_of("0123456789") != std::string_view::npos && name != "Domain-0";
}

std::optional<std::string> read_service_name(const Value& value) {
    constexpr std::string_view expected =
        "1 to 63 letters, digits, dots, - and _, not digits alone and not Domain-0, beginning with "
        "a letter or digit";
    // The same as a regular expression.
    constexpr std::string_view pattern = "(?![0-9]+$|Domain-0$)[A-Za-z0-9][A-Za-z0-9._-]*";
    const auto name = value.text(expected, pattern, max_service_name);
    if (!name || is_service_name(*name))
        return name;
    value.refuse(expected);
    return std::nullopt;
}

void read_names(const Value& value, ServiceDraft& draft) {
    constexpr std::string_view example = "www.jit.example";
    for (const Value& item :
         value.list_or_one("a name or a list of names, such as www.jit.example")) {
        if (item.is(Node::Kind::scalar) &&
            (item.node->text == "*" || item.node->text.starts_with("*."))) {
            item.complain(in_quotes(item.node->text) +
                          " is a wildcard; a service answers for the names that are listed");
            continue;
        }
        if (const auto name = read_name(item, NameRule::host, example)) {
            draft.service.names.push_back(*name);
            draft.places.names.push_back(value.problems->at(item.where));
        }
    }
}

// Why no client could reach the address that DNS gives it; empty: none.
std::string_view address_fault(const base::IpAddress& address) {
    if (address.is_unspecified())
        return "which is no address of anybody";
    if (address.is_multicast())
        return "a multicast address";
    if (is_loopback(address))
        return "a loopback address";
    if (is_link_local(address))
        return "a link-local address, which says nothing to a client elsewhere";
    if (is_v4_mapped(address))
        return "an IPv4 address in an IPv6 one";
    return address.to_string() == "255.255.255.255" ? "the broadcast address" : "";
}

void read_addresses(const Value& value, ServiceDraft& draft) {
    constexpr std::string_view expected = "an IPv4 or IPv6 address of the guest, such as 10.0.0.10";
    const auto items =
        value.list_or_one("an address or a list of addresses, IPv4 and IPv6, such as 10.0.0.10");
    draft.addresses_complete = !items.empty();
    for (const Value& item : items) {
        item.takes(address_pattern());
        const auto address =
            item.is(Node::Kind::scalar) ? base::IpAddress::parse(item.node->text) : std::nullopt;
        const std::string_view fault = address ? address_fault(*address) : "";
        if (!address || !fault.empty()) {
            item.refuse(expected, fault);
            draft.addresses_complete = false;
            continue;
        }
        draft.addresses.push_back({*address, item.where});
        (address->is_v4() ? draft.service.ipv4 : draft.service.ipv6).push_back(*address);
    }
}

// Not an error: it is served all the same, and `defaults` may say it of many.
void complete_shells(ServiceDraft& draft, const std::string& owner, Problems& problems) {
    std::uint32_t& shells = draft.service.standby.shells;
    const std::string why = shells == 0 ? "" : service::why_no_shell(draft.service, draft.host);
    if (why.empty())
        return;
    shells = 0;
    problems.warning(draft.standby_where,
                     "standby: no wake takes a shell: " + owner + why + ", or set standby: 0");
}

// Copies are there beside the running domain, with its addresses and its disks.
void complete_standby(const ServiceDraft& draft, const std::string& owner, Problems& problems) {
    const service::Template& service = draft.service;
    if (service.standby.count == 0)
        return;
    if (std::holds_alternative<service::ReadyEnds>(service.ready.how) &&
        service.standby.stage == service::StandbyStage::booted)
        problems.error(draft.standby_where,
                       "standby: copies of " + owner +
                           " would end before they are woken; set stage: built, or standby: 0");
    if (std::ranges::any_of(service.interfaces, [](const auto& i) { return !i.script.empty(); }))
        problems.error(draft.standby_where, "standby: a hotplug script of " + owner +
                                                " would connect its copies to the network; set "
                                                "standby: 0, or leave the script out");
    if (std::ranges::any_of(service.interfaces, [](const auto& i) { return !i.vifname.empty(); }))
        problems.error(draft.standby_where, "standby: vifname of " + owner +
                                                " can be the name of one interface, and its copies "
                                                "have one each; set standby: 0, or leave vifname "
                                                "out");
    if (!service.shares.empty())
        problems.error(draft.standby_where, "standby: the directories in p9 of " + owner +
                                                " would be written to by its copies, too; set "
                                                "standby: 0, or leave p9 out");
    if (std::ranges::any_of(service.disks, [](const service::Disk& disk) { return disk.writable; }))
        problems.error(draft.standby_where,
                       "standby: a disk of " + owner +
                           " would be written to by its copies, too; set standby: 0, or mode: r "
                           "for the disk");
}

// Who has given the guest longer knows that it may take longer.
void complete_answer(const ServiceDraft& draft, const std::string& owner, Problems& problems) {
    const service::Template& service = draft.service;
    if (service.answer.kind == service::AnswerWhen::Kind::ready && !service.wake_packet &&
        draft.ready_timeout_where && service.ready.timeout > service::longest_answer)
        problems.warning(*draft.ready_timeout_where,
                         "ready.timeout: with answer: ready the first query for " + owner +
                             " is answered SERVFAIL where the guest takes longer than " +
                             to_text(service::longest_answer) +
                             "; let packets wake it, which are held until it is ready, or "
                             "have standby copies");
}

// What needs several keys of one service.
void complete(ServiceDraft& draft, const std::string& owner, Problems& problems) {
    service::Template& service = draft.service;
    complete_guest(draft, owner, problems);
    complete_reach(draft);
    complete_wakes(draft, owner, problems);
    if (service.interfaces.empty() &&
        !std::holds_alternative<service::ReadyXenstore>(service.ready.how) &&
        !std::holds_alternative<service::ReadyEnds>(service.ready.how))
        problems.error_at(
            draft.interfaces_where,
            (draft.interfaces_where.line == 0 ? "no vif leaves " : "bridge: none leaves ") + owner +
                " without the network interface by which it would be ready; "
                "set ready: {xenstore: data/ready}" +
                (draft.interfaces_where.line == 0 ? " for the service, or bridge" : ""));
    complete_standby(draft, owner, problems);
    complete_shells(draft, owner, problems);
    complete_answer(draft, owner, problems);
    if (draft.is_pattern)
        complete_pattern(draft, owner, problems);
    complete_host(draft, owner, problems);
}

// Names and addresses beside ids, and without them, as JSON schema says it.
constexpr std::string_view with_and_without_ids = R"({"if": {"required": ["ids"]},
    "then": {"properties": {
        "names": {"type": ["string", "array"], "pattern": "\\{id\\}",
                  "items": {"type": "string", "pattern": "\\{id\\}"}},
        "addresses": {"type": ["string", "array"], "pattern": "/",
                      "items": {"type": "string", "pattern": "/"}}}},
    "else": {"properties": {
        "names": {"pattern": "^[^{]*$", "items": {"pattern": "^[^{]*$"}},
        "addresses": {"pattern": "^[^/]*$", "items": {"pattern": "^[^/]*$"}}}}})";

// A service's own name, or the one that its xl file has for the domain.
std::optional<std::string> read_own_name(const std::optional<Value>& name, XlGuest* xl) {
    if (name)
        return read_service_name(*name);
    if (const auto of_file = xl != nullptr ? xl_name(*xl) : std::nullopt)
        return read_service_name(*of_file);
    return std::nullopt;
}

// Nothing if it is no mapping. Without a usable name it is still read, for its other problems.
std::vector<ServiceDraft> read_service(const Value& value, const ServiceDraft& defaults,
                                       const Paths& paths) {
    auto mapping = Mapping::of(value, "", "a service, such as - name: www");
    if (!mapping)
        return {};
    ServiceDraft draft = defaults;
    service::Template& service = draft.service;
    const auto xl_value =
        mapping->take({"xl", "the path of a file of xl's that describes the guest"});
    auto xl = xl_value ? read_xl(*xl_value, *mapping, paths) : std::nullopt;
    const bool xl_unread = xl_value && !xl;
    constexpr Key name_key{"name", "its name, also that of its domain in xl list"};
    const auto name_value =
        xl_value && !xl_value->is_described()
            ? mapping->take(name_key)
            : mapping->require(name_key, "a service",
                               "add name: and what its domain is called in xl list", "xl");
    const auto name = read_own_name(name_value, xl ? &*xl : nullptr);
    if (xl && !name_value && !xl_name(*xl))
        xl_value->complain("there is no name in it; add one there, or name: here");
    const std::string owner = name ? "service " + *name : "a service";
    draft.places.name = value.problems->at(name_value ? name_value->where : value.where);
    if (name) {
        service.name = *name;
        service.id = service::id_of(*name);
    }
    const auto names =
        mapping->require({"names", "the domain names that it answers for"}, owner,
                         "list the domain names that it answers for, such as www.jit.example");
    const auto addresses = mapping->require({"addresses", "the guest's addresses, IPv4 and IPv6"},
                                            owner, "list the guest's addresses, such as 10.0.0.10");
    draft.addresses_complete = false;
    const auto ids = mapping->take({"ids", "which ids there are, where names have {id} in them"});
    const PatternValues rule{names, ids, addresses};
    mapping->is_true(with_and_without_ids);
    const bool by_rule = is_pattern(rule);
    if (by_rule)
        read_pattern(rule, paths, owner, draft);
    if (!by_rule || mapping->is_described()) {
        if (names)
            read_names(*names, draft);
        if (addresses)
            read_addresses(*addresses, draft);
    }
    if (xl)
        read_xl_guest(*xl, draft, paths);
    read_settings(*mapping, draft, paths, Whose::service);
    if (const auto replicas =
            mapping->take({"replicas", "several domains of it, as many as there is work for",
                           "none: it is one domain"}))
        read_replicas(*replicas, draft);
    mapping->refuse_rest();
    if (!draft.has_kernel && xl && xl->may_boot)
        value.problems->error_at({xl->path, 0, 0},
                                 "neither kernel nor bootloader; say what to boot, such as "
                                 "kernel = 'www.xen'");
    else if (!draft.has_kernel && !xl && !xl_unread)
        value.problems->error(
            value.where, owner + " has no kernel; say which file to boot, such as kernel: www.elf");
    std::vector<ServiceDraft> drafts = replicas_of(std::move(draft), owner, *value.problems);
    for (ServiceDraft& each : drafts) {
        if (xl_unread)  // what seems to be missing may be there
            each.interfaces.clear();
        else
            complete(each, owner, *value.problems);
    }
    if (xl)
        value.problems->add(std::move(xl->problems));
    return drafts;
}

}  // namespace

ServiceDraft read_defaults(const Value& value, const Paths& paths) {
    ServiceDraft draft;
    auto mapping = Mapping::of(value, "defaults.", "a mapping of service settings");
    if (!mapping)
        return draft;
    for (const std::string_view key :
         {"name", "names", "ids", "addresses", "replicas", "mac", "xl"})
        mapping->refuse(key, "every service has its own; move it there");
    read_settings(*mapping, draft, paths, Whose::defaults);
    mapping->refuse_rest();
    return draft;
}

std::vector<ServiceDraft> read_services(const Value& value, const ServiceDraft& defaults,
                                        const Paths& paths) {
    std::vector<ServiceDraft> drafts;
    value.takes_nothing();
    if (value.is_only(Node::Kind::empty) ||
        (value.is_only(Node::Kind::list) && value.node->items.empty()))
        return drafts;
    for (const Value& item : value.list("a list of services, such as - name: www"))
        for (ServiceDraft& draft : read_service(item, defaults, paths))
            drafts.push_back(std::move(draft));
    return drafts;
}

}  // namespace summond::config
