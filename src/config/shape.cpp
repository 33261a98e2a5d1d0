#include "shape.hpp"

#include <algorithm>
#include <boost/json/value.hpp>
#include <regex>

namespace summond::config {
namespace {

namespace json = boost::json;

// In JSON, as far as it is one word.
json::value value_of(const std::string& usual) {
    if (usual == "true" || usual == "false")
        return usual == "true";
    if (usual.find_first_not_of("0123456789") == std::string::npos)
        return std::stoll(usual);
    return json::value(usual);
}

bool is_word(const std::string& usual) {
    return !usual.empty() && usual.find_first_of(" ,{[`") == std::string::npos;
}

// A text without quotes may be a number or a boolean to YAML, and to who reads the schema.
json::object text_schema(std::string_view pattern, std::size_t longest) {
    const std::regex regex{std::string(pattern)};
    const auto takes = [&](const char* sample) { return std::regex_match(sample, regex); };
    json::array types{"string"};
    if (takes("7") && takes("42"))
        types.emplace_back(takes("1.5") ? "number" : "integer");
    if (takes("true"))
        types.emplace_back("boolean");
    json::object text;
    text["type"] = types.size() == 1 ? json::value(types[0]) : json::value(types);
    text["pattern"] = "^(?:" + std::string(pattern) + ")$";
    if (longest > 0)
        text["maxLength"] = longest;
    return text;
}

void append(json::array& to, const json::object& alternatives) {
    if (const auto* const any = alternatives.if_contains("anyOf"))
        for (const json::value& each : any->as_array())
            to.push_back(each);
    else
        to.emplace_back(alternatives);
}

}  // namespace

void Shape::add(json::object alternative) {
    if (std::ranges::find(alternatives_, json::value(alternative)) == alternatives_.end())
        alternatives_.emplace_back(std::move(alternative));
}

void Shape::word(std::string_view word) {
    const auto add_once = [&](json::value value) {
        if (std::ranges::find(words_, value) == words_.end())
            words_.push_back(std::move(value));
    };
    if (word == "true" || word == "false")
        add_once(word == "true");
    add_once(json::value(word));
}

void Shape::number(std::int64_t low, std::int64_t high) {
    add({{"type", "integer"}, {"minimum", low}, {"maximum", high}});
    // In quotes. What may be negative may be so to the same amount.
    const auto most = static_cast<std::uint64_t>(high);
    const std::string digits = low < 0 ? "-?" + number_pattern(0, most)
                                       : number_pattern(static_cast<std::uint64_t>(low), most);
    add({{"type", "string"}, {"pattern", "^(?:" + digits + ")$"}});
}

void Shape::text(std::string_view pattern, std::size_t longest, std::string_view expected) {
    json::object text = text_schema(pattern, longest);
    if (!expected.empty())
        text["patternErrorMessage"] = "it must be " + std::string(expected);
    add(std::move(text));
}

void Shape::text(const Pattern& pattern) {
    add({{"$ref", "#/definitions/" + std::string(pattern.name)}});
}

void Shape::empty() {
    add({{"type", "null"}});
}

void Shape::empty_list() {
    add({{"type", "array"}, {"maxItems", 0}});
}

Shape& Shape::list(bool alone) {
    alone_ = alone_ || alone;
    if (!item_)
        item_ = std::make_unique<Shape>();
    return *item_;
}

Fields& Shape::mapping() {
    if (!fields_)
        fields_ = std::make_shared<Fields>();
    return *fields_;
}

json::object Shape::json() const {
    json::object out;
    if (!about_.empty())
        out["description"] = about_ + (usual_.empty() ? "" : "; default: " + usual_);
    if (is_word(usual_))
        out["default"] = value_of(usual_);
    json::array any;
    if (!words_.empty())
        any.push_back(json::object{{"enum", words_}});
    any.insert(any.end(), alternatives_.begin(), alternatives_.end());
    if (fields_)
        any.emplace_back(fields_->json());
    if (item_ && alone_)
        append(any, item_->json());
    if (item_)
        any.push_back(json::object{{"type", "array"}, {"minItems", 1}, {"items", item_->json()}});
    if (any.empty())
        out["not"] = json::object{};
    else if (any.size() > 1 || any[0].as_object().contains("$ref"))  // which stands alone
        out["anyOf"] = std::move(any);
    else
        for (const auto& [key, value] : any[0].as_object())
            out[key] = value;
    return out;
}

json::object pattern_definitions() {
    json::object definitions;
    for (const Pattern& pattern : all_patterns())
        definitions[pattern.name] = text_schema(pattern.regex, 0);
    return definitions;
}

Shape& Fields::add(std::string_view key, std::string_view about, std::string_view usual) {
    for (const auto& [known, shape] : fields_)
        if (known == key)
            return *shape;
    return *fields_.emplace_back(key, std::make_unique<Shape>(about, usual)).second;
}

void Fields::require(std::string_view key) {
    if (std::ranges::find(required_, json::value(key)) == required_.end())
        required_.emplace_back(key);
}

json::object Fields::json() const {
    json::object properties;
    for (const auto& [key, shape] : fields_)
        properties[key] = shape->json();
    json::object out{{"type", "object"}, {"properties", std::move(properties)}};
    if (!required_.empty())
        out["required"] = required_;
    out["additionalProperties"] = false;
    if (!rules_.empty())
        out["allOf"] = rules_;
    return out;
}

}  // namespace summond::config
