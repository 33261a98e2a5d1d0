// The top level of a configuration: listen, workers, user, log, server, cookies, save_dir, key_dir,
// state; the rest in files of its own.
#include <algorithm>
#include <boost/json/serialize.hpp>
#include <charconv>
#include <exception>

#include "check.hpp"
#include "control.hpp"
#include "fleet.hpp"
#include "limits.hpp"
#include "paths.hpp"
#include "rate_limit.hpp"
#include "reader.hpp"
#include "scalars.hpp"
#include "service.hpp"
#include "transfer.hpp"
#include "webhooks.hpp"
#include "yaml.hpp"
#include "zone.hpp"

namespace summond::config {

namespace {

constexpr std::uint16_t dns_port = 53;

std::vector<base::Endpoint> default_listen() {
    const base::IpAddress any4 = base::IpAddress::v4({});
    const base::IpAddress any6 = base::IpAddress::v6({});
    return {{any4, dns_port}, {any6, dns_port}};
}

std::vector<base::Endpoint> read_listen(const Value& value) {
    constexpr std::string_view expected =
        "an address with or without a port, such as 192.0.2.1, \"192.0.2.1:53\" or "
        "\"[2001:db8::1]:53\"";
    std::vector<base::Endpoint> endpoints;
    for (const Value& item : value.list_or_one("an address or a list of addresses")) {
        item.takes(endpoint_pattern());
        const auto endpoint = item.is(Node::Kind::scalar)
                                  ? parse_endpoint(item.node->text, dns_port)
                                  : base::Result<base::Endpoint>(base::error(""));
        if (!endpoint)
            item.refuse(expected, endpoint.error().what);
        else if (endpoint->address.is_multicast())
            item.refuse(expected, "a multicast address");
        else if (is_link_local(endpoint->address) || is_v4_mapped(endpoint->address))
            item.refuse(expected, "an address that a DNS server cannot be reached at");
        else if (std::find(endpoints.begin(), endpoints.end(), *endpoint) != endpoints.end())
            item.complain(endpoint->to_string() + " is there twice; keep one");
        else
            endpoints.push_back(*endpoint);
    }
    return endpoints;
}

// The front must not be root: that is what it is a process of its own for.
std::string read_user(const Value& value) {
    constexpr std::string_view expected = "the name of a user other than root, such as summond";
    constexpr std::size_t longest = 32;  // useradd(8)
    const auto name = value.text(expected, R"((?!root$|[0-9]+$)[^:/ \x00-\x1f\x7f]+)", longest);
    if (!name)
        return {};
    const bool is_number = name->find_first_not_of("0123456789") == std::string::npos;
    if (name->size() <= longest && name->find_first_of(":/ ") == std::string::npos && !is_number &&
        *name != "root")
        return *name;
    value.refuse(expected, is_number ? "a number" : "");
    return {};
}

void read_log(const Value& value, Config& config) {
    auto mapping = Mapping::of(value, "log.", "a mapping, such as {level: info}");
    if (!mapping)
        return;
    if (const auto level = mapping->take({"level", "the least that is logged", "info"}))
        if (level->one_of({"trace", "debug", "info", "warn", "error"}))
            config.log_level = level->node->text;
    mapping->refuse_rest();
}

std::string read_words(const Value& value, std::size_t longest) {
    const std::string expected = "a text of at most " + std::to_string(longest) + " octets";
    const auto text = value.text(expected, any_text, longest);
    if (text && text->size() <= longest)
        return *text;
    if (text)
        value.refuse(expected, std::to_string(text->size()) + " octets");
    return {};
}

void read_server(const Value& value, Server& server) {
    constexpr std::size_t longest_version = 255;   // one character-string, RFC 1035 §3.3
    constexpr std::size_t longest_identity = 100;  // answer::max_identity
    auto mapping = Mapping::of(value, "server.", "a mapping, such as {identity: ns1}");
    if (!mapping)
        return;
    if (const auto version =
            mapping->take({"version", "the answer to version.bind", "none is given"}))
        server.version = read_words(*version, longest_version);
    if (const auto identity = mapping->take(
            {"identity", "the answer to id.server, and NSID (RFC 5001)", "none is given"}))
        server.identity = read_words(*identity, longest_identity);
    mapping->refuse_rest();
}

void read_secret(const Value& value, Cookies& cookies) {
    value.takes("[0-9a-fA-F]{32}");
    std::array<std::uint8_t, 16> secret;
    const std::string_view text = value.node->text;  // empty if it is no scalar
    constexpr std::string_view digits = "0123456789abcdefABCDEF";
    if (text.size() != 2 * secret.size() ||
        text.find_first_not_of(digits) != std::string_view::npos) {
        // Without the value: it may be a secret with a slip of the pen.
        value.complain("must be 32 hexadecimal digits; `openssl rand -hex 16` makes some");
        return;
    }
    for (std::size_t i = 0; i < secret.size(); ++i)
        std::from_chars(&text[2 * i], &text[2 * i] + 2, secret[i], 16);
    cookies.secret = secret;
}

void read_cookies(const Value& value, Cookies& cookies) {
    if (const auto word = value.word({"off", "on"})) {
        cookies.enabled = *word == 1;
        return;
    }
    auto mapping = Mapping::of(value, "cookies.", "on, off or {secret: 32 hexadecimal digits}");
    if (!mapping)
        return;
    if (const auto secret = mapping->require(
            {"secret",
             "32 hexadecimal digits that servers behind one address share; openssl rand -hex 16"},
            "cookies", "give 32 hexadecimal digits, or say on"))
        read_secret(*secret, cookies);
    mapping->refuse_rest();
}

Zones read_zones(Mapping& mapping, const Paths& paths, ReadZones wanted) {
    if (wanted == ReadZones::no) {
        mapping.take({"zones", "the zones that are answered for"});
        return {{}, false};
    }
    const auto value =
        mapping.require({"zones", "the zones that are answered for"}, "the configuration",
                        "list at least one, such as - name: jit.example");
    return value ? read_zones(*value, paths) : Zones{{}, false};
}

void read_webhooks(Mapping& mapping, const Paths& paths, ReadZones wanted,
                   const std::vector<ServiceDraft>& services, Config& config) {
    const auto value = mapping.take({"webhooks", "who is told over HTTP what happens", "none"});
    if (!value || wanted == ReadZones::no)
        return;
    std::vector<WebhookDraft> drafts = read_webhooks(*value, paths);
    check_webhooks(drafts, services, mapping.problems());
    if (!config.control.enabled && !drafts.empty())
        value->complain("with control: off nobody tells them anything; leave one of the two out");
    for (WebhookDraft& draft : drafts)
        config.webhooks.push_back(std::move(draft.webhook));
}

void read_fleet(Mapping& mapping, const Paths& paths, ReadZones wanted, Config& config) {
    const auto value = mapping.take(
        {"fleet", "this host among those that serve the same zones, which find each other by etcd",
         "this host is alone"});
    if (value && wanted == ReadZones::yes)
        config.fleet = read_fleet(*value, paths);
}

// Of each service, its own or the defaults'.
constexpr std::string_view something_to_boot = R"({"anyOf": [
    {"required": ["defaults"],
     "properties": {"defaults": {"anyOf": [{"required": ["kernel"]}, {"required": ["bootloader"]}]}}},
    {"properties": {"services": {"items": {"anyOf": [
        {"required": ["kernel"]}, {"required": ["bootloader"]}, {"required": ["xl"]}]}}}}]})";

void read_config(const Value& value, const Paths& paths, ReadZones wanted, Problems& problems,
                 Config& config) {
    auto mapping = Mapping::of(value, "", "a mapping with zones: and perhaps services:");
    if (!mapping)
        return;
    const auto listen = mapping->take(
        {"listen", "addresses that queries are answered at, each with or without a port",
         "[\"0.0.0.0:53\", \"[::]:53\"]"});
    config.listen = listen ? read_listen(*listen) : default_listen();
    if (const auto workers =
            mapping->take({"workers", "how many threads answer UDP queries", "one for each CPU"}))
        if (const auto number = workers->number(1, max_workers))
            config.workers = static_cast<unsigned>(*number);
    if (const auto user =
            mapping->take({"user", "whom the process that talks to the network runs as; not root",
                           "summond, or nobody where that does not exist"}))
        config.user = read_user(*user);
    if (const auto log = mapping->take({"log", "what is logged"}))
        read_log(*log, config);
    if (const auto server =
            mapping->take({"server", "what the server says of itself to those who ask", "nothing"}))
        read_server(*server, config.server);
    if (const auto cookies = mapping->take({"cookies", "DNS Cookies (RFC 7873)", "on"}))
        read_cookies(*cookies, config.cookies);
    if (const auto limit = mapping->take(
            {"rate_limit", "how many UDP answers one network gets in a second", "on"}))
        read_rate_limit(*limit, config.rate_limit);
    if (const auto tcp = mapping->take({"tcp", "what clients may take of DNS over TCP"}))
        read_tcp(*tcp, config.tcp);
    if (const auto signing = mapping->take(
            {"signing", "names of signed zones that are signed when they are asked for"}))
        read_signing(*signing, config.signing);
    if (const auto control =
            mapping->take({"control", "the socket of summonctl, and who may use it", "on"}))
        read_control(*control, paths, config.listen, config.control);
    if (const auto limits = mapping->take(
            {"limits", "what the domains of all services together may take of the host"}))
        read_limits(*limits, config.limits);
    if (const auto save_dir = mapping->take(
            {"save_dir", "the directory where suspended domains are kept", "/var/lib/summond"}))
        config.save_dir = paths.read(*save_dir).value_or(config.save_dir);
    if (const auto key_dir =
            mapping->take({"key_dir", "the directory where the keys of signed zones are kept",
                           "/var/lib/summond/keys"}))
        config.key_dir = paths.read(*key_dir).value_or(config.key_dir);
    if (const auto state = mapping->take(
            {"state",
             "the file of what outlives the daemon (pins, back-off, the history of wakes), or none",
             "/var/lib/summond/state.db; with --simulate none"}))
        config.state = state->node->text == "none" ? std::string() : paths.read(*state);

    if (const auto tsig =
            mapping->take({"tsig", "files with TSIG keys (RFC 8945) of secondaries", "none"}))
        config.tsig = read_tsig(*tsig, paths);

    Zones zones = read_zones(*mapping, paths, wanted);
    check_zones(zones, problems);

    const auto defaults_value = mapping->take({"defaults", "settings that services share"});
    ServiceDraft defaults = defaults_value ? read_defaults(*defaults_value, paths) : ServiceDraft();
    defaults.host = config.host;
    const auto services_value =
        mapping->take({"services", "DNS names and the Xen domains behind them", "none"});
    std::vector<ServiceDraft> drafts;
    if (services_value)
        drafts = read_services(*services_value, defaults, paths);
    check_services(drafts, zones, config.listen, problems);
    read_webhooks(*mapping, paths, wanted, drafts, config);
    read_fleet(*mapping, paths, wanted, config);
    mapping->is_true(something_to_boot);
    mapping->refuse_rest();

    config.zones = std::move(zones.zones);
    for (ServiceDraft& draft : drafts) {
        config.services.push_back(std::move(draft.service));
        config.service_places.push_back(std::move(draft.places));
    }
}

}  // namespace

std::string schema() {
    Problems none("");
    Shape shape;
    Config config;
    read_config({nullptr, {}, "the configuration", &none, &shape}, Paths("/"), ReadZones::yes, none,
                config);
    boost::json::object out{{"$schema", "http://json-schema.org/draft-07/schema#"},
                            {"title", "summond's configuration"}};
    for (const auto& [key, value] : shape.json())
        out[key] = value;
    out["definitions"] = pattern_definitions();
    return boost::json::serialize(out);
}

Loaded parse(std::string_view yaml, const std::string& file, const ReadFile& read, ReadZones zones,
             service::Host host) {
    Problems problems(file);
    Config config;
    config.host = host;
    Loaded loaded;
    try {
        NodePtr root = read_yaml(yaml, problems);
        const bool empty = !root || root->kind == Node::Kind::empty;
        if (empty && zones == ReadZones::no && !problems.refused()) {  // there were but zones
            auto nothing = std::make_shared<Node>();
            nothing->kind = Node::Kind::mapping;
            root = std::move(nothing);
        } else if (empty && !problems.refused()) {
            problems.error({1, 1},
                           "the file is empty; it needs zones, such as in config/minimal.yaml");
        }
        if (!problems.refused()) {
            read_config({root.get(), root->where, "the configuration", &problems},
                        Paths(file, &read), zones, problems, config);
            // All by the positions in the whole text, of which no line goes.
            loaded.without_zones =
                without("fleet", without("webhooks", without("zones", yaml, *root), *root), *root);
        }
    } catch (const std::exception& e) {  // memory
        problems.error({}, std::string("cannot be read: ") + e.what());
    }
    if (!problems.refused())
        loaded.config = std::move(config);
    loaded.problems = problems.take();
    return loaded;
}

}  // namespace summond::config
