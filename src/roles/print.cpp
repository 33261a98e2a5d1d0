// `summond print`: a zone as it would be served, for people and for the programs that check zones.

#include <cstdio>

#include "keys.hpp"
#include "load.hpp"
#include "roles.hpp"

namespace summond::roles {

int print_main(const std::string& config_file, const std::string& zone) {
    hide_memory();
    const auto read = read_config(config_file);
    if (!read)
        return exit_bad_configuration;
    const auto image = build_zones(read->config, zone::BadFile::refuse, nullptr, {});
    if (!image)
        return exit_bad_configuration;
    const auto name = dns::Name::parse(zone);
    const auto zones = zone::Zones::open(image->image);
    if (!name || !zones || !zone::print_zone(*zones, *name, [](const std::string& line) {
            std::printf("%s\n", line.c_str());
        })) {
        std::fprintf(stderr, "zone %s is not in %s\n", zone.c_str(), config_file.c_str());
        return exit_bad_configuration;
    }
    return std::fflush(stdout) == 0 ? 0 : exit_failed;
}

}  // namespace summond::roles
