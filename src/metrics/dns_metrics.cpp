#include <cstddef>
#include <utility>

#include "samples.hpp"
#include "tables.hpp"

namespace summond::metrics {
namespace {

template <typename Write>
void by_transport(const Snapshot& snapshot, const Write& write) {
    write(std::string_view("udp"), snapshot.front.udp);
    write(std::string_view("tcp"), snapshot.front.tcp);
}

template <Counter DnsCounters::*counter>
void one_by_transport(const Snapshot& snapshot, Samples& samples) {
    by_transport(snapshot, [&](std::string_view transport, const DnsCounters& counters) {
        samples.add({transport}, (counters.*counter).get());
    });
}

// One for each word of a list.
template <std::size_t N>
void words_by_transport(const Snapshot& snapshot, Samples& samples,
                        const std::string_view (&words)[N], Counter (DnsCounters::*counter)[N],
                        std::size_t first = 0) {
    by_transport(snapshot, [&](std::string_view transport, const DnsCounters& counters) {
        for (std::size_t i = first; i < N; ++i)
            samples.add({transport, words[i]}, (counters.*counter)[i].get());
    });
}

std::uint64_t queries(const DnsCounters& counters, std::size_t type) {
    std::uint64_t sum = counters.parked[type].get() + counters.dropped[type].get();
    for (const Counter& answered : counters.answered[type])
        sum += answered.get();
    return sum;
}

std::uint64_t responses(const DnsCounters& counters, dns::Rcode rcode) {
    const auto number = static_cast<std::size_t>(rcode);
    std::uint64_t sum = counters.late[number].get();
    for (const auto& of_type : counters.answered)
        sum += of_type[number].get();
    return sum;
}

void write_queries(const Snapshot& snapshot, Samples& samples) {
    by_transport(snapshot, [&](std::string_view transport, const DnsCounters& counters) {
        for (std::size_t i = 0; i < std::size(query_types); ++i)
            samples.add({transport, query_types[i].name}, queries(counters, i));
        samples.add({transport, "other"}, queries(counters, other_type));
        samples.add({transport, "none"}, queries(counters, no_type));
    });
}

void write_responses(const Snapshot& snapshot, Samples& samples) {
    by_transport(snapshot, [&](std::string_view transport, const DnsCounters& counters) {
        for (const ResponseCode& code : response_codes)
            samples.add({transport, code.name}, responses(counters, code.rcode));
    });
}

void write_parked(const Snapshot& snapshot, Samples& samples) {
    by_transport(snapshot, [&](std::string_view transport, const DnsCounters& counters) {
        std::uint64_t sum = 0;
        for (const Counter& of_type : counters.parked)
            sum += of_type.get();
        samples.add({transport}, sum);
    });
}

void write_limited(const Snapshot& snapshot, Samples& samples) {
    for (std::size_t i = 0; i < std::size(limited_kinds); ++i) {
        samples.add({limited_kinds[i], "challenged"}, snapshot.front.udp.challenged[i].get());
        samples.add({limited_kinds[i], "dropped"}, snapshot.front.udp.limited[i].get());
    }
}

constexpr Metric of_dns[] = {
    {"summond_dns_messages_received_total", Kind::counter,
     "Messages received, whether or not they are queries.", "transport,family",
     [](const Snapshot& snapshot, Samples& samples) {
         words_by_transport(snapshot, samples, families, &DnsCounters::received);
     }},
    {"summond_dns_received_bytes_total", Kind::counter,
     "Octets of the DNS messages received, without headers of lower layers.", "transport",
     one_by_transport<&DnsCounters::received_bytes>},
    {"summond_dns_queries_total", Kind::counter,
     "Queries by QTYPE; other: one without a label of its own; none: no question can be read.",
     "transport,type", write_queries},
    {"summond_dns_edns_queries_total", Kind::counter, "Queries with EDNS (RFC 6891).", "transport",
     one_by_transport<&DnsCounters::edns>},
    {"summond_dns_dnssec_ok_queries_total", Kind::counter,
     "Queries with the DO bit: DNSSEC records are wanted (RFC 3225).", "transport",
     one_by_transport<&DnsCounters::dnssec_ok>},
    {"summond_dns_cookie_queries_total", Kind::counter,
     "Queries with a DNS cookie (RFC 7873); new: without a server cookie; valid: the client's "
     "address is not forged; malformed ones get FORMERR.",
     "transport,cookie",
     [](const Snapshot& snapshot, Samples& samples) {
         words_by_transport(snapshot, samples, cookies, &DnsCounters::cookies, 1);
     }},
    {"summond_dns_responses_total", Kind::counter, "Responses by RCODE.", "transport,rcode",
     write_responses},
    {"summond_dns_sent_bytes_total", Kind::counter,
     "Octets of the responses, without headers of lower layers.", "transport",
     one_by_transport<&DnsCounters::sent_bytes>},
    {"summond_dns_truncated_responses_total", Kind::counter,
     "Responses with the TC bit: the client has to ask again over TCP.", "transport",
     one_by_transport<&DnsCounters::truncated>},
    {"summond_dns_unsent_responses_total", Kind::counter,
     "Responses over UDP that the network did not take.", "",
     [](const Snapshot& snapshot, Samples& samples) {
         samples.add({}, snapshot.front.udp.unsent.get());
     }},
    {"summond_dns_unanswered_total", Kind::counter,
     "Messages without a response, other than limited ones; no_query: a response or too short; "
     "no_room: too many wait for services; repeated: the client has sent the same and waits.",
     "transport,reason",
     [](const Snapshot& snapshot, Samples& samples) {
         words_by_transport(snapshot, samples, unanswered_reasons, &DnsCounters::unanswered);
     }},
    {"summond_dns_limited_responses_total", Kind::counter,
     "Responses that response rate limiting kept back; challenged: sent without records, as "
     "truncated or BADCOOKIE; dropped: not sent.",
     "response,action", write_limited},
    {"summond_dns_parked_queries_total", Kind::counter,
     "Queries that had to wait for their service, or for a signature.", "transport", write_parked},
    {"summond_dns_parked_queries", Kind::gauge,
     "Queries that wait for their service, or for a signature, now.", "transport",
     [](const Snapshot& snapshot, Samples& samples) {
         samples.add({"udp"}, snapshot.front.udp_parked);
         samples.add({"tcp"}, snapshot.front.tcp_parked);
     }},
    {"summond_dns_parked_seconds", Kind::histogram,
     "How long queries that had to wait waited for the response.", "transport",
     [](const Snapshot& snapshot, Samples& samples) {
         by_transport(snapshot, [&](std::string_view transport, const DnsCounters& counters) {
             samples.add({transport}, counters.waited);
         });
     }},
    {"summond_dns_unproved_queries_total", Kind::counter,
     "Queries that woke nothing, since the client had not shown its address where that was needed "
     "(`wake_by`, or pressure), by what it was answered with: TC or BADCOOKIE.",
     "response",
     [](const Snapshot& snapshot, Samples& samples) {
         for (std::size_t i = 0; i < std::size(challenges); ++i)
             samples.add({challenges[i]}, snapshot.front.udp.unproved[i].get());
     }},
    {"summond_dns_signatures_made_total", Kind::counter,
     "Signatures made for names that are signed when they are asked for.", "",
     [](const Snapshot& snapshot, Samples& samples) {
         samples.add({}, snapshot.front.tcp.signatures_made.get());
     }},
    {"summond_dns_signatures_used_total", Kind::counter,
     "Such signatures in responses, each as often as it was in one.", "transport",
     one_by_transport<&DnsCounters::signatures_used>},
    {"summond_dns_signatures_awaited_total", Kind::counter,
     "Queries whose response had to wait for such a signature.", "transport",
     one_by_transport<&DnsCounters::signatures_awaited>},
    {"summond_dns_signatures_refused_total", Kind::counter,
     "Queries for which no signature was made, since more were wanted than `signing:` allows; they "
     "are answered with TC or BADCOOKIE over UDP, and with SERVFAIL over TCP.",
     "transport", one_by_transport<&DnsCounters::signatures_refused>},
    {"summond_dns_tcp_connections", Kind::gauge, "TCP connections that are open.", "",
     [](const Snapshot& snapshot, Samples& samples) {
         samples.add({}, snapshot.front.tcp_sessions);
     }},
    {"summond_dns_tcp_connections_accepted_total", Kind::counter, "TCP connections of clients.", "",
     [](const Snapshot& snapshot, Samples& samples) {
         samples.add({}, snapshot.front.tcp.opened.get());
     }},
    {"summond_dns_tcp_connections_handed_over_total", Kind::counter,
     "TCP connections that went on with the next front at a reload.", "",
     [](const Snapshot& snapshot, Samples& samples) {
         samples.add({}, snapshot.front.tcp.taken_over.get());
     }},
    {"summond_dns_tcp_connections_refused_total", Kind::counter,
     "TCP connections closed at once, for want of room under this limit (`tcp:`).", "limit",
     [](const Snapshot& snapshot, Samples& samples) {
         for (std::size_t i = 0; i < std::size(refusals); ++i)
             samples.add({refusals[i]}, snapshot.front.tcp.refused[i].get());
     }},
    {"summond_dns_tcp_connections_evicted_total", Kind::counter,
     "Idle TCP connections closed to make room for others.", "",
     [](const Snapshot& snapshot, Samples& samples) {
         samples.add({}, snapshot.front.tcp.evicted.get());
     }},
};

}  // namespace

std::span<const Metric> dns_metrics() {
    return of_dns;
}

}  // namespace summond::metrics
