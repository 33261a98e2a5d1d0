#include "summond/dns/message.hpp"

#include <cstring>

#include "summond/dns/wire.hpp"

namespace summond::dns {

bool FoldedName::assign(std::span<const std::uint8_t> bytes) {
    std::size_t at = 0;
    std::size_t count = 0;
    while (true) {
        // Names of up to 254 octets before the root label have at most 127 labels.
        if (at >= bytes.size() || at >= max_name_size)
            return false;
        start[count] = static_cast<std::uint8_t>(at);
        const std::uint8_t length = bytes[at];
        if (length == 0)
            break;
        if (length > max_label_size)
            return false;
        ++count;
        at += 1U + length;
    }
    size = static_cast<std::uint16_t>(at + 1);
    labels = static_cast<std::uint8_t>(count);
    for (std::size_t i = 0; i < size; ++i)
        wire[i] = fold(bytes[i]);
    std::memset(wire.data() + size, 0, 8);
    return true;
}

namespace {

// Moves past the name at `at`, which may end in a compression pointer. The pointer's target is not
// read: nothing in a query after its question needs the name itself.
bool skip_name(std::span<const std::uint8_t> message, std::size_t& at) {
    const std::size_t begin = at;
    while (at < message.size() && at - begin < max_name_size) {
        const std::uint8_t length = message[at];
        if (length == 0) {
            at += 1;
            return true;
        }
        if (length >= 0xc0) {
            at += 2;
            return at <= message.size();
        }
        if (length > max_label_size)
            return false;
        at += 1U + length;
    }
    return false;
}

void read_option(Option option, std::span<const std::uint8_t> data, Edns& edns) {
    switch (option) {
        case Option::cookie:
            if (!edns.cookie)
                edns.cookie = data;
            break;
        case Option::nsid:  // its data means nothing, RFC 5001 §2.1
            edns.nsid = true;
            break;
        case Option::tcp_keepalive:
            edns.keepalive = true;
            edns.keepalive_value = edns.keepalive_value || !data.empty();
            break;
        case Option::padding:  // its data means nothing, RFC 7830 §3
            edns.padding = true;
            break;
        default:
            break;
    }
}

// False: the options are ill-formed.
bool read_options(std::span<const std::uint8_t> rdata, Edns& edns) {
    while (!rdata.empty()) {
        if (rdata.size() < 4 || rdata.size() - 4 < get16(&rdata[2]))
            return false;
        const auto data = rdata.subspan(4, get16(&rdata[2]));
        read_option(static_cast<Option>(get16(&rdata[0])), data, edns);
        rdata = rdata.subspan(4 + data.size());
    }
    return true;
}

// One record at `at`, which is moved past it; an OPT record ends in edns. False: it is ill-formed,
// or a TSIG record, which is for with_odd_record to tell.
bool read_record(std::span<const std::uint8_t> message, std::size_t& at, bool additional,
                 Edns& edns) {
    const std::size_t owner = at;
    if (!skip_name(message, at) || message.size() - at < 10)
        return false;
    const std::uint8_t* fields = &message[at];
    const std::size_t rdata_size = get16(fields + 8);
    at += 10;
    if (message.size() - at < rdata_size)
        return false;
    const auto rdata = message.subspan(at, rdata_size);
    at += rdata_size;
    if (static_cast<Type>(get16(fields)) != Type::opt)
        return static_cast<Type>(get16(fields)) != Type::tsig;
    // RFC 6891 §6.1.1: one, in the additional section, owned by the root.
    if (!additional || edns.present || message[owner] != 0)
        return false;
    Edns read;
    if (!read_options(rdata, read))
        return false;
    edns = read;
    edns.present = true;
    edns.udp_size = get16(fields + 2);
    edns.version = fields[5];
    edns.dnssec_ok = (fields[6] & 0x80) != 0;
    edns.compact_ok = (fields[6] & 0x40) != 0;
    return true;
}

// Moves past a name as skip_name does; that one is inlined where it counts.
bool skip_any_name(std::span<const std::uint8_t> message, std::size_t& at) {
    while (at < message.size()) {
        const std::uint8_t length = message[at];
        at += length >= 0xc0 ? 2U : 1U + length;
        if (length == 0 || length >= 0xc0)
            return at <= message.size();
    }
    return false;
}

// What a message is whose i-th record read_record does not take: well-formed, if that is a TSIG
// record at its end (RFC 8945 §5.1).
[[gnu::cold, gnu::noinline]] Parsed with_odd_record(std::span<const std::uint8_t> message,
                                                    const Query& query, unsigned i) {
    const unsigned additional = get16(&message[10]);
    if (query.question.empty() || additional == 0 ||
        i + 1 != get16(&message[6]) + get16(&message[8]) + additional)
        return Parsed::formerr;
    std::size_t at = header_size + query.question.size();
    for (;; --i) {
        if (!skip_any_name(message, at) || message.size() - at < 10)
            return Parsed::formerr;
        const std::size_t end = at + 10 + get16(&message[at + 8]);
        if (i == 0)
            return end == message.size() && static_cast<Type>(get16(&message[at])) == Type::tsig
                       ? Parsed::tsig
                       : Parsed::formerr;
        at = end;  // read_record has taken it
    }
}

// Everything behind the header's flags.
Parsed parse_sections(std::span<const std::uint8_t> message, Query& query) {
    const unsigned questions = get16(&message[4]);
    if (questions > 1)
        return Parsed::formerr;

    if (questions == 1) {
        const auto body = message.subspan(header_size);
        if (!query.name.assign(body) || body.size() - query.name.size < 4)
            return Parsed::formerr;
        query.question = body.first(query.name.size + 4U);
        query.type = static_cast<Type>(get16(&body[query.name.size]));
        query.klass = static_cast<Class>(get16(&body[query.name.size + 2U]));
    }

    // At most 3 * 65535 turns, each of which takes 11 octets of a message of at most 65535.
    std::size_t at = header_size + query.question.size();
    const unsigned before = get16(&message[6]) + get16(&message[8]);
    const unsigned additional = get16(&message[10]);
    for (unsigned i = 0; i < before + additional; ++i) {
        if (!read_record(message, at, i >= before, query.edns))
            return with_odd_record(message, query, i);
    }
    if (at != message.size())
        return Parsed::formerr;
    if (questions == 0)
        return query.edns.cookie ? Parsed::cookie : Parsed::formerr;
    return Parsed::query;
}

}  // namespace

Parsed parse_query(std::span<const std::uint8_t> message, Query& query) noexcept {
    if (message.size() < header_size)
        return Parsed::drop;
    query.id = get16(&message[0]);
    query.flags = get16(&message[2]);
    query.question = {};
    query.edns = {};
    if ((query.flags & flag_qr) != 0)
        return Parsed::drop;
    const Parsed parsed = parse_sections(message, query);
    if (static_cast<Opcode>(query.flags >> opcode_shift & 0xf) != Opcode::query)
        return Parsed::notimp;
    return parsed;
}

}  // namespace summond::dns
