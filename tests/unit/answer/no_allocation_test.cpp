// The engine allocates nothing, whatever it is asked.
#include <gtest/gtest.h>

#include "allocations.hpp"
#include "engine.hpp"

using namespace summond;

TEST(NoAllocation, WhateverIsAsked) {
    test::Engine engine;
    engine.add_zone("jit.example", R"($TTL 300
@ SOA ns hostmaster 1 2 3 4 60
@ NS ns
ns A 192.0.2.1
alias CNAME q.wild
*.wild A 192.0.2.4
old DNAME wild
sub NS ns.sub
ns.sub A 192.0.2.5
)");
    engine.add_service("up", {"up.jit.example"}, {"192.0.2.80"});
    engine.add_service("asleep", {"asleep.jit.example"}, {"192.0.2.81"});
    engine.build();
    engine.state(1).availability = answer::Availability::asleep;
    std::vector<std::vector<std::uint8_t>> queries{{}, std::vector<std::uint8_t>(30)};
    for (const char* name :
         {"ns", "nothing", "a.b.c", "alias", "q.wild", "x.old", "x.sub", "up", "asleep"}) {
        for (const char* type : {"A", "TXT", "NS", "ANY", "AXFR"})
            queries.push_back(test::query_bytes(
                {.name = std::string(name) + ".jit.example", .type = type, .edns = true}));
    }
    queries.push_back(test::query_bytes({.name = "version.bind", .type = "TXT", .klass = 3}));
    queries.push_back(
        test::query_bytes({.name = "ns.jit.example",
                           .edns = true,
                           .options = std::string("\0\3\0\0\0\12\0\10cccccccc", 16)}));
    std::vector<std::uint8_t> out(answer::max_udp_answer);
    std::vector<answer::ServiceState> states(2);
    states[0].availability = answer::Availability::answerable;
    answer::Settings settings{"version", std::string(answer::max_identity, 'i'),
                              answer::CookieSecret{}};
    const std::uint8_t client[4] = {192, 0, 2, 1};
    answer::Context context{engine.zones(), states, answer::Transport::udp,
                            settings,       client, 1559731985};
    const std::size_t before = test::allocations();
    unsigned kinds = 0;
    for (const auto& query : queries) {
        kinds |= 1U << static_cast<unsigned>(answer::resolve(query, out, context).kind);
        answer::servfail(query, out, service::WakeFailure::crashed, context);
    }
    EXPECT_EQ(test::allocations(), before);
    using Kind = answer::Decision::Kind;
    const auto bit = [](Kind kind) { return 1U << static_cast<unsigned>(kind); };
    EXPECT_EQ(kinds, bit(Kind::answer) | bit(Kind::park) | bit(Kind::drop));
    // The counter does count.
    queries.emplace_back(1);
    EXPECT_GT(test::allocations(), before);
}
