// What is handed on of a configuration whose zones are in an image.
#include <gtest/gtest.h>

#include "texts.hpp"

namespace summond::config {
namespace {

constexpr std::string_view zones = "zones:\n- name: jit.example\n  ns: ns1.x # one\n";
constexpr std::string_view blank = "\n\n\n";
constexpr std::string_view services =
    "services:\n- {name: s, names: s.jit.example, addresses: 10.0.0.1, kernel: k}\n";

std::string without_zones(const std::string& yaml) {
    const Loaded loaded = parse(yaml, file);
    EXPECT_TRUE(loaded.config) << problems_of(yaml);
    return loaded.without_zones;
}

std::string text(std::initializer_list<std::string_view> parts) {
    std::string all;
    for (const std::string_view part : parts)
        all += part;
    return all;
}

TEST(WithoutZones, TheLinesOfTheRestStayWhereTheyAre) {
    EXPECT_EQ(without_zones(text({zones})), blank);
    EXPECT_EQ(without_zones(text({zones, services})), text({blank, services}));
    EXPECT_EQ(without_zones(text({"---\nuser: nobody\n", zones, "# and\n", services})),
              text({"---\nuser: nobody\n", blank, "\n", services}));
    EXPECT_EQ(without_zones(text({services, "\"zones\": [{name: jit.example,\n ns: n.x}]\n"})),
              text({services, "\n\n"}));
}

TEST(WithoutZones, WhatDoesNotStandByItselfStays) {
    for (const std::string& yaml :
         {text({"zones:\n- {name: &n jit.example, ns: ns.x}\nserver: {identity: *n}\n"}),
          text({"{zones: [{name: jit.example, ns: ns.x}],\nworkers: 1}\n"}),
          text({"{\nworkers: 1,\nzones: [{name: jit.example, ns: ns.x}]\n}\n"})})
        EXPECT_EQ(without_zones(yaml), yaml);
}

TEST(WithoutZones, IsReadLikeTheWhole) {
    for (const std::string& yaml :
         {text({zones}), text({"listen: 127.0.0.1\n", zones, services}),
          text({"{zones: [{name: jit.example, ns: ns.x}], workers: 1}"})}) {
        const Loaded whole = parse(yaml, file);
        ASSERT_TRUE(whole.config);
        const Loaded rest = parse_packed(Sources{whole.without_zones, {}}.pack(), file);
        ASSERT_TRUE(rest.config) << yaml;
        EXPECT_TRUE(rest.config->zones.empty());
        EXPECT_EQ(rest.config->listen, whole.config->listen);
        EXPECT_EQ(rest.config->workers, whole.config->workers);
        ASSERT_EQ(rest.config->services.size(), whole.config->services.size());
        for (std::size_t i = 0; i < whole.config->services.size(); ++i)
            EXPECT_EQ(rest.config->service_places[i].name.to_string(),
                      whole.config->service_places[i].name.to_string());
    }
}

}  // namespace
}  // namespace summond::config
