#include "xl_devices.hpp"

#include <algorithm>
#include <map>
#include <memory>

namespace summond::config {

namespace {

NodePtr mapping(std::vector<Entry> entries, Mark where) {
    auto node = std::make_shared<Node>();
    node->kind = Node::Kind::mapping;
    node->where = where;
    node->entries = std::move(entries);
    return node;
}

// The parts between separators, without the spaces around them; empty ones are none (strtok).
std::vector<std::string> split(std::string_view text, char separator) {
    std::vector<std::string> parts;
    while (!text.empty()) {
        const auto end = std::min(text.find(separator), text.size());
        std::string_view part = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        const auto first = part.find_first_not_of(' ');
        if (first == std::string_view::npos)
            continue;
        part = part.substr(first, part.find_last_not_of(' ') - first + 1);
        parts.emplace_back(part);
    }
    return parts;
}

NodePtr list(const std::vector<std::string>& words, Mark where) {
    auto node = std::make_shared<Node>();
    node->kind = Node::Kind::list;
    node->where = where;
    for (const std::string& word : words)
        node->items.push_back(scalar(word, where));
    return node;
}

// What a vif's keyword means for us; empty: nothing that we support.
std::string_view our_key(std::string_view keyword) {
    for (const std::string_view same : {"mac", "bridge", "script", "ip", "gatewaydev", "vifname"})
        if (keyword == same)
            return same;
    return keyword == "netdev" ? "gatewaydev" : "";  // its old name
}

}  // namespace

NodePtr scalar(std::string text, Mark where) {
    auto node = std::make_shared<Node>();
    node->kind = Node::Kind::scalar;
    node->where = where;
    node->text = std::move(text);
    return node;
}

NodePtr vif_to_yaml(const xen::XlItem& item, Problems& problems) {
    const Mark where = mark(item.where);
    std::map<std::string_view, std::string> options;
    for (const std::string& part : split(item.text, ',')) {
        const auto equals = part.find('=');
        const std::string keyword = part.substr(0, equals);
        const std::string value = equals == std::string::npos ? "" : part.substr(equals + 1);
        const std::string_view key = our_key(keyword);
        if (!key.empty() && equals != std::string::npos)
            options[key] = value;
        else if (keyword == "type" && value != "vif")
            problems.error(where, "vif: type is " + in_quotes(value) +
                                      "; pv and pvh guests have no emulated interfaces, it must be "
                                      "vif");
        else if (keyword != "type" && keyword != "model")  // model: of emulated ones only
            problems.error(where, "vif: " + in_quotes(keyword) +
                                      " is not supported; supported are mac, bridge, script, ip, "
                                      "gatewaydev, vifname, type and model");
    }
    // xl's default script does more than to connect a bridge only where it is told more.
    const bool for_script =
        options.contains("ip") || options.contains("gatewaydev") || options.contains("vifname");
    if (for_script)
        options.try_emplace("script", "vif-bridge");
    std::vector<Entry> entries;
    for (const auto& [key, value] : options)
        entries.push_back({std::string(key), where,
                           key == "ip" ? list(split(value, ' '), where) : scalar(value, where)});
    return mapping(std::move(entries), where);
}

NodePtr disk_to_yaml(const xen::XlItem& item, Problems& problems) {
    const Mark where = mark(item.where);
    const auto disk = xen::parse_xl_disk(item.text);
    if (!disk) {
        problems.error(where, "disk: " + disk.error().what);
        return nullptr;
    }
    if (!disk->beyond.empty()) {
        problems.error(where, "disk: " + in_quotes(disk->beyond) +
                                  " is not supported; supported are target, format, vdev and "
                                  "access");
        return nullptr;
    }
    return mapping({{"path", where, scalar(disk->target, where)},
                    {"device", where, scalar(disk->vdev, where)},
                    {"mode", where, scalar(disk->writable ? "w" : "r", where)},
                    {"format", where, scalar(disk->format, where)}},
                   where);
}

}  // namespace summond::config
