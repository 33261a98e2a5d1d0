#include "summond/host/http.hpp"

#include <gtest/gtest.h>

#include <string_view>

namespace summond::host {
namespace {

TEST(Http, AsksAWebServer) {
    EXPECT_EQ(http_get("/health?a", {*base::IpAddress::parse("10.0.2.100"), 80}),
              "GET /health?a HTTP/1.1\r\nHost: 10.0.2.100:80\r\nUser-Agent: summond\r\n"
              "Connection: close\r\n\r\n");
    EXPECT_NE(
        http_get("/", {*base::IpAddress::parse("fec0::100"), 80}).find("Host: [fec0::100]:80\r\n"),
        std::string::npos);
}

TEST(Http, AnyAnswerShowsThatAServerIsUpButThatItIsNot) {
    const auto up = [](std::string_view text) {
        return is_up(std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
    };
    for (const char* answer : {"HTTP/1.1 200 OK\r\n", "HTTP/1.0 404 Not Found", "HTTP/1.1 302 ",
                               "HTTP/1.1 401", "HTTP/1.1 2"})
        EXPECT_TRUE(up(answer)) << answer;
    for (const char* answer :
         {"HTTP/1.1 503 Service Unavailable", "HTTP/1.1 500", "", "HTTP/1.1 ", "HTTP/2.0 200",
          "SSH-2.0-OpenSSH_9.2", "HTTP/1.1200", "HTTP/1.1 abc"})
        EXPECT_FALSE(up(answer)) << answer;
}

}  // namespace
}  // namespace summond::host
