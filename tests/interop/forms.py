"""What is wrong with a message, by the RFCs, and what summond owes it."""

import struct

from harness import dns
from harness.dns import FORMERR, NOTIMP, OPT, REFUSED, BADVERS

# Form: the rcode of an answer without records, or silence.
REACTIONS = {
    "short": "silence", "response": "silence",
    "opcode": NOTIMP,
    "no question": FORMERR, "two questions": FORMERR, "bad question": FORMERR, "bad record": FORMERR,
    "trailing octets": FORMERR, "misplaced OPT": FORMERR, "two OPT": FORMERR, "owned OPT": FORMERR,
    "bad option": FORMERR, "bad cookie": FORMERR, "bad keepalive": FORMERR,
    "version": BADVERS,
    "class": REFUSED, "transfer": REFUSED, "mail agent": NOTIMP, "meta type": FORMERR,
}


def form(message, tcp):
    """A key of REACTIONS; "chaos" or "good" for what is answered."""
    if len(message) < 12:
        return "short"
    flags, questions, *counts = struct.unpack_from(">HHHHH", message, 2)
    if flags & 0x8000:
        return "response"
    if flags >> 11 & 15:
        return "opcode"
    if questions > 1:
        return "two questions"
    at = 12
    try:
        if questions:
            _, at = dns.read_name(message, at, False)
            qtype, qclass = struct.unpack_from(">HH", message, at)
            at += 4
    except (dns.Malformed, struct.error, IndexError):
        return "bad question"
    try:
        at, opt, _ = read_records(message, at, counts)
    except (dns.Malformed, struct.error, IndexError) as e:
        return str(e) if str(e) in REACTIONS else "bad record"
    if at != len(message):
        return "trailing octets"
    if opt is not None and opt[0]:
        return "version"
    cookies = [data for code, data in opt[1] if code == dns.COOKIE] if opt else []
    if cookies and len(cookies[0]) != 8 and not 16 <= len(cookies[0]) <= 40:
        return "bad cookie"
    if tcp and opt and any(data for code, data in opt[1] if code == dns.KEEPALIVE):
        return "bad keepalive"
    if not questions:
        return "good" if cookies else "no question"
    if qclass == dns.CH:
        return "chaos"
    if qclass not in (dns.IN, 255):
        return "class"
    known = {dns.AXFR: "transfer", dns.IXFR: "transfer", dns.MAILA: "mail agent",
             dns.MAILB: "mail agent", OPT: "meta type", dns.NXNAME: "meta type",
             dns.TSIG: "meta type"}
    return known.get(qtype, "good")


def read_records(message, at, counts):
    """(what follows, (EDNS version, options) or None, how many records are not OPT)"""
    opt, others = None, 0
    for section, count in enumerate(counts):
        for _ in range(count):
            root = message[at] == 0
            at = skip_name(message, at)
            rtype, _, ttl, size = struct.unpack_from(">HHIH", message, at)
            at += 10 + size
            if at > len(message):
                raise dns.Malformed("bad record")
            if rtype != OPT:
                others += 1
                continue
            if section != 2:
                raise dns.Malformed("misplaced OPT")
            if opt is not None:
                raise dns.Malformed("two OPT")
            if not root:
                raise dns.Malformed("owned OPT")
            opt = (ttl >> 16 & 255, options(message[at - size:at]))
    return at, opt, others


def other_records(message):
    """In a message that is good: how many it has beside the question and OPT."""
    at = skip_name(message, 12) + 4 if message[5] else 12
    return read_records(message, at, struct.unpack_from(">HHH", message, 6))[2]


def edns_options(message):
    """[(code, data)] of a message that is good."""
    at = skip_name(message, 12) + 4 if message[5] else 12
    opt = read_records(message, at, struct.unpack_from(">HHH", message, 6))[1]
    return opt[1] if opt else []


def cookie(message):
    """The first COOKIE option of a message that is good, empty for none."""
    return next((data for code, data in edns_options(message) if code == dns.COOKIE), b"")


def skip_name(message, at):
    begin = at
    while message[at]:
        if message[at] >= 0xC0:
            if at + 2 > len(message):
                raise dns.Malformed("bad record")
            return at + 2
        if message[at] > 63:
            raise dns.Malformed("bad record")
        at += 1 + message[at]
        if at - begin > 254:
            raise dns.Malformed("bad record")
    return at + 1


def options(rdata):
    try:
        return dns.edns_options(rdata)
    except dns.Malformed:
        raise dns.Malformed("bad option") from None
