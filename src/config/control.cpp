#include "control.hpp"

#include <algorithm>

#include "scalars.hpp"

namespace summond::config {
namespace {

constexpr std::size_t most_listeners = 16;  // ipc::Listener::most
constexpr std::size_t most_names = 64;

constexpr std::size_t longest_socket = 107;  // sockaddr_un's sun_path with its NUL, unix(7)

std::string read_group(const Value& value) {
    constexpr std::string_view expected = "the name of a group, such as adm";
    constexpr std::size_t longest = 32;  // groupadd(8)
    const auto name = value.text(expected, R"((?![0-9]+$)[^:/, \x00-\x1f\x7f]+)", longest);
    if (!name)
        return {};
    const bool is_number = name->find_first_not_of("0123456789") == std::string::npos;
    if (name->size() <= longest && name->find_first_of(":/, ") == std::string::npos && !is_number)
        return *name;
    value.refuse(expected, is_number ? "a number" : "");
    return {};
}

// A port alone is one of this host's own, where nobody else comes.
base::Result<base::Endpoint> parse_listener(const std::string& text) {
    constexpr std::uint64_t last_port = 65535;
    if (const auto port = parse_number(text); port && *port > 0 && *port <= last_port)
        return base::Endpoint{base::IpAddress::v4({127, 0, 0, 1}),
                              static_cast<std::uint16_t>(*port)};
    auto endpoint = parse_endpoint(text, 0);
    if (endpoint && endpoint->port == 0)
        return base::error("without a port");
    return endpoint;
}

bool is_same_place(const base::Endpoint& a, const base::Endpoint& b) {
    return a.port == b.port && a.address.is_v4() == b.address.is_v4() &&
           (a.address == b.address || a.address.is_unspecified() || b.address.is_unspecified());
}

void read_listener(const Value& item, const std::vector<base::Endpoint>& dns, Control& control) {
    constexpr std::string_view expected =
        "a port of this host's own, or an address with one, such as 9153, \"192.0.2.1:9153\" or "
        "\"[2001:db8::1]:9153\"";
    item.takes_number(1, 65535);
    item.takes(listener_pattern());
    const auto endpoint = item.is(Node::Kind::scalar)
                              ? parse_listener(item.node->text)
                              : base::Result<base::Endpoint>(base::error(""));
    if (!endpoint)
        return item.refuse(expected, endpoint.error().what);
    if (endpoint->address.is_multicast() || is_link_local(endpoint->address) ||
        is_v4_mapped(endpoint->address))
        return item.refuse(expected, "an address that a server cannot be reached at");
    const auto same = [&](const base::Endpoint& other) { return is_same_place(*endpoint, other); };
    if (std::ranges::any_of(dns, same))
        return item.complain(
            endpoint->to_string() +
            " is where DNS is answered (listen); choose another port, such as 9153");
    if (std::ranges::any_of(control.listen, same))
        return item.complain(endpoint->to_string() + " is there already; keep one");
    if (!is_loopback(endpoint->address))
        item.problems->warning(
            item.where, item.key + ": " + endpoint->to_string() +
                            " can be read by everybody who reaches it: nobody is asked who they "
                            "are; keep others away by a firewall, or listen on 127.0.0.1");
    control.listen.push_back(*endpoint);
}

void read_host_name(const Value& item, Control& control) {
    const auto name = read_name(item, NameRule::host, "dom0.example.net");
    if (!name)
        return;
    std::string text = name->to_string();
    if (text.size() > 1 && text.ends_with('.'))
        text.pop_back();
    std::ranges::transform(text, text.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    control.names.push_back(text);
}

}  // namespace

void read_control(const Value& value, const Paths& paths, const std::vector<base::Endpoint>& dns,
                  Control& control) {
    if (const auto word = value.word({"off", "on"})) {
        control.enabled = *word == 1;
        return;
    }
    auto mapping = Mapping::of(value, "control.", "on, off or a mapping, such as {admins: adm}");
    if (!mapping)
        return;
    if (const auto socket = mapping->take(
            {"socket", "the path of a Unix socket; its directory is made if it is not there",
             "/run/summond/control.sock"})) {
        const auto path = paths.read(*socket);
        if (path && path->size() > longest_socket)
            socket->refuse("the path of a socket, of at most " + std::to_string(longest_socket) +
                           " octets");
        else if (path)
            control.socket = *path;
        control.socket_given = true;
    }
    if (const auto readers =
            mapping->take({"readers", "the group whose members may look, beside root",
                           "summond, where there is one"}))
        control.readers = read_group(*readers);
    if (const auto admins = mapping->take(
            {"admins", "the group whose members may give commands, too", "none: root only"}))
        control.admins = read_group(*admins);
    if (const auto listen = mapping->take(
            {"listen",
             "where what can be read is served over TCP, too: ports, or addresses with one",
             "none"}))
        for (const Value& item : listen->list_or_one("a port, an address with one, or a list")) {
            if (control.listen.size() < most_listeners)
                read_listener(item, dns, control);
            else
                item.complain("there are at most " + std::to_string(most_listeners));
        }
    if (const auto names =
            mapping->take({"names", "names of this host by which browsers may ask over TCP"}))
        for (const Value& item : names->list_or_one("a name of this host, or a list of them")) {
            if (control.names.size() < most_names)
                read_host_name(item, control);
            else
                item.complain("there are at most " + std::to_string(most_names));
        }
    mapping->refuse_rest();
}

}  // namespace summond::config
