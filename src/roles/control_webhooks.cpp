#include "control_webhooks.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <chrono>
#include <utility>

#include "message_text.hpp"
#include "summond/base/log.hpp"
#include "summond/base/nearest.hpp"
#include "summond/config/config.hpp"

namespace summond::roles {
namespace {

namespace json = boost::json;

enum Event : std::size_t { woke_event, put_away_event, failed_event };
static_assert(config::webhook_events[put_away_event] == "put-away");

control::Response response(unsigned status, const json::object& object) {
    return {status, std::make_shared<const std::string>(json::serialize(object) + "\n")};
}

control::Response refusal(unsigned status, const std::string& error, const std::string& expected) {
    return response(status, {{"error", error}, {"expected", expected}});
}

}  // namespace

void ControlWebhooks::connect(base::UniqueFd fd) {
    const auto lost = [this] {
        for (const auto& [serial, exchange] : std::exchange(pings_, {}))
            exchange->respond(refusal(503, "the notifier is gone", "another try"));
    };
    lost();
    link_ = ipc::Link(io_, ipc::Channel(std::move(fd), ipc::Role::control, ipc::Role::notifier),
                      {[this](const ipc::Received& message) { return from_notifier(message); },
                       lost, [this] { flush(); }});
    flush();
}

void ControlWebhooks::woke(const vm::WakeRecord& record, const json::object& data) {
    auto& last = last_wake_[record.service];
    if (record.number <= last)
        return;
    last = record.number;
    const bool failed = record.failure != service::WakeFailure::none;
    tell(failed ? failed_event : woke_event, record.name, data);
}

void ControlWebhooks::stands(const service::Report* before, const service::Report& now,
                             const std::string& name, const json::object& data) {
    using service::Phase;
    if (before != nullptr && before->status.phase == Phase::ready &&
        now.status.phase == Phase::asleep)
        tell(put_away_event, name, data);
}

void ControlWebhooks::tell(std::size_t event, const std::string& service, json::object data) {
    if (!link_.is_open())  // there are no webhooks
        return;
    ipc::Notice notice{};
    notice.number = ++last_number_;
    notice.event = static_cast<std::uint32_t>(event);
    std::copy_n(service.begin(), std::min(service.size(), sizeof notice.service - 1),
                std::begin(notice.service));
    json::object body{{"type", json::string_view(config::webhook_events.at(event))},
                      {"timestamp", control::to_string(std::chrono::system_clock::now())},
                      {"data", std::move(data)}};
    std::string text = json::serialize(body);
    if (text.size() > sizeof notice.body) {  // many names
        for (const char* key : {"names", "addresses"})
            body["data"].as_object().erase(key);
        text = json::serialize(body);
    }
    if (text.size() > sizeof notice.body)
        return;
    notice.size = static_cast<std::uint16_t>(text.size());
    std::copy(text.begin(), text.end(), std::begin(notice.body));
    if (waiting_.size() == most_waiting) {
        if (dropped_++ == 0)
            spdlog::warn("the notifier is behind: webhooks are not told of everything");
        waiting_.pop_front();
    }
    waiting_.push_back(notice);
    flush();
}

void ControlWebhooks::flush() {
    while (!waiting_.empty() && link_.send(waiting_.front()))
        waiting_.pop_front();
}

bool ControlWebhooks::from_notifier(const ipc::Received& message) {
    switch (message.type) {
        case ipc::Type::webhook_report: {
            const auto report = message.as<ipc::WebhookReport>();
            if (report.count > most_webhooks || (report.count > 0 && report.index >= report.count))
                return false;
            reports_.resize(report.count);
            if (report.count > 0)
                reports_[report.index] = report;
            return true;
        }
        case ipc::Type::pinged:
            pinged(message.as<ipc::Pinged>());
            return true;
        default:
            return false;
    }
}

json::object ControlWebhooks::json(control::Model::WallTime now) const {
    json::array array;
    for (const ipc::WebhookReport& report : reports_) {
        json::array events;
        for (std::size_t event = 0; event < config::webhook_events.size(); ++event)
            if ((report.events & 1U << event) != 0)
                events.emplace_back(json::string_view(config::webhook_events.at(event)));
        const bool never = report.last_at_ms == ipc::WebhookReport::never;
        json::object last{{"at", control::to_string(control::Model::WallTime(
                                     std::chrono::milliseconds(report.last_at_ms)))},
                          {"status", report.last_status},
                          {"what", field_text(report.what)}};
        array.push_back(json::object{{"name", field_text(report.name)},
                                     {"host", field_text(report.host)},
                                     {"events", std::move(events)},
                                     {"signed", report.is_signed != 0},
                                     {"waiting", report.waiting},
                                     {"delivered", report.delivered},
                                     {"failed_attempts", report.failed},
                                     {"dropped", report.dropped},
                                     {"last_attempt", never ? json::value() : std::move(last)}});
    }
    return {{"now", control::to_string(now)}, {"webhooks", std::move(array)}};
}

void ControlWebhooks::ping(const std::string& webhook,
                           std::shared_ptr<control::Exchange> exchange) {
    std::vector<std::string> names;
    for (const ipc::WebhookReport& report : reports_)
        names.push_back(field_text(report.name));
    if (std::ranges::find(names, webhook) == names.end()) {
        const std::vector<std::string_view> known(names.begin(), names.end());
        const auto meant = base::nearest(webhook, known);
        exchange->respond(refusal(404, "no webhook is called " + webhook,
                                  meant.empty() ? "GET /v1/webhooks lists them"
                                                : "did you mean " + std::string(meant) + "?"));
        return;
    }
    ipc::Ping ping{};
    ping.serial = ++last_serial_;
    std::copy_n(webhook.begin(), std::min(webhook.size(), sizeof ping.webhook - 1),
                std::begin(ping.webhook));
    if (pings_.size() >= most_pings || !link_.send(ping)) {
        exchange->respond(refusal(503, "the notifier takes no commands now", "another try"));
        return;
    }
    pings_.emplace(ping.serial, std::move(exchange));
}

void ControlWebhooks::pinged(const ipc::Pinged& answer) {
    const auto ping = pings_.find(answer.serial);
    if (ping == pings_.end())
        return;
    const auto exchange = std::move(ping->second);
    pings_.erase(ping);
    const std::string what = field_text(answer.what);
    const json::object of_receiver{
        {"status", answer.status}, {"took_ms", answer.took_ms}, {"what", what}};
    const bool taken = answer.status >= 200 && answer.status < 300;
    if (answer.known == 0)
        exchange->respond(refusal(404, "there is no such webhook any more", "GET /v1/webhooks"));
    else if (taken)
        exchange->respond(response(200, {{"outcome", "done"}, {"receiver", of_receiver}}));
    else
        exchange->respond(response(
            502, {{"error", answer.status == 0 ? "the receiver has not answered: " + what
                                               : "the receiver has answered with HTTP status " +
                                                     std::to_string(answer.status)},
                  {"expected", "a status from 200 to 299"},
                  {"receiver", of_receiver}}));
}

void ControlWebhooks::fill(metrics::Snapshot& snapshot) const {
    for (const ipc::WebhookReport& report : reports_)
        snapshot.webhooks.push_back({field_text(report.name), report.delivered, report.failed,
                                     report.dropped, report.waiting});
}

}  // namespace summond::roles
