// The notifier: tells webhooks over HTTP what control tells it. It talks with receivers, which may
// be anybody, so it is isolated; of all roles it alone may connect to the network. One thread, but
// for those in which names are looked up. What waits to be told is in its memory: if it dies,
// that is lost, and nothing else.

#include <fmt/chrono.h>
#include <netdb.h>
#include <nss.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "message_text.hpp"
#include "roles.hpp"
#include "summond/base/log.hpp"
#include "summond/base/random.hpp"
#include "summond/ipc/link.hpp"
#include "summond/loop/deadline_timer.hpp"
#include "summond/notify/pack.hpp"
#include "summond/notify/queue.hpp"
#include "summond/notify/sender.hpp"
#include "summond/proc/memfd.hpp"
#include "table.hpp"

namespace summond::roles {
namespace {

namespace asio = boost::asio;
using std::chrono::milliseconds;
using std::chrono::system_clock;

std::int64_t wall_ms() {
    return std::chrono::duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

// "https://hooks.example.org": what follows may have a token in it.
std::string host_of(const std::string& url) {
    return url.substr(0, url.find_first_of("/?", url.find("//") + 2));
}

struct Hook {
    Hook(config::Webhook its, const base::Clock& clock, std::function<double()> chance)
        : webhook(std::move(its)), queue(clock, std::move(chance)) {}

    config::Webhook webhook;
    notify::Queue queue;
    std::uint64_t delivered = 0;
    std::uint64_t failed = 0;
    std::uint64_t dropped = 0;
    std::int64_t last_at_ms = ipc::WebhookReport::never;
    notify::Answer last;
    bool failing = false;  // which has been logged
};
using HookPtr = std::shared_ptr<Hook>;

class Notifier {
  public:
    Notifier(asio::io_context& io, ipc::Channel parent)
        : io_(io),
          parent_(io, std::move(parent),
                  {[this](ipc::Received& message) { return from_parent(message); },
                   [this] {
                       spdlog::warn("the parent is gone; ending");
                       io_.stop();
                   }}) {}

    void configure(std::vector<config::Webhook> webhooks) {
        std::vector<HookPtr> hooks;
        for (config::Webhook& webhook : webhooks) {
            const auto before = std::ranges::find_if(
                hooks_, [&](const HookPtr& hook) { return hook->webhook.name == webhook.name; });
            if (before == hooks_.end()) {
                hooks.push_back(std::make_shared<Hook>(std::move(webhook), clock_,
                                                       [this] { return chance_(random_); }));
            } else {
                (*before)->webhook = std::move(webhook);
                hooks.push_back(*before);
            }
        }
        hooks_ = std::move(hooks);
        report_all();
    }

    bool start() {
        parent_.receive();
        return parent_.send(ipc::Ready{});
    }

  private:
    bool from_parent(ipc::Received& message) {
        switch (message.type) {
            case ipc::Type::peer:
                control_ = ipc::Link(
                    io_,
                    ipc::Channel(std::move(message.fd), ipc::Role::notifier, ipc::Role::control),
                    {[this](const ipc::Received& from) { return from_control(from); }, [] {},
                     [this] { report_all(); }});
                report_all();
                return true;
            case ipc::Type::reload: {
                const auto text = proc::read_memfd(message.fd.get());
                auto webhooks = notify::unpack(text ? *text : std::string());
                if (webhooks)
                    configure(std::move(*webhooks));
                else
                    spdlog::error("the parent sent webhooks that do not load; kept the old ones");
                return true;
            }
            case ipc::Type::retire:
                return true;
            default:
                return false;
        }
    }

    bool from_control(const ipc::Received& message) {
        switch (message.type) {
            case ipc::Type::notice:
                add(message.as<ipc::Notice>());
                attempt();
                return true;
            case ipc::Type::ping:
                ping(message.as<ipc::Ping>());
                return true;
            default:
                return false;
        }
    }

    std::string id_of(std::uint64_t number) const {
        return "msg_" + epoch_ + "_" + std::to_string(number);
    }

    void add(const ipc::Notice& message) {
        const std::string service = field_text(message.service);
        const std::string body(message.body,
                               std::min<std::size_t>(message.size, sizeof message.body));
        const std::string id = id_of(++last_id_);
        for (const HookPtr& hook : hooks_) {
            const config::Webhook& webhook = hook->webhook;
            const bool all = webhook.services.empty();
            if (message.event >= config::webhook_events.size() ||
                (webhook.events & 1U << message.event) == 0 ||
                (!all && std::ranges::find(webhook.services, service) == webhook.services.end()))
                continue;
            if (!hook->queue.add({id, body}) && ++hook->dropped % notify::Queue::most == 1)
                spdlog::warn("webhook {}: {} notices wait already, and the oldest are dropped",
                             webhook.name, notify::Queue::most);
            report(hook);
        }
    }

    // Those whose time has come; and when the next one's does.
    void attempt() {
        std::optional<base::TimePoint> next;
        for (const HookPtr& hook : hooks_) {
            if (const notify::Notice* const notice = hook->queue.begin())
                sender_.post(hook->webhook, *notice, [this, hook](const notify::Answer& answer) {
                    attempted(hook, answer);
                    attempt();
                });
            if (const auto due = hook->queue.due())
                next = next ? std::min(*next, *due) : *due;
        }
        timer_.set(next);
    }

    void attempted(const HookPtr& hook, const notify::Answer& answer) {
        const std::string& name = hook->webhook.name;
        remember(hook, answer);
        if (answer.taken()) {
            hook->queue.taken();
            ++hook->delivered;
            if (std::exchange(hook->failing, false))
                spdlog::info("webhook {}: takes what it is told again", name);
        } else {
            ++hook->failed;
            if (!std::exchange(hook->failing, true))
                spdlog::warn("webhook {}: {}; trying again", name, why(answer));
            if (!hook->queue.not_taken(hook->webhook.retry_for)) {
                ++hook->dropped;
                spdlog::warn("webhook {}: a notice was not taken in time and is dropped", name);
            }
        }
        report(hook);
    }

    static std::string why(const notify::Answer& answer) {
        return answer.status == 0 ? answer.what : "HTTP status " + std::to_string(answer.status);
    }

    static void remember(const HookPtr& hook, const notify::Answer& answer) {
        hook->last = answer;
        hook->last_at_ms = wall_ms();
    }

    // Once, past the queue.
    void ping(const ipc::Ping& message) {
        const std::string name = field_text(message.webhook);
        const auto hook = std::ranges::find_if(
            hooks_, [&](const HookPtr& each) { return each->webhook.name == name; });
        if (hook == hooks_.end()) {
            answer(ipc::Pinged{
                .serial = message.serial, .known = 0, .status = 0, .took_ms = 0, .what = {}});
            return;
        }
        const notify::Notice notice{id_of(++last_id_),
                                    R"({"type":"ping","timestamp":")" +
                                        fmt::format("{:%FT%T}Z", fmt::gmtime(std::time(nullptr))) +
                                        R"(","data":{"webhook":")" + name + R"("}})"};
        sender_.post((*hook)->webhook, notice,
                     [this, hook = *hook, serial = message.serial](const notify::Answer& came) {
                         remember(hook, came);
                         report(hook);
                         ipc::Pinged pinged{
                             .serial = serial,
                             .known = 1,
                             .status = came.status,
                             .took_ms = static_cast<std::uint32_t>(came.took.count()),
                             .what = {}};
                         copy(came.what, pinged.what);
                         answer(pinged);
                     });
    }

    // control may be another one by now: it knows no such serial.
    template <typename Message>
    void answer(const Message& message) {
        if (control_.is_open())
            control_.send(message);
    }

    void report_all() {
        for (const HookPtr& hook : hooks_)
            report(hook);
        if (hooks_.empty())
            answer(ipc::WebhookReport{});
    }

    // What control does not take now it is told with the next change.
    void report(const HookPtr& hook) {
        const auto index = std::ranges::find(hooks_, hook);
        if (index == hooks_.end())
            return;  // it was taken out while an attempt was under way
        ipc::WebhookReport report{};
        report.index = static_cast<std::uint32_t>(index - hooks_.begin());
        report.count = static_cast<std::uint32_t>(hooks_.size());
        report.delivered = hook->delivered;
        report.failed = hook->failed;
        report.dropped = hook->dropped;
        report.last_at_ms = hook->last_at_ms;
        report.last_status = hook->last.status;
        report.waiting = static_cast<std::uint32_t>(hook->queue.size());
        report.events = hook->webhook.events;
        report.is_signed = hook->webhook.secret.empty() ? 0 : 1;
        copy(hook->webhook.name, report.name);
        copy(host_of(hook->webhook.url), report.host);
        copy(hook->last.what, report.what);
        answer(report);
    }

    base::SteadyClock clock_;
    std::mt19937_64 random_{base::random_bits()};
    std::uniform_real_distribution<double> chance_{0, 1};
    const std::string epoch_ = fmt::format("{:016x}", base::random_bits());
    std::uint64_t last_id_ = 0;
    asio::io_context& io_;
    ipc::Link parent_;
    ipc::Link control_;
    std::vector<HookPtr> hooks_;
    loop::DeadlineTimer timer_{io_, [this] { attempt(); }};
    notify::Sender sender_{io_, SUMMOND_VERSION};
};

int not_started(const std::string& what) {
    spdlog::critical("{}", what);
    return exit_failed;
}

}  // namespace

int notifier_main(const Arguments& arguments, const Row& row) {
    ipc::Channel parent(base::UniqueFd(control_fd), ipc::Role::notifier, ipc::Role::parent);
    const auto text = proc::read_memfd(config_fd);
    auto webhooks = notify::unpack(text ? *text : std::string());
    if (!webhooks)
        return not_started("no usable webhooks from the parent");
    // By what is in the C library itself: other name services would be loaded, as code.
    ::__nss_configure_lookup("hosts", "files dns");
    if (const auto isolated = row.isolate(arguments.user); !isolated)
        return not_started("cannot isolate: " + isolated.error().what);
    asio::io_context io(1);
    Notifier notifier(io, std::move(parent));
    notifier.configure(std::move(*webhooks));
    if (!notifier.start())
        return not_started("the parent is gone");
    io.run();
    return 0;
}

}  // namespace summond::roles
