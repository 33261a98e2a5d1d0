#include <gtest/gtest.h>

#include "summond/base/base64.hpp"
#include "summond/notify/sender.hpp"
#include "summond/sign/hmac.hpp"

namespace summond::notify {
namespace {

// RFC 4231 §4.3.
TEST(Hmac, TestVector) {
    EXPECT_EQ(base::to_base64(sign::hmac_sha256("Jefe", "what do ya want for nothing?")),
              "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM=");
}

// The example of Standard Webhooks' libraries.
TEST(Headers, AreThoseOfStandardWebhooks) {
    const auto secret = base::from_base64("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    ASSERT_TRUE(secret);
    const std::chrono::system_clock::time_point now(std::chrono::seconds(1614265330));
    EXPECT_EQ(headers(*secret, {"msg_p5jXN8AQM9LWM0D4loKWxJek", "{\"test\": 2432232314}"}, now),
              (Headers{{"webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"},
                       {"webhook-timestamp", "1614265330"},
                       {"webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="}}));
    EXPECT_EQ(headers("", {"a", "{}"}, now).size(), 2U) << "without a secret nothing is signed";
}

}  // namespace
}  // namespace summond::notify
