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
          R"({"vmm":3,"load":[],"roles":{}})", R"({"wakes":[3,{"after_ms":[]}],"next":{}})"}) {
        const auto value = boost::json::parse(odd);
        services_view(value, {});
        status_view(value, {});
        service_view(value, now, {});
        wakes_view(value, {});
        wake_view(value, {});
        trace_line(value, now, {});
    }
}

TEST(Views, ThePressureThatTheHostIsUnder) {
    const auto summary = [](const char* pressure) {
        return summary_view(
            boost::json::parse(std::string(R"({"version":"1","config":"c","pressure":)") +
                               pressure + "}"),
            {});
    };
    EXPECT_EQ(summary(R"(["wakes","queue"])"),
              "summond 1  c\nunder pressure (wakes, queue): only clients that have shown their "
              "address wake services\n\n");
    EXPECT_EQ(summary("[]"), "summond 1  c\n\n");
    EXPECT_EQ(summary("null"), "summond 1  c\n\n");
}

TEST(Views, AWakeSaysWhoHasWaited) {
    const std::string text = wake_view(
        boost::json::parse(
            R"({"service":"www","why":"dns","query_type":"AAAA","how":"build","queries":2,)"
            R"("packets":1,"first_waited_ms":350.75,"after_ms":{"ready":300.0,"first_byte":312.5}})"),
        {});
    for (const char* part : {"www  why dns AAAA, by build", "is ready               300.0 ms",
                             "has said something     312.5 ms",
                             "2 queries and 1 packet waited for it, the first 350.8 ms"})
        EXPECT_NE(text.find(part), std::string::npos) << text;
}

TEST(Views, WakesPageByPage) {
    const auto text = [](const char* json) { return wakes_view(boost::json::parse(json), {}); };
    EXPECT_EQ(text(R"({"wakes":[]})"), "no wakes are remembered\n");
    const char* one = R"({"wakes":[{"number":42,"service":"www","why":"dns","query_type":"A",)"
                      R"("after_ms":{"first_byte":31.5}}],"next":42})";
    EXPECT_NE(text(one).find("older: --before 42\n"), std::string::npos) << text(one);
    EXPECT_NE(text(one).find("31.5"), std::string::npos) << text(one);
}

TEST(Views, TheStepsOfAWake) {
    const auto step = [](const char* json) {
        return trace_line(boost::json::parse(json), now, {});
    };
    EXPECT_EQ(step(R"({"state":"booting","since":"2027-01-15T08:00:00.250Z"})"),
              "  runs                     250 ms");
    EXPECT_EQ(
        step(R"({"state":"failed","failure":"no_memory","since":"2027-01-15T08:00:01.000Z"})"),
        "  failed                  1000 ms  no_memory");
    EXPECT_EQ(step(R"({"state":"booting"})"), "");
}

}  // namespace
}  // namespace summond::ctl
