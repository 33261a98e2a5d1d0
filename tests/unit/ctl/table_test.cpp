#include "table.hpp"

#include <gtest/gtest.h>

namespace summond::ctl {
namespace {

Table two_rows() {
    Table table({{"NAME"}, {"SIZE", true}, {"EMPTY"}, {"NEXT", false, true}});
    table.add({{"www"}, {"16 MiB"}, {""}, {"asleep in 3 min 20 s"}});
    table.add({{"a-longer-name"}, {"8 MiB"}, {""}, {""}});
    return table;
}

TEST(Table, AsWideAsItIs) {
    EXPECT_EQ(two_rows().to_string({}),
              "NAME             SIZE  NEXT\n"
              "www            16 MiB  asleep in 3 min 20 s\n"
              "a-longer-name   8 MiB\n");
}

TEST(Table, IsCutToTheTerminal) {
    EXPECT_EQ(two_rows().to_string({.width = 35}),
              "NAME             SIZE  NEXT\n"
              "www            16 MiB  asleep in 3…\n"
              "a-longer-name   8 MiB\n");
}

TEST(Table, ColoursDoNotCount) {
    Table table({{"A"}, {"B"}});
    table.add({{"é", Colour::green}, {"x"}});
    EXPECT_EQ(table.to_string({.colours = true}),
              "\x1b[1mA\x1b[0m  \x1b[1mB\x1b[0m\n"
              "\x1b[32mé\x1b[0m  x\n");
}

}  // namespace
}  // namespace summond::ctl
