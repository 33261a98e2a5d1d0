// One query: what RFC 1034 §4.3.2 says, with early returns.

#include <algorithm>
#include <array>
#include <string_view>

#include "cookie.hpp"
#include "resolution.hpp"
#include "summond/answer/answer.hpp"
#include "summond/dns/message.hpp"
#include "summond/dns/wire.hpp"

namespace summond::answer {

namespace {

using dns::ExtendedError;
using dns::Rcode;

Decision answered(Packet& packet) {
    return {.kind = Decision::Kind::answer,
            .rcode = static_cast<std::uint8_t>(packet.rcode()),
            .size = packet.finish()};
}

Decision failed(Packet& packet, Rcode rcode) {
    packet.set_rcode(rcode);
    return answered(packet);
}

Decision failed(Packet& packet, Rcode rcode, ExtendedError why, std::string_view text) {
    packet.set_extended_error(why, text);
    return failed(packet, rcode);
}

struct WakeError {
    ExtendedError code;
    std::string_view text;
};

// RFC 8914 §4.15: Not Ready is for a server that cannot answer yet; asking again may help.
WakeError extended_error_of(service::WakeFailure why) {
    using service::WakeFailure;
    switch (why) {
        case WakeFailure::none:
            break;
        case WakeFailure::start_failed:
            return {ExtendedError::other, "service failed to start"};
        case WakeFailure::no_memory:
            return {ExtendedError::other, "not enough memory to start the service"};
        case WakeFailure::memory_limit:
            return {ExtendedError::not_ready, "limit of memory reached"};
        case WakeFailure::domain_limit:
            return {ExtendedError::not_ready, "limit of domains reached"};
        case WakeFailure::no_kernel:
            return {ExtendedError::other, "the service's kernel cannot be loaded"};
        case WakeFailure::not_ready:
            return {ExtendedError::not_ready, "service did not become ready in time"};
        case WakeFailure::crashed:
            return {ExtendedError::other, "service crashed while booting"};
        case WakeFailure::refused:
            return {ExtendedError::not_ready, "service may not be started now"};
        case WakeFailure::no_controller:
            return {ExtendedError::not_ready, "services cannot be started now"};
        case WakeFailure::powered_off:
            return {ExtendedError::other, "service powered off while booting"};
        case WakeFailure::rebooted:
            return {ExtendedError::other, "service rebooted while booting"};
        case WakeFailure::destroyed:
            return {ExtendedError::other, "service was destroyed while booting"};
        case WakeFailure::keeps_ending:
            return {ExtendedError::other, "service keeps ending soon after its start"};
        case WakeFailure::drained:
            return {ExtendedError::not_ready, "no service is started on this host now"};
        case WakeFailure::no_address:
            return {ExtendedError::not_ready, "no IPv4 address is free for the service"};
    }
    return {ExtendedError::other, "service is not available"};
}

Decision failed(Packet& packet, service::WakeFailure why) {
    const auto [code, text] = extended_error_of(why);
    return failed(packet, Rcode::servfail, code, text);
}

Decision not_signed(Packet& packet) {
    return failed(packet, Rcode::servfail, ExtendedError::not_ready,
                  "signatures cannot be made now");
}

std::span<const std::uint8_t> octets(std::string_view text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

// Adds the COOKIE option to the answer of a query that has one. False: FORMERR.
bool exchange_cookies(const dns::Query& query, const Context& context, Packet& packet,
                      ClientCookie& client) {
    client = ClientCookie::none;
    const auto& cookie = query.edns.cookie;
    if (!cookie || !context.settings.cookie_secret || context.client.empty())
        return true;
    if (!is_well_formed_cookie(*cookie)) {
        client = ClientCookie::malformed;
        return false;
    }
    const auto checked =
        check_cookie(*cookie, context.client, context.now, *context.settings.cookie_secret);
    packet.add_option(dns::Option::cookie, checked.reply);
    client = checked.client;
    return true;
}

// Answers nothing but that the client is to show its address: by BADCOOKIE with the right cookie,
// where it takes cookies (RFC 7873 §5.2.3), else by TC. No option but that: whatever has been
// asked, the answer is at most 16 octets longer.
Decision ask_for_proof(const dns::Query& query, std::span<std::uint8_t> out,
                       const Context& context) {
    Packet packet(query, out, context.transport);
    ClientCookie client;
    if (!exchange_cookies(query, context, packet, client))
        return {};
    const bool cookies = query.edns.cookie && context.settings.cookie_secret;
    if (cookies && client != ClientCookie::known)
        packet.set_rcode(Rcode::badcookie);
    else
        packet.set_truncated();
    return answered(packet);
}

// RFC 7873 §5.4. Where there are no cookies it is a query without a question.
Decision answer_cookie(const Context& context, Packet& packet, ClientCookie client) {
    if (!context.settings.cookie_secret || context.client.empty())
        return failed(packet, Rcode::formerr);
    return failed(packet, client == ClientCookie::wrong ? Rcode::badcookie : Rcode::noerror);
}

// Class CHAOS has nothing but what the server says of itself (RFC 4892), if it is to.
Decision chaos(const dns::Query& query, Packet& packet, const Settings& settings) {
    using namespace std::string_view_literals;
    const std::string_view name(reinterpret_cast<const char*>(query.name.wire.data()),
                                query.name.size);
    std::string_view text;
    if (name == "\7version\4bind\0"sv || name == "\7version\6server\0"sv)
        text = settings.version;
    else if (name == "\10hostname\4bind\0"sv || name == "\2id\6server\0"sv)
        text = settings.identity;
    if (text.empty() || (query.type != dns::Type::txt && query.type != dns::Type::any))
        return failed(packet, Rcode::refused);
    std::array<std::uint8_t, 256> rdata;
    rdata[0] = static_cast<std::uint8_t>(text.size());
    std::copy(text.begin(), text.end(), rdata.begin() + 1);
    packet.set_authoritative(true);
    if (!packet.add(Section::answer, packet.question(), dns::Type::txt, 0,
                    std::span(rdata).first(1 + text.size()), dns::Class::ch))
        packet.set_truncated();
    return answered(packet);
}

// The options that go with any answer, an error too. Cookies have been exchanged.
void add_options(const dns::Query& query, const Context& context, Packet& packet) {
    if (query.edns.nsid && !context.settings.identity.empty())
        packet.add_option(dns::Option::nsid, octets(context.settings.identity));
    // RFC 7828 §3.3.1 has the one ignored over UDP, RFC 7830 §6 and RFC 8467 want the other only
    // where it is worth its octets; over UDP it would amplify.
    if (context.transport != Transport::tcp)
        return;
    if (query.edns.keepalive) {
        std::array<std::uint8_t, 2> timeout;
        dns::put16(timeout.data(), context.idle_timeout);
        packet.add_option(dns::Option::tcp_keepalive, timeout);
    }
    if (query.edns.padding)
        packet.set_padded();
}

// Whether it is for the role transfer.
bool are_passed(const dns::Query& query, const Context& context) {
    return context.zones.header().transfer_count != 0 && query.klass == dns::Class::in &&
           (query.type == dns::Type::ixfr || context.transport == Transport::tcp);
}

// The answer to a well-formed query, or to a cookie without a question.
Decision respond(const ReadQuery& read, Packet& packet, Context& context, ClientCookie client) {
    const dns::Query& query = read.query;
    add_options(query, context, packet);
    if (read.parsed == dns::Parsed::cookie)
        return answer_cookie(context, packet, client);
    if (query.klass == dns::Class::ch)
        return chaos(query, packet, context.settings);
    if (query.klass != dns::Class::in && query.klass != dns::Class::any)
        return failed(packet, Rcode::refused, ExtendedError::not_supported, "only class IN");
    switch (query.type) {
        // RFC 5936 §4.2: the one goes over TCP only.
        case dns::Type::axfr:
        case dns::Type::ixfr:
            if (are_passed(query, context))
                return {.kind = Decision::Kind::pass};
            return failed(packet, Rcode::refused);
        // RFC 1035 §3.2.3 has these two as obsolete.
        case dns::Type::maila:
        case dns::Type::mailb:
            return failed(packet, Rcode::notimp);
        // RFC 6895 §3.1: records of the message, never of a zone.
        case dns::Type::opt:
        case dns::Type::tsig:
            return failed(packet, Rcode::formerr);
        // RFC 9824 §3.5: only ever in a type bit map.
        case dns::Type::nxname:
            return failed(packet, Rcode::formerr, ExtendedError::invalid_query_type, {});
        default:
            break;
    }

    const bool proved = context.transport == Transport::tcp || client == ClientCookie::known;
    Resolution resolution(query, read.hash, packet, context, proved);
    switch (resolution.run()) {
        case Outcome::complete:
            // RFC 1035 §6.2: we do not know all classes.
            if (query.klass == dns::Class::any)
                packet.set_authoritative(false);
            return {.kind = Decision::Kind::answer,
                    .wakes = resolution.wakes_service(),
                    .rcode = static_cast<std::uint8_t>(packet.rcode()),
                    .size = packet.finish(),
                    .service = resolution.service(),
                    .signs = resolution.signs(),
                    .stated = resolution.stated()};
        case Outcome::not_authoritative:
            return failed(packet, Rcode::refused, ExtendedError::not_authoritative, {});
        case Outcome::asleep:
            return {.kind = Decision::Kind::park,
                    .service = resolution.service(),
                    .signs = resolution.signs()};
        case Outcome::not_signed:
            if (resolution.signs())
                return {.kind = Decision::Kind::sign};
            packet.clear();
            return not_signed(packet);
        case Outcome::not_loaded:
            packet.clear();
            // RFC 8914 §4.25.
            return failed(packet, Rcode::servfail, ExtendedError::invalid_data,
                          "the zone is not loaded");
        case Outcome::no_place:
            packet.clear();
            return failed(packet, service::WakeFailure::domain_limit);
        case Outcome::no_address:
            packet.clear();
            return failed(packet, service::WakeFailure::no_address);
        case Outcome::unproved:
            return {.unproved = true};
        case Outcome::failed:
            break;
    }
    packet.clear();
    const auto why = context.services[resolution.service()].failure.load(std::memory_order_relaxed);
    return failed(packet, why);
}

}  // namespace

void read(std::span<const std::uint8_t> bytes, ReadQuery& read, const zone::Zones& zones) noexcept {
    read.parsed = dns::parse_query(bytes, read.query);
    if (read.parsed != dns::Parsed::query)
        return;
    read.hash = zones.hash(read.query.name);
    zones.prefetch_slot(read.hash);
}

void prefetch(const ReadQuery& read, const zone::Zones& zones) noexcept {
    if (read.parsed == dns::Parsed::query)
        zones.prefetch_node(read.hash);
}

namespace {

// What is no plain query.
Decision resolve_other(const ReadQuery& read, std::span<std::uint8_t> out, Context& context) {
    if (read.parsed == dns::Parsed::drop)
        return {};
    if (read.parsed == dns::Parsed::tsig) {
        if (context.zones.header().transfer_count != 0)
            return {.kind = Decision::Kind::pass};
        // Nobody here has a key, and who asks will not take the answer for signed.
        ReadQuery plain = read;
        plain.parsed = dns::Parsed::query;
        plain.hash = context.zones.hash(read.query.name);
        return resolve(plain, out, context);
    }
    Packet packet(read.query, out, context.transport);
    return failed(packet, read.parsed == dns::Parsed::notimp ? Rcode::notimp : Rcode::formerr);
}

}  // namespace

Decision resolve(std::span<const std::uint8_t> bytes, std::span<std::uint8_t> out,
                 Context& context) noexcept {
    ReadQuery query;
    read(bytes, query, context.zones);
    return resolve(query, out, context);
}

Decision resolve(const ReadQuery& read, std::span<std::uint8_t> out, Context& context) noexcept {
    if (read.parsed != dns::Parsed::query && read.parsed != dns::Parsed::cookie)
        return resolve_other(read, out, context);
    const dns::Query& query = read.query;
    Packet packet(query, out, context.transport);
    // RFC 6891 §6.1.3: nothing of the query is understood but its version.
    if (query.edns.version > 0)
        return failed(packet, Rcode::badvers);
    // A wrong cookie is replaced and does no harm (RFC 7873 §5.2.3): the client may have learnt it
    // before its address or our secret changed.
    ClientCookie client;
    if (!exchange_cookies(query, context, packet, client)) {
        Decision decision = failed(packet, Rcode::formerr);
        decision.cookie = client;
        return decision;
    }
    // RFC 7828 §3.2.1: only a server may say how long.
    if (context.transport == Transport::tcp && query.edns.keepalive_value)
        return failed(packet, Rcode::formerr);
    Decision decision = respond(read, packet, context, client);
    if (decision.unproved) {
        decision = ask_for_proof(query, out, context);
        decision.unproved = true;
    }
    decision.cookie = client;
    return decision;
}

namespace {

// `fail` writes it, once all is there that goes with any answer.
template <typename Fail>
std::uint32_t fail(std::span<const std::uint8_t> query_bytes, std::span<std::uint8_t> out,
                   const Context& context, const Fail& fail) {
    dns::Query query;
    if (dns::parse_query(query_bytes, query) == dns::Parsed::drop)
        return 0;
    Packet packet(query, out, context.transport);
    ClientCookie client;
    exchange_cookies(query, context, packet, client);
    add_options(query, context, packet);
    return fail(packet).size;
}

}  // namespace

std::uint32_t servfail(std::span<const std::uint8_t> query, std::span<std::uint8_t> out,
                       service::WakeFailure why, const Context& context) noexcept {
    return fail(query, out, context, [&](Packet& packet) { return failed(packet, why); });
}

std::uint32_t not_signed(std::span<const std::uint8_t> query, std::span<std::uint8_t> out,
                         const Context& context) noexcept {
    return fail(query, out, context, [](Packet& packet) { return not_signed(packet); });
}

std::uint32_t challenge(std::span<const std::uint8_t> query_bytes, std::span<std::uint8_t> out,
                        const Context& context) noexcept {
    dns::Query query;
    const dns::Parsed parsed = dns::parse_query(query_bytes, query);
    if ((parsed != dns::Parsed::query && parsed != dns::Parsed::cookie) || query.edns.version > 0)
        return 0;
    return ask_for_proof(query, out, context).size;
}

}  // namespace summond::answer
