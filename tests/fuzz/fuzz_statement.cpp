// What a front that has been taken over may ask of the signer, and what the signer is born with:
// the first octet chooses a kind of statement, or (bit 7) that the rest is packed keys; then comes
// a name. What is stated is well-formed, about that name, and denies none that exists.
#include <cstdlib>

#include "fuzz_check.hpp"
#include "summond/answer/rules.hpp"
#include "summond/answer/statement.hpp"
#include "summond/sign/online_keys.hpp"
#include "summond/zone/zone.hpp"

using namespace summond;

namespace {

constexpr const char* records = R"(ns1 A 192.0.2.53
www.pages A 192.0.2.80
a.ent.pages TXT "x"
*.wild TXT "wild"
b.wild TXT "b"
*.pages TXT "beside the rule"
sub NS ns1
old DNAME pages
)";

dns::Name name(const char* text) {
    return *dns::Name::parse(text);
}

struct World {
    World() {
        for (const char* apex : {"jit.example", "0.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"}) {
            config::Zone& zone = config.zones.emplace_back();
            zone.name = name(apex);
            zone.ns = {name("ns1.jit.example")};
            zone.soa.mname = zone.ns[0];
            zone.soa.rname = name("hostmaster.jit.example");
            zone.dnssec.emplace();
        }
        config.zones[0].records.push_back({records, {"records", 1, 1}});
        config.key_dir = "/nonexistent/keys";
        service::Template& service = config.services.emplace_back();
        service.id = 1;
        service.name = "pages";
        auto pattern = std::make_shared<service::Pattern>();
        pattern->names = {{"", "", name("pages.jit.example")}};
        pattern->grammar.longest = 8;
        pattern->addresses = std::make_shared<service::IdAddresses>(
            base::IpPrefix{*base::IpAddress::parse("2001:db8:1::"), 64}, pattern->grammar,
            service::Key{1});
        pattern->pool = service::Pool{{*base::IpAddress::parse("192.0.2.64"), 26}};
        service.pattern = pattern;
        built = zone::build(config);
        FUZZ_CHECK(!built.image.empty());
        zones.emplace(*zone::Zones::open(built.image));
        rules.emplace(*zones, config.services, 1);
    }
    config::Config config;
    zone::Built built;
    std::optional<zone::Zones> zones;
    std::optional<answer::Rules> rules;
};

bool is_between(const dns::FoldedName& owner, const dns::FoldedName& name,
                const dns::FoldedName& next) {
    return dns::compare_canonical(owner, name, 0) < 0 && dns::compare_canonical(name, next, 0) < 0;
}

void check(const answer::StatedRecord& record, answer::Statement::Kind kind,
           const dns::FoldedName& name) {
    dns::FoldedName owner;
    FUZZ_CHECK(owner.assign(record.owner_octets()) && owner.size == record.owner_size);
    if (record.type == dns::Type::aaaa) {
        FUZZ_CHECK(record.rdata_size == 16);
        return;
    }
    if (record.type == dns::Type::a) {
        FUZZ_CHECK(record.rdata_size == 4 && kind == answer::Statement::Kind::leased);
        return;
    }
    dns::FoldedName target;
    FUZZ_CHECK(target.assign(record.rdata_octets()));
    if (record.type != dns::Type::nsec)
        return;
    FUZZ_CHECK(record.rdata_size > target.size);
    const bool covers = kind == answer::Statement::Kind::covered;
    FUZZ_CHECK(dns::compare_canonical(owner, target, 0) < 0);
    FUZZ_CHECK(is_between(owner, name, target) == covers);
    for (const char* there :
         {"jit.example", "pages.jit.example", "www.pages.jit.example", "a.ent.pages.jit.example",
          "b.wild.jit.example", "*.wild.jit.example", "sub.jit.example", "a.pages.jit.example",
          "zzzzzzzz.pages.jit.example"}) {
        dns::FoldedName existing;
        existing.assign(::name(there).wire());
        FUZZ_CHECK(!is_between(owner, existing, target));
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const World world;
    if (size == 0)
        return 0;
    if ((data[0] & 0x80) != 0) {
        sign::unpack_online({reinterpret_cast<const char*>(data) + 1, size - 1});
        return 0;
    }
    const auto kind = static_cast<answer::Statement::Kind>(
        data[0] % (static_cast<unsigned>(answer::Statement::Kind::last) + 1));
    dns::FoldedName name;
    if (!name.assign({data + 1, size - 1}))
        return 0;
    const auto found = world.zones->find(name);
    if (found.node->zone == zone::image::none)
        return 0;
    answer::StatedRecord record;
    if (answer::state(*world.zones, &*world.rules, found.node->zone, kind, name, record,
                      {192, 0, 2, data[0]}))
        check(record, kind, name);
    return 0;
}
