"""The zones and queries of the benchmark. Seeded, so that every run asks the same."""

import random
import struct

from harness import dns, dns_client
from harness.dns import A, AAAA, NOERROR, NXDOMAIN

ZONE = "bench.example"
SEED = 20261122


def zone(names, serial=1, aaaa=True):
    """The lines of a zone file: `names` names with an address each, and a wildcard. The name
    `serial` tells which version of the zone a server has."""
    yield f"$ORIGIN {ZONE}.\n$TTL 5\n"
    yield f"@ 3600 SOA ns1 hostmaster {serial} 3600 600 86400 5\n"
    yield "@ 3600 NS ns1\n@ 3600 NS ns2\nns1 3600 A 192.0.2.1\nns2 3600 A 192.0.2.2\n"
    yield f"serial A {serial_address(serial)}\n*.w A 10.2.0.1\n"
    for i in range(names):
        yield f"svc{i} A {address(i)}\n"
        if aaaa:
            yield f"svc{i} AAAA {address6(i)}\n"


def address(i):
    return f"10.{16 + (i >> 16)}.{i >> 8 & 255}.{i & 255}"


def address6(i):
    return f"fd00::1:{i >> 16:x}:{i & 65535:x}"


def serial_address(serial):
    return f"192.0.2.{serial}"


def questions(count, names, aaaa=True):
    """(name, type, rcode, answers) with the right answer's: 80 % A and 10 % AAAA of names that are
    there (90 % A without aaaa), 5 % of names that are not, 5 % that the wildcard matches."""
    chance = random.Random(SEED)

    def word():
        return "".join(chance.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=8))

    for kind in chance.choices(("a", "aaaa", "none", "wildcard"), (80, 10, 5, 5), k=count):
        if kind == "none":
            yield f"nx-{word()}.{ZONE}", A, NXDOMAIN, 0
        elif kind == "wildcard":
            yield f"{word()}.w.{ZONE}", A, NOERROR, 1
        else:
            qtype = AAAA if kind == "aaaa" and aaaa else A
            yield f"svc{chance.randrange(names)}.{ZONE}", qtype, NOERROR, 1


def query(name, qtype, cookie=False):
    """The message; with `cookie`, it ends with an OPT record with room for a whole DNS cookie."""
    if not cookie:
        return dns.query(name, qtype)
    return dns.query(name, qtype, edns=1232, options=[(dns.COOKIE, bytes(24))])


def write_zone(path, *arguments, **named):
    with open(path, "w", encoding="ascii") as f:
        f.writelines(zone(*arguments, **named))


def write_queries(path, count, names, aaaa=True, cookie=False):
    """In the form that load.hpp reads."""
    with open(path, "wb") as f:
        for name, qtype, rcode, answers in questions(count, names, aaaa):
            wire = query(name, qtype, cookie)
            f.write(struct.pack("<HBB", len(wire), rcode, answers) + wire)


def ask(port, name, timeout, zone_name=ZONE):
    """The IPv4 address that the server gives for a name of the zone; None without one in time."""
    try:
        answer = dns_client.ask(("127.0.0.1", port), f"{name}.{zone_name}", edns=None, timeout=timeout)
    except (dns_client.NoAnswer, dns_client.Malformed):
        return None  # before it has its port, a client may be given that very port, and hear itself
    if answer.rcode != NOERROR or len(answer.answer) != 1:
        return None
    return answer.answer[0].data
