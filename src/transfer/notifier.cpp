#include "summond/transfer/notifier.hpp"

#include <algorithm>

#include "message_writer.hpp"
#include "summond/base/log.hpp"
#include "summond/base/random.hpp"
#include "summond/dns/message.hpp"
#include "summond/dns/wire.hpp"

namespace summond::transfer {
namespace {

using metrics::NotifyResult;

constexpr std::uint16_t notify_flags = static_cast<std::uint16_t>(dns::Opcode::notify)
                                       << dns::opcode_shift;

}  // namespace

void Notifier::serve(const ServingPtr& serving) {
    serving_ = serving;
    const zone::Zones& zones = serving->nodes.zones();
    std::map<dns::Name, std::uint32_t> serials;
    for (const Plan::Zone& zone : serving->plan.zones) {
        const auto index = zone::find_zone(zones, zone.name);
        if (!index || zones.zone(*index).negative_soa == 0)
            continue;
        const std::uint32_t serial = zone::serial_of(zones, *index);
        serials[zone.name] = serial;
        const auto told = told_.find(zone.name);
        for (const auto& target : zone.who.notify) {
            const auto same = [&](const Pending& pending) {
                return pending.zone == zone.name && pending.target.to == target.to;
            };
            const auto known = std::ranges::find_if(pending_, same);
            if (known == pending_.end() && told != told_.end() && told->second == serial)
                continue;
            if (known != pending_.end())
                pending_.erase(known);
            pending_.push_back({zone.name, target, clock_.now(), 0, 0, {}});
        }
    }
    // Those whose zone or secondary is not there any more.
    std::erase_if(pending_, [&](const Pending& pending) {
        const Plan::Zone* const zone = serving->plan.zone(pending.zone);
        return zone == nullptr || !serials.contains(pending.zone) ||
               std::ranges::none_of(zone->who.notify, [&](const auto& target) {
                   return target.to == pending.target.to;
               });
    });
    told_ = std::move(serials);
    changed_ = true;
}

void Notifier::count_waiting() {
    if (!std::exchange(changed_, false))
        return;
    std::vector<base::Endpoint> configured;
    std::vector<base::Endpoint> waiting;
    if (serving_)
        for (const Plan::Zone& zone : serving_->plan.zones)
            for (const auto& target : zone.who.notify)
                configured.push_back(target.to);
    for (const Pending& pending : pending_)
        waiting.push_back(pending.target.to);
    count_.waiting(configured, waiting);
}

void Notifier::send(Pending& pending, std::uint64_t now) {
    std::vector<std::uint8_t> question(pending.zone.wire().begin(), pending.zone.wire().end());
    question.insert(question.end(), {0, static_cast<std::uint8_t>(dns::Type::soa), 0, 1});
    const zone::Zones& zones = serving_->nodes.zones();
    zone::ZoneSets sets(serving_->nodes, *zone::find_zone(zones, pending.zone));
    zone::RecordSet soa;
    sets.next(soa);
    MessageWriter writer;
    pending.id = static_cast<std::uint16_t>(base::random_bits());
    writer.begin(pending.id, notify_flags | dns::flag_aa, question, dns::max_message_size);
    // §3.7: the new SOA record may go along.
    writer.add(soa.owner, soa.type, soa.records[0].ttl, soa.rdata(soa.records[0]));
    std::vector<std::uint8_t>& message = writer.finish({});
    pending.mac.clear();
    if (const auto* key = pending.target.key ? serving_->plan.key(*pending.target.key) : nullptr) {
        sign::TsigSigner signer(*key);
        signer.sign(message, now);
        pending.mac.assign(signer.mac().begin(), signer.mac().end());
    }
    const auto& to = pending.target.to;
    const auto source =
        std::ranges::find(serving_->plan.sources, to.address.is_v4(), &base::IpAddress::is_v4);
    send_(to, source == serving_->plan.sources.end() ? std::nullopt : std::optional(*source),
          message);
    count_.notified(to);
    pending.at = clock_.now() + first_wait * (1U << pending.tried);
    ++pending.tried;
}

void Notifier::tick(std::uint64_t now) {
    const base::TimePoint clock = clock_.now();
    if (clock < not_before_)
        return;
    std::size_t sent = 0;
    const auto given_up = std::erase_if(pending_, [&](const Pending& pending) {
        if (pending.at > clock || pending.tried < tries)
            return false;
        spdlog::warn("NOTIFY of {} to {}: no answer, given up", pending.zone.to_string(),
                     pending.target.to.to_string());
        count_.notified(pending.target.to, NotifyResult::given_up);
        return true;
    });
    changed_ = changed_ || given_up > 0;
    for (Pending& pending : pending_) {
        if (pending.at > clock)
            continue;
        send(pending, now);
        if (++sent == batch)
            break;
    }
    if (sent == batch)
        not_before_ = clock + pause;
}

bool Notifier::is_answer(const Pending& pending, std::span<const std::uint8_t> message,
                         std::uint64_t now) const {
    const auto name = pending.zone.wire();
    const std::uint16_t flags = dns::get16(&message[2]);
    if (pending.tried == 0 || dns::get16(message.data()) != pending.id ||
        (flags & (dns::flag_qr | 0xfU << dns::opcode_shift)) != (dns::flag_qr | notify_flags))
        return false;
    // RFC 1996 §4.7: the question is copied, but servers that do not know NOTIFY may leave it out.
    dns::FoldedName asked;
    if (dns::get16(&message[4]) != 0 &&
        (!asked.assign(message.subspan(dns::header_size)) ||
         !std::ranges::equal(std::span(asked.wire).first(asked.size), name)))
        return false;
    if (pending.mac.empty())
        return true;
    // Whoever has no key may say that ours is wrong, and is not believed, but for the log.
    const auto record = sign::read_tsig(message);
    const auto* const key = serving_->plan.key(*pending.target.key);
    return record && sign::verify_tsig(message, *record, key, now, pending.mac).good();
}

void Notifier::receive(std::span<const std::uint8_t> message, const base::Endpoint& from,
                       std::uint64_t now) {
    if (message.size() < dns::header_size)
        return;
    const auto found = std::ranges::find_if(pending_, [&](const Pending& pending) {
        return pending.target.to == from && is_answer(pending, message, now);
    });
    if (found == pending_.end())
        return;
    const auto rcode = dns::get16(&message[2]) & 0xfU;
    if (rcode == static_cast<unsigned>(dns::Rcode::servfail))
        return;  // it is asked again
    if (rcode == 0)
        spdlog::info("NOTIFY of {} to {}: heard", found->zone.to_string(), from.to_string());
    else
        spdlog::warn("NOTIFY of {} to {}: refused with rcode {}", found->zone.to_string(),
                     from.to_string(), rcode);
    count_.notified(from, rcode == 0 ? NotifyResult::heard : NotifyResult::refused);
    pending_.erase(found);
    changed_ = true;
}

std::optional<base::TimePoint> Notifier::next() const {
    if (pending_.empty())
        return std::nullopt;
    const auto first = std::ranges::min_element(pending_, {}, &Pending::at);
    return std::max(first->at, not_before_);
}

}  // namespace summond::transfer
