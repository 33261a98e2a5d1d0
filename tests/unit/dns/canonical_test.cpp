#include "summond/dns/canonical.hpp"

#include <gtest/gtest.h>

#include <vector>

using namespace summond;

namespace {

dns::FoldedName folded(const std::string& text) {
    dns::FoldedName name;
    EXPECT_TRUE(name.assign(dns::Name::parse(text)->wire()));
    return name;
}

}  // namespace

// The list of RFC 4034 §6.1, and what keys have trouble with.
TEST(Canonical, OrdersAsTheRfcDoes) {
    const std::vector<std::string> names{"example",
                                         "a.example",
                                         "yljkjljk.a.example",
                                         "Z.a.example",
                                         "zABC.a.EXAMPLE",
                                         "\\000.z.example",
                                         "\\001.z.example",
                                         "\\001\\000.z.example",
                                         "\\001\\001.z.example",
                                         "\\002.z.example",
                                         "*.z.example",
                                         "\\200.z.example",
                                         "aaaaaaaa.zz.example",
                                         "aaaaaaaa\\000.zz.example",
                                         "aaaaaaaaa.zz.example",
                                         "b.aaaaaaaaa.zz.example"};
    std::vector<std::string> sorted = names;
    sorted.insert(sorted.begin() + 5, "z.example");
    sorted.insert(sorted.begin() + 13, "zz.example");
    for (std::size_t i = 0; i < sorted.size(); ++i) {
        for (std::size_t k = 0; k < sorted.size(); ++k) {
            const auto a = folded(sorted[i]);
            const auto b = folded(sorted[k]);
            const int order = dns::compare_canonical(a, b, 1);
            EXPECT_EQ(order < 0, i < k) << sorted[i] << " " << sorted[k];
            EXPECT_EQ(order == 0, i == k) << sorted[i] << " " << sorted[k];
            const auto x = dns::canonical_key(a, 1);
            const auto y = dns::canonical_key(b, 1);
            EXPECT_TRUE(x == y || (x < y) == (i < k)) << sorted[i] << " " << sorted[k];
        }
    }
}

// Between a name and what is said to be next to it nothing has room that could be there.
TEST(Canonical, NeighboursAreNextToTheirNames) {
    const std::string longest(63, 'x');
    const std::string label_of_255 = [] {
        std::string label;
        for (int i = 0; i < 63; ++i)
            label += "\\255";
        return label;
    }();
    const std::string of_254 =
        longest + "." + longest + "." + longest + "." + std::string(60, 'y');  // and 192: 253
    const auto shorter = [&](std::size_t octets) {
        return of_254.substr(0, of_254.size() - octets);
    };
    const std::vector<std::string> names{
        "a.example",
        "z\\000.example",
        "\\000.example",
        "\\000\\000.example",
        "[.example",
        "@.example",
        longest + ".example",
        label_of_255 + ".example",
        "a.b.c.example",
        of_254,
        shorter(1),
        shorter(2),
        label_of_255 + "." + longest + "." + longest + "." + std::string(60, 'y')};
    for (const std::string& text : names) {
        const auto name = folded(text);
        dns::NameBuffer wire;
        dns::FoldedName next;
        ASSERT_TRUE(next.assign({wire.data(), dns::next_name(name, wire)})) << text;
        EXPECT_LT(dns::compare_canonical(name, next, 0), 0) << text;
        if (name.size + 2 <= 255) {
            EXPECT_EQ(next.labels, name.labels + 1) << text;
        }
        dns::FoldedName sibling;
        ASSERT_TRUE(sibling.assign({wire.data(), dns::next_sibling(name, name.labels, wire)}));
        EXPECT_LT(dns::compare_canonical(name, sibling, 0), 0) << text;
        EXPECT_LE(dns::compare_canonical(next, sibling, 0), 0) << text;
        if (name.size + 64 < 255) {  // all that is below it comes before that
            const auto below = folded(label_of_255 + "." + text);
            EXPECT_LT(dns::compare_canonical(below, sibling, 0), 0) << text;
        }
        dns::FoldedName previous;
        const std::size_t size = dns::previous_sibling(name, name.labels, wire);
        if (text == "\\000.example") {
            EXPECT_EQ(size, 0U);
            continue;
        }
        if (size == 0)  // there is no room for a label below another one
            continue;
        ASSERT_TRUE(previous.assign({wire.data(), size})) << text;
        EXPECT_LT(dns::compare_canonical(previous, name, 0), 0) << text;
        EXPECT_GE(previous.labels, name.labels) << text;
    }
}
