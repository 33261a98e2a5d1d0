#include "summond/sign/nsec3.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "summond/dns/name.hpp"

using namespace summond;

namespace {

std::string hash(const char* text, const std::vector<std::uint8_t>& salt,
                 std::uint16_t iterations) {
    const auto name = dns::Name::parse(text).value();
    const auto label = sign::nsec3_label(sign::nsec3_hash(name.wire(), {iterations, salt}));
    EXPECT_EQ(label[0], 32);
    return {label.begin() + 1, label.end()};
}

}  // namespace

// RFC 5155 appendix A.
TEST(Nsec3, HashesAsTheRfcDoes) {
    const std::vector<std::uint8_t> salt{0xaa, 0xbb, 0xcc, 0xdd};
    EXPECT_EQ(hash("example", salt, 12), "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom");
    EXPECT_EQ(hash("a.example", salt, 12), "35mthgpgcu1qg68fab165klnsnk3dpvl");
    EXPECT_EQ(hash("*.w.example", salt, 12), "r53bq7cc2uvmubfu5ocmm6pers9tk9en");
}
