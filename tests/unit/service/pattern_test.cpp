// Ids, their names and their addresses.
#include "summond/service/pattern.hpp"

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <string>

#include "summond/service/instance.hpp"

namespace summond::service {
namespace {

constexpr Key key{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

base::IpPrefix prefix(const char* address, unsigned length) {
    return {*base::IpAddress::parse(address), length};
}

IdGrammar grammar(std::string characters, std::size_t shortest, std::size_t longest) {
    return {std::move(characters), shortest, longest};
}

Pattern pages() {
    Pattern pattern;
    pattern.names = {{"", "", *dns::Name::parse("pages.jit.example")},
                     {"p-", "-x", *dns::Name::parse("jit.example")}};
    pattern.grammar.longest = 8;
    pattern.addresses =
        std::make_shared<IdAddresses>(prefix("2001:db8:1::", 64), pattern.grammar, key);
    return pattern;
}

TEST(IdGrammar, LeavesNothingThatLeavesItsPlace) {
    const IdGrammar any;
    for (const char* good : {"a", "7", "x7f3", "my-blog-2026", "0-0"})
        EXPECT_TRUE(any.allows(good)) << good;
    for (const char* bad :
         {"", "-", "-rf", "a-", "..", "a/b", "a b", "a\"b", "A", "{id}", "a\n", "\xc3\xa4", "a_b"})
        EXPECT_FALSE(any.allows(bad)) << bad;
    EXPECT_FALSE(any.allows(std::string_view("a\0b", 3)));
    EXPECT_TRUE(any.allows(std::string(63, 'a')));
    EXPECT_FALSE(any.allows(std::string(64, 'a')));
    EXPECT_FALSE(grammar("ab", 2, 3).allows("a"));
    EXPECT_FALSE(grammar("ab", 2, 3).allows("abab"));
    EXPECT_FALSE(grammar("ab", 2, 3).allows("abc"));
    EXPECT_TRUE(grammar("ab", 2, 3).allows("ba"));
}

TEST(IdList, IsAsTheFileSays) {
    const IdList list("# pages\nbeta\r\nalpha\n\ngamma", {});
    EXPECT_FALSE(list.fault());
    EXPECT_EQ(list.size(), 3U);
    for (const char* id : {"alpha", "beta", "gamma"})
        EXPECT_TRUE(list.contains(id)) << id;
    for (const char* id : {"", "alph", "alphaa", "delta", "#", "pages"})
        EXPECT_FALSE(list.contains(id)) << id;
    EXPECT_EQ(IdList("alpha\n../etc\n", {}).fault(), 2U);
    EXPECT_EQ(IdList("", {}).size(), 0U);
}

TEST(IdAddresses, AreWhatTheyAreOnEveryHost) {
    // Somebody's caches, firewalls and links have them: a change here breaks them all.
    const IdAddresses permuted(prefix("2001:db8:1::", 64),
                               grammar("abcdefghijklmnopqrstuvwxyz", 1, 12), key);
    ASSERT_TRUE(permuted.reversible());
    EXPECT_EQ(permuted.of("www").to_string(), "2001:db8:1:0:4ce5:9137:a6f7:5db6");
    const IdAddresses hashed(prefix("2001:db8:2::", 64), IdGrammar(), key);
    ASSERT_FALSE(hashed.reversible());
    EXPECT_EQ(hashed.of("www").to_string(), "2001:db8:2:0:73d9:c478:e4b9:e2a7");
    EXPECT_FALSE(hashed.id_at(hashed.of("www")));
}

TEST(IdAddresses, NoTwoAreTheSame) {
    for (const unsigned length : {64U, 80U, 96U}) {
        const IdAddresses addresses(prefix("2001:db8:1::", length),
                                    grammar("-0123456789abcdef", 1, 4), key);
        ASSERT_TRUE(addresses.reversible());
        std::set<base::IpAddress> seen;
        const std::string digits = "-0123456789abcdef";
        std::size_t ids = 0;
        for (std::size_t size = 1; size <= 4; ++size) {
            std::string id(size, digits[0]);
            while (true) {
                ++ids;
                const auto address = addresses.of(id);
                EXPECT_TRUE(addresses.prefix().contains(address));
                EXPECT_FALSE(addresses.is_kept_free(address)) << address.to_string();
                EXPECT_TRUE(seen.insert(address).second) << id;
                const auto back = addresses.id_at(address);
                ASSERT_TRUE(back) << id;
                EXPECT_EQ(back->view(), id);
                std::size_t at = 0;
                while (at < size && id[at] == digits.back())
                    id[at++] = digits[0];
                if (at == size)
                    break;
                id[at] = digits[digits.find(id[at]) + 1];
            }
        }
        EXPECT_EQ(ids, 17U + 17 * 17 + 17 * 17 * 17 + 17 * 17 * 17 * 17);
    }
}

TEST(IdAddresses, FillAPrefixToItsLastAddress) {
    // 2^32 less the network's 65536 are more than 36^6, and fewer than 37^6 + 37^7.
    const auto small = prefix("2001:db8:1::", 96);
    EXPECT_TRUE(IdAddresses(small, grammar("0123456789abcdefghijklmnopqrstuvwxyz", 6, 6), key)
                    .reversible());
    EXPECT_FALSE(IdAddresses(small, grammar("0123456789abcdefghijklmnopqrstuvwxyz", 1, 7), key)
                     .reversible());
    // 38 characters of 12 fit into 64 bits, 13 do not.
    const std::string all = "-0123456789_abcdefghijklmnopqrstuvwxyz";
    const auto whole = prefix("2001:db8:1::", 64);
    EXPECT_TRUE(IdAddresses(whole, grammar(all, 1, 12), key).reversible());
    EXPECT_FALSE(IdAddresses(whole, grammar(all, 1, 13), key).reversible());
    // The last number of all is beside what RFC 5453 reserves, and is found again.
    const IdAddresses full(whole, grammar(all, 1, 12), key);
    for (const std::string& id : {std::string(12, 'z'), std::string(12, '0'), std::string("z")}) {
        const auto back = full.id_at(full.of(id));
        ASSERT_TRUE(back) << id;
        EXPECT_EQ(back->view(), id);
    }
}

TEST(IdAddresses, OfRandomAddressesAreReversedOrNobodys) {
    const IdAddresses addresses(prefix("2001:db8:1::", 64),
                                grammar("abcdefghijklmnopqrstuvwxyz0123456789", 1, 12), key);
    std::mt19937_64 random(7);
    std::size_t known = 0;
    for (int i = 0; i < 2000; ++i) {
        auto octets = std::array<std::uint8_t, 16>{0x20, 0x01, 0x0d, 0xb8, 0, 1};
        const std::uint64_t host = random();
        for (std::size_t n = 0; n < 8; ++n)
            octets[8 + n] = static_cast<std::uint8_t>(host >> (8 * n));
        const auto address = base::IpAddress::v6(octets);
        if (const auto id = addresses.id_at(address)) {
            ++known;
            EXPECT_EQ(addresses.of(id->view()), address);
        }
    }
    EXPECT_GT(known, 100U);  // a quarter of them
    EXPECT_FALSE(addresses.id_at(*base::IpAddress::parse("2001:db8:1::1")));
    EXPECT_FALSE(addresses.id_at(*base::IpAddress::parse("2001:db8:1::ffff")));
    EXPECT_FALSE(addresses.id_at(*base::IpAddress::parse("2001:db8:2::1:0:0")));
    EXPECT_TRUE(
        addresses.is_kept_free(*base::IpAddress::parse("2001:db8:1:0:fdff:ffff:ffff:ff80")));
    EXPECT_TRUE(addresses.is_kept_free(*base::IpAddress::parse("2001:db8:1:0:200:5eff:fe00:5213")));
}

TEST(Pattern, FindsIdsInLabels) {
    const Pattern pattern = pages();
    EXPECT_EQ(pattern.id_in("x7f3", pattern.names[0]), "x7f3");
    EXPECT_EQ(pattern.id_in("p-x7f3-x", pattern.names[1]), "x7f3");
    EXPECT_FALSE(pattern.id_in("p--x", pattern.names[1]));
    EXPECT_FALSE(pattern.id_in("p-x", pattern.names[1])) << "the fixed parts do not overlap";
    EXPECT_FALSE(pattern.id_in("x7f3", pattern.names[1]));
    EXPECT_FALSE(pattern.id_in("toolongforit", pattern.names[0]));
    EXPECT_EQ(pattern.name_of("x7f3", pattern.names[1])->to_string(), "p-x7f3-x.jit.example.");
}

TEST(Pattern, OfAListHasWhatIsListed) {
    Pattern pattern = pages();
    pattern.who = Who::list;
    pattern.list = std::make_shared<IdList>("a\nb\n", pattern.grammar);
    EXPECT_TRUE(pattern.has("a"));
    EXPECT_FALSE(pattern.has("c"));
    EXPECT_EQ(pattern.id_at(pattern.addresses->of("a"))->view(), "a");
    EXPECT_FALSE(pattern.id_at(pattern.addresses->of("c")));
}

TEST(Pattern, FindsIdsInFileNames) {
    const auto files = Pattern::Files::of("/srv/pages/p-{id}.xen");
    ASSERT_TRUE(files);
    EXPECT_EQ(files->directory, "/srv/pages");
    EXPECT_EQ(files->id_in("p-x7f3.xen"), "x7f3");
    EXPECT_EQ(files->id_in("p-a.b.xen"), "a.b") << "which no grammar allows";
    for (const char* other : {"p-.xen", "p-xen", "x7f3.xen", "p-x7f3.xen~", ""})
        EXPECT_FALSE(files->id_in(other)) << other;
    EXPECT_EQ(Pattern::Files::of("/{id}"), (Pattern::Files{"/", "", ""}));
    for (const char* none : {"/srv/pages", "/srv/{id}/kernel", "/srv/{id}-{id}", "{id}", ""})
        EXPECT_FALSE(Pattern::Files::of(none)) << none;
}

TEST(Pattern, OfTaggedIdsHasThoseWithTheRightTag) {
    Pattern pattern = pages();
    pattern.who = Who::tagged;
    pattern.secret = key;
    const IdText text = pattern.text_of("x7f3");
    EXPECT_EQ(text.view(), "x7f3-jk1qepovhsd1") << "published names: never another";
    EXPECT_EQ(pattern.id_of(text.view()), "x7f3");
    EXPECT_FALSE(pattern.id_of("x7f3"));
    for (std::size_t i = 0; i < text.size; ++i) {
        std::string forged(text.view());
        forged[i] = forged[i] == 'a' ? 'b' : 'a';
        EXPECT_FALSE(pattern.id_of(forged)) << forged;
    }
    pattern.secret[0] ^= 1;
    EXPECT_FALSE(pattern.id_of(text.view())) << "of another secret";
    EXPECT_FALSE(pattern.id_at(pattern.addresses->of("x7f3")))
        << "or whoever knows addresses would learn tags";
}

TEST(InstanceOf, HasTheIdWhereItIsToStand) {
    auto of = std::make_shared<Template>();
    of->name = "pages";
    of->id = id_of("pages");
    of->interfaces.resize(2);
    of->pattern = std::make_shared<Pattern>(pages());
    of->kernel = "/srv/pages/{id}.xen";
    of->ramdisk = "/srv/{id}/{id}.img";
    of->disks.push_back({"/srv/{id}.raw", "xvda"});
    of->cmdline = "page={id} --name={name} --ipv6={ipv6}/64 mac={mac} {{id}}";
    const Instance page = instance_of(of, "x7f3");
    EXPECT_EQ(page.name(), "pages@x7f3");
    EXPECT_EQ(page.label(), "x7f3");
    EXPECT_EQ(page->kernel, "/srv/pages/x7f3.xen");
    EXPECT_EQ(page->ramdisk, "/srv/x7f3/x7f3.img");
    EXPECT_EQ(page->disks[0].path, "/srv/x7f3.raw");
    ASSERT_EQ(page.ipv6().size(), 1U);
    EXPECT_EQ(page.ipv6()[0], of->pattern->addresses->of("x7f3"));
    EXPECT_EQ(page->cmdline, "page=x7f3 --name=pages@x7f3 --ipv6=" + page.ipv6()[0].to_string() +
                                 "/64 mac=" + to_string(page.mac(0)) + " {id}");
    EXPECT_EQ(page.mac(0)[0] & 3, 2) << "unicast, and nobody's but this network's";
    EXPECT_EQ(of->kernel, "/srv/pages/{id}.xen");
    EXPECT_EQ(label_in("pages@x7f3", "pages"), "x7f3");
    EXPECT_FALSE(label_in("pages@", "pages"));
    EXPECT_FALSE(label_in("pages", "pages"));
    EXPECT_FALSE(label_in("pages2@x", "pages"));
}

TEST(Pool, HasAllButTheEndsOfANetwork) {
    const auto parsed = [](const char* text) { return *base::IpAddress::parse(text); };
    const Pool pool{{parsed("192.0.2.64"), 30}};
    EXPECT_EQ(pool.size(), 2U);
    EXPECT_EQ(pool.at(1), parsed("192.0.2.66"));
    EXPECT_EQ(pool.number_of(parsed("192.0.2.66")), 1U);
    for (const char* other : {"192.0.2.64", "192.0.2.67", "192.0.2.63", "192.0.3.65", "::1"})
        EXPECT_FALSE(pool.contains(parsed(other))) << other;
    const Pool both{{parsed("192.0.2.64"), 31}};
    EXPECT_EQ(both.size(), 2U) << "RFC 3021";
    EXPECT_EQ(both.number_of(parsed("192.0.2.64")), 0U);
    const Pool large{{parsed("10.0.4.0"), 22}};
    EXPECT_EQ(large.size(), 1022U);
    EXPECT_EQ(large.at(1021), parsed("10.0.7.254"));
    for (std::uint32_t i = 0; i < large.size(); ++i)
        ASSERT_EQ(large.number_of(large.at(i)), i);
    std::vector<std::string> parents;
    for (const dns::Name& name : large.reverse_parents())
        parents.push_back(name.to_string());
    EXPECT_EQ(parents, (std::vector<std::string>{"4.0.10.in-addr.arpa.", "5.0.10.in-addr.arpa.",
                                                 "6.0.10.in-addr.arpa.", "7.0.10.in-addr.arpa."}));
}

}  // namespace
}  // namespace summond::service
