// Any bytes as a message to the role transfer, as they come or signed with the key: what is said to
// it can be read, and nobody has a zone that is not his.
#include <vector>

#include "fuzz_check.hpp"
#include "outgoing.hpp"
#include "summond/dns/message.hpp"
#include "summond/dns/wire.hpp"
#include "summond/transfer/responder.hpp"

// After the standard library's, whose <optional> its macros break.
#include <ldns/ldns.h>

using namespace summond;
using Octets = std::vector<std::uint8_t>;

namespace {

constexpr std::uint64_t now = 1'900'000'000;

const sign::TsigKey& key() {
    static const sign::TsigKey key =
        *sign::parse_tsig_key("key k.example { algorithm hmac-sha256; secret MTIzNA==; };");
    return key;
}

// open.example for everybody, closed.example with the key, other.example for nobody.
transfer::ServingPtr serving() {
    config::Config config;
    for (const char* const apex : {"open.example", "closed.example", "other.example"}) {
        config::Zone& zone = config.zones.emplace_back();
        zone.name = *dns::Name::parse(apex);
        zone.ns = {*dns::Name::parse("ns.elsewhere")};
        zone.soa.mname = zone.ns[0];
        zone.soa.rname = zone.ns[0];
        zone.soa.serial = 7;
        zone.records = {{"www A 192.0.2.1", {}}, {"www TXT \"here\"", {}}};
        zone.transfer.emplace();
    }
    config.zones[2].transfer.reset();
    const auto image = std::make_shared<Octets>(zone::build(config).image);
    transfer::Plan plan;
    plan.keys = {key()};
    plan.zones = {{config.zones[1].name, {}}, {config.zones[0].name, {}}};
    plan.zones[0].who.keys = {key().name};
    plan.zones[1].who.to = {{base::IpAddress::v4({}), 0}};
    return std::make_shared<transfer::Serving>(image, *zone::Zones::open(*image), std::move(plan),
                                               zone::Journal());
}

void check_readable(const Octets& message, std::span<const std::uint8_t> query) {
    FUZZ_CHECK(message.size() >= dns::header_size && (message[2] & 0x80) != 0);
    FUZZ_CHECK(std::equal(message.begin(), message.begin() + 2, query.begin()));
    ldns_pkt* packet = nullptr;
    FUZZ_CHECK(ldns_wire2pkt(&packet, message.data(), message.size()) == LDNS_STATUS_OK);
    ldns_pkt_free(packet);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const transfer::ServingPtr zones = serving();
    if (size < 1)
        return 0;
    const auto transport = (data[0] & 1) != 0 ? answer::Transport::tcp : answer::Transport::udp;
    Octets query(data + 1, data + size);  // reads past its end are seen
    dns::Query read;
    const dns::Parsed parsed = dns::parse_query(query, read);
    bool with_key = false;
    if ((data[0] & 2) != 0 && query.size() < 60000 && parsed == dns::Parsed::query) {
        sign::TsigSigner(key()).sign(query, now);
        with_key = true;
    }
    static_cast<void>(transfer::is_ours(query));
    transfer::Reply reply =
        transfer::respond(zones, query, base::IpAddress::v4({192, 0, 2, 9}), transport, now);
    if (!reply.message.empty()) {
        FUZZ_CHECK(transport == answer::Transport::tcp ||
                   reply.message.size() <= answer::max_udp_answer + query.size());
        check_readable(reply.message, query);
    }
    if (!reply.transfer)
        return 0;
    FUZZ_CHECK(transport == answer::Transport::tcp && reply.message.empty());
    Octets* message = nullptr;
    std::size_t records = 0;
    while (reply.transfer->next(message, now)) {
        check_readable(*message, query);
        records += dns::get16(&(*message)[6]);
    }
    FUZZ_CHECK(records == 5);  // SOA, NS, A, TXT, SOA
    // A signature that was in the input already may be right, too.
    const auto closed = dns::Name::parse("closed.example")->wire();
    if (std::ranges::equal(std::span(read.name.wire).first(read.name.size), closed))
        FUZZ_CHECK(with_key || parsed == dns::Parsed::tsig);
    else
        FUZZ_CHECK(read.name.wire[1] == 'o' && read.name.wire[2] == 'p');
    return 0;
}
