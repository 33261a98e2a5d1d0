#include "views.hpp"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

namespace summond::ctl {
namespace {

boost::json::value service(const std::string& more) {
    return boost::json::parse(
        R"({"name":"www","names":["www.example."],"addresses":["192.0.2.1"],"phase":"x",)" + more +
        "}");
}

const WallTime now = *parse_time("2027-01-15T08:00:00.000Z");

TEST(Views, WhatComesNext) {
    EXPECT_EQ(next_words(service(R"("idle_at":"2027-01-15T08:03:20.000Z")"), now),
              "asleep in 3 min 20 s");
    EXPECT_EQ(next_words(service(R"("pinned":true,"pinned_until":null)"), now), "pinned");
    EXPECT_EQ(
        next_words(service(R"("pinned":true,"pinned_until":"2027-01-15T09:00:00.000Z")"), now),
        "pinned for 1 h");
    EXPECT_EQ(
        next_words(service(R"("failure":"no_memory","refused_until":"2027-01-15T08:00:12.000Z")"),
                   now),
        "no_memory, next try in 12 s");
    EXPECT_EQ(next_words(service(R"("waiting_since":"2027-01-15T07:59:58.000Z")"), now),
              "clients wait for 2.0 s");
    EXPECT_EQ(next_words(service(R"("idle_at":null)"), now), "");
}

TEST(Views, NothingThatTheDaemonSaysIsTrusted) {
    for (const char* odd :
         {"null", "[]", "{}", R"({"services":7})", R"({"services":[7,{"names":[7]}]})",
          R"({"vmm":3,"load":[],"roles":{}})"}) {
        const auto value = boost::json::parse(odd);
        services_view(value, {});
        status_view(value, {});
        service_view(value, now, {});
    }
}

}  // namespace
}  // namespace summond::ctl
