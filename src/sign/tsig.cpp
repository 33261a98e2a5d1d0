#include "summond/sign/tsig.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>

#include "summond/dns/types.hpp"
#include "summond/dns/wire.hpp"

namespace summond::sign {
namespace {

using dns::get16;

constexpr std::size_t count_at = 10;  // ARCOUNT
constexpr std::size_t fields_size = 10;
constexpr std::size_t time_size = 6;

using Octets = std::vector<std::uint8_t>;

const EVP_MD* digest_of(TsigAlgorithm algorithm) {
    switch (algorithm) {
        case TsigAlgorithm::sha1:
            return EVP_sha1();
        case TsigAlgorithm::sha224:
            return EVP_sha224();
        case TsigAlgorithm::sha256:
            return EVP_sha256();
        case TsigAlgorithm::sha384:
            return EVP_sha384();
        case TsigAlgorithm::sha512:
            break;
    }
    return EVP_sha512();
}

std::size_t mac_size(TsigAlgorithm algorithm) {
    return static_cast<std::size_t>(EVP_MD_get_size(digest_of(algorithm)));
}

dns::Name name_of(TsigAlgorithm algorithm) {
    return *dns::Name::parse(to_string(algorithm));
}

void add16(Octets& to, std::uint16_t value) {
    to.push_back(static_cast<std::uint8_t>(value >> 8));
    to.push_back(static_cast<std::uint8_t>(value));
}

void add48(Octets& to, std::uint64_t value) {
    for (int shift = 40; shift >= 0; shift -= 8)
        to.push_back(static_cast<std::uint8_t>(value >> shift));
}

void add(Octets& to, std::span<const std::uint8_t> octets) {
    to.insert(to.end(), octets.begin(), octets.end());
}

std::uint64_t get48(const std::uint8_t* at) {
    return std::uint64_t{get16(at)} << 32 | dns::get32(at + 2);
}

Octets hmac(const TsigKey& key, const Octets& text) {
    Octets mac(EVP_MAX_MD_SIZE);
    unsigned size = 0;
    if (::HMAC(digest_of(key.algorithm), key.secret.data(), static_cast<int>(key.secret.size()),
               text.data(), text.size(), mac.data(), &size) == nullptr)
        size = 0;
    mac.resize(size);
    return mac;
}

// The fields of the record that are digested, RFC 8945 §4.3.3.
struct Variables {
    const dns::Name& key;
    const dns::Name& algorithm;
    std::uint64_t time;
    std::uint16_t fudge;
    TsigError error;
    std::span<const std::uint8_t> other;
};

void add_variables(Octets& text, const Variables& of) {
    add(text, of.key.wire());
    add16(text, static_cast<std::uint16_t>(dns::Class::any));
    text.insert(text.end(), 4, 0);  // TTL
    add(text, of.algorithm.wire());
    add48(text, of.time);
    add16(text, of.fudge);
    add16(text, static_cast<std::uint16_t>(of.error));
    add16(text, static_cast<std::uint16_t>(of.other.size()));
    add(text, of.other);
}

void add_mac(Octets& text, std::span<const std::uint8_t> mac) {
    add16(text, static_cast<std::uint16_t>(mac.size()));
    add(text, mac);
}

void append_record(Octets& message, const Variables& of, std::span<const std::uint8_t> mac,
                   std::uint16_t original_id) {
    add(message, of.key.wire());
    add16(message, static_cast<std::uint16_t>(dns::Type::tsig));
    add16(message, static_cast<std::uint16_t>(dns::Class::any));
    message.insert(message.end(), 4, 0);
    const std::size_t length_at = message.size();
    add16(message, 0);
    add(message, of.algorithm.wire());
    add48(message, of.time);
    add16(message, of.fudge);
    add_mac(message, mac);
    add16(message, original_id);
    add16(message, static_cast<std::uint16_t>(of.error));
    add16(message, static_cast<std::uint16_t>(of.other.size()));
    add(message, of.other);
    dns::put16(&message[length_at], static_cast<std::uint16_t>(message.size() - length_at - 2));
    dns::put16(&message[count_at], static_cast<std::uint16_t>(get16(&message[count_at]) + 1));
}

// Moves past a name, which may end in a pointer.
bool skip_name(std::span<const std::uint8_t> message, std::size_t& at) {
    constexpr unsigned pointer_bits = 0xc0;
    while (at < message.size()) {
        const std::uint8_t length = message[at];
        if (length >= pointer_bits) {
            at += 2;
            return at <= message.size();
        }
        at += 1U + length;
        if (length == 0)
            return true;
    }
    return false;
}

// An uncompressed name at `at`, which is moved past it.
std::optional<dns::Name> read_name(std::span<const std::uint8_t> octets, std::size_t& at) {
    const std::size_t begin = at;
    if (!skip_name(octets, at))
        return std::nullopt;
    auto name = dns::Name::from_wire(octets.subspan(begin, at - begin));
    return name ? std::optional(std::move(*name)) : std::nullopt;
}

// A name that may be compressed; pointers lead back, or it is none.
std::optional<dns::Name> expand_name(std::span<const std::uint8_t> message, std::size_t at) {
    constexpr unsigned pointer_bits = 0xc0;
    Octets wire;
    std::size_t last = at;
    while (at < message.size() && wire.size() < dns::max_name_size) {
        const std::uint8_t length = message[at];
        if ((length & pointer_bits) == pointer_bits) {
            if (message.size() - at < 2)
                return std::nullopt;
            at = get16(&message[at]) & dns::max_pointer;
            if (at >= last)
                return std::nullopt;
            last = at;
            continue;
        }
        if (message.size() - at < 1U + length)
            return std::nullopt;
        add(wire, message.subspan(at, 1U + length));
        at += 1U + length;
        if (length != 0)
            continue;
        auto name = dns::Name::from_wire(wire);
        return name ? std::optional(std::move(*name)) : std::nullopt;
    }
    return std::nullopt;
}

// Where the last record begins and its fields are.
struct LastRecord {
    std::size_t owner = 0;
    std::size_t fields = 0;
};
std::optional<LastRecord> last_record(std::span<const std::uint8_t> message) {
    if (message.size() < dns::header_size || get16(&message[count_at]) == 0)
        return std::nullopt;
    std::size_t at = dns::header_size;
    for (unsigned i = 0; i < get16(&message[4]); ++i) {
        if (!skip_name(message, at) || message.size() - at < 4)
            return std::nullopt;
        at += 4;
    }
    const unsigned records = get16(&message[6]) + get16(&message[8]) + get16(&message[count_at]);
    LastRecord last;
    for (unsigned i = 0; i < records; ++i) {
        last.owner = at;
        if (!skip_name(message, at) || message.size() - at < fields_size)
            return std::nullopt;
        last.fields = at;
        const std::size_t size = get16(&message[at + 8]);
        at += fields_size;
        if (message.size() - at < size)
            return std::nullopt;
        at += size;
    }
    return at == message.size() ? std::optional(last) : std::nullopt;
}

}  // namespace

std::string_view to_string(TsigAlgorithm algorithm) {
    constexpr std::array<std::string_view, 5> names{"hmac-sha1", "hmac-sha224", "hmac-sha256",
                                                    "hmac-sha384", "hmac-sha512"};
    return names[static_cast<std::size_t>(algorithm)];
}

std::optional<TsigRecord> read_tsig(std::span<const std::uint8_t> message) {
    const auto last = last_record(message);
    if (!last)
        return std::nullopt;
    const std::uint8_t* const fields = &message[last->fields];
    // RFC 8945 §4.2: class ANY, TTL 0.
    if (static_cast<dns::Type>(get16(fields)) != dns::Type::tsig ||
        static_cast<dns::Class>(get16(fields + 2)) != dns::Class::any ||
        dns::get32(fields + 4) != 0)
        return std::nullopt;
    TsigRecord record;
    record.at = last->owner;
    auto key = expand_name(message, last->owner);
    const auto rdata = message.subspan(last->fields + fields_size);
    std::size_t at = 0;
    auto algorithm = read_name(rdata, at);
    if (!key || !algorithm || rdata.size() - at < time_size + 2 + 2)
        return std::nullopt;
    record.key = std::move(*key);
    record.algorithm = std::move(*algorithm);
    record.time = get48(&rdata[at]);
    record.fudge = get16(&rdata[at + time_size]);
    const std::size_t mac = get16(&rdata[at + time_size + 2]);
    at += time_size + 4;
    if (rdata.size() - at < mac || rdata.size() - at - mac < 6)
        return std::nullopt;
    record.mac = rdata.subspan(at, mac);
    at += mac;
    record.original_id = get16(&rdata[at]);
    record.error = static_cast<TsigError>(get16(&rdata[at + 2]));
    if (rdata.size() - at - 6 != get16(&rdata[at + 4]))
        return std::nullopt;
    record.other = rdata.subspan(at + 6);
    return record;
}

TsigVerdict verify_tsig(std::span<const std::uint8_t> message, const TsigRecord& record,
                        const TsigKey* key, std::uint64_t now,
                        std::span<const std::uint8_t> request_mac) {
    if (key == nullptr || key->name != record.key || name_of(key->algorithm) != record.algorithm)
        return {TsigError::badkey};
    const std::size_t full = mac_size(key->algorithm);
    // §5.2.2.1
    if (record.mac.size() > full || record.mac.size() < std::max<std::size_t>(10, full / 2))
        return {TsigError::none, true};
    Octets text;
    if (!request_mac.empty())
        add_mac(text, request_mac);
    const std::size_t begin = text.size();
    add(text, message.first(record.at));
    dns::put16(&text[begin], record.original_id);
    dns::put16(&text[begin + count_at], static_cast<std::uint16_t>(get16(&message[count_at]) - 1));
    add_variables(text, {record.key, record.algorithm, record.time, record.fudge, record.error,
                         record.other});
    const Octets mac = hmac(*key, text);
    if (mac.size() < record.mac.size() ||
        CRYPTO_memcmp(mac.data(), record.mac.data(), record.mac.size()) != 0)
        return {TsigError::badsig};
    const std::uint64_t apart = now > record.time ? now - record.time : record.time - now;
    if (apart > record.fudge)
        return {TsigError::badtime};
    // §5.2.2.1: after the time. Nobody sends truncated ones, and who does may be guessing.
    if (record.mac.size() < full)
        return {TsigError::badtrunc};
    return {};
}

void prepare_tsig() {
    for (std::size_t i = 0; i <= static_cast<std::size_t>(TsigAlgorithm::last); ++i)
        hmac({{}, static_cast<TsigAlgorithm>(i), {0}}, {0});
}

TsigSigner::TsigSigner(const TsigKey& key, const TsigRecord& request)
    : key_(key),
      request_time_(request.time),
      mac_(request.mac.begin(), request.mac.end()),
      answers_(true) {}

std::size_t TsigSigner::size() const {
    const dns::Name algorithm = name_of(key_.algorithm);
    return key_.name.wire().size() + fields_size + algorithm.wire().size() + time_size + 4 +
           mac_size(key_.algorithm) + 6 + time_size;
}

void TsigSigner::sign(Octets& message, std::uint64_t now, TsigError error) {
    const dns::Name algorithm = name_of(key_.algorithm);
    Octets other;
    std::uint64_t time = now;
    if (error == TsigError::badtime) {
        add48(other, now);
        time = request_time_;
    }
    const Variables variables{key_.name, algorithm, time, tsig_fudge, error, other};
    Octets text;
    if (answers_ || !first_)
        add_mac(text, mac_);
    add(text, message);
    if (first_) {
        add_variables(text, variables);
    } else {  // §5.3.1: timers only
        add48(text, time);
        add16(text, tsig_fudge);
    }
    first_ = false;
    mac_ = hmac(key_, text);
    append_record(message, variables, mac_, get16(message.data()));
}

void add_unsigned_tsig(Octets& message, const TsigRecord& request, TsigError error) {
    append_record(message, {request.key, request.algorithm, request.time, request.fudge, error, {}},
                  {}, request.original_id);
}

}  // namespace summond::sign
