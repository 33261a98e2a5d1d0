"""Messages that are malformed or unusual in one way."""

import struct

from harness import dns
from harness.dns import CH, OPT, SOA, name_to_wire


def opt_record(q, version=0, z=0, options=None):
    return dns.opt(q.udp_size, q.options if options is None else options, version, q.do, z)


def build(q, flags=0, counts=None, before=b"", opt=None, question=None):
    """counts: of the sections, where they are not those that fit."""
    if question is None:
        question = dns.question(q.labels, q.qtype, q.qclass)
    if opt is None:
        opt = opt_record(q) if q.edns else b""
    counts = counts or (1, 0, 0, int(q.edns))
    return struct.pack(">HHHHHH", 0, flags, *counts) + question + before + opt


# -- What can be odd, each made from a plain query

def _opcode(rng, q):
    q.wire = build(q, flags=rng.randrange(1, 16) << 11 | rng.choice((0, 0x0100)))


def _notify(rng, q):
    q.labels, q.qtype = rng.choice(((b"z0", b"example"), ())), SOA
    q.wire = build(q, flags=4 << 11 | 0x0400)


def _response(rng, q):
    q.wire = build(q, flags=0x8000 | rng.randrange(0x8000))


def _flags(rng, q):
    q.wire = build(q, flags=rng.randrange(0x800))


def _cut(rng, q):
    q.wire = q.wire[:rng.randrange(len(q.wire))]


def _trailing(rng, q):
    q.wire += rng.randbytes(rng.randrange(1, 20))


def _flip(rng, q):
    message = bytearray(q.wire)
    for _ in range(rng.choice((1, 1, 2, 5))):
        message[rng.randrange(2, len(message))] = rng.randrange(256)
    q.wire = bytes(message)


def _garbage(rng, q):
    q.wire = rng.randbytes(rng.randrange(60))


def _no_question(rng, q):
    q.wire = build(q, counts=(0, 0, 0, int(q.edns)), question=b"")


def _two_questions(rng, q):
    one = dns.question(q.labels, q.qtype, q.qclass)
    q.wire = build(q, counts=(2, 0, 0, int(q.edns)), question=one * 2)


def _counts(rng, q):
    counts = [1, 0, 0, int(q.edns)]
    counts[rng.randrange(1, 4)] += rng.choice((1, 2, 65535 - int(q.edns)))
    q.wire = build(q, counts=counts)


def _records(rng, q):
    """A record that a query has no use for."""
    section = rng.randrange(1, 4)
    counts = [1, 0, 0, int(q.edns)]
    counts[section] += 1
    record = name_to_wire(q.labels) + struct.pack(">HHIH", 1, 1, 0, 4) + b"\xc0\0\2\1"
    q.wire = build(q, counts=counts, before=record)


def _bad_name(rng, q):
    name = rng.choice((b"\xc0\x0c", b"\xc0\x00", b"\x03www\xc0\x0c", b"\x40" + bytes(20) + b"\0",
                       b"\x80\0", b"\x3f" + b"a" * 63 + b"\x3f" + b"b" * 63 + b"\x3f" + b"c" * 63 +
                       b"\x3f" + b"d" * 63 + b"\0", b"\1a" * 128 + b"\0", b"\x05abc"))
    q.wire = build(q, question=name + struct.pack(">HH", q.qtype, q.qclass))


def _class(rng, q):
    q.qclass = rng.choice((0, 2, CH, 4, 254, 255, rng.randrange(65536)))
    q.wire = build(q)


def _meta_type(rng, q):
    q.qtype = rng.choice((0, OPT, 128, 249, dns.TSIG, dns.IXFR, dns.AXFR, dns.MAILB, dns.MAILA, 65535))
    q.wire = build(q)


def _transfer(rng, q):
    """AXFR and IXFR of a zone, the latter with its SOA."""
    q.labels, q.qtype = rng.choice(((b"z0", b"example"), ())), rng.choice((dns.AXFR, dns.IXFR))
    if q.qtype == dns.AXFR:
        q.wire = build(q)
        return
    soa = name_to_wire(q.labels) + struct.pack(">HHIH", SOA, 1, 0, 22) + b"\0\0" + bytes(20)
    q.wire = build(q, counts=(1, 0, 1, int(q.edns)), before=soa)


def _version(rng, q):
    q.edns = True
    q.wire = build(q, opt=opt_record(q, version=rng.randrange(1, 256)))


def _z_bits(rng, q):
    q.edns = True
    q.wire = build(q, opt=opt_record(q, z=rng.randrange(1, 0x8000)))


def _two_opts(rng, q):
    q.edns = True
    q.wire = build(q, counts=(1, 0, 0, 2), opt=opt_record(q) * 2)


def _misplaced_opt(rng, q):
    q.edns = True
    q.wire = build(q, counts=rng.choice(((1, 1, 0, 0), (1, 0, 1, 0))))


def _owned_opt(rng, q):
    q.edns = True
    q.wire = build(q, opt=b"\1x" + opt_record(q))


def _cut_option(rng, q):
    q.edns = True
    data = rng.choice((b"\0", b"\0\3\0", b"\0\3\0\4ab", b"\xff\0\xff\xff"))
    q.wire = build(q, opt=opt_record(q, options=[])[:-2] + struct.pack(">H", len(data)) + data)


def _bad_cookie(rng, q):
    q.edns, q.options = True, [(dns.COOKIE, rng.randbytes(rng.choice((0, 1, 7, 9, 15, 41, 60))))]
    q.wire = build(q)


def _server_cookie(rng, q):
    q.edns, q.options = True, [(dns.COOKIE, rng.randbytes(rng.choice((16, 24, 40))))]
    q.wire = build(q)


def _bad_options(rng, q):
    q.edns = True
    q.options = [rng.choice(((dns.KEEPALIVE, b"\0\1"), (dns.KEEPALIVE, b"\0"), (dns.ECS, b"\0"),
                             (dns.ECS, b"\0\7\x18\0\1\2\3"), (dns.EDE, b"\0\1"), (0, b""), (65535, b"")))]
    q.wire = build(q)


def _tsig(rng, q):
    """Signed with a key that nobody knows."""
    data = name_to_wire((b"hmac-sha256",)) + bytes(6) + b"\1\x2c\0\x20" + bytes(32) + b"\0\0" + bytes(4)
    record = b"\3key\0" + struct.pack(">HHIH", dns.TSIG, 255, 0, len(data)) + data
    q.wire = build(q, counts=(1, 0, 0, 1 + int(q.edns)))
    q.wire += record


ODDITIES = [("opcode", _opcode), ("notify", _notify), ("response", _response), ("flags", _flags),
            ("cut", _cut), ("trailing", _trailing), ("flip", _flip), ("garbage", _garbage),
            ("no question", _no_question), ("two questions", _two_questions), ("counts", _counts),
            ("records", _records), ("bad name", _bad_name), ("class", _class),
            ("meta type", _meta_type), ("transfer", _transfer), ("version", _version),
            ("z bits", _z_bits), ("two OPT", _two_opts), ("misplaced OPT", _misplaced_opt),
            ("owned OPT", _owned_opt), ("cut option", _cut_option), ("bad cookie", _bad_cookie),
            ("server cookie", _server_cookie), ("bad options", _bad_options), ("TSIG", _tsig)]
