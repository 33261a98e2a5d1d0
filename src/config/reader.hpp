// Typed access to the tree. Everything that does not fit is reported where it stands, as
// "KEY is VALUE; it must be EXPECTED", and reads as absent.
//
// A reader may be run for a schema, too (shape.hpp): then there is no tree. Each key is there, and
// its value may be of every kind; what is asked of it is noted, nothing is reported, and all reads
// as absent. What a reader decides by itself it has to say besides (the functions takes_...).
#pragma once

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "problems.hpp"
#include "shape.hpp"
#include "yaml.hpp"

namespace summond::config {

// What Value::text takes where nothing else is said.
inline constexpr std::string_view any_text = R"([^\x00-\x1f\x7f]+)";

// One value and the key it stands under.
struct Value {
    const Node* node;
    Mark where;
    std::string key;  // as in messages: "ttl", "idle.after"
    Problems* problems;
    Shape* shape = nullptr;  // there is no value; this is what it may be

    bool is_described() const { return shape != nullptr; }
    // Whether it is, or may be, of this kind.
    bool is(Node::Kind kind) const { return is_described() || node->kind == kind; }
    // Whether it can be of no other.
    bool is_only(Node::Kind kind) const { return !is_described() && node->kind == kind; }
    // Reports "KEY is VALUE[, reason]; it must be expected".
    void refuse(std::string_view expected, std::string_view reason = {}) const;
    // Reports "KEY: what".
    void complain(const std::string& what) const;

    // Not empty, no control characters (records, paths and command lines have no use for them).
    std::optional<std::string> text(std::string_view expected) const;
    // The same where not every text will do: pattern, or named, and longest are for the schema.
    std::optional<std::string> text(std::string_view expected, std::string_view pattern,
                                    std::size_t longest = 0) const;
    std::optional<std::string> text(std::string_view expected, const Pattern& named) const;
    std::optional<std::uint64_t> number(std::uint64_t low, std::uint64_t high) const;
    // The index of the word in words.
    std::optional<std::size_t> one_of(const std::vector<std::string_view>& words) const;
    // The same, where something else is no error.
    std::optional<std::size_t> word(const std::vector<std::string_view>& words) const;
    // The items of a list, or this value alone where it is a scalar; for others reports expected.
    std::vector<Value> list_or_one(std::string_view expected) const;
    // The items of a list that are not empty; for others reports expected.
    std::vector<Value> list(std::string_view expected) const;
    // Those, or this value alone where it is a mapping.
    std::vector<Value> list_or_mapping(std::string_view expected) const;

    // What else it may be, for the schema.
    void takes(std::string_view pattern, std::size_t longest = 0) const;
    void takes(const Pattern& named) const;
    void takes_number(std::int64_t low, std::int64_t high) const;
    void takes_duration(std::chrono::milliseconds low, std::chrono::milliseconds high) const;
    void takes_size(std::uint64_t low_kib, std::uint64_t high_kib) const;
    void takes_nothing() const;  // empty, or a list of nothing

  private:
    std::vector<Value> items(std::string_view expected) const;
    std::vector<Value> described_item(bool alone) const;
};

// What may stand in a mapping: said once, where it is read.
struct Key {
    std::string_view name;     // a literal
    std::string_view about;    // what it is for, in one line
    std::string_view usual{};  // what it is where it is not given; empty: see about, or nothing
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
    std::optional<Value> take(const Key& key);
    // As take, but not named where the known keys are: one of many that few people need.
    std::optional<Value> take_rare(const Key& key);
    // As take; a missing key is reported as "OWNER has no KEY; hint". unless: for the schema, the
    // key beside which it is not asked for.
    std::optional<Value> require(const Key& key, std::string_view owner, std::string_view hint,
                                 std::string_view unless = {});
    // A key that has no business here: reported as what it says.
    void refuse(std::string_view key, const std::string& what);
    // Reports every key that was not taken, with the nearest of those that were.
    void refuse_rest();

    // What is true of it besides, for the schema: that one of these keys is there; that no two are;
    // that with key the other one is (and is this word).
    void has_one_of(std::initializer_list<std::string_view> keys) const;
    void has_at_most_one_of(std::initializer_list<std::string_view> keys) const;
    void goes_with(std::string_view key, std::string_view other, std::string_view word = {}) const;

    // In the words of JSON schema.
    void is_true(std::string_view rule) const;

    bool is_described() const { return value_.is_described(); }
    Mark where() const { return value_.where; }
    Problems& problems() const { return *value_.problems; }

  private:
    Mapping(Value value, std::string prefix) : value_(value), prefix_(std::move(prefix)) {}
    const Entry* find(std::string_view key) const;

    std::optional<Value> value_of(const Key& key) const;

    Value value_;
    std::string prefix_;
    std::vector<std::string_view> known_;  // literals of our own
    std::vector<std::string_view> rare_;   // likewise
};

}  // namespace summond::config
