// How a service is reached: its ports, and how it shows that it is ready there.
#include <algorithm>

#include "scalars.hpp"
#include "service.hpp"

namespace summond::config {

namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

constexpr std::uint64_t max_port = 65535;
constexpr std::size_t max_xenstore_key = 256;  // far below XENSTORE_REL_PATH_MAX
constexpr std::size_t max_http_path = 200;     // with the rest of a request in one TCP segment
constexpr milliseconds max_ready_timeout = 10min;

// "tcp/80", "udp/53", "icmp"; "tcp" and "udp" alone are any port.
std::optional<service::Port> parse_port(std::string_view text) {
    const auto slash = text.find('/');
    const std::string_view protocol = text.substr(0, slash);
    service::Port port;
    if (protocol == "udp")
        port.protocol = service::Protocol::udp;
    else if (protocol == "icmp")
        port.protocol = service::Protocol::icmp;
    else if (protocol != "tcp")
        return std::nullopt;
    if (slash == std::string_view::npos)
        return port;
    const auto number = parse_number(text.substr(slash + 1));
    if (!number || *number < 1 || *number > max_port || port.protocol == service::Protocol::icmp)
        return std::nullopt;
    port.number = static_cast<std::uint16_t>(*number);
    return port;
}

struct PortPatterns {
    std::string any;
    std::string to_probe;  // those of `ready`
};
const PortPatterns& port_patterns() {
    static const std::string number = number_pattern(1, max_port);
    static const PortPatterns patterns{"(?:icmp|tcp|udp|(?:tcp|udp)/" + number + ")",
                                       "(?:tcp|http)/" + number};
    return patterns;
}

void read_ports(const Value& value, service::Template& service) {
    constexpr std::string_view expected = "tcp/80, udp/53, icmp, or tcp or udp for any port";
    service.ports.clear();
    for (const Value& item : value.list_or_one("a list such as [tcp/80, udp/53, icmp]")) {
        item.takes(port_patterns().any);
        const auto port = item.is(Node::Kind::scalar) ? parse_port(item.node->text) : std::nullopt;
        if (!port)
            item.refuse(expected);
        else if (std::ranges::find(service.ports, *port) != service.ports.end())
            item.complain(in_quotes(item.node->text) + " is there already");
        else
            service.ports.push_back(*port);
    }
}

void read_xenstore_key(const Value& value, service::Ready& ready) {
    constexpr std::string_view expected =
        "a xenstore key below data/, where guests may write, such as data/ready";
    const auto key =
        value.text(expected, "(?!.*//)data/[A-Za-z0-9/_@-]*[A-Za-z0-9_@-]", max_xenstore_key);
    if (!key)
        return;
    // xenstored's own rules for a node's name.
    constexpr std::string_view characters =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-/_@";
    if (key->starts_with("data/") && key->size() <= max_xenstore_key && !key->ends_with('/') &&
        key->find("//") == std::string::npos &&
        key->find_first_not_of(characters) == std::string::npos)
        ready.how = service::ReadyXenstore{*key};
    else
        value.refuse(expected);
}

std::string read_http_path(const Value& value) {
    constexpr std::string_view expected =
        "a path such as /health: at most 200 characters of a URL, the first a slash";
    const auto path = value.text(expected, "/[A-Za-z0-9._~%!$&'()*+,;=:@/?-]*", max_http_path);
    // RFC 3986 §3.3 and §3.4.
    constexpr std::string_view characters =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~%!$&'()*+,;=:@/?";
    if (path && path->starts_with('/') && path->size() <= max_http_path &&
        path->find_first_not_of(characters) == std::string::npos)
        return *path;
    if (path)
        value.refuse(expected);
    return "/";
}

void read_ready(const Value& value, ServiceDraft& draft) {
    constexpr std::string_view expected =
        "link, ends, tcp/80, http/80, {tcp: 80}, {http: 80, path: /}, {xenstore: data/ready} or "
        "{link: "
        "true}, each with a timeout such as 30s if need be";
    service::Ready& ready = draft.service.ready;
    ready = {};
    draft.ready_given = true;
    draft.ready_timeout_where.reset();
    if (value.is(Node::Kind::scalar)) {
        const bool http = value.node->text.starts_with("http/");
        const auto port = parse_port(http ? "tcp" + value.node->text.substr(4) : value.node->text);
        if (port && port->protocol == service::Protocol::tcp && port->number != 0)
            ready.how = service::ReadyTcp{port->number, http ? "/" : ""};
        else if (value.node->text == "ends")
            ready.how = service::ReadyEnds{};
        else if (value.node->text != "link")
            value.refuse(expected);
        static_cast<void>(value.word({"link", "ends"}));
        value.takes(port_patterns().to_probe);
    }
    if (value.is_only(Node::Kind::scalar))
        return;
    auto mapping = Mapping::of(value, "ready.", expected);
    if (!mapping)
        return;
    const auto link = mapping->take({"link", "its network interface is connected"});
    const auto tcp = mapping->take({"tcp", "it accepts connections on this port"});
    const auto http = mapping->take({"http", "the web server on this port answers"});
    const auto path = mapping->take({"path", "what is asked for with http; / if it is not given"});
    const auto xenstore =
        mapping->take({"xenstore", "it has written this key in its part of xenstore, below data/"});
    const auto port = [](const Value& number) {
        return static_cast<std::uint16_t>(number.number(1, max_port).value_or(1));
    };
    if (link)
        link->one_of({"true"});
    if (tcp)
        ready.how = service::ReadyTcp{port(*tcp)};
    if (http)
        ready.how = service::ReadyTcp{port(*http), path ? read_http_path(*path) : "/"};
    else if (path)
        path->complain("it is what is asked for with http, and goes with http: 80");
    if (xenstore)
        read_xenstore_key(*xenstore, ready);
    const Value* given = nullptr;
    for (const auto* one : {&link, &tcp, &http, &xenstore}) {
        if (!*one)
            continue;
        if (given != nullptr)
            given->complain("one of link, tcp, http and xenstore says that a guest is ready");
        given = &**one;
    }
    mapping->has_at_most_one_of({"link", "tcp", "http", "xenstore"});
    mapping->goes_with("path", "http");
    draft.ready_given = given != nullptr;
    if (const auto timeout = mapping->take(
            {"timeout", "a guest that is not ready by then has failed to start", "30s"})) {
        draft.ready_timeout_where = timeout->where;
        if (const auto duration = read_duration(*timeout, 100ms, max_ready_timeout, "30s"))
            ready.timeout = *duration;
    }
    mapping->refuse_rest();
}

}  // namespace

void read_reach(Mapping& mapping, ServiceDraft& draft) {
    if (const auto ports = mapping.take(
            {"ports", "what it is there for: tcp/80, udp/53, icmp, or tcp or udp for any port",
             "it does not say"}))
        read_ports(*ports, draft.service);
    if (const auto ready = mapping.take({"ready", "how the guest shows that it is up",
                                         "its first TCP port, else link; within 30s"}))
        read_ready(*ready, draft);
}

void complete_reach(ServiceDraft& draft) {
    // How long such a guest works is its own business.
    if (std::holds_alternative<service::ReadyEnds>(draft.service.ready.how) && !draft.idle_given)
        draft.service.idle_after.reset();
    const auto named_tcp = [](const service::Port& port) {
        return port.protocol == service::Protocol::tcp && port.number != 0;
    };
    const auto first = std::ranges::find_if(draft.service.ports, named_tcp);
    if (!draft.ready_given && first != draft.service.ports.end())
        draft.service.ready.how = service::ReadyTcp{first->number};
}

}  // namespace summond::config
