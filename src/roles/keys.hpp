// `summond keys`.
#pragma once

#include <cstdint>
#include <string>

namespace summond::roles {

struct KeysArguments {
    enum class Action : std::uint8_t { list, ds, make, import, roll, submitted };
    Action action = Action::list;
    std::string config;
    std::string zone;       // list, ds: empty: all
    std::string key_file;   // import
    std::string algorithm;  // roll: to another one
    bool zsk = false;
    bool ksk = false;
};

// The exit status: 0 done, 1 refused or failed, 2 bad configuration or usage; why is on standard
// error.
int keys_main(const KeysArguments& arguments);
// `summond print`: a zone as it is served, as a zone file on standard output.
int print_main(const std::string& config_file, const std::string& zone);

}  // namespace summond::roles
