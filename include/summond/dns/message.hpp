// Reads a query message. No allocation, no exceptions; the bytes are hostile.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "summond/dns/folded_name.hpp"
#include "summond/dns/types.hpp"

namespace summond::dns {

// What the OPT record of a query says (RFC 6891 §6.1).
struct Edns {
    bool present = false;
    std::uint8_t version = 0;
    bool dnssec_ok = false;      // DO, RFC 3225; echoed
    bool compact_ok = false;     // CO, RFC 9824 §5.1
    std::uint16_t udp_size = 0;  // as sent; below 512 means 512 (§6.2.3)
    // Data of the first COOKIE option (RFC 7873 §5.2), as received, part of the message.
    std::optional<std::span<const std::uint8_t>> cookie;
    bool nsid = false;             // the server's identity is asked for, RFC 5001 §2.1
    bool keepalive = false;        // how long a connection may be idle is asked for, RFC 7828
    bool keepalive_value = false;  // ill-formed: a client has said how long (§3.2.1)
    bool padding = false;          // RFC 7830
};

struct Query {
    std::uint16_t id = 0;
    std::uint16_t flags = 0;  // the header's second word as received
    // The question as received, to be echoed octet by octet (the case of a name's letters is
    // entropy of the client's): name, type, class. Empty where there is none or it is broken.
    std::span<const std::uint8_t> question;
    FoldedName name;
    Type type{};
    Class klass{};
    Edns edns;
};

enum class Parsed : std::uint8_t {
    query,    // everything in Query is set
    tsig,     // a query whose last record is a TSIG record (RFC 8945); everything in Query is set
    cookie,   // no question, but a COOKIE option: a client asks for a server cookie only (RFC 7873
              // §5.4); id, flags and edns are set
    drop,     // not a query at all: under 12 octets, or a response. Never answered, so that two
              // servers cannot be made to answer each other.
    formerr,  // id and flags are set; question and edns as far as they were read
    notimp,   // an opcode other than QUERY; id and flags are set, question and edns as far as they
              // could be read as those of a query
};

// Also formerr: other QDCOUNTs than 1 (RFC 9619), two OPT records or one that is ill-formed (RFC
// 6891 §6.1.1), a TSIG record that is not the last one (RFC 8945 §5.1), trailing octets. Other
// records of the query are checked for form and ignored.
Parsed parse_query(std::span<const std::uint8_t> message, Query& query) noexcept;

}  // namespace summond::dns
