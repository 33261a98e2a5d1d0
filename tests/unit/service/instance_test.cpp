#include "summond/service/instance.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>

#include "summond/service/domain_settings.hpp"

namespace summond::service {
namespace {

base::IpAddress ip(const char* text) {
    return *base::IpAddress::parse(text);
}

// As module config makes it.
Template with_two_interfaces() {
    Template service;
    service.name = "www";
    service.id = id_of("www");
    service.ipv4 = {ip("192.0.2.1")};
    service.ipv6 = {ip("2001:db8::1"), ip("2001:db8::2")};
    service.interfaces.resize(2);
    service.interfaces[0].mac = derived_mac(service.id, 0);
    service.interfaces[1].mac = {0x02, 1, 2, 3, 4, 5};
    return service;
}

// Domains that run now are of plain services: a change here orphans every one of them.
TEST(Instance, OfAPlainServiceIsWhatTheServiceHasAlwaysBeen) {
    const Instance instance = with_two_interfaces();
    EXPECT_EQ(instance.name(), "www");
    EXPECT_EQ(instance.id(), 0xdc6aa02b815721ecU);
    EXPECT_EQ(to_string(instance.mac(0)), "00:16:3e:d7:21:ec");
    EXPECT_EQ(to_string(instance.mac(1)), "02:01:02:03:04:05") << "the one that it was given";
    EXPECT_EQ(instance.ipv4(), with_two_interfaces().ipv4);
    EXPECT_EQ(instance.ipv6(), with_two_interfaces().ipv6);
}

TEST(Instance, OfALabelOrReplicaHasAnIdentityOfItsOwn) {
    const auto of = std::make_shared<const Template>(with_two_interfaces());
    const Addresses addresses{{}, {ip("2001:db8:1::7")}};
    const Instance anna(of, "anna", 0, addresses);
    EXPECT_EQ(anna.name(), "www@anna");
    EXPECT_EQ(Instance(of, "", 2, addresses).name(), "www:2");
    EXPECT_EQ(Instance(of, "anna", 2, addresses).name(), "www@anna:2");
    EXPECT_EQ(anna.id(), id_of("www@anna"));
    EXPECT_TRUE(anna.ipv4().empty());
    EXPECT_EQ(anna.ipv6(), addresses.ipv6);
    EXPECT_EQ(anna.mac(0), derived_wide_mac(anna.id(), 0));
    EXPECT_EQ(anna.mac(1), derived_wide_mac(anna.id(), 1)) << "that of the text is one domain's";
}

TEST(Instance, FollowsFromTemplateLabelAndReplicaAlone) {
    const auto of = std::make_shared<const Template>(with_two_interfaces());
    const auto elsewhere = std::make_shared<const Template>(with_two_interfaces());
    const Addresses addresses{{ip("192.0.2.9")}, {}};
    EXPECT_EQ(Instance(of, "anna", 1, addresses).id(), Instance(elsewhere, "anna", 1, {}).id());
    EXPECT_EQ(domain_settings(Instance(of, "anna", 1, addresses)),
              domain_settings(Instance(elsewhere, "anna", 1, addresses)));
    EXPECT_NE(domain_settings(Instance(of, "anna", 1, addresses)),
              domain_settings(Instance(of, "anna", 2, addresses)))
        << "another MAC: what one has saved is not the other's";

    std::set<Id> ids;
    std::set<Mac> macs;
    for (const char* label : {"", "a", "b", "a-1"})
        for (unsigned replica = 0; replica < 4; ++replica)
            if (*label != '\0' || replica > 0) {
                const Instance instance(of, label, replica, addresses);
                ids.insert(instance.id());
                macs.insert(instance.mac(0));
            }
    EXPECT_EQ(ids.size(), 15U);
    EXPECT_EQ(macs.size(), 15U);
    EXPECT_FALSE(ids.contains(Instance(of).id()));
}

// A service may have a million of them.
TEST(Instance, SharesItsTemplate) {
    const auto of = std::make_shared<const Template>(with_two_interfaces());
    const Instance first(of, "a", 0, {});
    const Instance second = first;
    EXPECT_EQ(&*first, of.get());
    EXPECT_EQ(&*second, of.get());
    EXPECT_EQ(&first.name(), &second.name());
}

}  // namespace
}  // namespace summond::service
