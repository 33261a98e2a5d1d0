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
