#include "summond/control/model.hpp"

#include <gtest/gtest.h>

#include <boost/json/serialize.hpp>

namespace summond::control {
namespace {

using namespace std::chrono_literals;
namespace json = boost::json;

const Now now{base::TimePoint(1h), Model::WallTime(1'800'000'000s)};  // 2027-01-15T08:00:00Z

class ModelTest : public testing::Test {
  protected:
    ModelTest() { model.configure({www, blog}, {}); }

    json::object www_json() const { return model.service_json(1, now); }

    const ServiceText www{1, "www", {"www.example."}, {"192.0.2.1"}, 16384, 2};
    const ServiceText blog{2, "blog", {"blog.example."}, {"192.0.2.2"}, 32768, 0};
    Model model{"1.0", "/etc/summond.yaml"};
};

TEST_F(ModelTest, NothingIsKnownAtFirst) {
    const auto object = www_json();
    EXPECT_EQ(object.at("phase"), "unknown");
    EXPECT_TRUE(object.at("domid").is_null());
    EXPECT_EQ(model.status_json(now).at("services").at("unknown"), 2);
}

TEST_F(ModelTest, OneThatIsReady) {
    service::Report report{.status = {.service = 1, .phase = service::Phase::ready, .domid = 7},
                           .stage = service::Stage::ready,
                           .since = now.steady - 90s,
                           .memory_kib = 20000,
                           .standby = 1,
                           .standby_kib = 20000,
                           .wakes = 3,
                           .why = service::WakeReason::packet,
                           .idle_at = now.steady + 1500ms};
    EXPECT_TRUE(model.report(report));
    const auto object = www_json();
    EXPECT_EQ(object.at("state"), "ready");
    EXPECT_EQ(object.at("domid"), 7);
    EXPECT_EQ(object.at("why"), "packet");
    EXPECT_EQ(object.at("since"), "2027-01-15T07:58:30.000Z");
    EXPECT_EQ(object.at("idle_at"), "2027-01-15T08:00:01.500Z");
    const auto status = model.status_json(now);
    EXPECT_EQ(status.at("services").at("ready"), 1);
    EXPECT_EQ(status.at("memory").at("running_kib"), 20000);
    EXPECT_EQ(status.at("memory").at("standby_kib"), 20000);

    report.pinned = true;
    report.pinned_until = now.steady + 1h;
    model.report(report);
    EXPECT_TRUE(www_json().at("idle_at").is_null());
    EXPECT_TRUE(model.service_json(1, {now.steady + 2h, now.wall + 2h}).at("idle_at").is_string())
        << "the pin has run out";
}

TEST_F(ModelTest, AFailureIsOverByItself) {
    model.report({.status = {.service = 1,
                             .phase = service::Phase::failed,
                             .failure = service::WakeFailure::no_memory,
                             .retry_at = now.steady + 2s}});
    EXPECT_EQ(www_json().at("failure"), "no_memory");
    EXPECT_EQ(www_json().at("refused_until"), "2027-01-15T08:00:02.000Z");
    const auto later = model.service_json(1, {now.steady + 2s, now.wall + 2s});
    EXPECT_EQ(later.at("phase"), "asleep");
    EXPECT_TRUE(later.at("failure").is_null());
}

TEST_F(ModelTest, WhatIsKnownStaysOverAReload) {
    model.report({.status = {.service = 1, .phase = service::Phase::ready, .domid = 7},
                  .stage = service::Stage::ready});
    model.report({.status = {.service = 2, .phase = service::Phase::asleep}});
    model.configure({www}, {});
    EXPECT_EQ(www_json().at("domid"), 7);
    EXPECT_EQ(model.find("blog"), nullptr);
    EXPECT_FALSE(model.report({.status = {.service = 2}}));
}

TEST_F(ModelTest, ByPhase) {
    model.report({.status = {.service = 1, .phase = service::Phase::asleep}});
    const auto names = [&](service::Phase phase) {
        std::string text;
        const auto services = model.services_json(phase, now);
        for (const json::value& each : services.at("services").as_array())
            text += std::string(each.at("name").as_string()) + " ";
        return text;
    };
    EXPECT_EQ(names(service::Phase::asleep), "www ");
    EXPECT_EQ(names(service::Phase::ready), "");
}

TEST_F(ModelTest, Nearest) {
    EXPECT_EQ(model.nearest("wwww"), "www");
    EXPECT_EQ(model.nearest("mailserver"), "");
}

TEST_F(ModelTest, ProcessesThatWereReplacedAreForgotten) {
    using State = ipc::RoleReport::State;
    const auto pids = [&] {
        std::string text;
        const auto status = model.status_json(now);
        for (const json::value& role : status.at("roles").as_array())
            text += json::serialize(role.at("pid")) + " " +
                    std::string(role.at("state").as_string()) + "; ";
        return text;
    };
    model.role(ipc::Role::front, 10, {State::ready, now.wall, 0});
    model.role(ipc::Role::front, 11, {State::starting, now.wall, 0});
    model.role(ipc::Role::front, 10, {State::draining, now.wall, 0});
    EXPECT_EQ(pids(), "10 draining; 11 starting; ");
    model.role(ipc::Role::front, 10, {State::ended, now.wall, 0});
    EXPECT_EQ(pids(), "11 starting; ");
    model.role(ipc::Role::front, 11, {State::ended, now.wall, 0});
    EXPECT_EQ(pids(), "11 ended; ") << "there is no other";
    model.role(ipc::Role::front, 12, {State::starting, now.wall, 1});
    EXPECT_EQ(pids(), "12 starting; ");
}

TEST_F(ModelTest, WhatSleepsIsSaved) {
    service::Report report{.status = {.service = 1}, .since = now.steady - 4h};
    model.report(report);
    const auto saved = [this](std::string_view key) {
        return model.status_json(now).at("saved").at(key).as_double();
    };
    EXPECT_DOUBLE_EQ(saved("domain_hours"), 4);
    EXPECT_DOUBLE_EQ(saved("kib_hours"), 4 * 16384);
    report.since = now.steady - 3h;  // it is woken, and put away two hours later
    report.memory_kib = 20000;
    model.report(report);
    EXPECT_DOUBLE_EQ(saved("domain_hours"), 1);
    report.since = now.steady - 1h;
    report.memory_kib = 0;
    model.report(report);
    EXPECT_DOUBLE_EQ(saved("domain_hours"), 2);
    EXPECT_EQ(model.status_json(now).at("saved").at("since"), "2027-01-15T04:00:00.000Z");
}

}  // namespace
}  // namespace summond::control
