#include "summond/base/base64.hpp"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace summond::base {
namespace {

std::string encoded(std::string_view text) {
    return to_base64({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

// RFC 4648 §10.
TEST(Base64, TestVectors) {
    const std::vector<std::pair<const char*, const char*>> vectors{{"", ""},
                                                                   {"f", "Zg=="},
                                                                   {"fo", "Zm8="},
                                                                   {"foo", "Zm9v"},
                                                                   {"foob", "Zm9vYg=="},
                                                                   {"fooba", "Zm9vYmE="},
                                                                   {"foobar", "Zm9vYmFy"}};
    for (const auto& [text, code] : vectors) {
        EXPECT_EQ(encoded(text), code);
        EXPECT_EQ(from_base64(code), text);
    }
    EXPECT_EQ(encoded("\xfb\xff"), "+/8=");
    EXPECT_EQ(from_base64("Zm8"), "fo") << "without its padding";
}

TEST(Base64, WhatIsNone) {
    for (const char* bad :
         {"Z", "Zg=", "Zg===", "Z===", "Zm9v=", "Zh==", "Zm9*", "Zm 9v", "=", "Zg==Zg=="})
        EXPECT_FALSE(from_base64(bad)) << bad;
}

}  // namespace
}  // namespace summond::base
