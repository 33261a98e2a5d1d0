// Typed access to the tree. Everything that does not fit is reported where it stands, as
// "KEY is VALUE; it must be EXPECTED", and reads as absent.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "problems.hpp"
#include "yaml.hpp"

namespace summond::config {

// One value and the key it stands under.
struct Value {
    const Node* node;
    Mark where;
    std::string key;  // as in messages: "ttl", "idle.after"
    Problems* problems;

    bool is(Node::Kind kind) const { return node->kind == kind; }
    // Reports "KEY is VALUE[, reason]; it must be expected".
    void refuse(std::string_view expected, std::string_view reason = {}) const;
    // Reports "KEY: what".
    void complain(const std::string& what) const;

    // Not empty, no control characters (records, paths and command lines have no use for them).
    std::optional<std::string> text(std::string_view expected) const;
    std::optional<std::uint64_t> number(std::uint64_t low, std::uint64_t high) const;
    // The index of the word in words.
    std::optional<std::size_t> one_of(const std::vector<std::string_view>& words) const;
    // The items of a list, or this value alone where it is a scalar; for others reports expected.
    std::vector<Value> list_or_one(std::string_view expected) const;
    // The items of a list that are not empty; for others reports expected.
    std::vector<Value> list(std::string_view expected) const;
};

// The values of a mapping, taken key by key. What is never asked for is unknown.
class Mapping {
  public:
    // The value's mapping; for other kinds reports expected. prefix goes before its keys in
    // messages: "idle.", or empty.
    static std::optional<Mapping> of(const Value& value, std::string prefix,
                                     std::string_view expected);

    // The value under a key, without taking it; null if the key is not there.
    const Node* peek(std::string_view key) const {
        const Entry* entry = find(key);
        return entry == nullptr ? nullptr : entry->value.get();
    }
    // The value under a key, if the key is there.
    std::optional<Value> take(std::string_view key);
    // As take, but not named where the known keys are: one of many that few people need.
    std::optional<Value> take_rare(std::string_view key);
    // As take; a missing key is reported as "OWNER has no KEY; hint".
    std::optional<Value> require(std::string_view key, std::string_view owner,
                                 std::string_view hint);
    // Reports every key that was not taken, with the nearest of those that were.
    void refuse_rest();

    Mark where() const { return value_.where; }
    Problems& problems() const { return *value_.problems; }

  private:
    Mapping(Value value, std::string prefix) : value_(value), prefix_(std::move(prefix)) {}
    const Entry* find(std::string_view key) const;

    Value value_;
    std::string prefix_;
    std::optional<Value> value_of(std::string_view key) const;
    std::vector<std::string_view> known_;  // literals of our own
    std::vector<std::string_view> rare_;   // likewise
};

}  // namespace summond::config
