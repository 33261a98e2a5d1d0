#include "control_answers.hpp"

#include <algorithm>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <chrono>
#include <span>
#include <utility>

#include "control_texts.hpp"
#include "summond/control/page.hpp"
#include "summond/metrics/table.hpp"
#include "summond/zone/zone.hpp"

namespace summond::roles {
namespace {

namespace json = boost::json;
using control::Asked;
using control::Model;
using control::Operation;
using control::Refusal;
using control::Right;

control::Response json_response(unsigned status, const json::object& object) {
    return {status, std::make_shared<const std::string>(json::serialize(object) + "\n")};
}

control::Response refusal(const Refusal& why) {
    auto response = json_response(why.status, {{"error", why.error}, {"expected", why.expected}});
    response.allow = why.allow;
    return response;
}

}  // namespace

control::Now ControlAnswers::now() const {
    return {clock_.now(), std::chrono::system_clock::now()};
}

// Nothing: they may.
std::optional<Refusal> ControlAnswers::why_not(const control::Client& client, Right right) const {
    if (client.over_tcp) {
        if (right == Right::read)
            return std::nullopt;
        return Refusal{403, "over TCP nobody gives commands, since nobody knows who it is",
                       "the control socket: summonctl, or curl --unix-socket"};
    }
    const auto is_in = [&](std::uint32_t group) {
        return group != ipc::Access::nobody &&
               std::ranges::find(client.groups, group) != client.groups.end();
    };
    if (client.user == 0 || client.user == own_ || is_in(known_.access.admins))
        return std::nullopt;
    if (right == Right::command)
        return Refusal{403, "you may look, and give no commands",
                       "root, or a member of the group that `control: {admins: ...}` names"};
    if (is_in(known_.access.readers))
        return std::nullopt;
    return Refusal{403, "you may not look here",
                   "root, or a member of the group summond or of the group that `control: "
                   "{readers: ...}` names"};
}

void ControlAnswers::serve(const control::Request& request,
                           std::shared_ptr<control::Exchange> exchange) {
    const auto asked = control::understand(request.method, request.target);
    // Who may not read is not told what there is.
    if (const auto why = why_not(request.client, Right::read))
        return exchange->respond(refusal(*why));
    const auto right = asked ? asked->route->right : Right::read;
    if (const auto why = why_not(request.client, right))
        return exchange->respond(refusal(*why));
    if (const auto why = control::suspicious(request.browser, right, known_.names))
        return exchange->respond(refusal(*why));
    if (!asked)
        return exchange->respond(refusal(asked.error()));
    if (asked->route->operation == Operation::events)
        events(*asked, request, *exchange);
    else if (asked->route->operation == Operation::reload)
        reload(std::move(exchange));
    else if (asked->route->operation == Operation::ping)
        known_.webhooks->ping(asked->service, std::move(exchange));
    else if (right == Right::command)
        command(*asked, request.client.user, exchange);
    else
        exchange->respond(read(*asked));
}

void ControlAnswers::events(const Asked& asked, const control::Request& request,
                            control::Exchange& exchange) {
    if (!asked.service.empty() && known_.model.find(asked.service) == nullptr)
        exchange.respond(unknown_service(asked.service));
    else if (request.method == "HEAD")
        exchange.respond({200, std::make_shared<const std::string>(), "text/event-stream"});
    else
        known_.followers.add(asked, request.last_event_id, exchange);
}

// -- Commands

// The load that answers it is the next one: one under way may have read the file before.
void ControlAnswers::reload(std::shared_ptr<control::Exchange> exchange) {
    if (!reload_())
        return exchange->respond(refusal({503, "the daemon takes no commands now", "another try"}));
    exchange->on_gone([this, gone = exchange.get()] {
        std::erase_if(reloads_, [gone](const Reload& each) { return each.exchange.get() == gone; });
    });
    reloads_.push_back({known_.model.load().number + 1, std::move(exchange)});
}

void ControlAnswers::loaded(std::uint32_t number) {
    // Answering may end a session, and that forgets its exchange.
    std::vector<Reload> answered;
    std::erase_if(reloads_, [&](Reload& each) {
        if (each.number > number)
            return false;
        answered.push_back(std::move(each));
        return true;
    });
    for (const Reload& each : answered)
        each.exchange->respond(response_of_load());
}

control::Response ControlAnswers::response_of_load() const {
    using Result = ipc::LoadReport::Result;
    const auto& load = known_.model.load();
    if (load.result == Result::in_force)
        return json_response(200, {{"outcome", "done"}, {"load", known_.model.load_json()}});
    return json_response(
        load.result == Result::refused ? 422 : 500,
        {{"error", "the configuration cannot be used; the one before stays in force"},
         {"expected", "a file without these problems"},
         {"load", known_.model.load_json()}});
}

void ControlAnswers::command(const Asked& asked, uid_t user,
                             const std::shared_ptr<control::Exchange>& exchange) {
    const auto serial = commands_.begin(asked, user, [this, exchange](const auto& answer) {
        exchange->respond(response_of(answer));
    });
    exchange->on_gone([this, serial] { commands_.forget(serial); });
}

control::Response ControlAnswers::response_of(const control::CommandAnswer& answer) const {
    if (answer.outcome.empty())
        return refusal({answer.status, answer.error, answer.expected});
    json::object object{{"outcome", answer.outcome}};
    if (answer.about && known_.model.find(*answer.about) != nullptr)
        object.emplace("service", known_.model.service_json(*answer.about, now()));
    return json_response(answer.status, object);
}

// -- Reading

control::Response ControlAnswers::unknown_service(const std::string& name) const {
    const std::string meant = known_.model.nearest(name);
    return refusal({404, "no service is called " + name,
                    meant.empty() ? "GET /v1/services lists them" : "did you mean " + meant + "?"});
}

std::string ControlAnswers::metrics_text() const {
    const auto snapshot = std::make_unique<metrics::Snapshot>();
    known_.model.fill(*snapshot, now());
    known_.counters.fill(*snapshot);
    known_.webhooks->fill(*snapshot);
    known_.fleet->fill(*snapshot);
    snapshot->config_hash = known_.config_hash;
    if (known_.image)
        if (const auto zones = zone::Zones::open(known_.image->bytes())) {
            snapshot->zones = zones->header().zone_count;
            snapshot->unloaded_zones = zones->header().unloaded_zone_count;
            for (std::uint32_t i = 0; i < snapshot->zones; ++i) {
                if (const auto end = static_cast<double>(zones->zone(i).signed_until); end != 0)
                    snapshot->signatures_end =
                        std::min(end, snapshot->signatures_end.value_or(end));
                if (snapshot->zone_serials.size() == metrics::Snapshot::max_zone_serials)
                    continue;
                control::ZoneText text = text_of(*zones, i);
                if (text.serial)
                    snapshot->zone_serials.push_back({std::move(text.name), *text.serial});
            }
        }
    return metrics::exposition(*snapshot);
}

control::Response ControlAnswers::zones() const {
    const auto zones =
        zone::Zones::open(known_.image ? known_.image->bytes() : std::span<const std::uint8_t>());
    return json_response(
        200, Model::zones_json(zones ? texts_of(*zones) : std::vector<control::ZoneText>(), now()));
}

control::Response ControlAnswers::read(const Asked& asked) const {
    const Model& model = known_.model;
    switch (asked.route->operation) {
        case Operation::status:
            return json_response(200, model.status_json(now()));
        case Operation::webhooks:
            return json_response(200, known_.webhooks->json(now().wall));
        case Operation::hosts:
            return json_response(200, known_.fleet->json(now().wall));
        case Operation::services:
            return json_response(200, model.services_json(asked.phase, now()));
        case Operation::zones:
            return zones();
        case Operation::page: {
            const auto file = control::page_file(asked.route->path);
            return {200, std::make_shared<const std::string>(file.text), file.type};
        }
        case Operation::metrics:
            return {200, std::make_shared<const std::string>(metrics_text()),
                    metrics::content_type};
        case Operation::wakes:
            if (!asked.service.empty() && model.find(asked.service) == nullptr)
                return unknown_service(asked.service);
            return json_response(200, model.wakes_json(asked.service, asked.last.value_or(100),
                                                       asked.before, now()));
        default:
            break;
    }
    const auto* const service = model.find(asked.service);
    return service == nullptr ? unknown_service(asked.service)
                              : json_response(200, model.service_json(service->id, now()));
}

}  // namespace summond::roles
