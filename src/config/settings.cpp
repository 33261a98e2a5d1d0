#include "limits.hpp"
#include "scalars.hpp"
#include "service.hpp"

namespace summond::config {

namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

constexpr milliseconds default_idle_after = 5min;
constexpr milliseconds max_idle = 365 * 24h;
constexpr milliseconds max_shutdown_timeout = 10min;
constexpr milliseconds default_silence = 2h;  // RFC 9293 §3.8.4: keep-alives are no more frequent
constexpr milliseconds max_silence = 24h;

// "connections", or {connections: 2h}.
void read_keep(const Value& value, service::Template& service) {
    if (value.is(Node::Kind::scalar) && value.one_of({"connections"}))
        service.keep_connections = default_silence;
    if (value.is_only(Node::Kind::scalar))
        return;
    auto mapping = Mapping::of(value, "idle.keep.", "connections, or {connections: 2h}");
    if (!mapping)
        return;
    if (const auto silence = mapping->take(
            {"connections",
             "how old the last packet of a TCP connection may be that keeps it, such as 2h"}))
        if (const auto duration = read_duration(*silence, 2min, max_silence, "2h"))
            service.keep_connections = *duration;
    mapping->refuse_rest();
}

void read_idle(const Value& value, ServiceDraft& draft) {
    service::Template& service = draft.service;
    const auto read_after = [&](const Value& after) {
        if (const auto duration = read_duration(after, 1s, max_idle, "5m"))
            service.idle_after = *duration;
    };
    service.idle_after = default_idle_after;
    service.idle_action = service::IdleAction::destroy;
    service.idle_else = service::Template().idle_else;
    service.shutdown_timeout = service::Template().shutdown_timeout;
    service.idle_ignore.clear();
    service.keep_connections = {};
    if (value.word({"never"}))
        service.idle_after.reset();
    else if (value.is(Node::Kind::scalar))
        read_after(value);
    if (value.is_only(Node::Kind::scalar))
        return;
    auto mapping = Mapping::of(
        value, "idle.",
        "never, a duration such as 5m, or {after: 5m, action: destroy, pause, suspend or "
        "shutdown}");
    if (!mapping)
        return;
    if (const auto after = mapping->take({"after", "how long nothing has come for it", "5m"}))
        read_after(*after);
    if (const auto action =
            mapping->take({"action", "what is done with an idle domain", "destroy"})) {
        service.idle_action = static_cast<service::IdleAction>(
            action->one_of({"destroy", "pause", "suspend", "shutdown"}).value_or(0));
        draft.idle_action_where = value.problems->at(action->where);
    }
    if (const auto otherwise = mapping->take(
            {"else", "what is done with a guest that cannot be suspended", "pause"})) {
        const auto action = otherwise->one_of({"pause", "destroy"});
        if (service.idle_action != service::IdleAction::suspend)
            otherwise->complain(
                "it is what is done with a guest that cannot be suspended, and goes with "
                "action: suspend");
        else
            service.idle_else =
                action == 1U ? service::IdleAction::destroy : service::IdleAction::pause;
    }
    if (const auto timeout =
            mapping->take({"timeout", "how long a guest may take to shut down", "30s"})) {
        const auto duration = read_duration(*timeout, 1s, max_shutdown_timeout, "30s");
        if (service.idle_action != service::IdleAction::shutdown)
            timeout->complain(
                "it is how long a guest may take to shut down, and goes with "
                "action: shutdown");
        else if (duration)
            service.shutdown_timeout = *duration;
    }
    if (const auto keep =
            mapping->take({"keep", "what keeps it although no packets come: connections"}))
        read_keep(*keep, service);
    if (const auto ignore =
            mapping->take({"ignore", "networks whose packets do not count, or none", "none"}))
        service.idle_ignore = read_networks(*ignore, "none", service::max_prefixes);
    mapping->goes_with("else", "action", "suspend");
    mapping->goes_with("timeout", "action", "shutdown");
    mapping->refuse_rest();
}

void read_answer(const Value& value, service::Template& service) {
    service.answer = {};
    if (const auto word = value.word({"booting", "ready"})) {
        if (*word == 1)
            service.answer.kind = service::AnswerWhen::Kind::ready;
        return;
    }
    value.takes_duration(1ms, service::longest_answer);
    const auto delay = value.is(Node::Kind::scalar) ? parse_duration(value.node->text)
                                                    : base::Result<milliseconds>(base::error(""));
    if (delay && *delay >= 1ms && *delay <= service::longest_answer)
        service.answer = {service::AnswerWhen::Kind::delay, *delay};
    else
        value.refuse("booting, ready or a delay from 1ms to " + to_text(service::longest_answer));
}

}  // namespace

ServiceDraft::ServiceDraft() {
    service.memory_kib = default_memory_kib;
    interfaces.emplace_back().interface.bridge = default_bridge;
    service.idle_after = default_idle_after;
}

void read_settings(Mapping& mapping, ServiceDraft& draft, const Paths& paths, Whose whose) {
    service::Template& service = draft.service;
    if (const auto ttl =
            mapping.take({"ttl", "of its address records, in seconds or as a duration", "60"}))
        service.ttl = read_seconds(*ttl).value_or(service.ttl);
    read_guest(mapping, draft, paths, whose);
    if (const auto idle =
            mapping.take({"idle", "when and how it is put away: never, a duration, or a mapping",
                          "{after: 5m, action: destroy}"})) {
        read_idle(*idle, draft);
        draft.idle_given = true;
    }
    if (const auto standby =
            mapping.take({"standby", "how many copies wait for the next wake", "0"})) {
        read_standby(*standby, service.standby);
        draft.standby_where = standby->where;
    }
    if (const auto answer = mapping.take(
            {"answer", "when the waking query is answered: booting, ready, or after a delay",
             "booting"}))
        read_answer(*answer, service);
    read_reach(mapping, draft);
    read_wakes(mapping, draft);
    read_keep_warm(mapping, draft);
    if (const auto on_exit =
            mapping.take({"on_exit", "what becomes of its domain when summond stops", "leave"}))
        service.destroy_on_exit = on_exit->one_of({"leave", "destroy"}) == 1U;
}

}  // namespace summond::config
