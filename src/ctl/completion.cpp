#include "completion.hpp"

#include <fmt/format.h>

#include <vector>

namespace summond::ctl {
namespace {

struct Flag {
    std::string name;  // "--wait"
    std::string description;
    bool takes_value = false;
    std::string words;  // "no running ready", where the value is one of them
};

struct Command {
    std::string name;
    std::string description;
    std::vector<Flag> flags;
    bool takes_services = false;
    std::string words;  // what else may follow
};

// "TEXT:{no,running,ready}" has words.
std::string choices_of(const CLI::Option& option) {
    const std::string type = option.get_type_name();
    const auto begin = type.find('{');
    const auto end = type.find('}');
    if (begin == std::string::npos || end == std::string::npos)
        return "";
    std::string words = type.substr(begin + 1, end - begin - 1);
    for (char& c : words)
        c = c == ',' ? ' ' : c;
    return words;
}

Command command_of(const CLI::App& app) {
    Command command{app.get_name(), app.get_description(), {}, false, ""};
    for (const CLI::Option* option : app.get_options()) {
        if (option->get_lnames().empty()) {
            command.takes_services = option->get_name() == "SERVICE";
            command.words = command.takes_services ? "" : choices_of(*option);
            continue;
        }
        command.flags.push_back({"--" + option->get_lnames().front(), option->get_description(),
                                 option->get_items_expected_max() > 0, choices_of(*option)});
    }
    return command;
}

std::vector<Command> commands_of(const CLI::App& app) {
    std::vector<Command> commands;
    for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; }))
        commands.push_back(command_of(*sub));
    return commands;
}

std::string joined(const std::vector<Flag>& flags) {
    std::string out;
    for (const Flag& flag : flags)
        out += (out.empty() ? "" : " ") + flag.name;
    return out;
}

// Within single quotes of a shell.
std::string in_quotes(const std::string& text) {
    std::string out = "'";
    for (const char c : text)
        out += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return out + "'";
}

}  // namespace

std::string bash_completion(const CLI::App& app) {
    std::string names;
    std::string cases;
    for (const Command& command : commands_of(app)) {
        names += (names.empty() ? "" : " ") + command.name;
        std::string values;
        for (const Flag& flag : command.flags)
            if (flag.takes_value)
                values += fmt::format("                {}) words='{}'; plain= ;;\n", flag.name,
                                      flag.words);
        const std::string plain =
            command.takes_services ? "$(summonctl list --names 2>/dev/null)" : command.words;
        cases += fmt::format(
            "        {})\n"
            "            words='{}' plain=\"{}\"\n"
            "            case $before in\n{}"
            "            esac ;;\n",
            command.name, joined(command.flags), plain, values);
    }
    return fmt::format(
        "# bash completion of summonctl, made by `summonctl completion bash`\n"
        "_summonctl() {{\n"
        "    local now=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD - 1]}}\n"
        "    local command= words= plain= i\n"
        "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
        "        case ${{COMP_WORDS[i]}} in\n"
        "            {}) command=${{COMP_WORDS[i]}}; break ;;\n"
        "        esac\n"
        "    done\n"
        "    case $command in\n"
        "        '') words='{}' plain='{}' ;;\n"
        "{}"
        "    esac\n"
        "    if [[ $before == --socket ]]; then\n"
        "        COMPREPLY=($(compgen -f -- \"$now\"))\n"
        "    elif [[ $now == -* || -z $plain ]]; then\n"
        "        COMPREPLY=($(compgen -W \"$words\" -- \"$now\"))\n"
        "    else\n"
        "        COMPREPLY=($(compgen -W \"$plain\" -- \"$now\"))\n"
        "    fi\n"
        "}}\n"
        "complete -F _summonctl summonctl\n",
        fmt::join(
            [&] {
                std::vector<std::string> all;
                for (const Command& command : commands_of(app))
                    all.push_back(command.name);
                return all;
            }(),
            "|"),
        joined(command_of(app).flags), names, cases);
}

std::string zsh_completion(const CLI::App& app) {
    const auto arguments = [](const Command& command) {
        std::string out;
        for (const Flag& flag : command.flags) {
            std::string what = flag.name + "[" + flag.description + "]";
            for (std::size_t at = what.find(':'); at != std::string::npos;
                 at = what.find(':', at + 2))
                what.replace(at, 1, "\\:");
            if (flag.takes_value)
                what += ":value:" + (flag.words.empty() ? "" : "(" + flag.words + ")");
            out += " " + in_quotes(what);
        }
        if (command.takes_services)
            out += " '*:service:_summonctl_services'";
        else if (!command.words.empty())
            out += " '1:what:(" + command.words + ")'";
        return out;
    };
    std::string names;
    std::string cases;
    for (const Command& command : commands_of(app)) {
        names += "        " + in_quotes(command.name + ":" + command.description) + "\n";
        cases += fmt::format("        {}) _arguments{} ;;\n", command.name, arguments(command));
    }
    return fmt::format(
        "#compdef summonctl\n"
        "# zsh completion of summonctl, made by `summonctl completion zsh`\n"
        "_summonctl_services() {{\n"
        "    local -a services=(${{(f)\"$(summonctl list --names 2>/dev/null)\"}})\n"
        "    compadd -a services\n"
        "}}\n"
        "_summonctl() {{\n"
        "    local curcontext=$curcontext state line\n"
        "    local -a commands=(\n{}    )\n"
        "    _arguments -C{} '1:command:->command' '*::argument:->argument'\n"
        "    case $state in\n"
        "        command) _describe command commands ;;\n"
        "        argument) case $words[1] in\n{}        esac ;;\n"
        "    esac\n"
        "}}\n"
        "_summonctl \"$@\"\n",
        names, arguments(command_of(app)), cases);
}

std::string fish_completion(const CLI::App& app) {
    std::string out =
        "# fish completion of summonctl, made by `summonctl completion fish`\n"
        "complete -c summonctl -f\n";
    const auto add = [&out](const std::string& condition, const std::vector<Flag>& flags) {
        for (const Flag& flag : flags) {
            out += fmt::format("complete -c summonctl -n {} -l {} -d {}", in_quotes(condition),
                               flag.name.substr(2), in_quotes(flag.description));
            if (flag.takes_value)
                out += flag.words.empty() ? " -r" : " -x -a " + in_quotes(flag.words);
            out += "\n";
        }
    };
    add("__fish_use_subcommand", command_of(app).flags);
    for (const Command& command : commands_of(app)) {
        out += fmt::format("complete -c summonctl -n __fish_use_subcommand -a {} -d {}\n",
                           command.name, in_quotes(command.description));
        const std::string within = "__fish_seen_subcommand_from " + command.name;
        add(within, command.flags);
        if (command.takes_services)
            out += fmt::format(
                "complete -c summonctl -n {} -a '(summonctl list --names 2>/dev/null)'\n",
                in_quotes(within));
        else if (!command.words.empty())
            out += fmt::format("complete -c summonctl -n {} -a {}\n", in_quotes(within),
                               in_quotes(command.words));
    }
    return out;
}

}  // namespace summond::ctl
