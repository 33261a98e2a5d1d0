// Configurations with files that are part of them.
#pragma once

#include <map>

#include "texts.hpp"

namespace summond::config {

using Files = std::map<std::string, std::string>;  // by absolute path

inline ReadFile reading(Files files) {
    return [files = std::move(files)](const std::string& path) -> base::Result<std::string> {
        const auto file = files.find(path);
        if (file == files.end())
            return base::error("No such file or directory");
        return file->second;
    };
}

// A service that an xl file describes.
inline const std::string xl_path = "/srv/www.xl";
inline const Lines xl_service({{"xl", xl_path},
                               {"names", "www.jit.example"},
                               {"addresses", "10.0.0.10"}});

// All problems, one a line; those of `file` without its name.
inline std::string problems_with(const Files& files, const Lines& service,
                                 const std::string& before = "",
                                 service::Host host = service::Host::amd64) {
    std::string text;
    for (const Problem& problem :
         parse(before + service_config({service}), file, reading(files), ReadZones::yes, host)
             .problems) {
        std::string line = problem.to_string();
        if (line.starts_with(file + ":"))
            line.erase(0, file.size() + 1);
        text += (text.empty() ? "" : "\n") + line;
    }
    return text;
}

// The service, which must load with nothing worse than warnings.
inline service::Template service_with(const Files& files, const Lines& service,
                                      const std::string& before = "") {
    const Loaded loaded = parse(before + service_config({service}), file, reading(files),
                                ReadZones::yes, service::Host::amd64);
    EXPECT_TRUE(loaded.config) << problems_with(files, service, before);
    return loaded.config && loaded.config->services.size() == 1 ? loaded.config->services[0]
                                                                : service::Template{};
}

}  // namespace summond::config
