// What is wrong only between the parts of a configuration.
#include <gtest/gtest.h>

#include "texts.hpp"

namespace summond::config {
namespace {

const Lines second_service =
    good_service.with("name", "two").with("names", "two.jit.example").with("addresses", "10.0.0.2");

TEST(Check, ZonesOnce) {
    EXPECT_EQ(problems_of(zone_config(good_zone) + good_zone.with("name", "JIT.example.").text()),
              "4:11: name: jit.example. is a zone already, line 2");
    EXPECT_EQ(problems_of(zone_config(good_zone) + good_zone.with("name", "a.jit.example").text()),
              "");
}

TEST(Check, NamesLieInAZone) {
    EXPECT_EQ(problems_of(service_config(
                  {good_service.with("names", "[a.b.c.jit.example, notjit.example]")})),
              "6:32: names: notjit.example. is in none of the zones; write the name in full, or "
              "add its zone");
    // With a zone misspelt, nobody can say where the name lies.
    EXPECT_EQ(
        problems_of("zones: [{name: jit..example, ns: a.b}]\nservices:\n" + good_service.text()),
        "1:16: name: \"jit..example\" is not a domain name: it has an empty label");
    EXPECT_EQ(problems_of("zones: [{name: ., ns: a.b}]\nservices:\n" + good_service.text()), "");
}

TEST(Check, ServicesOnce) {
    EXPECT_EQ(problems_of(service_config({good_service, second_service})), "");
    EXPECT_EQ(problems_of(service_config({good_service, second_service.with("name", "www")})),
              "9:11: name: www is a service already, line 5");
    EXPECT_EQ(
        problems_of(service_config(
            {good_service, second_service.with("names", "[two.jit.example, WWW.jit.example.]")})),
        "10:30: names: www.jit.example. is already a name of service www, line 5");
    EXPECT_EQ(problems_of(service_config(
                  {good_service, second_service.with("addresses", "[10.0.0.2, 10.0.0.10]")})),
              "11:27: addresses: 10.0.0.10 is already an address of service www, line 5");
    EXPECT_EQ(problems_of(service_config({good_service.with("addresses", "[::2, 0::2]")})),
              "7:22: addresses: ::2 is already an address of service www, line 5");
}

TEST(Check, AddressesAreNotOurs) {
    EXPECT_EQ(problems_of("listen: 10.0.0.10:5353\n" + service_config({good_service})),
              "8:16: addresses: 10.0.0.10 is what summond itself listens on; a guest needs an "
              "address of its own");
}

TEST(Check, MacsOnce) {
    EXPECT_EQ(problems_of(service_config(
                  {good_service, second_service.with("mac", service::to_string(service::derived_mac(
                                                                service::id_of("www"))))})),
              "13:10: mac: 00:16:3e:d7:21:ec is also that of service www, line 5; set another mac: "
              "for one of the two");
    // Two names whose derived MACs are the same.
    ASSERT_EQ(service::derived_mac(service::id_of("web2391")),
              service::derived_mac(service::id_of("web4191")));
    EXPECT_EQ(problems_of(service_config(
                  {good_service.with("name", "web2391"), second_service.with("name", "web4191")})),
              "9:11: mac: 00:16:3e:a8:a0:90 is also that of service web2391, line 5; set another "
              "mac: for one of the two");
}

TEST(Check, WritableDisksAreNotShared) {
    const auto disk = [](const std::string& mode) {
        return "[{path: a.img, device: xvda, mode: " + mode + "}]";
    };
    const auto problems = [&](const std::string& first, const std::string& second) {
        return problems_of(service_config(
            {good_service.with("disks", disk(first)), second_service.with("disks", disk(second))}));
    };
    EXPECT_EQ(problems("r", "r"), "");
    const std::string shared =
        "14:13: disks: /etc/summond/a.img is also a disk of service www, line 5, and one of the "
        "two may write to it; share with mode: r, or give each its own";
    EXPECT_EQ(problems("r", "w"), shared);
    EXPECT_EQ(problems("w", "r"), shared);
    EXPECT_EQ(problems("w", "w"), shared);
}

TEST(Check, AllErrorsInOneGo) {
    const std::string yaml =
        "listen: here\n"
        "usr: x\n"
        "zones:\n"
        "  - name: jit.example\n"
        "    ns: ns1\n"
        "services:\n"
        "  - name: 7\n"
        "    names: www.elsewhere.example\n"
        "    addresses: [10.0.0.1, 10.0.0.x]\n"
        "    memory: 1\n"
        "    cmdline: \"{ipv6}\"\n"
        "    idle: {after: soon, action: pray}\n"
        "  - name: b\n"
        "    names: x.jit.example\n"
        "    addresses: 10.0.0.9\n"
        "    kernel: k\n"
        "    cmdline: \"{ipv6}\"\n";
    std::string positions;
    const Loaded loaded = parse(yaml, file);
    for (const Problem& problem : loaded.problems)
        positions +=
            std::to_string(problem.where.line) + ":" + std::to_string(problem.where.column) + " ";
    EXPECT_EQ(positions, "1:9 2:1 5:9 7:5 7:11 8:12 9:27 10:13 12:19 12:33 17:14 ");
    EXPECT_FALSE(loaded.config);
}

}  // namespace
}  // namespace summond::config
