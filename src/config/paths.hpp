// File names in a configuration are taken from the configuration file's own directory.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "reader.hpp"

namespace summond::config {

class Paths {
  public:
    explicit Paths(const std::string& config_file) {
        std::error_code error;
        directory_ = std::filesystem::absolute(config_file, error).parent_path();
        if (error)  // no current directory: nothing relative can be found anyway
            directory_ = "/";
    }

    std::optional<std::string> read(const Value& value) const {
        constexpr std::size_t longest = 4095;  // PATH_MAX with its NUL
        const auto text = value.text("the path of a file");
        if (!text)
            return std::nullopt;
        std::string path = (directory_ / *text).lexically_normal().string();
        if (path.size() <= longest)
            return path;
        value.refuse("a path of at most 4095 octets");
        return std::nullopt;
    }

  private:
    std::filesystem::path directory_;
};

}  // namespace summond::config
