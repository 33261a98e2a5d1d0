// Whole configurations around the one thing that a test is about.
#pragma once

#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "summond/config/config.hpp"

namespace summond::config {

inline const std::string file = "/etc/summond/c.yaml";

// A mapping as lines of "key: value"; the first begins with "- ".
class Lines {
  public:
    explicit Lines(std::vector<std::pair<std::string, std::string>> lines)
        : lines_(std::move(lines)) {}

    // Replaces the line with this key, or appends one. An empty value removes it.
    Lines with(const std::string& key, const std::string& value) const {
        Lines changed = *this;
        for (auto line = changed.lines_.begin(); line != changed.lines_.end(); ++line) {
            if (line->first != key)
                continue;
            if (value.empty())
                changed.lines_.erase(line);
            else
                line->second = value;
            return changed;
        }
        changed.lines_.emplace_back(key, value);
        return changed;
    }

    std::string text() const {
        std::string text;
        for (const auto& [key, value] : lines_)
            text += (text.empty() ? "  - " : "    ") + key + ": " + value + "\n";
        return text;
    }

  private:
    std::vector<std::pair<std::string, std::string>> lines_;
};

inline const Lines good_zone({{"name", "jit.example"}, {"ns", "ns1.jit.example"}});
inline const Lines good_service({{"name", "www"},
                                 {"names", "www.jit.example"},
                                 {"addresses", "10.0.0.10"},
                                 {"kernel", "www.elf"}});

// The zone from line 2, column 5 of its keys; what is added to good_zone is line 4.
inline std::string zone_config(const Lines& zone) {
    return "zones:\n" + zone.text();
}

// The services from line 5; what is added to the first good_service is line 9.
inline std::string service_config(const std::vector<Lines>& services) {
    std::string text = zone_config(good_zone) + "services:\n";
    for (const Lines& service : services)
        text += service.text();
    return text;
}

// "LINE:COLUMN: what", one a line.
inline std::string problems_of(const std::string& yaml, service::Host host = service::Host::amd64) {
    std::string text;
    for (const Problem& problem : parse(yaml, file, {}, ReadZones::yes, host).problems) {
        const std::string line = problem.to_string();
        EXPECT_EQ(line.substr(0, file.size()), file);
        text += (text.empty() ? "" : "\n") + line.substr(file.size() + 1);
    }
    return text;
}

inline Config config_of(const std::string& yaml) {
    const Loaded loaded = parse(yaml, file, {}, ReadZones::yes, service::Host::amd64);
    EXPECT_TRUE(loaded.problems.empty()) << problems_of(yaml);
    return loaded.config.value_or(Config{});
}

// The only service, of a configuration without faults; what stands before its zone is `before`.
inline service::Template service_of(const Lines& service, const std::string& before = "") {
    const Config config = config_of(before + service_config({service}));
    return config.services.size() == 1 ? config.services[0] : service::Template{};
}

inline service::Template service_with(const std::string& key, const std::string& value) {
    return service_of(good_service.with(key, value));
}

// A value of one key, and the only problem that it must cause.
struct BadCase {
    std::string key;
    std::string value;
    std::string problem;

    friend std::ostream& operator<<(std::ostream& out, const BadCase& bad) {
        return out << bad.key << ": " << bad.value;
    }
};

}  // namespace summond::config
