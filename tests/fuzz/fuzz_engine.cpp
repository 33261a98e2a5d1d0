// Queries to the whole engine over zones that have everything. The first octet: bit 0 TCP, bit 1
// the rest is no message but a description of one (octets choose labels that the zones use, so
// that names which mean something are found soon), bits 2 to 5 what the services do,
// bit 6 an IPv4 client that has to show its address, bit 7 that the zone is one that is signed
// (bits 2 and 3: which).
#include "check_answer.hpp"
#include "summond/dns/wire.hpp"
#include "summond/zone/zone.hpp"

using namespace summond;

namespace {

constexpr const char* records = R"(ns1 A 192.0.2.53
 AAAA 2001:db8::53
mail A 192.0.2.25
@ MX 10 mail
@ DS 1 8 2 0000000000000000000000000000000000000000000000000000000000000000
www TXT "beside a service"
www HTTPS 1 . alpn=h2
www MX 10 mail.www
www MX 20 www
a.b.c A 192.0.2.1
*.wild A 192.0.2.2
*.wild MX 10 x.wild
*.wild MX 20 *.wild
*.wild MX 30 a.*.wild
x.y.wild TXT "y"
alias CNAME mail
deep CNAME alias
*.cw CNAME x.wild
loop1 CNAME loop2
loop2 CNAME loop1
*.lw CNAME y.lw
toservice CNAME www
tosub CNAME x.sub
away CNAME www.other.example.
gone CNAME gone.gone.gone
old DNAME new
a.new A 192.0.2.3
*.new CNAME x.old
grow DNAME x.y.grow
sub NS ns.sub
sub NS ns1
sub NS ns.other.sub2
ns.sub A 192.0.2.4
ns.other.sub2 AAAA 2001:db8::4
sub2 NS ns.sub2
sub2 NS ns.other.sub2
sub2 DS 1 8 2 0000000000000000000000000000000000000000000000000000000000000000
ns.sub2 A 192.0.2.5
x.child TXT "hidden"
child NS ns.child
c0 CNAME c1
c1 CNAME c2
c2 CNAME c3
c3 CNAME old.old
\000\255\.\\ TYPE65280 \# 4 00ff0001
)";

constexpr const char* labels[] = {
    "jit", "example", "www",   "mail", "a",    "b",    "c",      "wild",      "x",     "y",
    "*",   "alias",   "deep",  "cw",   "lw",   "old",  "new",    "grow",      "sub",   "sub2",
    "ns",  "other",   "child", "ns1",  "c0",   "gone", "loop1",  "toservice", "tosub", "away",
    "2",   "0",       "192",   "arpa", "many", "big",  "in-addr"};

struct World {
    zone::Built built;
    std::vector<answer::ServiceState> states = std::vector<answer::ServiceState>(3);
};

dns::Name name(const char* text) {
    return *dns::Name::parse(text);
}

World make_world() {
    config::Config config;
    for (const char* apex : {"jit.example", "child.jit.example", "2.0.192.in-addr.arpa", "b"}) {
        config::Zone& zone = config.zones.emplace_back();
        zone.name = name(apex);
        zone.ns = {name("ns1.jit.example"), name("ns.child.jit.example")};
        zone.soa.mname = zone.ns[0];
        zone.soa.rname = name("hostmaster.jit.example");
        if (config.zones.size() == 1) {
            zone.records.push_back({records, {"records", 1, 1}});
            for (int i = 0; i < 40; ++i)
                zone.records.push_back(
                    {"big TXT \"" + std::to_string(i) + std::string(200, 'b') + "\"", {}});
            for (int i = 0; i < 30; ++i) {
                const std::string ns = "ns" + std::to_string(i) + ".many";
                zone.records.push_back({"many NS " + ns + "\n" + ns + " A 192.0.2.6", {}});
            }
        }
    }
    const std::vector<dns::Name> names[] = {
        {name("www.jit.example"), name("*.x.jit.example")}, {name("jit.example")}, {name("b")}};
    for (std::size_t i = 0; i < std::size(names); ++i) {
        service::Template& service = config.services.emplace_back();
        service.id = i + 1;
        service.names = names[i];
        service.ipv4 = {*base::IpAddress::parse("192.0.2.8" + std::to_string(i))};
        service.ipv6 = {*base::IpAddress::parse("2001:db8::8" + std::to_string(i))};
    }
    World world{zone::build(config)};
    for (const auto& problem : world.built.problems)
        std::fprintf(stderr, "%d: %s\n", problem.where.line, problem.what.c_str());
    FUZZ_CHECK(!world.built.image.empty());
    return world;
}

// By NSEC, by NSEC3, with opt-out. One key has signed them, until 2090.
std::vector<World> make_signed_worlds() {
    std::vector<World> worlds;
    for (const char* file : {"nsec", "nsec3", "optout", "nsec"}) {
        config::Config config;
        config::Zone& zone = config.zones.emplace_back();
        zone.name = name("jit.example");
        zone.file = std::string(SIGNED_ZONES "/") + file + ".zone";
        worlds.push_back({zone::build(config)});
        FUZZ_CHECK(!worlds.back().built.image.empty());
    }
    return worlds;
}

std::vector<std::uint8_t> described_query(std::span<const std::uint8_t> text) {
    constexpr std::uint16_t types[] = {1,  28, 2,  5,  6,  12, 15, 16,  39,   43,
                                       46, 47, 48, 50, 51, 64, 65, 255, 65280};
    std::size_t at = 0;
    const auto next = [&] { return at < text.size() ? text[at++] : std::uint8_t{0}; };
    std::vector<std::uint8_t> query{1, 2, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0};
    const unsigned options = next();
    const std::uint16_t type = types[next() % std::size(types)];
    const std::uint16_t udp_size = static_cast<std::uint16_t>(next() * 8);
    for (std::uint8_t choice = next(); choice != 0 && query.size() < 250; choice = next()) {
        const std::string_view label = labels[choice % std::size(labels)];
        query.push_back(static_cast<std::uint8_t>(label.size()));
        for (const char c : label)
            query.push_back(static_cast<std::uint8_t>(choice & 0x80 ? std::toupper(c) : c));
    }
    if ((options & 1) != 0) {
        constexpr std::string_view zone("\3jit\7example", 12);
        query.insert(query.end(), zone.begin(), zone.end());
    }
    query.insert(query.end(),
                 {0, static_cast<std::uint8_t>(type >> 8), static_cast<std::uint8_t>(type), 0, 1});
    if ((options & 2) != 0) {
        query[11] = 1;
        query.insert(query.end(), {0, 0, 41, static_cast<std::uint8_t>(udp_size >> 8),
                                   static_cast<std::uint8_t>(udp_size), 0, 0, 0x80, 0, 0, 0});
        const std::size_t size_at = query.size() - 1;
        if ((options & 4) != 0)  // NSID, COOKIE
            query.insert(query.end(),
                         {0, 3, 0, 0, 0, 10, 0, 8, 'c', 'l', 'i', 'e', 'n', 't', '0', '1'});
        if ((options & 8) != 0)  // edns-tcp-keepalive
            query.insert(query.end(), {0, 11, 0, 0});
        if ((options & 16) != 0)  // padding
            query.insert(query.end(), {0, 12, 0, 1, 'x'});
        query[size_at] = static_cast<std::uint8_t>(query.size() - size_at - 1);
    }
    return query;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static World plain_world = make_world();
    static std::vector<World> signed_worlds = make_signed_worlds();
    static const answer::Settings settings{"version", std::string(answer::max_identity, 'i'),
                                           answer::CookieSecret{}};
    static constexpr std::uint8_t client[16] = {0x20, 1, 0x0d, 0xb8};
    if (size == 0)
        return 0;
    const unsigned mode = data[0];
    World& world = (mode & 0x80) != 0 ? signed_worlds[mode >> 2 & 3] : plain_world;
    const zone::Zones zones = *zone::Zones::open(world.built.image);
    for (std::size_t i = 0; i < world.states.size(); ++i)
        world.states[i].availability =
            static_cast<answer::Availability>((i == 0 ? mode >> 2 : mode >> 3) % 5);
    for (answer::ServiceState& state : world.states)
        state.by_proof = (mode & 0x40) != 0;
    answer::Context context{zones,
                            std::span(world.states).first(zones.service_count()),
                            (mode & 1) != 0 ? answer::Transport::tcp : answer::Transport::udp,
                            settings,
                            std::span(client).first((mode & 0x40) != 0 ? 4 : 16),
                            0,
                            100};
    const std::span<const std::uint8_t> rest(data + 1, size - 1);
    const auto query = (mode & 2) != 0 ? described_query(rest)
                                       : std::vector<std::uint8_t>(rest.begin(), rest.end());
    fuzz::check_answer(query, context);
    return 0;
}
