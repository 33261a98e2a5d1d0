"""Seeded queries: ordinary ones for names in and around the zones, and odd ones, which are malformed or
unusual in one way (odd.py)."""

import struct

import odd
from harness import dns
from rdata import NUMBERS
from harness.dns import ANY, CH, IN, SOA, TXT, name_to_wire
from zones import LABELS, ODD_LABELS, lower

UDP_SIZES = (0, 300, 512, 513, 700, 1000, 1231, 1232, 1233, 1400, 4096, 65535)


class Query:
    """One message to send, and what it was made from."""
    __slots__ = ("labels", "qtype", "qclass", "tcp", "edns", "udp_size", "do", "options", "odd", "wire")

    def __str__(self):
        how = "TCP" if self.tcp else "UDP"
        if self.edns:
            options = " ".join(f"{code}:{data.hex()}" for code, data in self.options)
            how += f" EDNS {self.udp_size}{' do' if self.do else ''} {options}"
        return (f"{dns.text_of(self.labels)} class {self.qclass} type {self.qtype} {how}"
                f"{' odd: ' + self.odd if self.odd else ''}  [{self.wire.hex()[4:]}]")

    def limit(self):
        """The largest answer, at most 1232 octets, which all servers are set to."""
        if self.tcp:
            return 65535
        return min(max(self.udp_size, 512), 1232) if self.edns else 512

    def message(self, ident):
        return struct.pack(">H", ident) + self.wire[2:]


class Queries:
    def __init__(self, rng, world):
        self.rng, self.world = rng, world
        self.types = sorted(set(NUMBERS.values()))

    # -- Names

    def labels(self):
        """(name, owner it is made from)"""
        rng = self.rng
        zone = rng.choice(self.world.zones)
        base = rng.choice(zone.names)
        kind = rng.random()
        if kind < 0.45:
            return base, base
        if kind < 0.65:  # below: what a wildcard, a DNAME or a delegation answers
            name = base
            for _ in range(rng.choice((1, 1, 1, 2, 4))):
                name = (self.label(), *name)
        elif kind < 0.75:  # above: empty non-terminals
            name = base[rng.randrange(len(base) + 1):]
        elif kind < 0.87:  # beside
            name = (self.label(), *base[1:])
        elif kind < 0.95:
            name = tuple(self.label() for _ in range(rng.randrange(1, 6))) + zone.apex
        elif kind < 0.97:  # as long as can be
            name = base
            while len(name_to_wire(name)) < 253:
                room = 255 - len(name_to_wire(name)) - 1
                name = (b"y" * rng.choice((1, min(63, room), min(17, room))), *name)
        else:
            name = tuple(self.label() for _ in range(rng.randrange(3))) + (b"nowhere", b"invalid")
        return (name, None) if len(name_to_wire(name)) <= 255 else (base, base)

    def label(self):
        rng = self.rng
        r = rng.random()
        if r < 0.1:
            return rng.choice(ODD_LABELS)
        return rng.choice(LABELS) if r < 0.8 else rng.randbytes(rng.randrange(1, 12))

    def qtype(self, owner):
        rng = self.rng
        for zone in self.world.zones:
            held = zone.types.get(lower(owner)) if owner is not None else None
            if held and rng.random() < 0.6:
                return NUMBERS[rng.choice(sorted(held))]
        r = rng.random()
        if r < 0.04:
            return ANY
        if r < 0.09:
            return rng.choice((dns.DS, dns.NS, SOA, dns.RRSIG, dns.NSEC))
        if r < 0.5:
            return rng.choice((1, 28, TXT, dns.MX, dns.CNAME))
        return rng.choice(self.types) if r < 0.95 else rng.randrange(256, 65280)

    # -- Messages

    def plain(self):
        """What resolvers send."""
        rng, q = self.rng, Query()
        q.labels, owner = self.labels()
        q.qtype, q.qclass, q.odd = self.qtype(owner), IN, ""
        if rng.random() < 0.3:
            q.labels = tuple(bytes(rng.choice((c, ord(chr(c).upper()))) if 97 <= c <= 122 else c
                                   for c in label) for label in q.labels)
        if rng.random() < 0.005:
            q.qclass, q.qtype = CH, TXT
            q.labels = rng.choice(((b"version", b"bind"), (b"ID", b"server"), (b"version", b"server"),
                                   (b"hostname", b"bind"), (b"x", b"bind")))
        self.transport(q)
        q.wire = odd.build(q, flags=rng.choice((0, 0, 0x0100, 0x0120, 0x0010)))
        return q

    def transport(self, q):
        rng = self.rng
        q.tcp = rng.random() < 0.1
        q.edns, q.udp_size, q.do, q.options = rng.random() < 0.65, 0, 0, []
        if q.edns:
            q.udp_size, q.do = rng.choice(UDP_SIZES), int(rng.random() < 0.3)
            if rng.random() < 0.25:
                q.options = [self.option() for _ in range(rng.choice((1, 1, 2)))]

    def option(self):
        rng = self.rng
        return rng.choice(((dns.NSID, b""), (dns.NSID, b"x"), (dns.COOKIE, rng.randbytes(8)),
                           (dns.ECS, b"\0\1\x18\0\xc0\0\2"), (dns.KEEPALIVE, b""), (dns.KEEPALIVE, b"\0\1"),
                           (dns.PADDING, bytes(rng.randrange(64))), (13, b""), (14, b"\0\1"),
                           (65001, rng.randbytes(5)), (4, b"")))

    def odd(self):
        rng, q = self.rng, self.plain()
        q.odd, make = rng.choice(odd.ODDITIES)
        make(rng, q)
        return q


def bare(q):
    """The question alone of a query that has a good one."""
    _, at = dns.read_name(q.wire, 12, False)
    return dns.message(0, q.wire[12:at + 4])
