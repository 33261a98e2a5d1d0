#include "program.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <cstdlib>
#include <iterator>
#include <map>
#include <string_view>
#include <thread>

#include "summond/base/excerpt.hpp"
#include "views.hpp"

namespace summond::ctl {
namespace {

using std::chrono::milliseconds;

// Commands may wait for libxl, control/commands.hpp.
constexpr std::chrono::seconds patience{40};
// `timeout` of a webhook is a minute at most.
constexpr std::chrono::seconds longest_ping{70};
// Zones may be large.
constexpr std::chrono::minutes longest_load{10};

// On a terminal: that it waits, and for how long it has.
class Spinner {
  public:
    explicit Spinner(std::string what) : what_(std::move(what)) {}
    Spinner(const Spinner&) = delete;
    Spinner& operator=(const Spinner&) = delete;
    ~Spinner() {
        if (drawn_)
            std::fputs("\r\x1b[K", stderr);
    }
    void tick() {
        const auto so_far =
            std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - begun_);
        if (::isatty(STDERR_FILENO) == 0 || so_far < not_worth_it)
            return;
        constexpr const char* frames[] = {"⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"};
        std::fprintf(stderr, "\r\x1b[K%s %s, %s", frames[frame_++ % std::size(frames)],
                     what_.c_str(), words_of(so_far).c_str());
        std::fflush(stderr);
        drawn_ = true;
    }

  private:
    static constexpr milliseconds not_worth_it{300};
    std::string what_;
    std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
    std::size_t frame_ = 0;
    bool drawn_ = false;
};

// As `summond check` does; the file is here, if this user may read it.
void print_problem(const std::string& problem) {
    std::fprintf(stderr, "%s\n", problem.c_str());
    if (const auto style = base::excerpt_style(STDERR_FILENO))
        std::fputs(base::excerpt_of(problem, *style).c_str(), stderr);
}

}  // namespace

int unreachable_for(const Unreachable& why) {
    std::fprintf(stderr, "summonctl: %s\n", why.what.c_str());
    return unreachable;
}

Style style_of(std::FILE* stream) {
    Style style;
    if (::isatty(::fileno(stream)) == 0)
        return style;
    const char* const no_colour = std::getenv("NO_COLOR");  // https://no-color.org
    const char* const terminal = std::getenv("TERM");
    style.colours = (no_colour == nullptr || *no_colour == '\0') &&
                    (terminal == nullptr || std::string_view(terminal) != "dumb");
    winsize size{};
    if (::ioctl(::fileno(stream), TIOCGWINSZ, &size) == 0)
        style.width = size.ws_col;
    return style;
}

int Program::fail(const Reply& reply) const {
    if (options_.json)
        std::fputs(reply.body.c_str(), stdout);
    const std::string error = text_at(reply.json, "error");
    const std::string expected = text_at(reply.json, "expected");
    std::fprintf(stderr, "summonctl: %s%s%s\n",
                 error.empty() ? "the daemon refuses" : error.c_str(), expected.empty() ? "" : "; ",
                 expected.c_str());
    return reply.status == 504 ? timed_out : refused;
}

int Program::show(const std::string& target, const View& view) const {
    const auto reply = client_.request("GET", target, patience);
    if (!reply)
        return unreachable_for(reply.error());
    if (reply->status != 200)
        return fail(*reply);
    std::fputs(options_.json ? reply->body.c_str() : view(reply->json, style_of(stdout)).c_str(),
               stdout);
    return 0;
}

int Program::command(const std::string& target, const std::string& about,
                     const std::string& waiting, milliseconds wait) const {
    tl::expected<Reply, Unreachable> reply;
    {
        Spinner spinner(waiting);
        reply = client_.request("POST", target, patience + wait, [&] { spinner.tick(); });
    }
    if (!reply)
        return unreachable_for(reply.error());
    if (reply->status >= 400)
        return fail(*reply);
    if (options_.json) {
        std::fputs(reply->body.c_str(), stdout);
        return 0;
    }
    std::string line = about.empty() ? "" : about + ": ";
    line += text_at(reply->json, "outcome");
    if (const auto* const service = member(reply->json, "service")) {
        line += ", " + text_at(*service, "state");
        const std::string next = next_words(*service, std::chrono::system_clock::now());
        line += next.empty() ? "" : ", " + next;
    }
    std::printf("%s\n", line.c_str());
    return 0;
}

int Program::reload() const {
    tl::expected<Reply, Unreachable> reply;
    {
        Spinner spinner("reading the configuration");
        reply = client_.request("POST", "/v1/reload", longest_load, [&] { spinner.tick(); });
    }
    if (!reply)
        return unreachable_for(reply.error());
    if (options_.json)
        std::fputs(reply->body.c_str(), stdout);
    if (const auto* const load = member(reply->json, "load"); load != nullptr && !options_.json)
        if (const auto* const problems = member(*load, "problems");
            problems != nullptr && problems->is_array())
            for (const auto& problem : problems->as_array())
                if (problem.is_string())
                    print_problem(std::string(problem.as_string()));
    if (reply->status >= 400) {
        std::fprintf(stderr, "summonctl: %s\n", text_at(reply->json, "error").c_str());
        return refused;
    }
    if (!options_.json)
        std::printf("reloaded\n");
    return 0;
}

int Program::ping(std::vector<std::string> webhooks) const {
    if (webhooks.empty()) {
        const auto all = client_.request("GET", "/v1/webhooks", patience);
        if (!all)
            return unreachable_for(all.error());
        if (all->status != 200)
            return fail(*all);
        if (const auto* const list = member(all->json, "webhooks");
            list != nullptr && list->is_array())
            for (const auto& webhook : list->as_array())
                webhooks.push_back(text_at(webhook, "name"));
        if (webhooks.empty())
            std::fprintf(stderr, "summonctl: there are no webhooks in the configuration\n");
    }
    int status = webhooks.empty() ? refused : 0;
    for (const std::string& webhook : webhooks)
        if (const int r = ping(webhook); r != 0)
            status = r;
    return status;
}

int Program::ping(const std::string& webhook) const {
    tl::expected<Reply, Unreachable> reply;
    {
        Spinner spinner("waiting for " + webhook);
        reply = client_.request("POST", "/v1/webhooks/" + encoded(webhook) + "/ping", longest_ping,
                                [&] { spinner.tick(); });
    }
    if (!reply)
        return unreachable_for(reply.error());
    const auto* const receiver = member(reply->json, "receiver");
    if (options_.json || receiver == nullptr) {
        if (reply->status >= 400)
            return fail(*reply);
        std::fputs(reply->body.c_str(), stdout);
        return 0;
    }
    const auto code = number_at(*receiver, "status").value_or(0);
    const std::string what = text_at(*receiver, "what");
    const std::string answer = code == 0 ? "no answer" : "HTTP " + std::to_string(code);
    std::printf("%s: %s after %s%s%s\n", webhook.c_str(), answer.c_str(),
                words_of(milliseconds(number_at(*receiver, "took_ms").value_or(0))).c_str(),
                what.empty() ? "" : ": ", what.c_str());
    return reply->status >= 400 ? refused : 0;
}

int Program::events(const std::string& service, bool follow, unsigned last) const {
    constexpr std::chrono::seconds next_try{1};
    std::string last_id;
    std::map<std::string, std::string> states;
    const Style style = style_of(stdout);
    const auto print = [&](const Event& event) {
        if (!event.id.empty())
            last_id = event.id;
        boost::system::error_code no_json;
        const auto data = boost::json::parse(event.data, no_json);
        if (options_.json) {
            const boost::json::object line{{"id", event.id}, {"event", event.type}, {"data", data}};
            std::printf("%s\n", boost::json::serialize(line).c_str());
        } else {
            const WallTime at = time_at(data, "at").value_or(std::chrono::system_clock::now());
            std::printf(
                "%s\n",
                event_line(event.type, data, at, states[text_at(data, "name")], style).c_str());
        }
        return std::fflush(stdout) == 0;
    };
    const std::string target = std::string("/v1/events?follow=") + (follow ? "true" : "false") +
                               "&last=" + std::to_string(last) +
                               (service.empty() ? "" : "&service=" + encoded(service));
    for (bool lost = false;; std::this_thread::sleep_for(next_try)) {
        const auto ended = client_.follow(target, last_id, print);
        if (!follow || std::ferror(stdout) != 0)
            return ended ? 0 : unreachable_for(ended.error());
        if (!ended && last_id.empty() && !lost)
            return unreachable_for(ended.error());
        if (!lost)
            std::fprintf(stderr, "summonctl: the daemon is gone; waiting for it\n");
        lost = true;
    }
}

}  // namespace summond::ctl
