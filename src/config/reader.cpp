#include "reader.hpp"

#include <algorithm>

#include "scalars.hpp"

namespace summond::config {

namespace {

std::string shown(const Node& node) {
    switch (node.kind) {
        case Node::Kind::empty:
            return "empty";
        case Node::Kind::scalar:
            return node.text.empty() ? "empty" : in_quotes(node.text);
        case Node::Kind::list:
            return node.items.empty() ? "an empty list" : "a list";
        case Node::Kind::mapping:
            return "a mapping";
    }
    return {};
}

bool has_control_character(std::string_view text) {
    return std::any_of(text.begin(), text.end(), [](char c) {
        const auto octet = static_cast<unsigned char>(c);
        return octet < 0x20 || octet == 0x7f;
    });
}

}  // namespace

void Value::refuse(std::string_view expected, std::string_view reason) const {
    std::string what = key + " is " + shown(*node);
    if (!reason.empty())
        what.append(", ").append(reason);
    problems->error(where, what.append("; it must be ").append(expected));
}

void Value::complain(const std::string& what) const {
    problems->error(where, key + ": " + what);
}

std::optional<std::string> Value::text(std::string_view expected) const {
    if (!is(Node::Kind::scalar) || node->text.empty()) {
        refuse(expected);
        return std::nullopt;
    }
    if (has_control_character(node->text)) {
        refuse(expected, "with a line break or another control character in it");
        return std::nullopt;
    }
    return node->text;
}

std::optional<std::uint64_t> Value::number(std::uint64_t low, std::uint64_t high) const {
    const auto value = is(Node::Kind::scalar) ? parse_number(node->text) : std::nullopt;
    if (value && *value >= low && *value <= high)
        return value;
    refuse("a whole number from " + std::to_string(low) + " to " + std::to_string(high));
    return std::nullopt;
}

std::optional<std::size_t> Value::one_of(const std::vector<std::string_view>& words) const {
    if (is(Node::Kind::scalar)) {
        const auto word = std::find(words.begin(), words.end(), node->text);
        if (word != words.end())
            return static_cast<std::size_t>(word - words.begin());
    }
    refuse(joined(words, " or "));
    return std::nullopt;
}

std::vector<Value> Value::list_or_one(std::string_view expected) const {
    if (is(Node::Kind::scalar))
        return {*this};
    return list(expected);
}

std::vector<Value> Value::list(std::string_view expected) const {
    std::vector<Value> values;
    if (!is(Node::Kind::list) || node->items.empty()) {
        refuse(expected);
        return values;
    }
    for (const NodePtr& item : node->items) {
        // yaml-cpp gives an empty item the position of what comes after it: point at the list.
        if (item->kind == Node::Kind::empty)
            problems->error(where, key + " has an empty item; remove it or fill it in");
        else
            values.push_back({item.get(), item->where, key, problems});
    }
    return values;
}

std::optional<Mapping> Mapping::of(const Value& value, std::string prefix,
                                   std::string_view expected) {
    if (!value.is(Node::Kind::mapping)) {
        value.refuse(expected);
        return std::nullopt;
    }
    return Mapping(value, std::move(prefix));
}

const Entry* Mapping::find(std::string_view key) const {
    for (const Entry& entry : value_.node->entries)
        if (entry.key == key)
            return &entry;
    return nullptr;
}

std::optional<Value> Mapping::take(std::string_view key) {
    known_.push_back(key);
    return value_of(key);
}

std::optional<Value> Mapping::take_rare(std::string_view key) {
    rare_.push_back(key);
    return value_of(key);
}

std::optional<Value> Mapping::value_of(std::string_view key) const {
    const Entry* entry = find(key);
    if (entry == nullptr)
        return std::nullopt;
    const bool empty = entry->value->kind == Node::Kind::empty;  // is nowhere: point at its key
    return Value{entry->value.get(), empty ? entry->where : entry->value->where,
                 prefix_ + std::string(key), value_.problems};
}

std::optional<Value> Mapping::require(std::string_view key, std::string_view owner,
                                      std::string_view hint) {
    const auto value = take(key);
    if (!value)
        problems().error(
            where(), std::string(owner).append(" has no ").append(key).append("; ").append(hint));
    return value;
}

void Mapping::refuse_rest() {
    std::vector<std::string_view> all = known_;
    all.insert(all.end(), rare_.begin(), rare_.end());
    for (const Entry& entry : value_.node->entries) {
        if (problems().full())
            return;
        if (std::find(all.begin(), all.end(), entry.key) != all.end())
            continue;
        std::string what = "unknown key " + in_quotes(prefix_ + entry.key);
        if (const auto meant = nearest(entry.key, all); !meant.empty())
            what.append("; did you mean ")
                .append(in_quotes(prefix_ + std::string(meant)))
                .append("?");
        else if (entry.key == "<<")
            what += "; merge keys are not read, settings common to all services go into defaults";
        else
            what += "; known here: " + joined(known_, " and ");
        problems().error(entry.where, what);
    }
}

}  // namespace summond::config
