// Every example that people copy must load: config/*.yaml, and the ```yaml blocks of README.md and
// docs. A block that is only part of a configuration is marked ```yaml fragment.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "texts.hpp"

namespace summond::config {
namespace {

namespace fs = std::filesystem;

const fs::path source_dir = SUMMOND_SOURCE_DIR;

std::string content(const fs::path& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
}

std::vector<fs::path> files_below(const fs::path& directory, const std::string& extension) {
    std::vector<fs::path> files;
    for (const auto& entry : fs::recursive_directory_iterator(directory))
        if (entry.is_regular_file() && entry.path().extension() == extension)
            files.push_back(entry.path());
    return files;
}

// What files in examples would say.
base::Result<std::string> read_file(const std::string& path) {
    if (path.ends_with(".pem"))
        return "-----BEGIN CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\n";
    if (path.ends_with(".key") || path.ends_with(".password"))
        return "0123456789abcdef0123456789abcdef\n";
    if (path.ends_with(".xl"))
        return "name = 'hello'\nkernel = 'hello.xen'\ntype = 'pvh'\nvif = [ 'bridge=xenbr0' ]\n";
    return "{, \n\t\"cmdline\": \"hello\", \n}, \n";
}

void expect_loads(const std::string& yaml, const std::string& name) {
    const Loaded loaded = parse(yaml, name, read_file, ReadZones::yes, service::Host::amd64);
    EXPECT_TRUE(loaded.config);
    for (const Problem& problem : loaded.problems)
        ADD_FAILURE() << problem.to_string();
}

// The number of blocks. Blank lines keep the line numbers of problems those of the page.
int expect_blocks_load(const fs::path& page) {
    std::istringstream lines(content(page));
    std::string line;
    std::string block;
    std::size_t indent = 0;
    bool inside = false;
    int blocks = 0;
    for (int number = 1; std::getline(lines, line); ++number) {
        const std::string text = line.substr(std::min(line.find_first_not_of(' '), line.size()));
        if (inside && text == "```") {
            inside = false;
            ++blocks;
            expect_loads(block, page.string());
        } else if (inside) {
            block += line.substr(std::min(indent, line.size())) + "\n";
        } else if (text == "```yaml") {
            inside = true;
            indent = line.size() - text.size();
            block.assign(static_cast<std::size_t>(number), '\n');
        } else if (text.starts_with("```y")) {
            EXPECT_EQ(text, "```yaml fragment") << page << ":" << number;
        }
    }
    EXPECT_FALSE(inside) << page << " has a yaml block without its end";
    return blocks;
}

TEST(Examples, FilesLoad) {
    const auto files = files_below(source_dir / "config", ".yaml");
    EXPECT_GE(files.size(), 2U);
    for (const fs::path& path : files)
        expect_loads(content(path), path.string());
}

TEST(Examples, BlocksInDocsLoad) {
    auto pages = files_below(source_dir / "docs", ".md");
    if (fs::exists(source_dir / "README.md"))
        pages.push_back(source_dir / "README.md");
    int blocks = 0;
    for (const fs::path& page : pages)
        blocks += expect_blocks_load(page);
    EXPECT_GT(blocks, 0);
}

TEST(Examples, TheCommentedOneSaysWhatItMeans) {
    const fs::path path = source_dir / "config/summond.yaml";
    const Loaded loaded = parse(content(path), path.string());
    ASSERT_TRUE(loaded.config);
    ASSERT_EQ(loaded.config->zones.size(), 3U);
    EXPECT_EQ(loaded.config->zones[0].records.size(), 3U);
    ASSERT_EQ(loaded.config->services.size(), 2U);
    const service::Template& www = loaded.config->services[0];
    EXPECT_EQ(www.names.size(), 2U);
    EXPECT_EQ(www.cmdline,
              "--ipv4=192.0.2.10/24 --ipv4-gateway=192.0.2.1 --ipv6=2001:db8::10/64 "
              "--hostname=www");
    const service::Template& wiki = loaded.config->services[1];
    EXPECT_EQ(wiki.memory_kib, 64U * 1024);
    EXPECT_EQ(wiki.idle_action, service::IdleAction::pause);
    EXPECT_EQ(www.idle_action, service::IdleAction::destroy);
}

}  // namespace
}  // namespace summond::config
