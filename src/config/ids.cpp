#include "ids.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <tuple>

#include "cmdline.hpp"
#include "scalars.hpp"
#include "summond/service/instance.hpp"

namespace summond::config {

namespace {

constexpr std::string_view placeholder = "{id}";
constexpr std::string_view name_example = "\"{id}.pages.jit.example\"";
// A pool is no larger than what there may be at a time, of all services.
constexpr unsigned shortest_pool = 22;
constexpr std::uint32_t most_leased = 1024;
// Every address of it is one label of ip6.arpa beyond these (RFC 3596 §2.5).
constexpr unsigned shortest_prefix = 64;
constexpr unsigned longest_prefix = 96;

// Of single characters and ranges of them, which do not end before they begin.
std::string characters_pattern() {
    std::string ranges;
    for (const std::string_view row : {"0123456789", "abcdefghijklmnopqrstuvwxyz"})
        for (const char first : row)
            ranges.append({first, '-', '[', first, '-', row.back(), ']', '|'});
    return "(?!-+$)(?:" + ranges + "_-_|-|[a-z0-9_](?!-.))+";
}

bool has_placeholder(const Node& node) {
    return node.kind == Node::Kind::scalar && node.text.find(placeholder) != std::string::npos;
}

bool is_id_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

// "{id}.pages.jit.example", "page-{id}.jit.example".
std::optional<service::Pattern::Name> read_pattern_name(const Value& value) {
    const auto text = value.text(
        "a name with {id} in its first label, in quotes, such as " + std::string(name_example),
        pattern_name_pattern());
    if (!text)
        return std::nullopt;
    const auto at = text->find(placeholder);
    const auto dot = text->find('.');
    if (at == std::string::npos || dot == std::string::npos || at > dot ||
        text->find(placeholder, at + 1) != std::string::npos) {
        value.refuse("a name with {id} once, in its first label, such as " +
                     std::string(name_example));
        return std::nullopt;
    }
    service::Pattern::Name name;
    name.before = text->substr(0, at);
    name.after = text->substr(at + placeholder.size(), dot - at - placeholder.size());
    for (std::string* part : {&name.before, &name.after})
        for (char& c : *part)
            c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
    if (!std::ranges::all_of(name.before + name.after, is_id_character)) {
        value.refuse("a name whose label has letters, digits, - and _ beside {id}");
        return std::nullopt;
    }
    Node parent = *value.node;
    parent.text.erase(0, dot + 1);
    const auto read = read_name({&parent, value.where, value.key, value.problems}, NameRule::host,
                                "pages.jit.example");
    if (!read)
        return std::nullopt;
    name.parent = *read;
    return name;
}

std::vector<service::Pattern::Name> read_pattern_names(const Value& value, ServiceDraft& draft) {
    std::vector<service::Pattern::Name> names;
    for (const Value& item : value.list_or_one("a name or a list of names, in quotes, such as " +
                                               std::string(name_example))) {
        if (!item.is_described() && !has_placeholder(*item.node))
            item.complain("every name of a service with ids has {id} in it; give " +
                          in_quotes(item.node->text) + " to a service of its own");
        else if (auto name = read_pattern_name(item)) {
            names.push_back(std::move(*name));
            draft.pattern_names.push_back(item.where);
        }
    }
    return names;
}

// "a-z0-9-".
void read_characters(const Value& value, service::IdGrammar& grammar) {
    constexpr std::string_view expected =
        "characters and ranges of them, of lower-case letters, digits, - and _, such as a-z0-9-";
    const auto text = value.text(expected, characters_pattern());
    if (!text)
        return;
    std::string characters;
    for (std::size_t i = 0; i < text->size(); ++i) {
        const char first = (*text)[i];
        char last = first;
        if (first != '-' && i + 2 < text->size() && (*text)[i + 1] == '-') {
            last = (*text)[i + 2];
            i += 2;
        }
        if (!is_id_character(first) || !is_id_character(last) || last < first ||
            (last != first &&
             (first == '-' || last == '_' || first == '_' || (first <= '9') != (last <= '9')))) {
            value.refuse(expected,
                         "names are the same in both cases of letters, and an id stands in "
                         "paths and command lines");
            return;
        }
        for (char c = first; c <= last; ++c)
            characters += c;
    }
    std::ranges::sort(characters);
    characters.erase(std::unique(characters.begin(), characters.end()), characters.end());
    if (characters == "-")
        value.refuse(expected, "which leaves no id");
    else
        grammar.characters = characters;
}

// "8", "1-12". False: wrong.
bool read_length(const Value& value, service::IdGrammar& grammar) {
    constexpr std::string_view expected = "a length or the shortest and the longest, such as 1-12";
    const std::string number = number_pattern(1, service::max_id);
    value.takes_number(1, service::max_id);
    value.takes(number + "-" + number);
    const std::string& text = value.node->text;  // empty if it is no scalar
    const auto dash = text.find('-');
    const auto shortest = parse_number(std::string_view(text).substr(0, dash));
    const auto longest = dash == std::string::npos
                             ? shortest
                             : parse_number(std::string_view(text).substr(dash + 1));
    if (!shortest || !longest || *shortest < 1 || *longest < *shortest ||
        *longest > service::max_id) {
        value.refuse(expected);
        return false;
    }
    grammar.shortest = *shortest;
    grammar.longest = *longest;
    return true;
}

std::optional<service::Key> read_key(const Value& value) {
    value.takes("[0-9a-fA-F]{32}");
    const std::string_view text = value.node->text;  // empty if it is no scalar
    service::Key key;
    if (text.size() != 2 * key.size() ||
        text.find_first_not_of("0123456789abcdefABCDEF") != std::string_view::npos) {
        // Without the value: it may be a secret with a slip of the pen.
        value.complain("must be 32 hexadecimal digits; `openssl rand -hex 16` makes some");
        return std::nullopt;
    }
    for (std::size_t i = 0; i < key.size(); ++i)
        std::from_chars(&text[2 * i], &text[2 * i] + 2, key[i], 16);
    return key;
}

struct Ids {
    service::IdGrammar grammar;
    bool length_given = false;
    Mark length_where;
    service::Who who = service::Who::any;
    std::optional<Value> list;
    std::optional<Value> file;
    service::Key secret{};
};

// any, or {list: FILE}, {file: PATH}, {signed: {secret: ...}}, with characters and length if need
// be.
std::optional<Ids> read_ids(const Value& value) {
    constexpr std::string_view expected =
        "any, or a mapping that says who is there, such as {file: \"/srv/pages/{id}.xen\"}, {list: "
        "pages.txt}, {signed: {secret: ...}} or {any: true, characters: a-z0-9, length: 1-12}";
    Ids ids;
    if (value.word({"any"}))
        return ids;
    auto mapping = Mapping::of(value, "ids.", expected);
    if (!mapping)
        return std::nullopt;
    bool good = true;
    if (const auto characters =
            mapping->take({"characters", "what they are made of, with ranges, such as a-z0-9-",
                           "letters, digits and -"}))
        read_characters(*characters, ids.grammar);
    if (const auto length =
            mapping->take({"length", "their length, or the shortest and the longest, such as 1-12",
                           "1 to what a label has room for"})) {
        good = read_length(*length, ids.grammar);
        ids.length_given = true;
        ids.length_where = length->where;
    }
    const auto any = mapping->take({"any", "true: every one that looks like one is there"});
    ids.list = mapping->take({"list", "the path of a file with those that are there, one a line"});
    if (ids.list)
        ids.list->takes(any_text);
    ids.file = mapping->take({"file",
                              "the path of a file, with {id} in its name; those are there whose "
                              "file is"});
    if (ids.file)
        ids.file->takes(R"((?!.*\{id\}.*\{id\})[^\x00-\x1f\x7f]*\{id\}[^/\x00-\x1f\x7f]*)");
    const auto tagged =
        mapping->take({"signed", "those are there whose name has the right tag behind the id"});
    mapping->has_one_of({"any", "file", "list", "signed"});
    mapping->has_at_most_one_of({"any", "file", "list", "signed"});
    if (any)
        any->one_of({"true"});
    if ((any ? 1 : 0) + (ids.list ? 1 : 0) + (ids.file ? 1 : 0) + (tagged ? 1 : 0) != 1) {
        value.complain("one of any, file, list and signed says which ids there are");
        good = false;
    }
    if (ids.list || ids.file)
        ids.who = service::Who::list;
    if (tagged) {
        ids.who = service::Who::tagged;
        auto inner = Mapping::of(*tagged, "ids.signed.", "a mapping, such as {secret: ...}");
        const auto secret =
            inner ? inner->require({"secret", "32 hexadecimal digits; openssl rand -hex 16"},
                                   "ids.signed",
                                   "give 32 hexadecimal digits; `openssl rand -hex 16` makes some")
                  : std::nullopt;
        const auto key = secret ? read_key(*secret) : std::nullopt;
        if (inner)
            inner->refuse_rest();
        if (key)
            ids.secret = *key;
        good = good && key;
    }
    mapping->refuse_rest();
    return good ? std::optional(std::move(ids)) : std::nullopt;
}

// An id is no longer than all its names have room for.
bool fit_length(const std::vector<service::Pattern::Name>& names, const Value& value, Ids& ids) {
    for (const service::Pattern::Name& name : names) {
        std::size_t fixed = name.before.size() + name.after.size();
        if (ids.who == service::Who::tagged)
            fixed += service::tag_size;
        const std::size_t parent = name.parent.wire().size() + 1;
        const std::size_t room = std::min(dns::max_label_size, dns::max_name_size - parent);
        const std::size_t longest = room > fixed ? room - fixed : 0;
        if (longest < ids.grammar.shortest || (ids.length_given && longest < ids.grammar.longest)) {
            value.problems->error(ids.length_given ? ids.length_where : value.where,
                                  "ids.length: in " + name.to_string() +
                                      " there is room for ids of at most " +
                                      std::to_string(longest) + " characters" +
                                      (ids.who == service::Who::tagged ? " beside their tag" : ""));
            return false;
        }
        ids.grammar.longest = std::min(ids.grammar.longest, longest);
    }
    return true;
}

// What no guest can have an address of; empty: it is not so.
std::string_view network_fault(const base::IpAddress& address) {
    if (address.is_multicast())
        return "a network of multicast addresses";
    if (is_link_local(address))
        return "a network of link-local addresses, which say nothing to a client elsewhere";
    if (address.is_unspecified() || is_v4_mapped(address) || is_loopback(address))
        return "a network of addresses that no guest can have";
    return "";
}

constexpr std::string_view expected_pool =
    "an IPv4 network to lease addresses of, from a /22 to a /32, such as 192.0.2.64/26";

void read_pool(const Value& value, const base::IpPrefix& prefix,
               std::optional<service::Pool>& pool) {
    std::string_view fault = network_fault(prefix.address);
    if (fault.empty() && prefix.length < shortest_pool)
        fault = "with more addresses than are leased at a time";
    if (!fault.empty())
        value.refuse(expected_pool, fault);
    else if (pool)
        value.complain("a second IPv4 network beside " + pool->prefix.to_string() +
                       "; give one, or each its own service");
    else
        pool = service::Pool{prefix};
}

// An IPv6 network, and an IPv4 network if addresses of that are to be leased. None: not the first.
std::optional<base::IpPrefix> read_networks(const Value& value, ServiceDraft& draft,
                                            std::optional<service::Pool>& pool) {
    constexpr std::string_view expected =
        "the IPv6 network that the ids' addresses are of, from a /64 to a /96, such as "
        "2001:db8:1::/64";
    std::optional<base::IpPrefix> network;
    bool good = true;
    for (const Value& item :
         value.list_or_one("an IPv6 network, or a list of that and an IPv4 network, such as "
                           "[\"2001:db8:1::/64\", 192.0.2.64/26]")) {
        item.takes(id_network_pattern());
        item.takes(pool_network_pattern());
        const auto prefix = item.is(Node::Kind::scalar)
                                ? parse_prefix(item.node->text)
                                : base::Result<base::IpPrefix>(base::error(""));
        if (!prefix) {
            const bool is_v4 = item.is(Node::Kind::scalar) &&
                               item.node->text.find('/') != std::string::npos &&
                               item.node->text.find(':') == std::string::npos;
            item.refuse(is_v4 ? expected_pool : expected, prefix.error().what);
            good = false;
        } else if (prefix->address.is_v4() && item.node->text.find('/') != std::string::npos) {
            read_pool(item, *prefix, pool);
            draft.pool_where = item.where;
        } else {
            std::string_view fault = network_fault(prefix->address);
            if (prefix->address.is_v4())
                fault = "an IPv4 address, and each id has one of its own";
            else if (prefix->length < shortest_prefix || prefix->length > longest_prefix ||
                     prefix->length % 4 != 0)
                fault = "with a length that is not 64, 68 and so on, up to 96";
            if (!fault.empty()) {
                item.refuse(expected, fault);
                good = false;
            } else if (network) {
                item.complain("a second IPv6 network beside " + network->to_string() +
                              "; each id has one IPv6 address");
                good = false;
            } else {
                network = *prefix;
                draft.prefix_where = item.where;
            }
        }
    }
    if (good && !network && !value.is_described())
        value.complain(
            "an IPv4 pool alone leaves ids without an address when all are leased; give "
            "an IPv6 network, too, such as 2001:db8:1::/64");
    return good ? network : std::nullopt;
}

std::shared_ptr<const service::IdList> read_list(const Value& value, const Paths& paths,
                                                 const service::IdGrammar& grammar) {
    auto content = paths.read_content(value);
    if (!content)
        return nullptr;
    auto list = std::make_shared<service::IdList>(std::move(content->text), grammar);
    if (!list->fault())
        return list;
    value.problems->error_at({content->path, static_cast<int>(*list->fault()), 1},
                             "no id: ids are of the characters " + in_quotes(grammar.characters) +
                                 ", " + std::to_string(grammar.shortest) + " to " +
                                 std::to_string(grammar.longest) +
                                 " of them, and neither begin nor end with -");
    return nullptr;
}

// Of the files that there are, whatever else is in their directory.
bool read_files(const Value& value, const Paths& paths, service::Pattern& pattern) {
    const auto path = paths.read(value);
    if (!path)
        return false;
    pattern.files = service::Pattern::Files::of(*path);
    if (!pattern.files) {
        value.refuse("a path with {id} once, in the name of the file, such as /srv/pages/{id}.xen");
        return false;
    }
    const auto content = paths.read_content(value);
    if (!content)
        return false;
    std::string ids;
    std::string_view rest = content->text;
    while (!rest.empty()) {
        const std::string_view id = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(rest.size(), id.size() + 1));
        if (pattern.grammar.allows(id))
            ids.append(id).push_back('\n');
    }
    pattern.list = std::make_shared<service::IdList>(std::move(ids), pattern.grammar);
    return true;
}

// An id as long as any.
std::string longest_id(const service::IdGrammar& grammar) {
    return std::string(grammar.longest, grammar.characters.back());
}

bool has_id(const std::string& path) {
    return path.find(placeholder) != std::string::npos;
}

// What cannot be said of many instances at once.
void refuse_for_many(const ServiceDraft& draft, const std::string& owner, Problems& problems) {
    const service::Template& service = draft.service;
    const auto refuse = [&](const Location& where, const std::string& what) {
        problems.error_at(where.line == 0 ? draft.places.name : where, what);
    };
    if (draft.interfaces.empty())
        refuse(draft.interfaces_where,
               "bridge: none leaves " + owner + " without the interface that its addresses are of");
    for (const ServiceDraft::Interface& each : draft.interfaces) {
        if (each.has_mac)
            refuse(each.mac_where,
                   "mac: " + owner + " has many domains, each with a MAC of its own; leave it out");
        if (!each.interface.script.empty())
            refuse({}, "script: the interfaces of " + owner +
                           " are made by summond itself; leave it out");
        if (!each.interface.vifname.empty())
            refuse({}, "vifname: one interface can have the name, and " + owner +
                           " has many domains; leave it out");
    }
    if (service.standby.count > 0)
        refuse(problems.at(draft.standby_where),
               "standby: which of its domains " + owner +
                   " will need nobody knows beforehand; say {shells: 4}, which become any of "
                   "them, or set standby: 0");
    if (service.min > 0 || !service.keep.empty())
        refuse({}, "keep and min: " + owner +
                       " is as many domains as it has ids; leave them out, or make the one that is "
                       "to be up a service of its own");
    if (service.idle_action == service::IdleAction::suspend)
        refuse(draft.idle_action_where,
               "idle.action: domains of " + owner +
                   " are not kept in files, one for each id that was ever asked for; say destroy, "
                   "pause or shutdown");
    if (draft.rumprun.given)
        refuse({}, "rumprun: its configuration has a guest's addresses in it, and each domain of " +
                       owner + " has others; leave it out");
    for (std::size_t i = 0; i < service.disks.size(); ++i)
        if (service.disks[i].writable && !has_id(service.disks[i].path))
            problems.error_at(draft.places.disks[i],
                              "disks: all domains of " + owner + " would write to " +
                                  service.disks[i].path +
                                  "; put {id} into its path, or say mode: r");
}

}  // namespace

bool is_pattern(const PatternValues& values) {
    if (values.ids)
        return true;
    if (!values.names)
        return false;
    const Node& names = *values.names->node;
    return has_placeholder(names) || std::ranges::any_of(names.items, [](const NodePtr& item) {
               return has_placeholder(*item);
           });
}

void read_pattern(const PatternValues& values, const Paths& paths, const std::string& owner,
                  ServiceDraft& draft) {
    draft.is_pattern = true;
    auto names = values.names ? read_pattern_names(*values.names, draft)
                              : std::vector<service::Pattern::Name>();
    if (!values.ids && values.names) {
        values.names->complain(
            "{id} stands for ids, and " + owner +
            " does not say which there are; add ids: any, or such as ids: {list: "
            "pages.txt}");
        return;
    }
    auto ids = values.ids ? read_ids(*values.ids) : std::nullopt;
    std::optional<service::Pool> pool;
    const auto prefix =
        values.addresses ? read_networks(*values.addresses, draft, pool) : std::nullopt;
    if (!ids || names.empty() || !fit_length(names, *values.ids, *ids))
        return;
    auto pattern = std::make_shared<service::Pattern>();
    pattern->names = std::move(names);
    pattern->grammar = ids->grammar;
    pattern->who = ids->who;
    pattern->secret = ids->secret;
    if (ids->list && !(pattern->list = read_list(*ids->list, paths, ids->grammar)))
        return;
    if (ids->file && !read_files(*ids->file, paths, *pattern))
        return;
    if (!prefix)
        return;
    const bool tagged = ids->who == service::Who::tagged;
    pattern->addresses = std::make_shared<service::IdAddresses>(
        *prefix, ids->grammar,
        service::derived_key(ids->secret,
                             tagged ? "addresses" : "addresses of " + draft.service.name));
    if (!pattern->addresses->reversible() && prefix->length > shortest_prefix) {
        values.addresses->complain(
            prefix->to_string() + " has fewer addresses than there are ids of up to " +
            std::to_string(ids->grammar.longest) + " characters of " +
            in_quotes(ids->grammar.characters) + "; give a /64, or set ids.length");
        return;
    }
    pattern->pool = pool;
    draft.service.pattern = std::move(pattern);
}

void complete_pattern(ServiceDraft& draft, const std::string& owner, Problems& problems) {
    refuse_for_many(draft, owner, problems);
    service::Template& service = draft.service;
    if (!service.pattern)
        return;
    // As of the instance with the longest of all values.
    service::Template longest = service;
    const std::string id = longest_id(service.pattern->grammar);
    longest.name = service::instance_name(service.name, id);
    longest.ipv6 = {service.pattern->addresses->of(id)};
    if (service.pattern->pool) {
        longest.ipv4 = {service.pattern->pool->at(service.pattern->pool->size() - 1)};
        if (!service.wake_dns)
            problems.error(draft.pool_where,
                           "addresses: an address of " + service.pattern->pool->prefix.to_string() +
                               " is leased when somebody asks for the name, and `wake` of " +
                               owner + " has no dns; add it, or leave the network out");
    }
    const auto line = expand_cmdline(draft.cmdline, longest, id);
    if (line)
        service.cmdline = draft.cmdline;
    else
        problems.error_at(draft.cmdline_where, "cmdline of " + owner + ": " + line.error().what);
}

namespace {

std::string holder(const ServiceDraft& draft) {
    return "service " + draft.service.name + ", line " + std::to_string(draft.places.name.line);
}

// What it leases is nobody else's.
void check_pool(const ServiceDraft& draft, const std::vector<ServiceDraft>& drafts,
                const std::vector<base::Endpoint>& listen, Problems& problems) {
    const auto& pool = draft.service.pattern->pool;
    if (!pool)
        return;
    const std::string network = pool->prefix.to_string();
    for (const base::Endpoint& own : listen)
        if (pool->contains(own.address))
            problems.error(draft.pool_where,
                           "addresses: " + own.address.to_string() +
                               ", which summond itself listens on, would be leased of " + network +
                               "; give a network without it");
    std::uint32_t size = pool->size();
    for (const ServiceDraft& other : drafts) {
        for (const ServiceDraft::Address& address : other.addresses)
            if (pool->contains(address.address))
                problems.error(address.where, "addresses: " + address.address.to_string() +
                                                  " is among those that " + holder(draft) +
                                                  " leases, of " + network +
                                                  "; take another, or a smaller network there");
        if (&other >= &draft || !other.service.pattern || !other.service.pattern->pool)
            continue;
        const service::Pool& others = *other.service.pattern->pool;
        size += others.size();
        if (others.prefix.contains(pool->prefix.address) ||
            pool->prefix.contains(others.prefix.address))
            problems.error(draft.pool_where, "addresses: " + network + " overlaps with " +
                                                 others.prefix.to_string() + " of " +
                                                 holder(other));
    }
    if (size > most_leased && size - pool->size() <= most_leased)
        problems.error(draft.pool_where,
                       "addresses: with " + network + " there are " + std::to_string(size) +
                           " IPv4 addresses in pools, and at most " + std::to_string(most_leased) +
                           " are leased; give smaller networks");
}

}  // namespace

void check_patterns(const std::vector<ServiceDraft>& drafts, const Zones& zones,
                    const std::vector<base::Endpoint>& listen, Problems& problems) {
    std::map<std::tuple<dns::Name, std::string, std::string>, const ServiceDraft*> given;
    std::vector<const ServiceDraft*> patterns;
    for (const ServiceDraft& draft : drafts)
        if (draft.service.pattern)
            patterns.push_back(&draft);
    for (const ServiceDraft* draft : patterns) {
        const service::Pattern& pattern = *draft->service.pattern;
        for (std::size_t i = 0; i < pattern.names.size(); ++i) {
            const service::Pattern::Name& name = pattern.names[i];
            const std::string text = name.to_string();
            const auto in_zone = [&](const Zone& zone) {
                return name.parent.is_at_or_below(zone.name);
            };
            if (zones.complete && std::ranges::none_of(zones.zones, in_zone))
                problems.error(
                    draft->pattern_names[i],
                    "names: " + text +
                        " is in none of the zones; write the name in full, or add its zone");
            // The innermost zone that it is in.
            const Zone* own = nullptr;
            for (const Zone& zone : zones.zones)
                if (in_zone(zone) &&
                    (own == nullptr || own->name.label_count() < zone.name.label_count()))
                    own = &zone;
            if (own != nullptr && own->transfer)
                problems.error(
                    draft->pattern_names[i],
                    "names: " + text + " is made when somebody asks, and cannot be transferred " +
                        "with zone " + own->name.to_string() + "; make " + name.parent.to_string() +
                        " a zone of its own without transfer:, and delegate it to this server");
            const auto [other, is_new] =
                given.try_emplace({name.parent, name.before, name.after}, draft);
            if (!is_new)
                problems.error(
                    draft->pattern_names[i],
                    "names: " + text + " is already a name of " + holder(*other->second));
        }
        const base::IpPrefix& prefix = pattern.addresses->prefix();
        const auto lies_among = [&](const base::IpAddress& address) {
            return prefix.contains(address) && !pattern.addresses->is_kept_free(address);
        };
        for (const base::Endpoint& own : listen)
            if (lies_among(own.address))
                problems.error(
                    draft->prefix_where,
                    "addresses: " + own.address.to_string() +
                        ", which summond itself listens on, lies among those of the ids; "
                        "take one of the first 65536 of " +
                        prefix.to_string() + " for it");
        for (const ServiceDraft& other : drafts)
            for (const ServiceDraft::Address& address : other.addresses)
                if (lies_among(address.address))
                    problems.error(address.where, "addresses: " + address.address.to_string() +
                                                      " lies among those of the ids of " +
                                                      holder(*draft) +
                                                      "; take one of the first 65536 of " +
                                                      prefix.to_string() + ", which no id has");
        check_pool(*draft, drafts, listen, problems);
        for (const ServiceDraft* other : patterns) {
            const base::IpPrefix& others = other->service.pattern->addresses->prefix();
            if (other < draft &&
                (others.contains(prefix.address) || prefix.contains(others.address)))
                problems.error(draft->prefix_where, "addresses: " + prefix.to_string() +
                                                        " overlaps with " + others.to_string() +
                                                        " of " + holder(*other));
        }
    }
    // What has a name of its own is found by it, whatever a rule says.
    for (const ServiceDraft& other : drafts)
        for (std::size_t n = 0; n < other.service.names.size(); ++n)
            for (const ServiceDraft* draft : patterns)
                for (const service::Pattern::Name& name : draft->service.pattern->names) {
                    const dns::Name& own = other.service.names[n];
                    if (own.is_root() || own.parent() != name.parent)
                        continue;
                    const auto wire = own.wire();
                    const std::string_view label(reinterpret_cast<const char*>(&wire[1]), wire[0]);
                    if (const auto id = draft->service.pattern->id_in(label, name))
                        problems.warning_at(other.places.names[n],
                                            "names: " + own.to_string() +
                                                " is this service's, and not "
                                                "that of id " +
                                                std::string(*id) + " of " + holder(*draft));
                }
}

}  // namespace summond::config
