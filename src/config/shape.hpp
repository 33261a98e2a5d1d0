// What values may be, as the readers ask for it. For a schema they are run over values that are not
// there, which note what is asked of them: so the schema has the keys, words and ranges that
// `check` reads with, and no others.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/string_view.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "patterns.hpp"

namespace summond::config {

class Fields;

// One value. What has been told of it are alternatives; without any, it may not be there at all.
class Shape {
  public:
    Shape() = default;
    // about: what it is for, in one line. usual: what it is where it is not given; empty: what
    // about says, or nothing.
    Shape(std::string_view about, std::string_view usual) : about_(about), usual_(usual) {}

    void word(std::string_view word);
    void number(std::int64_t low, std::int64_t high);
    // A text that matches as a whole. longest: in characters; 0: any. expected: what editors say of
    // another.
    void text(std::string_view pattern, std::size_t longest, std::string_view expected = {});
    // One of those that stand in many places.
    void text(const Pattern& pattern);
    void empty();
    void empty_list();
    // A list, and what its items are. alone: one may stand there without the list.
    Shape& list(bool alone);
    Fields& mapping();

    boost::json::object json() const;

  private:
    void add(boost::json::object alternative);

    std::string about_;
    std::string usual_;
    boost::json::array words_;
    boost::json::array alternatives_;
    std::unique_ptr<Shape> item_;
    bool alone_ = false;
    std::shared_ptr<Fields> fields_;
};

// The keys of a mapping.
class Fields {
  public:
    Shape& add(std::string_view key, std::string_view about, std::string_view usual);
    void require(std::string_view key);
    // What has to be true of the mapping besides, as JSON schema says it.
    void rule(boost::json::object rule) { rules_.emplace_back(std::move(rule)); }

    boost::json::object json() const;

  private:
    std::vector<std::pair<std::string, std::unique_ptr<Shape>>> fields_;
    boost::json::array required_;
    boost::json::array rules_;
};

// What Shape::text has named.
boost::json::object pattern_definitions();

}  // namespace summond::config
