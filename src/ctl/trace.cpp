// `summonctl trace --follow`: a wake that is under way, step by step, to its end.

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <optional>
#include <string>

#include "program.hpp"
#include "views.hpp"

namespace summond::ctl {
namespace {

constexpr std::chrono::seconds answer_patience{40};

// What has been shown of a service that is followed.
class Trace {
  public:
    Trace(std::string service, const Style& style) : service_(std::move(service)), style_(style) {}

    void stands(const boost::json::value& service) {
        if (const auto asked = time_at(service, "waiting_since"); asked && !asked_) {
            asked_ = asked;
            std::printf("%s\n", painted(service_, Colour::bold, style_).c_str());
        }
        // What stands in an answer may come once more as an event, and what was before it. Times
        // are made for each answer anew, to a millisecond or so.
        const std::string state = text_at(service, "state");
        const WallTime since = time_at(service, "since").value_or(WallTime());
        if (!asked_ || state == last_state_ || since < last_since_ - std::chrono::milliseconds(5))
            return;
        last_state_ = state;
        last_since_ = since;
        std::printf("%s\n", trace_line(service, *asked_, style_).c_str());
        std::fflush(stdout);
    }
    bool is_under_way() const { return asked_.has_value(); }

  private:
    std::string service_;
    Style style_;
    std::optional<WallTime> asked_;
    std::string last_state_;
    WallTime last_since_{};
};

}  // namespace

int Program::trace(const std::string& service, bool wake) const {
    const std::string path = "/v1/services/" + encoded(service);
    const std::string of_it = "service=" + encoded(service);
    // What has happened by now is not what is followed.
    std::string last_id;
    const auto remember = [&last_id](const Event& event) {
        last_id = event.id;
        return true;
    };
    const auto past = client_.follow("/v1/events?follow=false&last=1&" + of_it, "", remember);
    const auto before = client_.request("GET", "/v1/wakes?last=1&" + of_it, answer_patience);
    if (before && before->status != 200)
        return fail(*before);
    if (!past || !before)
        return unreachable_for(!past ? past.error() : before.error());
    const auto last_wake = list_at(before->json, "wakes").empty()
                               ? std::nullopt
                               : number_at(list_at(before->json, "wakes").front(), "number");
    const auto now = client_.request("GET", path, answer_patience);
    if (!now)
        return unreachable_for(now.error());
    if (now->status != 200)
        return fail(*now);

    Trace trace(service, style_of(stdout));
    if (!options_.json)
        trace.stands(now->json);
    if (!trace.is_under_way() && !options_.json && !wake)
        std::fprintf(stderr, "%s is %s; its next wake is followed\n", service.c_str(),
                     text_at(now->json, "state").c_str());
    if (wake) {
        const auto woken = client_.request("POST", path + "/wake", answer_patience);
        if (!woken)
            return unreachable_for(woken.error());
        if (woken->status >= 400)
            return fail(*woken);
        if (text_at(woken->json, "outcome") == "nothing to do") {
            std::printf("%s is up already\n", service.c_str());
            return 0;
        }
    }
    std::optional<int> status;
    const auto on_event = [&](const Event& event) {
        boost::system::error_code no_json;
        const auto data = boost::json::parse(event.data, no_json);
        if (options_.json) {
            const boost::json::object line{{"id", event.id}, {"event", event.type}, {"data", data}};
            std::printf("%s\n", boost::json::serialize(line).c_str());
            std::fflush(stdout);
        }
        if (event.type == "service" && !options_.json)
            trace.stands(data);
        // More may become known of the one before.
        if (event.type == "wake" && number_at(data, "number") != last_wake) {
            if (!options_.json)
                std::printf("\n%s", wake_view(data, style_of(stdout)).c_str());
            status = text_at(data, "failure").empty() ? 0 : refused;
        }
        return !status && std::ferror(stdout) == 0;
    };
    const auto ended = client_.follow("/v1/events?last=1000&" + of_it, last_id, on_event);
    if (status)
        return *status;
    if (!ended)
        return unreachable_for(ended.error());
    std::fprintf(stderr, "summonctl: the daemon has ended the events\n");
    return unreachable;
}

}  // namespace summond::ctl
