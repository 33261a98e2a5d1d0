#include "fleet.hpp"

#include <algorithm>
#include <charconv>

#include "scalars.hpp"

namespace summond::config {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t most_servers = 16;
constexpr std::size_t most_networks = 16;
constexpr std::size_t longest_url = 255;
constexpr std::size_t longest_location = 32;
constexpr std::size_t longest_prefix = 100;
constexpr std::size_t longest_user = 255;

bool is_server(std::string_view url) {
    if (url.starts_with("https://"))
        url.remove_prefix(8);
    else if (url.starts_with("http://"))
        url.remove_prefix(7);
    else
        return false;
    return !url.empty() && url.front() != ':' && std::ranges::all_of(url, [](char c) {
        return c > ' ' && c < 0x7f && std::string_view("/?#@\\").find(c) == std::string_view::npos;
    });
}

void read_servers(const Value& value, Fleet& fleet) {
    constexpr std::string_view expected =
        "a URL such as https://etcd1.example.net:2379, without user and path";
    for (const Value& item : value.list_or_one("a URL of etcd, or a list of them")) {
        const auto url = item.text(
            expected, R"(https?://[!-"$-.0-9;->A-\[\]-~][!-"$-.0->A-\[\]-~]*)", longest_url);
        if (!url)
            continue;
        if (!is_server(*url) || url->size() > longest_url)
            item.refuse(expected);
        else if (std::ranges::find(fleet.etcd, *url) != fleet.etcd.end())
            item.complain(*url + " is there twice; keep one");
        else
            fleet.etcd.push_back(*url);
    }
    if (fleet.etcd.size() > most_servers)
        value.complain("at most " + std::to_string(most_servers) + " servers");
}

// A file that is PEM with such a thing in it.
std::string read_pem(const Value& value, const Paths& paths, std::string_view what,
                     std::string_view called, Fleet& fleet) {
    auto content = paths.read_content(value);
    if (!content)
        return {};
    fleet.files.push_back(content->path);
    if (content->text.find(what) == std::string::npos)
        value.complain(content->path + " has no " + std::string(called) + " in it (PEM)");
    return std::move(content->text);
}

void read_tls(const Value& value, const Paths& paths, Fleet& fleet) {
    auto mapping = Mapping::of(value, "fleet.tls.",
                               "a mapping, such as {ca: ca.pem, cert: host1.pem, key: host1.key}");
    if (!mapping)
        return;
    constexpr std::string_view certificate = "-----BEGIN CERTIFICATE-----";
    if (const auto ca =
            mapping->take({"ca",
                           "the file with the certificates (PEM) that etcd's is verified by, "
                           "instead of the host's"}))
        fleet.ca = read_pem(*ca, paths, certificate, "certificate", fleet);
    const auto cert =
        mapping->take({"cert", "the file with the certificate (PEM) that this host shows to etcd"});
    const auto key = mapping->take({"key", "the file with the key (PEM) of that certificate"});
    if (cert)
        fleet.certificate = read_pem(*cert, paths, certificate, "certificate", fleet);
    if (key)
        fleet.key = read_pem(*key, paths, "PRIVATE KEY-----", "private key", fleet);
    if (cert && !key)
        cert->complain("its key is missing; say key: too");
    if (key && !cert)
        key->complain("there is no certificate that it is for; say cert: too");
    mapping->goes_with("cert", "key");
    mapping->goes_with("key", "cert");
    mapping->refuse_rest();
}

void read_password(const Value& value, const Paths& paths, Fleet& fleet) {
    auto content = paths.read_content(value);
    if (!content)
        return;
    fleet.files.push_back(content->path);
    std::string& text = content->text;
    text.erase(text.find_last_not_of(" \t\r\n") + 1);
    // Without the value.
    if (text.empty() || text.size() > longest_user ||
        std::ranges::any_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7f; }))
        value.complain(content->path + " must hold a password of 1 to 255 octets, on one line");
    fleet.password = std::move(text);
}

bool is_degrees(std::string_view text, double most) {
    double degrees = 0;
    const auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), degrees, std::chars_format::fixed);
    return error == std::errc() && end == text.data() + text.size() && degrees >= -most &&
           degrees <= most;
}

void read_location(const Value& value, Fleet& fleet) {
    constexpr std::string_view expected =
        "degrees north and east, such as \"59.91,10.75\" or \"-33.87,151.21\"";
    const auto text = value.text(
        expected,
        R"(-?([0-8]?[0-9](\.[0-9]+)?|90(\.0+)?),-?((1[0-7][0-9]|[0-9]?[0-9])(\.[0-9]+)?|)"
        R"(180(\.0+)?))",
        longest_location);
    if (!text)
        return;
    const auto comma = text->find(',');
    const std::string_view all = *text;
    if (all.size() <= longest_location && comma != std::string::npos &&
        is_degrees(all.substr(0, comma), 90) && is_degrees(all.substr(comma + 1), 180))
        fleet.location = *text;
    else
        value.refuse(expected);
}

void read_key_prefix(const Value& value, Fleet& fleet) {
    constexpr std::string_view expected = "a text that ends with /, such as /summond/";
    const auto text = value.text(expected, "[!-~]*/", longest_prefix);
    if (!text)
        return;
    if (text->size() <= longest_prefix && text->ends_with('/') &&
        std::ranges::all_of(*text, [](char c) { return c > ' ' && c < 0x7f; }))
        fleet.key_prefix = *text;
    else
        value.refuse(expected);
}

void read_user(Mapping& mapping, const Paths& paths, Fleet& fleet) {
    const auto user = mapping.take({"user", "the user of etcd's that this host is", "none"});
    const auto file = mapping.take({"password_file", "the path of a file that holds its password"});
    if (user)
        if (const auto name = user->text("a user of etcd's", any_text, longest_user)) {
            if (name->size() > longest_user)
                user->refuse("a user of etcd's, of at most 255 octets");
            fleet.user = *name;
        }
    if (file)
        read_password(*file, paths, fleet);
    if (user && !file)
        user->complain("its password is missing; say password_file: too");
    if (file && !user)
        file->complain("there is no user whose password it is; say user: too");
    mapping.goes_with("user", "password_file");
    mapping.goes_with("password_file", "user");
}

}  // namespace

std::optional<Fleet> read_fleet(const Value& value, const Paths& paths) {
    auto mapping = Mapping::of(
        value, "fleet.", "a mapping, such as {name: host1, etcd: https://etcd.example.net:2379}");
    if (!mapping)
        return std::nullopt;
    Fleet fleet;
    if (const auto name =
            mapping->require({"name", "what this host is called among the others"}, "fleet",
                             "add name: and a word that no other host has, such as host1"))
        fleet.name = read_plain_name(*name).value_or("");
    if (const auto servers = mapping->require({"etcd", "the URLs of etcd's servers"}, "fleet",
                                              "say where etcd is, as https://HOST:2379"))
        read_servers(*servers, fleet);
    const auto tls = mapping->take({"tls", "certificates, where etcd's URLs are https"});
    if (tls)
        read_tls(*tls, paths, fleet);
    if (tls && !tls->is_described() && !fleet.etcd.empty() &&
        std::ranges::none_of(fleet.etcd,
                             [](const std::string& url) { return url.starts_with("https:"); }))
        tls->complain("no URL of etcd: is https; make it one, or leave this out");
    read_user(*mapping, paths, fleet);
    if (const auto networks = mapping->take(
            {"networks", "the networks of which this host gives out addresses, or none", "none"}))
        fleet.networks = read_networks(*networks, "none", most_networks);
    if (const auto location =
            mapping->take({"location", "where this host is: degrees north and east"}))
        read_location(*location, fleet);
    if (const auto lease = mapping->take(
            {"lease", "after how long the others take this host for gone, if it is silent", "5s"}))
        fleet.lease = read_duration(*lease, 2s, 10min, "5s").value_or(fleet.lease);
    if (const auto prefix =
            mapping->take({"key_prefix", "what all keys in etcd begin with", "/summond/"}))
        read_key_prefix(*prefix, fleet);
    mapping->refuse_rest();
    return fleet;
}

}  // namespace summond::config
