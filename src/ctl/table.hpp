// Tables for people, as wide as the terminal.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace summond::ctl {

enum class Colour : unsigned char { none, dim, bold, red, green, yellow, cyan };

// How it is written.
struct Style {
    bool colours = false;
    std::size_t width = 0;  // columns; 0: no limit
};

struct Cell {
    std::string text;
    Colour colour = Colour::none;
};

struct Column {
    std::string title;
    bool right = false;    // numbers
    bool shrinks = false;  // cut where there is too little room; one of them at most
};

class Table {
  public:
    explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}
    // One cell a column.
    void add(std::vector<Cell> row) { rows_.push_back(std::move(row)); }
    // With a line of titles; columns in which nothing stands are left out.
    std::string to_string(const Style& style) const;

  private:
    std::vector<Column> columns_;
    std::vector<std::vector<Cell>> rows_;
};

std::string painted(const std::string& text, Colour colour, const Style& style);
// How many columns of a terminal a UTF-8 text takes, if each character takes one.
std::size_t width_of(const std::string& text);

}  // namespace summond::ctl
