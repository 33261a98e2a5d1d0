#include "summond/control/routes.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace summond::control {
namespace {

using namespace std::chrono_literals;

Asked asked(std::string_view method, std::string_view target) {
    const auto result = understand(method, target);
    EXPECT_TRUE(result) << target << ": " << (result ? "" : result.error().error);
    return result.value_or(Asked{});
}

TEST(Routes, Paths) {
    EXPECT_EQ(asked("GET", "/v1/status").route->operation, Operation::status);
    EXPECT_EQ(asked("HEAD", "/v1/services").route->operation, Operation::services);
    EXPECT_EQ(asked("GET", "/v1/services?").route->operation, Operation::services);
    const Asked one = asked("GET", "/v1/services/a%20b%2fc");
    EXPECT_EQ(one.route->operation, Operation::service);
    EXPECT_EQ(one.service, "a b/c");
    EXPECT_EQ(asked("POST", "/v1/services/www/sleep").route->right, Right::command);
}

TEST(Routes, Parameters) {
    const Asked wake = asked("POST", "/v1/services/www/wake?wait=ready&timeout=90s&force=true");
    EXPECT_EQ(wake.wait, Asked::Wait::ready);
    EXPECT_EQ(wake.timeout, 90s);
    EXPECT_TRUE(wake.force);
    EXPECT_EQ(asked("POST", "/v1/services/www/wake").wait, Asked::Wait::no);
    EXPECT_TRUE(asked("POST", "/v1/services/www/sleep?force").force);
    EXPECT_FALSE(asked("POST", "/v1/services/www/sleep?force=false").force);
    EXPECT_EQ(asked("POST", "/v1/services/www/pin?for=2h").length, 2h);
    EXPECT_EQ(asked("GET", "/v1/services?phase=failed").phase, service::Phase::failed);
}

// Each word of a parameter means what it says.
TEST(Routes, WordsAreThoseOfTheService) {
    for (std::size_t i = 0; i <= static_cast<std::size_t>(service::Phase::last); ++i) {
        const auto phase = static_cast<service::Phase>(i);
        EXPECT_EQ(asked("GET", std::string("/v1/services?phase=") + to_string(phase)).phase, phase);
    }
}

struct Bad {
    const char* method;
    const char* target;
    unsigned status;
    const char* expected;
};
class BadRequest : public testing::TestWithParam<Bad> {};

TEST_P(BadRequest, IsRefused) {
    const auto result = understand(GetParam().method, GetParam().target);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().status, GetParam().status);
    EXPECT_EQ(result.error().expected, GetParam().expected) << result.error().error;
}

INSTANTIATE_TEST_SUITE_P(
    Each, BadRequest,
    testing::Values(
        Bad{"GET", "/page.cs", 404, "GET /v1/status and GET /v1/services are places to start"},
        Bad{"GET", "", 404, "GET /v1/status and GET /v1/services are places to start"},
        Bad{"GET", "*", 404, "GET /v1/status and GET /v1/services are places to start"},
        Bad{"GET", "/v1/stat", 404, "did you mean /v1/status?"},
        Bad{"GET", "/v1/services/", 404, "did you mean /v1/services?"},
        Bad{"PUT", "/v1/status", 405, "GET, HEAD"}, Bad{"GET", "/v1/drain", 405, "POST"},
        Bad{"GET", "/v1/status?x=1", 400, "/v1/status has none"},
        Bad{"GET", "/v1/services?fase=ready", 400, "known here: phase"},
        Bad{"GET", "/v1/services?phase=Ready", 400,
            "it must be asleep, building, booting, ready or failed"},
        Bad{"POST", "/v1/services/w/wake?timeout=11m", 400,
            "it must be a duration up to 10m, such as 60s"},
        Bad{"POST", "/v1/services/w/pin?for=0s", 400,
            "it must be a duration up to 366d, such as 30m, 2h or 7d"},
        Bad{"POST", "/v1/services/w/sleep?force=yes", 400, "it must be true or false"},
        Bad{"POST", "/v1/services/w/sleep?force&force", 400, "give it once"},
        Bad{"GET", "/v1/wakes?before=0", 400, "it must be the number of a wake, as `next` says"},
        Bad{"GET", "/v1/wakes?before=1x", 400, "it must be the number of a wake, as `next` says"},
        Bad{"GET", "/v1/services/%4", 400, "the name of a service, percent-encoded"},
        Bad{"GET", "/v1/services/%00", 400, "the name of a service, percent-encoded"},
        Bad{"GET", "/v1/services/%zz", 400, "the name of a service, percent-encoded"}));

TEST(Routes, TooLong) {
    EXPECT_EQ(understand("GET", "/" + std::string(2000, 'a')).error().status, 414U);
}

TEST(Suspicious, HostsThatAreNotOurs) {
    for (const char* host :
         {"", "localhost", "localhost:9153", "summond", "127.0.0.1:9153", "[::1]", "[::1]:80"})
        EXPECT_FALSE(suspicious({host, ""}, Right::command)) << host;
    for (const char* host : {"evil.example", "localhost.evil.example:80", "[evil]"}) {
        const auto why = suspicious({host, ""}, Right::read);
        ASSERT_TRUE(why) << host;
        EXPECT_EQ(why->status, 421U);
    }
}

TEST(Suspicious, CommandsThatAPageGives) {
    const std::vector<std::string> names{"dom0.example.net"};
    for (const char* host : {"dom0.example.net", "Dom0.Example.NET:9153", "dom0.example.net."})
        EXPECT_FALSE(suspicious({host, ""}, Right::read, names)) << host;
    EXPECT_TRUE(suspicious({"example.net", ""}, Right::read, names));
    EXPECT_FALSE(suspicious({"localhost", "http://localhost:9153"}, Right::read));
    const auto why = suspicious({"localhost", "null"}, Right::command);
    ASSERT_TRUE(why);
    EXPECT_EQ(why->status, 403U);
}

}  // namespace
}  // namespace summond::control
