// Entry of all processes: reads the command line and becomes the parent, one of its children
// or one of the commands that people give. No thread exists before this point in any of them.

#include <sys/prctl.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <csignal>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "keys.hpp"
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

using summond::roles::KeysArguments;

// The actions of `summond keys`; exactly one is given.
void add_keys(CLI::App& app, KeysArguments& to) {
    using Action = KeysArguments::Action;
    CLI::App* const keys = app.add_subcommand(
        "keys", "The keys that zones are signed with, in the directory that `key_dir` names");
    keys->require_subcommand(1);
    const auto add = [&](const char* name, Action action, const char* text, bool of_one) {
        CLI::App* const added = keys->add_subcommand(name, text);
        added->add_option("FILE", to.config, "Configuration, one YAML file")->required();
        auto* const zone = added->add_option("ZONE", to.zone, "Name of a zone in it");
        if (of_one)
            zone->required();
        added->callback([&to, action] { to.action = action; });
        return added;
    };
    add("list", Action::list, "What keys there are, and what each does when", false);
    add("ds", Action::ds, "The DS records that the parent zone is to have", false);
    add("make", Action::make, "Make the keys of a zone that has none", true)
        ->add_flag("--zsk", to.zsk, "A ZSK beside a CSK, which is a KSK from then on");
    CLI::App* const import =
        add("import", Action::import, "Take over a key that is in use elsewhere", true);
    import->add_option("KEY", to.key_file, "A file of BIND's (K*.private), or PEM, as Knot's")
        ->required();
    import->add_flag("--zsk", to.zsk, "PEM: it is a ZSK, not a KSK or CSK");
    CLI::App* const roll =
        add("roll", Action::roll, "Replace a key that is active by a new one", true);
    auto* const ksk = roll->add_flag("--ksk", to.ksk, "The KSK, where there are two");
    auto* const zsk = roll->add_flag("--zsk", to.zsk, "The ZSK")->excludes(ksk);
    roll->add_option("--algorithm", to.algorithm,
                     "All of them by keys of another algorithm, ecdsap256sha256 or ed25519")
        ->excludes(ksk)
        ->excludes(zsk);
    add("submitted", Action::submitted, "Say that the parent has the DS of the newest key", true);
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
    std::string asked;
    CLI::App* name = app.add_subcommand(
        "name", "Tell what a domain name is by a configuration: its service, address and kernel");
    name->add_option("FILE", checked, "Configuration, one YAML file")->required();
    name->add_option("NAME", asked, "A domain name, such as x7f3.pages.jit.example")->required();
    std::vector<std::string> ids;
    std::string of;
    CLI::App* sign = app.add_subcommand("sign", "Make names of ids for a service with signed ones");
    sign->add_option("FILE", checked, "Configuration, one YAML file")->required();
    sign->add_option("ID", ids, "Ids")->required();
    sign->add_option("--service", of, "Of which service, where several have signed ids");
    KeysArguments keys;
    add_keys(app, keys);
    std::string printed;
    CLI::App* print = app.add_subcommand(
        "print", "Print a zone as it would be served: signed, with the addresses of services");
    print->add_option("FILE", checked, "Configuration, one YAML file")->required();
    print->add_option("ZONE", printed, "Name of a zone in it")->required();
    app.require_subcommand(0, 1);

    try {
        app.parse(argc, argv);
        if (app.get_subcommands().empty() && a.config.empty())
            throw CLI::RequiredError("--config FILE (or `check FILE`)");
    } catch (const CLI::ParseError& e) {
        return app.exit(e) == 0 ? 0 : summond::roles::exit_bad_configuration;
    }
    if (*schema) {
        std::puts(summond::config::schema().c_str());
        return 0;
    }
    if (!keys.config.empty())
        return summond::roles::keys_main(keys);
    if (*print)
        return summond::roles::print_main(checked, printed);
    using summond::service::Host;
    if (*name)
        return summond::roles::name_main(checked, asked);
    if (*sign)
        return summond::roles::sign_main(checked, ids, of);
    const Host dom0 = host == "arm64" ? Host::arm64 : Host::amd64;
    return *check ? summond::roles::check_main(checked, dom0) : run(a, role);
}
