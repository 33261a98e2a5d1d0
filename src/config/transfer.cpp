#include "transfer.hpp"

#include <algorithm>

#include "scalars.hpp"

namespace summond::config {
namespace {

constexpr std::uint16_t notify_port = 53;
constexpr std::size_t most_notified = 64;
constexpr std::size_t most_keys = 64;

std::optional<dns::Name> read_key_name(const Value& value) {
    return read_name(value, NameRule::any, "secondary.example");
}

std::optional<base::Endpoint> read_secondary(const Value& value) {
    constexpr std::string_view expected =
        "a secondary's address, with or without a port, such as 192.0.2.2 or \"192.0.2.2:5353\"";
    value.takes(endpoint_pattern());
    const auto endpoint = value.is(Node::Kind::scalar)
                              ? parse_endpoint(value.node->text, notify_port)
                              : base::Result<base::Endpoint>(base::error(""));
    if (!endpoint)
        value.refuse(expected, endpoint.error().what);
    else if (endpoint->address.is_multicast() || endpoint->address.is_unspecified() ||
             is_v4_mapped(endpoint->address))
        value.refuse(expected, "no address of one host");
    else
        return *endpoint;
    return std::nullopt;
}

// "192.0.2.2", or {address: 192.0.2.2, key: secondary.example}.
std::optional<Transfer::Notify> read_notify(const Value& value) {
    if (value.is(Node::Kind::scalar)) {
        const auto to = read_secondary(value);
        if (!value.is_described())
            return to ? std::optional(Transfer::Notify{*to, std::nullopt}) : std::nullopt;
    }
    auto mapping = Mapping::of(value, "transfer.notify.", "an address, or {address: 192.0.2.2}");
    if (!mapping)
        return std::nullopt;
    Transfer::Notify notify;
    const auto address = mapping->require({"address", "the secondary's address"}, "notify",
                                          "add the secondary's, such as address: 192.0.2.2");
    const auto to = address ? read_secondary(*address) : std::nullopt;
    if (const auto key = mapping->take({"key", "of tsig, to sign with", "not signed"}))
        notify.key = read_key_name(*key);
    mapping->refuse_rest();
    if (!to)
        return std::nullopt;
    notify.to = *to;
    return notify;
}

}  // namespace

std::optional<Transfer> read_transfer(const Value& value) {
    auto mapping = Mapping::of(value, "transfer.",
                               "a mapping, such as {to: 192.0.2.2, keys: secondary.example}");
    if (!mapping)
        return std::nullopt;
    Transfer transfer;
    transfer.where = value.problems->at(value.where);
    const auto to = mapping->take({"to", "networks of the secondaries", "with keys: any"});
    if (to)
        transfer.to = read_networks(*to, "any");
    const auto keys =
        mapping->take({"keys", "names of keys of tsig, one of which a secondary needs", "none"});
    if (keys) {
        for (const Value& item : keys->list_or_one("a key's name, or a list of names"))
            if (auto name = read_key_name(item))
                transfer.keys.push_back(std::move(*name));
        if (transfer.keys.size() > most_keys)
            keys->complain("at most 64 keys");
    }
    if (const auto notify = mapping->take(
            {"notify", "secondaries that are told of changes (RFC 1996)", "nobody is told"})) {
        for (const Value& item : notify->list_or_one("a secondary's address, or a list of them"))
            if (auto read = read_notify(item))
                transfer.notify.push_back(std::move(*read));
        if (transfer.notify.size() > most_notified)
            notify->complain("at most 64 secondaries");
    }
    mapping->refuse_rest();
    mapping->has_one_of({"to", "keys"});
    if (!to && !keys)
        value.complain(
            "names nobody who may have the zone; say to: and the secondaries' networks, keys: and "
            "a key's name, or both");
    if (to && !keys && to->word({"any"}))
        transfer.to = {{base::IpAddress::v4({}), 0}, {base::IpAddress::v6({}), 0}};
    return transfer;
}

std::vector<TsigFile> read_tsig(const Value& value, const Paths& paths) {
    std::vector<TsigFile> files;
    for (const Value& item : value.list_or_one("the path of a key's file, or a list of paths")) {
        const auto path = paths.read(item);
        if (!path)
            continue;
        if (std::ranges::find(files, *path, &TsigFile::path) != files.end())
            item.complain(*path + " is there twice; keep one");
        else
            files.push_back({*path, value.problems->at(item.where)});
    }
    return files;
}

SerialPolicy read_serial_policy(const Value& value) {
    return static_cast<SerialPolicy>(value.one_of({"file", "unixtime", "increment"}).value_or(0));
}

}  // namespace summond::config
