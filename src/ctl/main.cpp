// summonctl: shows how the services of this dom0 stand and steers them, by way of the daemon's
// control socket. Needs no Xen.

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <boost/json/array.hpp>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include "completion.hpp"
#include "program.hpp"
#include "summond/base/quantity.hpp"
#include "summond/control/routes.hpp"
#include "views.hpp"

namespace summond::ctl {
namespace {

constexpr const char* description =
    "summonctl: shows how the services of this dom0 stand, and steers them.";

constexpr const char* footer =
    "Reading is for root and the group summond; commands are for root and the group that\n"
    "`control: {admins: GROUP}` names in summond's configuration.\n"
    "Exit status: 0 done; 1 refused or failed, with the reason; 2 bad usage; 3 no daemon answers;\n"
    "4 what was waited for has not come in time. See summonctl(1).";

std::string of_service(const std::string& name, const std::string& rest = "") {
    return "/v1/services/" + encoded(name) + rest;
}

std::string wakes_target(const std::string& service, unsigned last, std::uint64_t before = 0) {
    return "/v1/wakes?last=" + std::to_string(last) +
           (before == 0 ? "" : "&before=" + std::to_string(before)) +
           (service.empty() ? "" : "&service=" + encoded(service));
}

std::string names_view(const boost::json::value& answer, const Style& /*style*/) {
    std::string out;
    if (const auto* const services = member(answer, "services"))
        if (services->is_array())
            for (const auto& service : services->as_array())
                out += text_at(service, "name") + "\n";
    return out;
}

std::string traces_view(const boost::json::value& answer, const Style& style) {
    std::string out;
    if (const auto* const wakes = member(answer, "wakes"))
        if (wakes->is_array())
            for (const auto& wake : wakes->as_array())
                out += wake_view(wake, style);
    return out.empty() ? "no wake of it is remembered\n" : out;
}

// What the options of one command line say.
struct Given {
    Options options;
    std::vector<std::string> names;
    std::string name;
    std::string phase;
    std::string wait = "no";
    std::string timeout = "60s";
    std::string length;
    std::string shell;
    bool force = false;
    bool only_names = false;
    bool follow = false;
    bool wakes_it = false;
    unsigned last = 20;
    std::uint64_t before = 0;
    int status = 0;
};

const CLI::Validator is_duration(
    [](std::string& text) {
        return base::parse_duration(text) ? "" : text + " is no duration such as 30s, 10m or 2h";
    },
    "DURATION");

class CommandLine {
  public:
    CommandLine() : app_(description, "summonctl") {
        app_.footer(footer);
        app_.set_version_flag("--version", "summonctl " SUMMOND_VERSION);
        app_.add_option("--socket", given_.options.socket, "The daemon's control socket")
            ->type_name("PATH")
            ->envname("SUMMOND_SOCKET")
            ->capture_default_str();
        app_.add_flag("--json", given_.options.json,
                      "Answers as the daemon gives them, for programs");
        app_.require_subcommand(1);
        app_.fallthrough();
        add_views();
        add_commands();
        add_followers();
    }

    int run(int argc, char** argv) {
        try {
            app_.parse(argc, argv);
        } catch (const CLI::ParseError& e) {
            return app_.exit(e) == 0 ? 0 : bad_usage;
        }
        return given_.status;
    }

  private:
    using Action = std::function<int(const Program&)>;

    CLI::App& add(const std::string& name, const std::string& what, Action action) {
        CLI::App* const command = app_.add_subcommand(name, what);
        command->callback([this, action = std::move(action)] {
            given_.status = action(Program(given_.options));
        });
        return *command;
    }

    // One that is done for each service that is named, whatever becomes of the others.
    CLI::App& add_each(const std::string& name, const std::string& what,
                       const std::function<int(const Program&, const std::string&)>& action) {
        CLI::App& command = add(name, what, [this, action](const Program& program) {
            int status = 0;
            for (const std::string& each : given_.names)
                if (const int r = action(program, each); r != 0)
                    status = r;
            return status;
        });
        command.add_option("SERVICE", given_.names, "Names of services")->required();
        return command;
    }

    void add_views() {
        add("status", "The daemon, its processes, memory and the last load",
            [](const Program& program) { return program.show("/v1/status", status_view); });
        CLI::App& list =
            add("list", "All services and how they stand", [this](const Program& program) {
                return program.show(
                    "/v1/services" + (given_.phase.empty() ? "" : "?phase=" + given_.phase),
                    given_.only_names ? names_view : services_view);
            });
        list.add_option("--phase", given_.phase, "Only services in this phase")
            ->check(CLI::IsMember({"asleep", "building", "booting", "ready", "failed"}));
        list.add_flag("--names", given_.only_names, "Only their names, a line each");
        add_each("show", "All that is known of a service",
                 [](const Program& program, const std::string& name) {
                     return program.show(
                         of_service(name), [](const auto& service, const Style& style) {
                             return service_view(service, std::chrono::system_clock::now(), style);
                         });
                 });
        add("zones", "The zones that are answered for",
            [](const Program& program) { return program.show("/v1/zones", zones_view); });
        add("hosts", "The hosts that serve the same zones, and how this one stands among them",
            [](const Program& program) { return program.show("/v1/hosts", hosts_view); });
        add("webhooks", "Who is told over HTTP what happens, and whether they take it",
            [](const Program& program) { return program.show("/v1/webhooks", webhooks_view); });
    }

    void add_commands() {
        CLI::App& wake = add_each(
            "wake", "Wakes a service", [this](const Program& program, const std::string& name) {
                const bool waits = given_.wait != "no";
                return program.command(
                    of_service(name, "/wake?wait=" + given_.wait + "&timeout=" + given_.timeout +
                                         force("&")),
                    name, "waking " + name,
                    waits ? *base::parse_duration(given_.timeout) : std::chrono::milliseconds(0));
            });
        wake.add_option("--wait", given_.wait, "Until its domain runs, or until it is ready")
            ->check(CLI::IsMember({"no", "running", "ready"}))
            ->capture_default_str();
        wake.add_option("--timeout", given_.timeout, "How long --wait waits, at most 10m")
            ->check(is_duration)
            ->capture_default_str();
        wake.add_flag("--force", given_.force,
                      "Although the host is drained, or it has just failed");
        add_simple("sleep", "Puts a service's domain away, as if it were idle", "putting away ")
            .add_flag("--force", given_.force, "Although it is pinned");
        add_each(
            "pin", "Keeps a service's domain: it is not put away",
            [this](const Program& program, const std::string& name) {
                return program.command(
                    of_service(name, given_.length.empty() ? "/pin" : "/pin?for=" + given_.length),
                    name, "pinning " + name, {});
            })
            .add_option("--for", given_.length, "So long; else until it is unpinned")
            ->check(is_duration);
        add_simple("unpin", "Lets it be put away again", "unpinning ");
        add_simple("touch", "Its idle time begins anew, as after an answer", "touching ");
        add_simple("adopt", "Takes over a domain that was made for it by hand (xl create)",
                   "adopting ");
        add("drain", "No new wakes on this host; what is up stays until it is idle",
            [](const Program& program) {
                return program.command("/v1/drain", "", "draining", {});
            });
        add("undrain", "Wakes again", [](const Program& program) {
            return program.command("/v1/undrain", "", "undraining", {});
        });
        add("ping", "Tells webhooks something at once, and says what they answer",
            [this](const Program& program) { return program.ping(given_.names); })
            .add_option("WEBHOOK", given_.names, "Their names; all, if there are none");
        add("reload", "Reads the configuration again; says what is wrong with it",
            [](const Program& program) { return program.reload(); });
    }

    CLI::App& add_simple(const std::string& name, const std::string& what,
                         const std::string& waiting) {
        return add_each(name, what,
                        [this, name, waiting](const Program& program, const std::string& service) {
                            return program.command(of_service(service, "/" + name + force("?")),
                                                   service, waiting + service, {});
                        });
    }

    void add_followers() {
        CLI::App& wakes =
            add("wakes", "The last wakes, the newest first", [this](const Program& program) {
                return program.show(wakes_target(given_.name, given_.last, given_.before),
                                    wakes_view);
            });
        wakes.add_option("SERVICE", given_.name, "Only its wakes");
        add_last(wakes);
        wakes.add_option("--before", given_.before, "Only those before the wake of this number");
        CLI::App& trace =
            add("trace", "Where the time of a service's last wake went",
                [this](const Program& program) {
                    if (given_.follow)
                        return program.trace(given_.name, given_.wakes_it);
                    if (given_.wakes_it)
                        if (const int r = program.command(
                                of_service(given_.name, "/wake?wait=ready"), given_.name,
                                "waking " + given_.name, std::chrono::seconds(60));
                            r != 0)
                            return r;
                    return program.show(wakes_target(given_.name, 1), traces_view);
                });
        trace.add_option("SERVICE", given_.name, "Its name")->required();
        trace.add_flag("--wake", given_.wakes_it, "Wakes it first");
        trace.add_flag("--follow,-f", given_.follow,
                       "The wake that is under way, or the next one, step by step to its end");
        CLI::App& events = add("events", "What has happened; with --follow, as it happens",
                               [this](const Program& program) {
                                   return program.events(given_.name, given_.follow, given_.last);
                               });
        events.add_option("SERVICE", given_.name, "Only its events");
        events.add_flag("--follow,-f", given_.follow, "Goes on until it is ended");
        add_last(events);
        add("top", "A page of the terminal that shows how services stand; q ends it",
            [](const Program& program) { return program.top(); });
        CLI::App* const completion = app_.add_subcommand(
            "completion", "Prints what a shell completes summonctl's arguments by");
        completion->add_option("SHELL", given_.shell, "Of which shell")
            ->required()
            ->check(CLI::IsMember({"bash", "zsh", "fish"}));
        completion->callback([this] {
            const std::string text = given_.shell == "bash"  ? bash_completion(app_)
                                     : given_.shell == "zsh" ? zsh_completion(app_)
                                                             : fish_completion(app_);
            std::fputs(text.c_str(), stdout);
        });
    }

    void add_last(CLI::App& command) {
        command.add_option("--last", given_.last, "How many, at most 1000")
            ->check(CLI::Range(0, 1000))
            ->capture_default_str();
    }

    std::string force(const char* joint) const {
        return given_.force ? std::string(joint) + "force=true" : "";
    }

    Given given_;
    CLI::App app_;
};

}  // namespace
}  // namespace summond::ctl

int main(int argc, char** argv) {
    summond::ctl::CommandLine line;
    return line.run(argc, argv);
}
