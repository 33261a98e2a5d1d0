// File names in a file are taken from the file's own directory (base::path_beside). Some name files
// that are part of the configuration; those are read by what config::parse has been given.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "reader.hpp"
#include "summond/base/path.hpp"

namespace summond::config {

class Paths {
  public:
    explicit Paths(const std::string& config_file, const ReadFile* read = nullptr) : read_(read) {
        std::error_code error;
        file_ = std::filesystem::absolute(config_file, error);
        if (error)  // no current directory: nothing relative can be found anyway
            file_ = "/";
    }

    // The same for the names in a file that is part of the configuration.
    Paths beside(const std::string& file) const { return Paths(file, read_); }

    std::optional<std::string> read(const Value& value) const {
        constexpr std::size_t longest = 4095;  // PATH_MAX with its NUL
        const auto text = value.text("the path of a file", any_text, longest);
        if (!text)
            return std::nullopt;
        std::string path = base::path_beside(file_, *text);
        if (path.size() <= longest)
            return path;
        value.refuse("a path of at most 4095 octets");
        return std::nullopt;
    }

    struct Content {
        std::string path;
        std::string text;
    };
    // The file that the value names, which is part of the configuration.
    std::optional<Content> read_content(const Value& value) const {
        auto path = read(value);
        if (!path)
            return std::nullopt;
        auto text = read_ != nullptr && *read_
                        ? (*read_)(*path)
                        : base::Result<std::string>(base::error("no file can be read here"));
        if (text)
            return Content{std::move(*path), std::move(*text)};
        value.complain(*path + " cannot be read: " + text.error().what);
        return std::nullopt;
    }

  private:
    std::string file_;
    const ReadFile* read_;
};

}  // namespace summond::config
