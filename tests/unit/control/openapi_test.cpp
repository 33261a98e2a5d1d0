// docs/openapi.yaml has the paths and parameters of the table of routes, and no other.
#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include <map>
#include <set>
#include <string>

#include "summond/control/routes.hpp"

namespace summond::control {
namespace {

using Parameters = std::map<std::string, std::set<std::string>>;  // by name: in, words

Parameters parameters_of(const YAML::Node& document, const YAML::Node& list) {
    Parameters found;
    for (const YAML::Node& item : list) {
        YAML::Node parameter = item;
        if (const auto ref = item["$ref"]) {
            const auto path = ref.as<std::string>();
            parameter = document["components"]["parameters"][path.substr(path.rfind('/') + 1)];
        }
        auto& about = found[parameter["name"].as<std::string>()];
        about.insert(parameter["in"].as<std::string>());
        for (const YAML::Node& word : parameter["schema"]["enum"])
            about.insert(word.as<std::string>());
    }
    return found;
}

TEST(OpenApi, HasTheRoutesAndNoOther) {
    const YAML::Node document = YAML::LoadFile(SUMMOND_SOURCE_DIR "/docs/openapi.yaml");
    std::map<std::string, Parameters> in_file;
    for (const auto& path : document["paths"]) {
        for (const auto& method : path.second) {
            const auto name = method.first.as<std::string>();
            if (name != "get" && name != "post")
                continue;
            auto parameters = parameters_of(document, path.second["parameters"]);
            parameters.merge(parameters_of(document, method.second["parameters"]));
            in_file[(name == "get" ? "GET " : "POST ") + path.first.as<std::string>()] = parameters;
        }
    }
    std::map<std::string, Parameters> in_table;
    for (const Route& route : routes()) {
        auto& parameters =
            in_table[std::string(to_string(route.method)) + " " + std::string(route.path)];
        for (const Parameter& parameter : route.parameters) {
            auto& about = parameters[std::string(parameter.name)];
            about.insert(parameter.in == Parameter::In::path ? "path" : "query");
            for (const std::string_view word : parameter.words)
                about.emplace(word);
        }
    }
    EXPECT_EQ(in_file, in_table);
}

}  // namespace
}  // namespace summond::control
