"""DNS messages for the comparison: names as tuples of labels, queries to bytes, answers to values that
can be compared. An answer that is not well-formed, or compressed where RFC 3597 §4 forbids it, is an
error of the server."""

import struct

A, NS, CNAME, SOA, PTR, HINFO, MX, TXT, AAAA = 1, 2, 5, 6, 12, 13, 15, 16, 28
SRV, NAPTR, DNAME, OPT, DS, RRSIG, NSEC = 33, 35, 39, 41, 43, 46, 47
SVCB, HTTPS, TSIG, IXFR, AXFR, MAILB, MAILA, ANY = 64, 65, 250, 251, 252, 253, 254, 255
IN, CH = 1, 3
NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED, YXDOMAIN, NOTAUTH = 0, 1, 2, 3, 4, 5, 6, 9
BADVERS, BADCOOKIE = 16, 23
NSID, ECS, COOKIE, KEEPALIVE, PADDING, EDE = 3, 8, 10, 11, 12, 15

# Where names stand in RDATA: octets before the first, how many, and whether they may be compressed.
NAMES = {NS: (0, 1, True), 3: (0, 1, True), 4: (0, 1, True), CNAME: (0, 1, True),
         SOA: (0, 2, True), 7: (0, 1, True), 8: (0, 1, True), 9: (0, 1, True),
         PTR: (0, 1, True), 14: (0, 2, True), MX: (2, 1, True),
         17: (0, 2, False), 18: (2, 1, False), 21: (2, 1, False), 26: (2, 2, False),
         SRV: (6, 1, False), 36: (2, 1, False), DNAME: (0, 1, False), RRSIG: (18, 1, False),
         NSEC: (0, 1, False), SVCB: (2, 1, False), HTTPS: (2, 1, False)}


class Malformed(Exception):
    """Bytes that are no DNS message."""


def name_to_wire(labels):
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def wire_to_text(wire):
    """Presentation format of an uncompressed name."""
    text, at = "", 0
    while wire[at]:
        for octet in wire[at + 1:at + 1 + wire[at]]:
            char = chr(octet)
            if char in '.\\"();@$':
                text += "\\" + char
            else:
                text += char if 33 <= octet <= 126 else f"\\{octet:03}"
        text += "."
        at += 1 + wire[at]
    return text or "."


def text_of(labels):
    return wire_to_text(name_to_wire(labels))


def read_name(message, at, compressed=True):
    """(lower-case wire format, what follows it)"""
    labels, end, size, lowest = [], None, 1, at
    while True:
        if at >= len(message):
            raise Malformed("a name is cut short")
        length = message[at]
        if length >= 0xC0:
            if not compressed:
                raise Malformed("a name is compressed that must not be")
            if at + 2 > len(message):
                raise Malformed("a pointer is cut short")
            target = (length & 0x3F) << 8 | message[at + 1]
            if target >= lowest:
                raise Malformed("a pointer does not point backwards")
            end = end or at + 2
            at = lowest = target
        elif length > 63:
            raise Malformed("an unknown kind of label")
        elif length == 0:
            return b"".join(labels) + b"\0", end or at + 1
        else:
            labels.append(message[at:at + 1 + length].lower())
            size += 1 + length
            if size > 255 or at + 1 + length > len(message):
                raise Malformed("a name is too long")
            at += 1 + length


def canonical_rdata(message, at, size, rtype):
    """RDATA with its names uncompressed and in lower case."""
    end = at + size
    if rtype == NAPTR:
        text = at + 4
        for _ in range(3):
            text += 1 + message[text]
        name, after = read_name(message, text, False)
        if after != end:
            raise Malformed("RDATA has another length than it says")
        return message[at:text] + name
    if rtype not in NAMES or size == 0:
        return message[at:end]
    before, count, compressed = NAMES[rtype]
    parts = [message[at:at + before]]
    at += before
    for _ in range(count):
        name, at = read_name(message, at, compressed)
        parts.append(name)
    if at > end:
        raise Malformed("RDATA has another length than it says")
    return b"".join(parts) + message[at:end]


class Answer:
    """One server's reaction to one query. kind: answer, drop, closed (TCP), broken (with why)."""
    __slots__ = ("kind", "why", "size", "opcode", "aa", "tc", "rd", "ra", "z", "ad", "cd", "rcode",
                 "question", "sections", "edns", "version", "udp_size", "do", "options", "repeats")

    def __init__(self, kind="answer", why=""):
        self.kind, self.why = kind, why

    def key(self):
        """Equal for answers that say the same."""
        if self.kind != "answer":
            return (self.kind,)
        return (self.flags(), self.rcode, self.question,
                tuple(tuple(sorted(section)) for section in self.sections), self.edns, self.version,
                self.udp_size, self.do, tuple(sorted(self.options)), self.repeats)

    def flags(self):
        return (self.opcode, self.aa, self.tc, self.rd, self.ra, self.z, self.ad, self.cd)

    def copy(self):
        new = Answer(self.kind, self.why)
        if self.kind == "answer":
            for slot in Answer.__slots__[2:]:
                setattr(new, slot, getattr(self, slot))
            new.sections = [list(section) for section in self.sections]
            new.options = list(self.options)
        return new

    @property
    def an(self):
        return self.sections[0]

    @property
    def au(self):
        return self.sections[1]

    @property
    def extra(self):
        return self.sections[2]

    def __str__(self):
        if self.kind != "answer":
            return f"  {self.kind} {self.why}\n"
        flags = [f for f in ("aa", "tc", "rd", "ra", "z", "ad", "cd", "repeats") if getattr(self, f)]
        text = f"  opcode {self.opcode} rcode {self.rcode} {' '.join(flags)}\n"
        for label, section in zip(("AN", "AU", "AD"), self.sections):
            for owner, rtype, rclass, ttl, rdata in sorted(section):
                shown = rdata.hex() if len(rdata) < 40 else f"{rdata[:36].hex()}... {len(rdata)}"
                if rtype in (NS, CNAME, DNAME, PTR):
                    shown = wire_to_text(rdata)
                text += f"  {label} {wire_to_text(owner)} {ttl} {rclass} TYPE{rtype} {shown}\n"
        if self.edns:
            options = [f"{code}:{data.hex()}" for code, data in self.options]
            text += (f"  OPT version {self.version} size {self.udp_size}"
                     f"{' do' if self.do else ''} {' '.join(options)}\n")
        return text


def unlike(ours, theirs):
    """The lines in which two answers differ, with - and +."""
    a, b = str(ours).splitlines(), str(theirs).splitlines()
    lines = ["-" + line for line in a if line not in b] + ["+" + line for line in b if line not in a]
    return "\n".join(lines or ["  (the question)"])


def parse(message, ident):
    """An Answer to the query with this ID."""
    try:
        return parse_message(message, ident)
    except (Malformed, struct.error, IndexError) as e:
        return Answer("broken", f"{e}: {message.hex()}")


def parse_message(message, ident):
    answer = Answer()
    got, flags, questions, *counts = struct.unpack_from(">HHHHHH", message)
    if got != ident or not flags & 0x8000 or questions > 1:
        raise Malformed("not an answer to this query")
    answer.size = len(message)
    answer.opcode, answer.rcode = flags >> 11 & 15, flags & 15
    answer.aa, answer.tc, answer.rd = flags >> 10 & 1, flags >> 9 & 1, flags >> 8 & 1
    answer.ra, answer.z, answer.ad, answer.cd = (flags >> shift & 1 for shift in (7, 6, 5, 4))
    answer.sections, answer.options, answer.repeats = [[], [], []], [], False
    answer.edns, answer.version, answer.udp_size, answer.do = False, 0, 0, 0
    at = 12
    if questions:
        _, end = read_name(message, at, False)
        answer.question = message[at:end + 4]  # with its case
        at = end + 4
    else:
        answer.question = b""
    for section, count in zip(answer.sections, counts):
        for _ in range(count):
            owner, at = read_name(message, at)
            rtype, rclass, ttl, size = struct.unpack_from(">HHIH", message, at)
            at += 10
            if at + size > len(message):
                raise Malformed("a record is cut short")
            if rtype == OPT:
                read_opt(answer, rclass, ttl, message[at:at + size])
            else:
                section.append((owner, rtype, rclass, ttl,
                                canonical_rdata(message, at, size, rtype)))
            at += size
        if len(set(section)) != len(section):
            answer.repeats, section[:] = True, dict.fromkeys(section)
    if at != len(message):
        raise Malformed("octets behind the message")
    return answer


def read_opt(answer, udp_size, ttl, rdata):
    if answer.edns:
        raise Malformed("two OPT records")
    answer.edns, answer.udp_size, answer.version = True, udp_size, ttl >> 16 & 255
    answer.do = ttl >> 15 & 1
    answer.rcode |= ttl >> 24 << 4
    at = 0
    while at < len(rdata):
        code, size = struct.unpack_from(">HH", rdata, at)
        at += 4 + size
        if at > len(rdata):
            raise Malformed("an EDNS option is cut short")
        answer.options.append((code, rdata[at - size:at]))
