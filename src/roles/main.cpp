// Entry of all processes: reads the command line and becomes the parent, one of its children
// or `summond check`. No thread exists before this point in any of them.

#include <sys/prctl.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <csignal>
#include <cstdio>
#include <exception>
#include <string>

#include "roles.hpp"
#include "summond/base/log.hpp"
#include "summond/config/config.hpp"
#include "table.hpp"

namespace {

constexpr const char* description =
    "summond: authoritative DNS that wakes Xen domains.\n"
    "A query for the name of a service starts the unikernel behind it; services that nobody uses\n"
    "are put away again. Stays in the foreground and logs to standard error.";

constexpr const char* footer =
    "Signals: HUP reads the configuration again (a bad one changes nothing); TERM and INT end in\n"
    "order. Domains keep running then, unless their service says `on_exit: destroy`.\n"
    "Exit status: 0 ended in order, or the file is good; 1 failed while running, the log says why\n"
    "and what to do; 2 bad configuration or usage.";

int run(const summond::roles::Arguments& arguments, const std::string& role) {
    using namespace summond;
    // What ps -o comm, top and kernel messages show; 15 characters at most.
    ::prctl(PR_SET_NAME, role.empty() ? "summond" : ("summond-" + role).c_str(), 0, 0, 0);
    // A reader of our log, or a TCP client, that goes away must not take us with it.
    std::signal(SIGPIPE, SIG_IGN);
    base::log_to_stderr(role.empty() ? "parent" : role,
                        spdlog::level::from_str(arguments.log_level));
    const roles::Row* const row = roles::row_of(role);
    if (row != nullptr && row->isolation) {
        // A terminal's Ctrl-C and hang-up are for the parent, which tells us what to do.
        std::signal(SIGINT, SIG_IGN);
        std::signal(SIGHUP, SIG_IGN);
    }
    try {
        return row == nullptr ? roles::parent_main(arguments) : row->run(arguments, *row);
    } catch (const std::exception& e) {
        spdlog::critical("{}", e.what());
        return roles::exit_failed;
    }
}

}  // namespace

int main(int argc, char** argv) {
    summond::roles::Arguments a;
    std::string role;
    std::string checked;
    std::string host{summond::service::to_string(summond::service::this_host())};
    CLI::App app(description, "summond");
    app.footer(footer);
    app.set_version_flag("--version", "summond " SUMMOND_VERSION);
    app.add_option("--config", a.config, "Configuration, one YAML file")->type_name("FILE");
    app.add_flag("--simulate", a.simulate,
                 "Pretend to start domains: tries a configuration where there is no Xen");
    // How the parent starts its children; not for people.
    app.add_option("--role", role)->group("")->check([](const std::string& name) {
        return summond::roles::row_of(name) == nullptr ? "no such role" : "";
    });
    app.add_option("--sockets", a.sockets)->group("")->check(CLI::NonNegativeNumber);
    app.add_flag("--older-image", a.older_image)->group("");
    // What counting costs is measured against this; for the parent, too.
    app.add_flag("--uncounted", a.uncounted)->group("");
    app.add_option("--user", a.user)->group("");
    app.add_option("--log-level", a.log_level)->group("");
    CLI::App* check = app.add_subcommand(
        "check", "Check a configuration and its zone files; prints every problem, changes nothing");
    check->add_option("FILE", checked, "Configuration, one YAML file")->required();
    check->add_option("--host", host, "What the dom0 that it is for is (default: this machine)")
        ->check(CLI::IsMember({"amd64", "arm64"}));
    const CLI::App* schema = app.add_subcommand(
        "schema", "Print a JSON schema of the configuration, for editors that complete and check");
    app.require_subcommand(0, 1);

    try {
        app.parse(argc, argv);
        if (!*check && !*schema && a.config.empty())
            throw CLI::RequiredError("--config FILE (or `check FILE`)");
    } catch (const CLI::ParseError& e) {
        return app.exit(e) == 0 ? 0 : summond::roles::exit_bad_configuration;
    }
    if (*schema) {
        std::puts(summond::config::schema().c_str());
        return 0;
    }
    using summond::service::Host;
    const Host of = host == "arm64" ? Host::arm64 : Host::amd64;
    return *check ? summond::roles::check_main(checked, of) : run(a, role);
}
