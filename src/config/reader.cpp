#include "reader.hpp"

#include <algorithm>
#include <boost/json/parse.hpp>

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

// Of a value that is only described.
const Node& no_node() {
    static const Node node = [] {
        Node scalar;
        scalar.kind = Node::Kind::scalar;
        return scalar;
    }();
    return node;
}

}  // namespace

void Value::refuse(std::string_view expected, std::string_view reason) const {
    if (is_described())
        return;
    std::string what = key + " is " + shown(*node);
    if (!reason.empty())
        what.append(", ").append(reason);
    problems->error(where, what.append("; it must be ").append(expected));
}

void Value::complain(const std::string& what) const {
    if (is_described())
        return;
    problems->error(where, key + ": " + what);
}

std::optional<std::string> Value::text(std::string_view expected) const {
    return text(expected, any_text);
}

std::optional<std::string> Value::text(std::string_view expected, std::string_view pattern,
                                       std::size_t longest) const {
    if (is_described()) {
        shape->text(pattern, longest, expected);
        return std::nullopt;
    }
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

std::optional<std::string> Value::text(std::string_view expected, const Pattern& named) const {
    if (!is_described())
        return text(expected);
    takes(named);
    return std::nullopt;
}

std::optional<std::uint64_t> Value::number(std::uint64_t low, std::uint64_t high) const {
    takes_number(static_cast<std::int64_t>(low), static_cast<std::int64_t>(high));
    const auto value = is(Node::Kind::scalar) ? parse_number(node->text) : std::nullopt;
    if (value && *value >= low && *value <= high)
        return value;
    refuse("a whole number from " + std::to_string(low) + " to " + std::to_string(high));
    return std::nullopt;
}

std::optional<std::size_t> Value::one_of(const std::vector<std::string_view>& words) const {
    const auto index = word(words);
    if (!index)
        refuse(joined(words, " or "));
    return index;
}

std::optional<std::size_t> Value::word(const std::vector<std::string_view>& words) const {
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (is_described())
            shape->word(words[i]);
        else if (is(Node::Kind::scalar) && node->text == words[i])
            return i;
    }
    return std::nullopt;
}

std::vector<Value> Value::list_or_one(std::string_view expected) const {
    if (is_described())
        return described_item(true);
    if (is(Node::Kind::scalar))
        return {*this};
    return items(expected);
}

std::vector<Value> Value::list(std::string_view expected) const {
    return is_described() ? described_item(false) : items(expected);
}

std::vector<Value> Value::list_or_mapping(std::string_view expected) const {
    if (is_described())
        return described_item(true);
    if (is(Node::Kind::mapping))
        return {*this};
    return items(expected);
}

std::vector<Value> Value::described_item(bool alone) const {
    Value item = *this;
    item.shape = &shape->list(alone);
    return {item};
}

std::vector<Value> Value::items(std::string_view expected) const {
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

void Value::takes(std::string_view pattern, std::size_t longest) const {
    if (is_described())
        shape->text(pattern, longest);
}

void Value::takes(const Pattern& named) const {
    if (is_described())
        shape->text(named);
}

void Value::takes_number(std::int64_t low, std::int64_t high) const {
    if (is_described())
        shape->number(low, high);
}

void Value::takes_duration(std::chrono::milliseconds low, std::chrono::milliseconds high) const {
    if (is_described())
        shape->text(duration_pattern(low, high), 0,
                    "a duration from " + to_text(low) + " to " + to_text(high));
}

void Value::takes_size(std::uint64_t low_kib, std::uint64_t high_kib) const {
    if (is_described())
        shape->text(size_pattern(low_kib, high_kib), 0,
                    "a size from " + size_text(low_kib) + " to " + size_text(high_kib));
}

void Value::takes_nothing() const {
    if (!is_described())
        return;
    shape->empty();
    shape->empty_list();
}

std::optional<Mapping> Mapping::of(const Value& value, std::string prefix,
                                   std::string_view expected) {
    if (!value.is(Node::Kind::mapping)) {
        value.refuse(expected);
        return std::nullopt;
    }
    if (value.is_described())
        value.shape->mapping();
    return Mapping(value, std::move(prefix));
}

const Entry* Mapping::find(std::string_view key) const {
    for (const Entry& entry : value_.node->entries)
        if (entry.key == key)
            return &entry;
    return nullptr;
}

std::optional<Value> Mapping::take(const Key& key) {
    known_.push_back(key.name);
    return value_of(key);
}

std::optional<Value> Mapping::take_rare(const Key& key) {
    rare_.push_back(key.name);
    return value_of(key);
}

std::optional<Value> Mapping::value_of(const Key& key) const {
    if (is_described())
        return Value{&no_node(), where(), prefix_ + std::string(key.name), value_.problems,
                     &value_.shape->mapping().add(key.name, key.about, key.usual)};
    const Entry* entry = find(key.name);
    if (entry == nullptr)
        return std::nullopt;
    const bool empty = entry->value->kind == Node::Kind::empty;  // is nowhere: point at its key
    return Value{entry->value.get(), empty ? entry->where : entry->value->where,
                 prefix_ + std::string(key.name), value_.problems};
}

std::optional<Value> Mapping::require(const Key& key, std::string_view owner, std::string_view hint,
                                      std::string_view unless) {
    const auto value = take(key);
    if (is_described() && unless.empty())
        value_.shape->mapping().require(key.name);
    else if (is_described())
        has_one_of({key.name, unless});
    else if (!value)
        problems().error(
            where(),
            std::string(owner).append(" has no ").append(key.name).append("; ").append(hint));
    return value;
}

void Mapping::refuse(std::string_view key, const std::string& what) {
    if (is_described())
        return;
    if (const auto value = take({key, {}, {}}))
        value->complain(what);
}

void Mapping::has_one_of(std::initializer_list<std::string_view> keys) const {
    if (!is_described())
        return;
    boost::json::array any;
    for (const std::string_view key : keys)
        any.push_back(boost::json::object{{"required", boost::json::array{key}}});
    value_.shape->mapping().rule({{"anyOf", std::move(any)}});
}

void Mapping::has_at_most_one_of(std::initializer_list<std::string_view> keys) const {
    if (!is_described())
        return;
    for (const auto* a = keys.begin(); a != keys.end(); ++a)
        for (const auto* b = a + 1; b != keys.end(); ++b)
            value_.shape->mapping().rule({{"not", {{"required", boost::json::array{*a, *b}}}}});
}

void Mapping::goes_with(std::string_view key, std::string_view other, std::string_view word) const {
    if (!is_described())
        return;
    boost::json::object then{{"required", boost::json::array{other}}};
    if (!word.empty())
        then["properties"] = boost::json::object{{other, {{"const", word}}}};
    value_.shape->mapping().rule(
        {{"if", {{"required", boost::json::array{key}}}}, {"then", std::move(then)}});
}

void Mapping::is_true(std::string_view rule) const {
    if (is_described())
        value_.shape->mapping().rule(boost::json::parse(rule).as_object());
}

void Mapping::refuse_rest() {
    if (is_described())
        return;
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
