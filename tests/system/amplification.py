"""How much larger than its query an answer over UDP can be, measured with a real daemon.

    SUMMOND=build/release/summond python3 tests/system/amplification.py

Ratios are of UDP payloads, the bandwidth amplification factor of US-CERT's alert TA14-017A.
"""

from process_support import A, NS, SOA, TXT, Daemon, query

from harness.dns import ANY, COOKIE, MX
from harness.dns_client import exchange

# A name as short as they come in practice, and what costs most below it.
SMALL = """\
zones:
  - name: jit.example
    ns: ns1.jit.example
    records:
      - "ns1 A 192.0.2.53"
      - "ns1 AAAA 2001:db8::53"
      - "@ MX 10 mail.example.org."
      - "a A 192.0.2.80"
"""
LARGE = SMALL + """\
      - '@ TXT {text512}'
      - 't TXT {text1232}'
      - 'more TXT {text1232} {text1232}'
{delegation}
{addresses}
"""
SERVICE = """\
services:
  - name: www
    names: www.jit.example
    addresses: [10.9.0.1, "2001:db8::91"]
    kernel: /nonexistent/kernel
"""


def text(octets):
    """TXT data of this size."""
    strings = []
    while octets > 0:
        size = min(octets, 256)
        strings.append('"' + "x" * (size - 1) + '"')
        octets -= size
    return " ".join(strings)


def config():
    # Question, record fields and data: 512 and, with an OPT record, 1232 octets exactly.
    text512 = text(512 - (12 + 13 + 4) - 12)
    text1232 = text(1232 - (12 + 15 + 4) - 12 - 11)
    delegation = "\n".join(f'      - "sub NS ns{i}.sub"\n      - "ns{i}.sub A 192.0.2.{i}"\n'
                           f'      - "ns{i}.sub AAAA 2001:db8::{i}"' for i in range(13))
    addresses = "\n".join(f'      - "many A 198.51.100.{i}"' for i in range(70))
    return LARGE.format(text512=text512, text1232=text1232, delegation=delegation,
                        addresses=addresses) + SERVICE


CASES = [
    ("a service's address", "www.jit.example", A),
    ("an address", "a.jit.example", A),
    ("no such type", "a.jit.example", TXT),
    ("no such name", "no.jit.example", A),
    ("another's name", "example.net", A),
    ("SOA", "jit.example", SOA),
    ("NS with glue", "jit.example", NS),
    ("MX", "jit.example", MX),
    ("ANY", "jit.example", ANY),
    ("a referral, 13 servers with glue", "x.sub.jit.example", A),
    ("70 addresses", "many.jit.example", A),
    ("TXT of 512 octets in all", "jit.example", TXT),
    ("TXT of 1232 octets in all", "t.jit.example", TXT),
    ("TXT of 2400 octets", "more.jit.example", TXT),
]


def answer_size(port, message):
    return len(exchange(("127.0.0.1", port), message, 30))  # services wake


def measure(port):
    """[(what, query size and answer size without EDNS, the same with EDNS)]"""
    results = []
    for what, name, qtype in CASES:
        plain, edns = query(name, qtype, 1), query(name, qtype, 1, edns=4096)
        results.append((what, len(plain), answer_size(port, plain), len(edns),
                        answer_size(port, edns)))
    return results


def measure_limited(port):
    """The same for a client that is being limited."""
    plain, edns = query("jit.example", TXT, 1), query("jit.example", TXT, 1, edns=4096)
    cookie = query("jit.example", TXT, 1, edns=4096, options=[(COOKIE, b"c" * 8)])
    while not exchange(("127.0.0.1", port), plain, 30)[2] & 2:  # TC
        pass
    results = []
    for what, message in (("limited", plain), ("limited, EDNS", edns),
                          ("limited, EDNS with a cookie", cookie)):
        results.append((what, len(message), answer_size(port, message)))
    return results


def main():
    daemon = Daemon(config(), "--simulate")
    try:
        daemon.ready()
        print(f"{'':36} {'without EDNS':>20}  {'with EDNS':>20}")
        for what, query_size, size, edns_query_size, edns_size in measure(daemon.port):
            print(f"{what:36} {query_size:4} -> {size:4} {size / query_size:6.1f}x  "
                  f"{edns_query_size:4} -> {edns_size:4} {edns_size / edns_query_size:6.1f}x")
        daemon.reload("workers: 1\nrate_limit: {responses_per_second: 1, exempt: none}\n" + config())
        for what, query_size, size in measure_limited(daemon.port):
            print(f"{what:36} {query_size:4} -> {size:4} {size / query_size:6.1f}x")
    finally:
        daemon.close()


if __name__ == "__main__":
    main()
