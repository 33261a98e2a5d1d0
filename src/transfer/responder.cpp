#include "summond/transfer/responder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "message_writer.hpp"
#include "outgoing.hpp"
#include "summond/dns/wire.hpp"
#include "summond/sign/signature.hpp"

namespace summond::transfer {
namespace {

using answer::Transport;
using dns::Parsed;
using dns::Rcode;
using metrics::TransferKind;
using metrics::TransferRefusal;
using sign::TsigError;

using Octets = std::span<const std::uint8_t>;

constexpr std::size_t count_at = 10;  // ARCOUNT

// The serial of the SOA record in the authority section, RFC 1995 §3; the message is well-formed.
std::optional<std::uint32_t> client_serial(Octets query, std::size_t question_size) {
    constexpr std::size_t serial_before_end = 20;
    std::size_t at = dns::header_size + question_size;
    const unsigned before = dns::get16(&query[6]);
    const unsigned authority = dns::get16(&query[8]);
    for (unsigned i = 0; i < before + authority; ++i) {
        while (query[at] != 0 && query[at] < 0xc0)
            at += 1U + query[at];
        at += query[at] == 0 ? 1 : 2;
        const std::size_t size = dns::get16(&query[at + 8]);
        const bool soa = static_cast<dns::Type>(dns::get16(&query[at])) == dns::Type::soa;
        at += 10;
        if (i >= before && soa && size >= serial_before_end + 2)
            return dns::get32(&query[at + size - serial_before_end]);
        at += size;
    }
    return std::nullopt;
}

class Responder {
  public:
    Responder(const ServingPtr& serving, Octets message, const base::IpAddress& client,
              Transport transport, std::uint64_t now)
        : serving_(serving),
          message_(message),
          client_(client),
          transport_(transport),
          now_(now),
          parsed_(dns::parse_query(message, query_)) {}

    Reply run() {
        if (parsed_ == Parsed::drop)
            return std::move(reply_);
        plain_.assign(message_.begin(), message_.end());
        if (parsed_ == Parsed::tsig && !verify())
            return std::move(reply_);
        const bool whole = parsed_ == Parsed::query || parsed_ == Parsed::tsig;
        const bool transfer = query_.type == dns::Type::axfr || query_.type == dns::Type::ixfr;
        if (whole && transfer && query_.klass == dns::Class::in && query_.edns.version == 0)
            give_zone();
        else
            give_answer();
        return std::move(reply_);
    }

  private:
    // False: the reply says why it is not answered.
    bool verify() {
        const auto record = sign::read_tsig(message_);
        if (!record) {
            refuse(Rcode::formerr, TransferRefusal::malformed, "its TSIG record is ill-formed");
            return false;
        }
        key_ = serving_->plan.key(record->key);
        const auto verdict = sign::verify_tsig(message_, *record, key_, now_);
        // What is answered is the query without its signature.
        plain_.resize(record->at);
        dns::put16(&plain_[0], record->original_id);
        dns::put16(&plain_[count_at],
                   static_cast<std::uint16_t>(dns::get16(&plain_[count_at]) - 1));
        if (verdict.good()) {
            signer_.emplace(*key_, *record);
            return true;
        }
        const std::string by = "key " + record->key.to_string() + ": ";
        if (verdict.formerr) {
            refuse(Rcode::formerr, TransferRefusal::malformed, by + "a MAC of an impossible size");
            return false;
        }
        switch (verdict.error) {
            case TsigError::badtime:
            case TsigError::badtrunc:
                signer_.emplace(*key_, *record);
                error_ = verdict.error;
                refuse(Rcode::notauth, TransferRefusal::tsig,
                       by + (error_ == TsigError::badtime
                                 ? fmt::format("its clock differs by {} s (BADTIME)",
                                               static_cast<std::int64_t>(record->time - now_))
                                 : "a truncated MAC (BADTRUNC)"));
                break;
            default:
                refuse(Rcode::notauth, TransferRefusal::tsig,
                       by + (verdict.error == TsigError::badkey ? "not known here (BADKEY)"
                                                                : "another secret (BADSIG)"));
                sign::add_unsigned_tsig(reply_.message, *record, verdict.error);
        }
        return false;
    }

    std::uint16_t response_flags(Rcode rcode, bool authoritative) const {
        return static_cast<std::uint16_t>(
            dns::flag_qr | (query_.flags & (0xfU << dns::opcode_shift | dns::flag_rd)) |
            (authoritative ? dns::flag_aa : 0) | static_cast<std::uint16_t>(rcode));
    }

    MessageWriter::Opt opt() const { return {query_.edns.present, query_.edns.dnssec_ok}; }

    void refuse(Rcode rcode, TransferRefusal refusal, const std::string& why) {
        MessageWriter writer;
        writer.begin(query_.id, response_flags(rcode, false), query_.question,
                     dns::max_message_size);
        reply_.message = std::move(writer.finish(opt()));
        if (signer_)
            signer_->sign(reply_.message, now_, error_);
        reply_.log = why;
        reply_.refusal = refusal;
        reply_.kind.reset();
    }

    void give_zone() {
        const auto name = dns::Name::from_wire(Octets(query_.name.wire).first(query_.name.size));
        const zone::Zones& zones = serving_->nodes.zones();
        const auto index = name ? zone::find_zone(zones, *name) : std::nullopt;
        const std::string what =
            fmt::format("{} of {}", query_.type == dns::Type::axfr ? "AXFR" : "IXFR",
                        name ? name->to_string() : "?");
        // RFC 5936 §2.2.1.
        if (!index)
            return refuse(Rcode::notauth, TransferRefusal::zone, what + ": no zone of ours");
        const Plan::Zone* const plan = serving_->plan.zone(*name);
        if (plan == nullptr || !may_have(*plan, client_, key_))
            return refuse(Rcode::refused, TransferRefusal::acl,
                          what + (key_ == nullptr ? ": not for this address without a key"
                                                  : ": not for this address and key"));
        if (zones.zone(*index).negative_soa == 0)
            return refuse(Rcode::servfail, TransferRefusal::zone,
                          what + ": the zone could not be loaded");
        if (query_.type == dns::Type::axfr && transport_ == Transport::udp)
            return refuse(Rcode::refused, TransferRefusal::malformed, what + ": over UDP");
        Outgoing::Asked asked{query_.id,
                              response_flags(Rcode::noerror, true),
                              {query_.question.begin(), query_.question.end()},
                              opt(),
                              signer_};
        if (query_.type == dns::Type::ixfr)
            return give_changes(*index, *name, what, std::move(asked));
        reply_.log = what;
        reply_.kind = TransferKind::axfr;
        reply_.transfer = std::make_unique<Outgoing>(serving_, *index, std::move(asked),
                                                     std::vector<zone::ZoneChange>());
    }

    // RFC 1995 §4: the changes, or the whole zone where they are not known.
    void give_changes(std::uint32_t index, const dns::Name& name, const std::string& what,
                      Outgoing::Asked asked) {
        const auto serial = client_serial(message_, query_.question.size());
        if (!serial)
            return refuse(Rcode::formerr, TransferRefusal::malformed,
                          what + ": without an SOA record");
        const std::uint32_t ours = zone::serial_of(serving_->nodes.zones(), index);
        reply_.log = fmt::format("{} from {} to {}", what, *serial, ours);
        if (!sign::is_before(*serial, ours))
            return give_soa(index);
        auto changes = serving_->journal.between(name, *serial, ours);
        if (transport_ == Transport::udp)
            return give_datagram(index, std::move(asked), std::move(changes));
        reply_.kind = changes.empty() ? TransferKind::ixfr_as_axfr : TransferKind::ixfr;
        if (changes.empty())
            reply_.log += ", as AXFR";
        reply_.transfer =
            std::make_unique<Outgoing>(serving_, index, std::move(asked), std::move(changes));
    }

    // What the client has is as new, or has to be asked for over TCP (RFC 1995 §2).
    void give_soa(std::uint32_t index) {
        reply_.kind = TransferKind::ixfr_soa;
        zone::ZoneSets sets(serving_->nodes, index);
        zone::RecordSet soa;
        sets.next(soa);
        MessageWriter writer;
        writer.begin(query_.id, response_flags(Rcode::noerror, true), query_.question,
                     dns::max_message_size);
        writer.add(soa.owner, soa.type, soa.records[0].ttl, soa.rdata(soa.records[0]));
        reply_.message = std::move(writer.finish(opt()));
        if (signer_)
            signer_->sign(reply_.message, now_);
    }

    std::size_t client_size() const {
        const std::size_t size = std::max<std::size_t>(
            query_.edns.present ? query_.edns.udp_size : 0, dns::min_udp_size);
        return std::min(size, answer::max_udp_answer);
    }

    void give_datagram(std::uint32_t index, Outgoing::Asked asked,
                       std::vector<zone::ZoneChange> changes) {
        if (changes.empty())
            return give_soa(index);
        Outgoing transfer(serving_, index, std::move(asked), std::move(changes));
        std::vector<std::uint8_t>* message = nullptr;
        transfer.next(message, now_);
        if (message->size() > client_size())
            return give_soa(index);
        reply_.message = *message;
        reply_.kind = TransferKind::ixfr;
        // It was all, if there is no second one.
        if (transfer.next(message, now_))
            give_soa(index);
    }

    void give_answer() {
        const std::size_t signature = signer_ ? signer_->size() : 0;
        const std::size_t most =
            transport_ == Transport::tcp ? answer::max_tcp_answer : client_size();
        reply_.message.resize(most - signature);
        answer::Context context{serving_->nodes.zones(), serving_->services, transport_};
        const auto decision = answer::resolve(plain_, reply_.message, context);
        reply_.message.resize(decision.kind == answer::Decision::Kind::answer ? decision.size : 0);
        if (signer_ && !reply_.message.empty())
            signer_->sign(reply_.message, now_);
    }

    const ServingPtr& serving_;
    const Octets message_;
    const base::IpAddress& client_;
    const Transport transport_;
    const std::uint64_t now_;
    dns::Query query_;
    const Parsed parsed_;
    std::vector<std::uint8_t> plain_;  // the message without its TSIG record
    const sign::TsigKey* key_ = nullptr;
    std::optional<sign::TsigSigner> signer_;
    TsigError error_ = TsigError::none;
    Reply reply_;
};

}  // namespace

Reply::Reply() = default;
Reply::Reply(Reply&&) noexcept = default;
Reply& Reply::operator=(Reply&&) noexcept = default;
Reply::~Reply() = default;

Serving::Serving(std::shared_ptr<const void> memory, const zone::Zones& zones, Plan plan,
                 zone::Journal journal)
    : memory(std::move(memory)),
      nodes(zones),
      plan(std::move(plan)),
      journal(std::move(journal)),
      services(zones.service_count()) {
    for (answer::ServiceState& service : services)
        service.availability.store(answer::Availability::answerable);
}

Reply respond(const ServingPtr& serving, Octets query, const base::IpAddress& client,
              Transport transport, std::uint64_t now) {
    return Responder(serving, query, client, transport, now).run();
}

bool is_ours(Octets bytes) {
    dns::Query query;
    const Parsed parsed = dns::parse_query(bytes, query);
    if (parsed == Parsed::tsig)
        return true;
    return parsed == Parsed::query && query.klass == dns::Class::in && query.edns.version == 0 &&
           (query.type == dns::Type::axfr || query.type == dns::Type::ixfr);
}

}  // namespace summond::transfer
