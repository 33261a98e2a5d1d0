// summonctl: shows how the services of this dom0 stand and steers them, by way of the daemon's
// control socket. Needs no Xen.

#include <sys/ioctl.h>
#include <unistd.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <boost/json/serialize.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <string>
#include <vector>

#include "client.hpp"
#include "summond/control/routes.hpp"
#include "views.hpp"

namespace summond::ctl {
namespace {

// Exit statuses.
constexpr int refused = 1;  // or failed: the daemon says why
constexpr int bad_usage = 2;
constexpr int unreachable = 3;  // no daemon answers
constexpr int timed_out = 4;    // what was waited for has not come

constexpr const char* description =
    "summonctl: shows how the services of this dom0 stand, and steers them.";

constexpr const char* footer =
    "Reading is for root and the group summond; commands are for root and the group that\n"
    "`control: {admins: GROUP}` names in summond's configuration.\n"
    "Exit status: 0 done; 1 refused or failed, with the reason; 2 bad usage; 3 no daemon answers;\n"
    "4 what was waited for has not come in time.";

struct Options {
    std::string socket = "/run/summond/control.sock";
    bool json = false;
};

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
        if (::isatty(STDERR_FILENO) == 0 || std::chrono::steady_clock::now() < begun_ + patience)
            return;
        constexpr const char* frames[] = {"⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"};
        const auto so_far = std::chrono::duration_cast<std::chrono::milliseconds>(
            std::chrono::steady_clock::now() - begun_);
        std::fprintf(stderr, "\r\x1b[K%s %s, %s", frames[frame_++ % std::size(frames)],
                     what_.c_str(), words_of(so_far).c_str());
        std::fflush(stderr);
        drawn_ = true;
    }

  private:
    static constexpr std::chrono::milliseconds patience{300};
    std::string what_;
    std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
    std::size_t frame_ = 0;
    bool drawn_ = false;
};

class Program {
  public:
    Program(const Options& options) : options_(options), client_(options.socket) {}

    // Shows what is at the target.
    int show(const std::string& target,
             const std::function<std::string(const boost::json::value&, const Style&)>& view) {
        const auto reply = client_.request("GET", target, patience);
        if (!reply)
            return fail(reply.error());
        if (reply->status != 200)
            return fail(*reply);
        std::fputs(
            options_.json ? reply->body.c_str() : view(reply->json, style_of(stdout)).c_str(),
            stdout);
        return 0;
    }

    // Gives a command and says what has become of it. about: "www", or empty.
    int command(const std::string& target, const std::string& about, const std::string& waiting,
                std::chrono::milliseconds wait) {
        Spinner spinner(waiting);
        const auto reply =
            client_.request("POST", target, patience + wait, [&] { spinner.tick(); });
        if (!reply)
            return fail(reply.error());
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

  private:
    // Commands may wait for libxl, control/commands.hpp.
    static constexpr std::chrono::seconds patience{40};

    static int fail(const Unreachable& why) {
        std::fprintf(stderr, "summonctl: %s\n", why.what.c_str());
        return unreachable;
    }

    int fail(const Reply& reply) const {
        if (options_.json)
            std::fputs(reply.body.c_str(), stdout);
        const std::string error = text_at(reply.json, "error");
        const std::string expected = text_at(reply.json, "expected");
        std::fprintf(stderr, "summonctl: %s%s%s\n",
                     error.empty() ? "the daemon refuses" : error.c_str(),
                     expected.empty() ? "" : "; ", expected.c_str());
        return reply.status == 504 ? timed_out : refused;
    }

    const Options& options_;
    Client client_;
};

std::string of_service(const std::string& name, const std::string& rest = "") {
    return "/v1/services/" + encoded(name) + rest;
}

int run(int argc, char** argv) {
    Options options;
    if (const char* const socket = std::getenv("SUMMOND_SOCKET"))
        options.socket = socket;
    CLI::App app(description, "summonctl");
    app.footer(footer);
    app.set_version_flag("--version", "summonctl " SUMMOND_VERSION);
    app.add_option("--socket", options.socket, "The daemon's control socket")
        ->type_name("PATH")
        ->envname("SUMMOND_SOCKET")
        ->capture_default_str();
    app.add_flag("--json", options.json, "Answers as the daemon gives them, for programs");
    app.require_subcommand(1);
    app.fallthrough();

    int status = 0;
    std::vector<std::string> names;
    std::string phase;
    std::string wait = "no";
    std::string timeout = "60s";
    std::string length;
    bool force = false;

    const CLI::Validator duration(
        [](std::string& text) {
            return control::parse_duration(text) ? ""
                                                 : text + " is no duration such as 30s, 10m or 2h";
        },
        "DURATION");

    app.add_subcommand("status", "The daemon, its processes, memory and the last load")
        ->callback([&] { status = Program(options).show("/v1/status", status_view); });

    auto* const list = app.add_subcommand("list", "All services and how they stand");
    list->add_option("--phase", phase, "Only services in this phase")
        ->check(CLI::IsMember({"asleep", "building", "booting", "ready", "failed"}));
    list->callback([&] {
        status = Program(options).show("/v1/services" + (phase.empty() ? "" : "?phase=" + phase),
                                       services_view);
    });

    const auto with_names = [&](CLI::App* command) {
        command->add_option("SERVICE", names, "Names of services")->required();
        return command;
    };
    const auto each = [&](const std::function<int(Program&, const std::string&)>& action) {
        Program of(options);
        for (const std::string& name : names)
            if (const int r = action(of, name); r != 0)
                status = r;
    };

    with_names(app.add_subcommand("show", "All that is known of a service"))->callback([&] {
        each([](Program& of, const std::string& name) {
            return of.show(of_service(name), [](const auto& service, const Style& style) {
                return service_view(service, std::chrono::system_clock::now(), style);
            });
        });
    });

    auto* const wake = with_names(app.add_subcommand("wake", "Wakes a service"));
    wake->add_option("--wait", wait, "Until its domain runs, or until it is ready")
        ->check(CLI::IsMember({"no", "running", "ready"}))
        ->capture_default_str();
    wake->add_option("--timeout", timeout, "How long --wait waits")
        ->check(duration)
        ->capture_default_str();
    wake->add_flag("--force", force, "Although the host is drained, or it has just failed");
    wake->callback([&] {
        each([&](Program& of, const std::string& name) {
            const bool waits = wait != "no";
            return of.command(
                of_service(name, "/wake?wait=" + wait + "&timeout=" + timeout +
                                     (force ? "&force=true" : "")),
                name, "waking " + name,
                waits ? *control::parse_duration(timeout) : std::chrono::milliseconds(0));
        });
    });

    auto* const sleep =
        with_names(app.add_subcommand("sleep", "Puts a service's domain away, as if it were idle"));
    sleep->add_flag("--force", force, "Although it is pinned");
    const auto simple = [&](const char* path, const std::string& waiting) {
        each([&](Program& of, const std::string& name) {
            return of.command(of_service(name, path + std::string(force ? "?force=true" : "")),
                              name, waiting + name, {});
        });
    };
    sleep->callback([&] { simple("/sleep", "putting away "); });

    auto* const pin =
        with_names(app.add_subcommand("pin", "Keeps a service's domain: it is not put away"));
    pin->add_option("--for", length, "So long; else until it is unpinned")->check(duration);
    pin->callback([&] {
        each([&](Program& of, const std::string& name) {
            return of.command(of_service(name, length.empty() ? "/pin" : "/pin?for=" + length),
                              name, "pinning " + name, {});
        });
    });
    with_names(app.add_subcommand("unpin", "Lets it be put away again"))->callback([&] {
        simple("/unpin", "unpinning ");
    });
    with_names(app.add_subcommand("touch", "Its idle time begins anew, as after an answer"))
        ->callback([&] { simple("/touch", "touching "); });

    app.add_subcommand("drain", "No new wakes on this host; what is up stays until it is idle")
        ->callback([&] { status = Program(options).command("/v1/drain", "", "draining", {}); });
    app.add_subcommand("undrain", "Wakes again")->callback([&] {
        status = Program(options).command("/v1/undrain", "", "undraining", {});
    });

    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& e) {
        return app.exit(e) == 0 ? 0 : bad_usage;
    }
    return status;
}

}  // namespace
}  // namespace summond::ctl

int main(int argc, char** argv) {
    return summond::ctl::run(argc, argv);
}
