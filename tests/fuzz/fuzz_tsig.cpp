// Any bytes as a message with a TSIG record, and as a key's file. What is signed here holds, and no
// octet of it may change.
#include <vector>

#include "fuzz_check.hpp"
#include "summond/dns/message.hpp"
#include "summond/dns/wire.hpp"
#include "summond/sign/tsig.hpp"

using namespace summond;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    constexpr std::uint64_t now = 1'900'000'000;
    static const sign::TsigKey key =
        *sign::parse_tsig_key("key k.example { algorithm hmac-sha256; secret MTIzNA==; };");
    const std::vector<std::uint8_t> message(data, data + size);  // reads past its end are seen
    const auto record = sign::read_tsig(message);
    if (record) {
        FUZZ_CHECK(record->at >= dns::header_size && record->at < size);
        static_cast<void>(sign::verify_tsig(message, *record, &key, now));
    }
    // Whoever reads queries has looked for it, too.
    dns::Query query;
    if (dns::parse_query(message, query) == dns::Parsed::query)
        FUZZ_CHECK(!record);

    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto read = sign::parse_tsig_key(text))
        FUZZ_CHECK(!read->secret.empty() || text.find("=") != std::string_view::npos);

    dns::Query asked;
    const auto parsed = dns::parse_query(message, asked);
    if (parsed != dns::Parsed::query || size > 60000)
        return 0;
    std::vector<std::uint8_t> signed_message = message;
    sign::TsigSigner(key).sign(signed_message, now);
    FUZZ_CHECK(dns::parse_query(signed_message, asked) == dns::Parsed::tsig);
    const auto found = sign::read_tsig(signed_message);
    FUZZ_CHECK(found && found->at == size);
    FUZZ_CHECK(sign::verify_tsig(signed_message, *found, &key, now).good());
    signed_message[size > 12 ? 12 : 3] ^= 0x20;
    const auto changed = sign::read_tsig(signed_message);
    FUZZ_CHECK(!changed || !sign::verify_tsig(signed_message, *changed, &key, now).good());
    return 0;
}
