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
    model.host(false, 0, {4, 3, 60000}, {62, 5});
    const auto status = model.status_json(now);
    EXPECT_EQ(status.at("domains").at("shells"), 3);
    EXPECT_EQ(status.at("domains").at("shells_wanted"), 4);
    EXPECT_EQ(status.at("memory").at("shells_kib"), 60000);
    EXPECT_EQ(status.at("pool").at("addresses"), 62);
    EXPECT_EQ(status.at("pool").at("leased"), 5);
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

TEST_F(ModelTest, WhatConcernsAllServices) {
    EXPECT_TRUE(model.status_json(now).at("pressure").is_null());
    model.host(true, 0, {});
    EXPECT_EQ(json::serialize(model.host_json()), R"({"drained":true,"pressure":[],"shells":0})");
    model.host(false, bit(service::PressureCause::wakes) | bit(service::PressureCause::room) | 0xf0,
               {2, 1, 64});
    EXPECT_EQ(json::serialize(model.host_json()),
              R"({"drained":false,"pressure":["wakes","room"],"shells":1})");
    EXPECT_EQ(model.status_json(now).at("pressure"), model.host_json().at("pressure"));
    metrics::Snapshot snapshot;
    model.fill(snapshot, now);
    EXPECT_TRUE(snapshot.under_pressure);
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

class HistoryTest : public ModelTest {
  protected:
    void wake(std::uint64_t number, service::Id service = 1, base::Duration ago = 10s) {
        vm::WakeRecord record;
        record.number = number;
        record.service = service;
        record.asked_at = now.steady - ago;
        model.woke(record);
    }
    std::vector<std::uint64_t> numbers(std::size_t most, std::optional<std::uint64_t> before = {},
                                       const std::string& service = {}) {
        std::vector<std::uint64_t> found;
        answer = model.wakes_json(service, most, before, now);
        for (const auto& each : answer.at("wakes").as_array())
            found.push_back(each.at("number").to_number<std::uint64_t>());
        return found;
    }
    using Numbers = std::vector<std::uint64_t>;
    json::object answer;
};

TEST_F(HistoryTest, IsReadPageByPage) {
    for (std::uint64_t number = 1; number <= 5; ++number)
        wake(number, number % 2 + 1);
    wake(9, 77);  // of no service
    EXPECT_EQ(numbers(2), (Numbers{5, 4}));
    EXPECT_EQ(answer.at("next"), 4);
    EXPECT_EQ(numbers(2, 4), (Numbers{3, 2}));
    EXPECT_EQ(numbers(2, 2), Numbers{1});
    EXPECT_TRUE(answer.at("next").is_null());
    EXPECT_EQ(numbers(2, 1), Numbers{});
    EXPECT_EQ(numbers(9, 100), (Numbers{5, 4, 3, 2, 1})) << "none of that number";
    EXPECT_EQ(numbers(1, {}, "www"), Numbers{4});
    EXPECT_EQ(numbers(1, 4, "www"), Numbers{2});
    EXPECT_TRUE(answer.at("next").is_null()) << "there is no other of www";
    EXPECT_EQ(numbers(0), Numbers{});
    EXPECT_TRUE(answer.at("next").is_null()) << "nothing is asked for";
}

TEST_F(HistoryTest, MoreThatIsKnownTakesTheirPlace) {
    wake(1);
    wake(2);
    vm::WakeRecord more;
    more.number = 1;
    more.service = 1;
    more.asked_at = now.steady - 10s;
    more.query_type = 28;
    more.queries = 3;
    more.first_waited = 20ms;
    more.first_byte = 31500us;
    model.woke(more);
    EXPECT_EQ(numbers(9), (Numbers{2, 1}));
    const auto& wake = answer.at("wakes").at(1);
    EXPECT_EQ(wake.at("query_type"), "AAAA");
    EXPECT_EQ(wake.at("queries"), 3);
    EXPECT_EQ(wake.at("first_waited_ms"), 20.0);
    EXPECT_EQ(wake.at("after_ms").at("first_byte"), 31.5);
    EXPECT_TRUE(answer.at("wakes").at(0).at("query_type").is_null());
}

// A vmm that keeps nothing numbers its wakes from 1 again.
TEST_F(HistoryTest, OfAVmmThatBeginsAnew) {
    wake(1, 1, 90s);
    wake(2, 1, 80s);
    wake(1, 1, 5s);
    wake(2, 1, 4s);
    wake(1, 1, 5s);
    EXPECT_EQ(numbers(9), (Numbers{2, 1, 2, 1}));
    EXPECT_EQ(numbers(9, 1), (Numbers{2, 1}));
}

}  // namespace
}  // namespace summond::control
