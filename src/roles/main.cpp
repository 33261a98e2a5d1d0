// Entry of all processes: reads the command line and becomes the parent, one of its children
// or `summond check`. No thread exists before this point in any of them.

#include <sys/prctl.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <csignal>
#include <exception>

#include "roles.hpp"
#include "summond/base/log.hpp"
#include "summond/config/config.hpp"

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

struct Arguments {
    std::string config;
    bool simulate = false;
    std::string role;
    int sockets = 0;
    bool peer = false;
    bool older_image = false;
    std::string user;
    std::string log_level = "info";
    std::string check;
    std::string host{summond::service::to_string(summond::service::this_host())};
};

int run(const Arguments& a) {
    using namespace summond;
    const std::string role = a.role.empty() ? "parent" : a.role;
    // What ps -o comm, top and kernel messages show; 15 characters at most.
    ::prctl(PR_SET_NAME, a.role.empty() ? "summond" : ("summond-" + a.role).c_str(), 0, 0, 0);
    // A reader of our log, or a TCP client, that goes away must not take us with it.
    std::signal(SIGPIPE, SIG_IGN);
    base::log_to_stderr(role, spdlog::level::info);
    try {
        if (a.role == "front")
            return roles::front_main(a.config, a.sockets, a.peer);
        if (a.role == "vmm")
            return roles::vmm_main(a.config, a.simulate);
        if (a.role == "wire")
            return roles::wire_main(a.user, a.log_level);
        if (a.role == "load")
            return roles::load_main(a.config, a.older_image);
        return roles::parent_main(a.config, a.simulate);
    } catch (const std::exception& e) {
        spdlog::critical("{}", e.what());
        return summond::roles::exit_failed;
    }
}

}  // namespace

int main(int argc, char** argv) {
    Arguments a;
    CLI::App app(description, "summond");
    app.footer(footer);
    app.set_version_flag("--version", "summond " SUMMOND_VERSION);
    app.add_option("--config", a.config, "Configuration, one YAML file")->type_name("FILE");
    app.add_flag("--simulate", a.simulate,
                 "Pretend to start domains: tries a configuration where there is no Xen");
    // How the parent starts its children; not for people.
    app.add_option("--role", a.role)
        ->group("")
        ->check(CLI::IsMember({"front", "vmm", "wire", "load"}));
    app.add_option("--sockets", a.sockets)->group("")->check(CLI::NonNegativeNumber);
    app.add_option("--peer", a.peer)->group("");
    app.add_flag("--older-image", a.older_image)->group("");
    app.add_option("--user", a.user)->group("");
    app.add_option("--log-level", a.log_level)->group("");
    CLI::App* check = app.add_subcommand(
        "check", "Check a configuration and its zone files; prints every problem, changes nothing");
    check->add_option("FILE", a.check, "Configuration, one YAML file")->required();
    check->add_option("--host", a.host, "What the dom0 that it is for is (default: this machine)")
        ->check(CLI::IsMember({"amd64", "arm64"}));
    app.require_subcommand(0, 1);

    try {
        app.parse(argc, argv);
        if (!*check && a.config.empty())
            throw CLI::RequiredError("--config FILE (or `check FILE`)");
    } catch (const CLI::ParseError& e) {
        return app.exit(e) == 0 ? 0 : summond::roles::exit_bad_configuration;
    }
    using summond::service::Host;
    const Host host = a.host == "arm64" ? Host::arm64 : Host::amd64;
    return *check ? summond::roles::check_main(a.check, host) : run(a);
}
