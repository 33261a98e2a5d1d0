#include "xl_devices.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>

#include "xl_keys.hpp"

namespace summond::config {

namespace {

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

// keyword=value, or a keyword alone.
struct Token {
    std::string keyword;
    std::optional<std::string> value;
};

std::vector<Token> tokens(std::string_view text) {
    std::vector<Token> found;
    for (const std::string& part : split(text, ',')) {
        const auto equals = part.find('=');
        found.push_back({part.substr(0, equals), equals == std::string::npos
                                                     ? std::nullopt
                                                     : std::optional(part.substr(equals + 1))});
    }
    return found;
}

// An item of vif while it is read.
class VifReader {
  public:
    VifReader(Mark where, std::size_t index, const Mapping& service, Problems& problems)
        : where_(where), index_(index), service_(service), problems_(problems) {}

    NodePtr read(std::string_view item) {
        for (const Token& token : tokens(item))
            take(token.keyword, token.value);
        // The service's own script is what the rest of the item is for.
        if (const Node* script = service_.peek("script"))
            options_["script"] = script->text;
        const auto script = options_.find("script");
        if (script == options_.end() || script->second == "vif-bridge")
            without_script();
        std::vector<Entry> entries;
        for (const auto& [key, value] : options_)
            entries.push_back(
                {key, where_,
                 key == "ip" ? list(split(value, ' '), where_) : scalar(value, where_)});
        return mapping(std::move(entries), where_);
    }

  private:
    void take(const std::string& keyword, const std::optional<std::string>& value) {
        const XlKeys* known = find_keys(
            xl_vif_keys(), keyword.starts_with("colo_") ? std::string_view("forwarddev") : keyword);
        const bool is_flag = keyword == "trusted" || keyword == "untrusted";
        const bool unknown_type =
            keyword == "type" && value && *value != "vif" && *value != "ioemu";
        if (known == nullptr || is_flag == value.has_value() || unknown_type)
            problems_.warning(where_, "vif: " + in_quotes(keyword + (value ? "=" + *value : "")) +
                                          " is nothing that xl knows, and is skipped as by xl");
        else if (known->fate == XlFate::refused && !is_dom0(*value))
            problems_.error(where_, "vif: " + in_quotes(keyword) +
                                        " is not supported: " + std::string(known->what));
        else if (is_flag)
            options_["trusted"] = keyword == "trusted" ? "true" : "false";
        else if (keyword == "type" && *value != "vif")
            problems_.error(where_, "vif: type is " + in_quotes(*value) +
                                        "; pv and pvh guests have no emulated interfaces, it must "
                                        "be vif");
        else if (keyword == "devid" && *value != std::to_string(index_))
            problems_.error(where_, "vif: devid is " + in_quotes(*value) +
                                        "; interfaces are numbered in their order, this one is " +
                                        std::to_string(index_));
        else if (known->fate == XlFate::honoured && keyword != "type" && keyword != "devid" &&
                 service_.peek(keyword) == nullptr)
            options_[keyword == "netdev" ? "gatewaydev" : keyword] = *value;  // its old name
    }

    static bool is_dom0(std::string_view backend) {
        return backend == "0" || backend == "Domain-0";
    }

    void without_script() {
        if (options_.erase("ip") > 0)
            problems_.warning(where_,
                              "vif: ip has no effect: vif-bridge would let these addresses through "
                              "a FORWARD chain of iptables that drops. For that, name the script "
                              "by its path: script=/etc/xen/scripts/vif-bridge");
        if (options_.erase("gatewaydev") > 0)
            problems_.warning(where_,
                              "vif: gatewaydev has no effect: only scripts such as vif-route use "
                              "it, and there is none");
    }

    Mark where_;
    std::size_t index_;
    const Mapping& service_;
    Problems& problems_;
    std::map<std::string, std::string> options_;
};

}  // namespace

NodePtr mapping(std::vector<Entry> entries, Mark where) {
    auto node = std::make_shared<Node>();
    node->kind = Node::Kind::mapping;
    node->where = where;
    node->entries = std::move(entries);
    return node;
}

NodePtr scalar(std::string text, Mark where) {
    auto node = std::make_shared<Node>();
    node->kind = Node::Kind::scalar;
    node->where = where;
    node->text = std::move(text);
    return node;
}

NodePtr vif_to_yaml(const xlfile::XlItem& item, std::size_t index, const Mapping& service,
                    Problems& problems) {
    return VifReader(mark(item.where), index, service, problems).read(item.text);
}

NodePtr disk_to_yaml(const xlfile::XlItem& item, Problems& problems) {
    const Mark where = mark(item.where);
    const auto disk = xlfile::parse_xl_disk(item.text);
    if (!disk) {
        problems.error(where, "disk: " + disk.error().what);
        return nullptr;
    }
    if (!disk->beyond.empty()) {
        problems.error(where, "disk: " + in_quotes(disk->beyond) + " is not supported: " +
                                  std::string(find_keys(xl_disk_keys(), disk->beyond)->what));
        return nullptr;
    }
    if (disk->format == "empty" || (disk->cdrom && disk->target.empty())) {
        problems.warning(where, "disk: an empty CD drive is left out");
        return nullptr;
    }
    std::vector<Entry> entries;
    const auto put = [&](std::string key, std::string value) {
        entries.push_back({std::move(key), where, scalar(std::move(value), where)});
    };
    // A block device, as libxl's script looks for it.
    const bool in_dev = item.text.starts_with("phy:") && !disk->target.starts_with('/');
    put("path", (in_dev ? "/dev/" : "") + disk->target);
    put("device", disk->vdev);
    put("mode", disk->writable && !disk->cdrom ? "w" : "r");
    put("format", disk->format);
    if (disk->cdrom)
        put("cdrom", "true");
    if (!disk->script.empty())
        put("script", disk->script);
    if (!disk->backendtype.empty())
        put("backendtype", disk->backendtype);
    if (disk->direct_io_safe)
        put("direct-io-safe", "true");
    if (disk->discard)
        put("discard", *disk->discard ? "true" : "false");
    if (!disk->trusted)
        put("trusted", "false");
    return mapping(std::move(entries), where);
}

NodePtr share_to_yaml(const xlfile::XlItem& item, Problems& problems) {
    const Mark where = mark(item.where);
    std::vector<Entry> entries;
    for (const auto& [keyword, value] : tokens(item.text)) {
        const XlKeys* known = find_keys(xl_p9_keys(), keyword);
        if (known == nullptr || !value)
            problems.error(where, "p9: " + in_quotes(keyword) +
                                      " is nothing that xl knows; known are tag, path, "
                                      "security_model and backend");
        else if (known->fate == XlFate::refused)
            problems.error(where, "p9: " + in_quotes(keyword) +
                                      " is not supported: " + std::string(known->what));
        else if (keyword == "security_model" && *value != "none")
            problems.error(where,
                           "p9: security_model is " + in_quotes(*value) + "; it must be none");
        else if (keyword != "security_model")
            entries.push_back({keyword, where, scalar(*value, where)});
    }
    return mapping(std::move(entries), where);
}

}  // namespace summond::config
