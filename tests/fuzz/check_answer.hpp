// What holds for every answer, whatever was asked of whichever zones.
#pragma once

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <vector>

#include "fuzz_check.hpp"
#include "summond/answer/answer.hpp"
#include "summond/dns/message.hpp"

// After the standard library's, whose <optional> its macros break.
#include <ldns/ldns.h>

namespace summond::fuzz {

inline std::size_t limit_of(const dns::Query& query, answer::Transport transport) {
    if (transport == answer::Transport::tcp)
        return answer::max_tcp_answer;
    const std::size_t size = query.edns.present ? query.edns.udp_size : 0;
    return std::clamp(size, dns::min_udp_size, answer::max_udp_answer);
}

// Resolves the query in a buffer of exactly the promised size and checks what comes back.
inline answer::Decision check_answer(std::span<const std::uint8_t> query_bytes,
                                     answer::Context& context) {
    std::vector<std::uint8_t> out(context.transport == answer::Transport::udp
                                      ? answer::max_udp_answer
                                      : answer::max_tcp_answer);
    const auto decision = answer::resolve(query_bytes, out, context);
    dns::Query query;
    const auto parsed = dns::parse_query(query_bytes, query);
    FUZZ_CHECK((parsed == dns::Parsed::drop) == (decision.kind == answer::Decision::Kind::drop));
    if (decision.kind == answer::Decision::Kind::park)
        FUZZ_CHECK(decision.service < context.services.size());
    // A challenge amplifies nothing.
    std::vector<std::uint8_t> challenge(answer::max_udp_answer);
    const std::size_t challenge_size = answer::challenge(query_bytes, challenge, context);
    FUZZ_CHECK(challenge_size <= query_bytes.size() + 16);
    if (challenge_size > 0)
        FUZZ_CHECK(std::equal(query.question.begin(), query.question.end(),
                              challenge.begin() + dns::header_size));
    if (decision.kind != answer::Decision::Kind::answer)
        return decision;
    FUZZ_CHECK(decision.size >= dns::header_size);
    FUZZ_CHECK(decision.size <= limit_of(query, context.transport));
    if (decision.unproved)
        FUZZ_CHECK(decision.size <= query_bytes.size() + 16);
    FUZZ_CHECK(std::equal(out.begin(), out.begin() + 2, query_bytes.begin()));
    FUZZ_CHECK((out[2] & 0x80) != 0);
    FUZZ_CHECK(std::equal(query.question.begin(), query.question.end(), out.begin() + 12));

    ldns_pkt* packet = nullptr;
    FUZZ_CHECK(ldns_wire2pkt(&packet, out.data(), decision.size) == LDNS_STATUS_OK);
    FUZZ_CHECK(ldns_pkt_edns(packet) == query.edns.present);
    FUZZ_CHECK(!ldns_pkt_ra(packet) && !ldns_pkt_ad(packet));
    // Over TCP padded where asked for, over UDP never.
    if (query.edns.padding && query.edns.version == 0 &&
        (parsed == dns::Parsed::query || parsed == dns::Parsed::cookie) &&
        ldns_pkt_get_rcode(packet) != LDNS_RCODE_FORMERR &&
        context.transport == answer::Transport::tcp)
        FUZZ_CHECK(decision.size % 468 == 0 || decision.size == answer::max_tcp_answer);
    // An answer that says nothing says why.
    if (parsed == dns::Parsed::query && ldns_pkt_get_rcode(packet) == LDNS_RCODE_NOERROR &&
        !ldns_pkt_tc(packet) && ldns_pkt_edns_extended_rcode(packet) == 0)
        FUZZ_CHECK(ldns_pkt_ancount(packet) + ldns_pkt_nscount(packet) > 0);
    // No record twice in a section.
    const ldns_rr_list* answers = ldns_pkt_answer(packet);
    for (std::size_t i = 0; i < ldns_rr_list_rr_count(answers) && i < 64; ++i) {
        for (std::size_t j = 0; j < i; ++j)
            FUZZ_CHECK(ldns_rr_compare(ldns_rr_list_rr(answers, i), ldns_rr_list_rr(answers, j)) !=
                       0);
    }
    ldns_pkt_free(packet);
    return decision;
}

}  // namespace summond::fuzz
