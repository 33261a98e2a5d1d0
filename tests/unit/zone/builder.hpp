// Configurations with zone files, built, with their problems as text.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "summond/service/pattern.hpp"
#include "summond/zone/zone.hpp"

namespace summond::test {

class ZoneBuilder {
  public:
    ZoneBuilder() {
        char path[] = "/tmp/summond-zone-XXXXXX";
        directory_ = ::mkdtemp(path);
    }
    ~ZoneBuilder() { std::filesystem::remove_all(directory_); }

    static dns::Name name(std::string_view text) { return dns::Name::parse(text).value(); }
    void file(const std::string& file_name, const std::string& text) {
        std::filesystem::create_directories((directory_ / file_name).parent_path());
        std::ofstream(directory_ / file_name, std::ios::binary) << text;
    }
    std::string path(const std::string& file_name) const { return directory_ / file_name; }
    void zone_with_file(const std::string& apex, const std::string& file_name) {
        config::Zone& zone = config.zones.emplace_back();
        zone.name = name(apex);
        zone.file = directory_ / file_name;
        zone.where = {"summond.yaml", 3, 5};
        zone.file_where = {"summond.yaml", 4, 11};
    }
    config::Zone& zone(const std::string& apex) {
        config::Zone& zone = config.zones.emplace_back();
        zone.name = name(apex);
        zone.ns = {name("ns.other")};
        zone.soa.mname = name("ns.other");
        zone.soa.rname = name("hostmaster.other");
        zone.where = {"summond.yaml", 3, 5};
        return zone;
    }
    service::Template& service(const std::string& service_name, const std::string& at,
                               const std::string& address) {
        service::Template& service = config.services.emplace_back();
        service.id = config.services.size();
        service.name = service_name;
        service.names = {name(at)};
        config::ServicePlaces& places = config.service_places.emplace_back();
        places.names = {{"summond.yaml", 20, 9}};
        places.name = {"summond.yaml", 19, 3};
        const auto parsed = base::IpAddress::parse(address).value();
        (parsed.is_v4() ? service.ipv4 : service.ipv6) = {parsed};
        return service;
    }
    // A service whose names are labels of letters, digits and "-" below a name.
    service::Template& rule(const std::string& service_name, const std::string& below) {
        service::Template& service = config.services.emplace_back();
        service.id = config.services.size();
        service.name = service_name;
        config.service_places.emplace_back().name = {"summond.yaml", 19, 3};
        auto pattern = std::make_shared<service::Pattern>();
        pattern->names = {{"", "", name(below)}};
        pattern->addresses = std::make_shared<service::IdAddresses>(
            base::IpPrefix{*base::IpAddress::parse("2001:db8:1::"), 64}, pattern->grammar,
            service::Key{1});
        service.pattern = pattern;
        return service;
    }
    // "file:line:column: what" lines; the directory is left out.
    std::string problems() { return build(true); }
    // The same without warnings.
    std::string errors() { return build(false); }

    // The problems of a load that tolerates bad files, at a reload with the image before.
    std::string tolerated(const zone::Zones* before = nullptr) {
        built = zone::build(config, zone::BadFile::tolerate, before, checks);
        return text_of(built.problems);
    }

    config::Config config;
    zone::Checks checks;
    zone::Built built;

  private:
    std::string build(bool warnings) {
        built = zone::build(config, zone::BadFile::refuse, nullptr, checks);
        const bool failed = std::ranges::any_of(
            built.problems, [](const config::Problem& problem) { return !problem.warning; });
        EXPECT_EQ(failed, built.image.empty());
        if (!warnings)
            std::erase_if(built.problems, [](const config::Problem& p) { return p.warning; });
        return text_of(built.problems);
    }
    std::string text_of(const std::vector<config::Problem>& problems) const {
        std::string text;
        for (const auto& problem : problems) {
            std::string file = problem.where.file;
            if (file.starts_with(directory_.string()))
                file = file.substr(directory_.string().size() + 1);
            text += file;
            for (const int number : {problem.where.line, problem.where.column})
                text += number == 0 ? "" : ":" + std::to_string(number);
            std::string what = problem.what;
            if (const auto at = what.find(directory_.string()); at != std::string::npos)
                what.erase(at, directory_.string().size() + 1);
            text += ": " + std::string(problem.warning ? "warning: " : "") + what + "\n";
        }
        return text;
    }

    std::filesystem::path directory_;
};

}  // namespace summond::test
