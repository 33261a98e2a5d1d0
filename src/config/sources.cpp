// Sources: "LENGTH:yaml", then for each file "LENGTH:path" and "LENGTH:content".
#include <charconv>

#include "summond/config/config.hpp"

namespace summond::config {

namespace {

void put(std::string& out, const std::string& part) {
    out.append(std::to_string(part.size())).append(":").append(part);
}

// The next part, which is taken off bytes; nothing if there is none that is whole.
std::optional<std::string> take(std::string_view& bytes) {
    std::size_t size = 0;
    const auto [end, error] = std::from_chars(bytes.data(), bytes.data() + bytes.size(), size);
    bytes.remove_prefix(static_cast<std::size_t>(end - bytes.data()));
    if (error != std::errc() || !bytes.starts_with(':') || size > bytes.size() - 1)
        return std::nullopt;
    std::string part(bytes.substr(1, size));
    bytes.remove_prefix(1 + size);
    return part;
}

}  // namespace

std::string Sources::pack() const {
    std::string out;
    put(out, yaml);
    for (const auto& [path, content] : files) {
        put(out, path);
        put(out, content);
    }
    return out;
}

base::Result<Sources> Sources::unpack(std::string_view bytes) {
    Sources sources;
    auto yaml = take(bytes);
    if (!yaml)
        return base::error("not a packed configuration");
    sources.yaml = std::move(*yaml);
    while (!bytes.empty()) {
        auto path = take(bytes);
        auto content = path ? take(bytes) : std::nullopt;
        if (!content)
            return base::error("a packed configuration that ends early");
        sources.files.emplace(std::move(*path), std::move(*content));
    }
    return sources;
}

Loaded parse_packed(std::string_view bytes, const std::string& file) {
    const auto sources = Sources::unpack(bytes);
    if (!sources)
        return {std::nullopt, {{{file, 0, 0}, sources.error().what, false}}, {}};
    const auto read = [&](const std::string& path) -> base::Result<std::string> {
        const auto known = sources->files.find(path);
        if (known == sources->files.end())
            return base::error("it was not there when the configuration was loaded");
        return known->second;
    };
    return parse(sources->yaml, file, read, ReadZones::no);
}

}  // namespace summond::config
