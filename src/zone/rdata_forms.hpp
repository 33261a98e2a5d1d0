// Fields that only one or two record types have, from presentation format.
#pragma once

#include "summond/dns/name.hpp"
#include "text_fields.hpp"

namespace summond::zone {

base::Result<void> read_name(std::string_view word, const dns::Name& origin, Bytes& out);
base::Result<void> read_address(std::string_view word, bool v4, Bytes& out);

// RFC 4034 §4.1.2: mnemonics in any order to the end.
base::Result<void> read_types(Words& words, Bytes& out);
// RFC 2535 §5.2.
base::Result<void> read_nxt_types(Words& words, Bytes& out);
// RFC 1876 §3.
base::Result<void> read_loc(Words& words, Bytes& out);
// RFC 3123 §5.
base::Result<void> read_apl(Words& words, Bytes& out);
// WKS: protocol and ports, RFC 1035 §3.4.2.
base::Result<void> read_services(Words& words, Bytes& out);
// RFC 1706 §7: 0x and hexadecimal digits with dots.
base::Result<void> read_nsap(std::string_view word, Bytes& out);
// ATM Name System, af-dans-0152: +E.164 digits, or an AESA in hexadecimal digits with dots.
base::Result<void> read_atma(std::string_view word, Bytes& out);
// RFC 2874 §3.2.
base::Result<void> read_a6(Words& words, const dns::Name& origin, Bytes& out);
// RFC 4025 §3, RFC 8777 §4.3. type: 0 nothing (written "."), 1 IPv4, 2 IPv6, 3 a name.
base::Result<void> read_gateway(std::string_view word, unsigned type, const dns::Name& origin,
                                Bytes& out);
// RFC 8777 §4.3.1: "0" or "1" and a type.
base::Result<void> read_discovery(Words& words, Bytes& out);
// RFC 8005 §6.
base::Result<void> read_host_identity(Words& words, const dns::Name& origin, Bytes& out);
// EUI48 and EUI64: RFC 7043 §3.2, §4.2.
base::Result<void> read_eui(std::string_view word, std::size_t octets, Bytes& out);
// RFC 6742 §2.1.2: four groups of one to four hexadecimal digits.
base::Result<void> read_locator(std::string_view word, Bytes& out);

}  // namespace summond::zone
