"""DNS messages to bytes and back. Strict: what breaks RFC 1035, or is compressed where RFC 3597 §4
forbids it, is Malformed."""

import collections
import ipaddress
import struct

A, NS, CNAME, SOA, PTR, HINFO, MX, TXT, AAAA = 1, 2, 5, 6, 12, 13, 15, 16, 28
SRV, NAPTR, DNAME, OPT, DS, RRSIG, NSEC = 33, 35, 39, 41, 43, 46, 47
SVCB, HTTPS, NXNAME, TSIG, IXFR, AXFR, MAILB, MAILA, ANY = 64, 65, 128, 250, 251, 252, 253, 254, 255
IN, CH = 1, 3
TYPES = {"A": A, "NS": NS, "CNAME": CNAME, "SOA": SOA, "PTR": PTR, "MX": MX, "TXT": TXT,
         "AAAA": AAAA, "SRV": SRV, "DNAME": DNAME, "SVCB": SVCB, "HTTPS": HTTPS, "ANY": ANY}
TYPE_NAMES = {number: name for name, number in TYPES.items()}

NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED, YXDOMAIN, NOTAUTH = 0, 1, 2, 3, 4, 5, 6, 9
BADVERS, BADCOOKIE = 16, 23
STATUSES = {NOERROR: "NOERROR", FORMERR: "FORMERR", SERVFAIL: "SERVFAIL", NXDOMAIN: "NXDOMAIN",
            NOTIMP: "NOTIMP", REFUSED: "REFUSED", YXDOMAIN: "YXDOMAIN", NOTAUTH: "NOTAUTH",
            BADVERS: "BADVERS", BADCOOKIE: "BADCOOKIE"}
QR, AA, TC, RD = 0x8000, 0x0400, 0x0200, 0x0100
NSID, ECS, COOKIE, KEEPALIVE, PADDING, EDE = 3, 8, 10, 11, 12, 15  # EDNS options

# Where names stand in RDATA: octets before the first, how many, and whether they may be compressed.
NAMES = {NS: (0, 1, True), 3: (0, 1, True), 4: (0, 1, True), CNAME: (0, 1, True),
         SOA: (0, 2, True), 7: (0, 1, True), 8: (0, 1, True), 9: (0, 1, True),
         PTR: (0, 1, True), 14: (0, 2, True), MX: (2, 1, True),
         17: (0, 2, False), 18: (2, 1, False), 21: (2, 1, False), 26: (2, 2, False),
         SRV: (6, 1, False), 36: (2, 1, False), DNAME: (0, 1, False), RRSIG: (18, 1, False),
         NSEC: (0, 1, False), SVCB: (2, 1, False), HTTPS: (2, 1, False)}


class Malformed(AssertionError):
    """Bytes that are no DNS message, or none that a server should send."""


# -- Names

def name_to_wire(name):
    """Of labels, or of text without escapes, with or without its final dot."""
    if isinstance(name, str):
        name = [label.encode() for label in name.rstrip(".").split(".") if label]
    return b"".join(bytes([len(label)]) + label for label in name) + b"\0"


def labels_of(wire):
    """Of an uncompressed name."""
    labels, at = [], 0
    while wire[at]:
        labels.append(wire[at + 1:at + 1 + wire[at]])
        at += 1 + wire[at]
    return tuple(labels)


def wire_to_text(wire):
    """Presentation format of an uncompressed name."""
    text = ""
    for label in labels_of(wire):
        for octet in label:
            char = chr(octet)
            if char in '.\\"();@$':
                text += "\\" + char
            else:
                text += char if 33 <= octet <= 126 else f"\\{octet:03}"
        text += "."
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


# -- Queries

def question(name, rtype=A, rclass=IN):
    return name_to_wire(name) + struct.pack(">HH", TYPES.get(rtype, rtype), rclass)


def opt(size=1232, options=(), version=0, dnssec_ok=False, z=0):
    """An OPT record; options: (code, octets) each."""
    data = b"".join(struct.pack(">HH", code, len(value)) + value for code, value in options)
    return b"\0" + struct.pack(">HHBBHH", OPT, size, 0, version, bool(dnssec_ok) << 15 | z,
                               len(data)) + data


def message(ident, asked, edns=b"", flags=0):
    """asked: one question, or nothing at all (RFC 7873 §5.4); edns: an OPT record, or nothing."""
    return struct.pack(">6H", ident, flags, 1 if asked else 0, 0, 0, 1 if edns else 0) + asked + edns


def query(name, rtype=A, ident=0, edns=None, rd=False, **more):
    """edns: the size to announce, None for no OPT record; more: as for opt()."""
    return message(ident, question(name, rtype), b"" if edns is None else opt(edns, **more),
                   RD if rd else 0)


# -- Messages

class Record(collections.namedtuple("Record", "owner type rclass ttl rdata")):
    """owner: lower-case wire format; rdata: its names uncompressed and in lower case."""

    __slots__ = ()

    @property
    def data(self):
        """As text."""
        if self.type in (A, AAAA):
            return str(ipaddress.ip_address(self.rdata))
        if self.type in (NS, CNAME, PTR, DNAME):
            return wire_to_text(self.rdata)
        if self.type in (MX, SRV):
            before = NAMES[self.type][0]
            numbers = struct.unpack_from(f">{before // 2}H", self.rdata)
            return " ".join(map(str, numbers)) + " " + wire_to_text(self.rdata[before:])
        if self.type == SOA:
            mname, at = read_name(self.rdata, 0)
            rname, at = read_name(self.rdata, at)
            return " ".join([wire_to_text(mname), wire_to_text(rname),
                             *map(str, struct.unpack_from(">5I", self.rdata, at))])
        if self.type == TXT:
            strings, at = [], 0
            while at < len(self.rdata):
                strings.append('"' + self.rdata[at + 1:at + 1 + self.rdata[at]].decode("latin-1") + '"')
                at += 1 + self.rdata[at]
            return " ".join(strings)
        return self.rdata.hex()

    def __str__(self):
        """As a line of a zone file, but for the class."""
        return (f"{wire_to_text(self.owner)} {self.ttl} {TYPE_NAMES.get(self.type, self.type)} "
                f"{self.data}")


def canonical_rdata(octets, at, size, rtype):
    """RDATA with its names uncompressed and in lower case."""
    end = at + size
    if rtype == NAPTR:
        text = at + 4
        for _ in range(3):
            text += 1 + octets[text]
        name, after = read_name(octets, text, False)
        if after != end:
            raise Malformed("RDATA has another length than it says")
        return octets[at:text] + name
    if rtype not in NAMES or size == 0:
        return octets[at:end]
    before, count, compressed = NAMES[rtype]
    parts = [octets[at:at + before]]
    at += before
    for _ in range(count):
        name, at = read_name(octets, at, compressed)
        parts.append(name)
    if at > end:
        raise Malformed("RDATA has another length than it says")
    return b"".join(parts) + octets[at:end]


def edns_options(rdata):
    """Of an OPT record: (code, octets) each."""
    options, at = [], 0
    while at < len(rdata):
        if at + 4 > len(rdata):
            raise Malformed("an EDNS option is cut short")
        code, size = struct.unpack_from(">HH", rdata, at)
        at += 4 + size
        if at > len(rdata):
            raise Malformed("an EDNS option is cut short")
        options.append((code, rdata[at - size:at]))
    return options


class Message:
    """An answer. Header fields as in RFC 1035; rcode: with its upper bits; question: its octets, with
    their case; answer, authority, additional: Records, OPT not among them; options: of EDNS, (code,
    octets) each, None without it; version, udp_size, dnssec_ok: of EDNS; size: octets."""

    def __init__(self, octets):
        try:
            self._read(octets)
        except (IndexError, struct.error) as error:
            raise Malformed(f"cut short ({error}): {octets.hex()}") from None

    def _read(self, octets):
        self.size = len(octets)
        self.ident, self.flags, questions, *counts = struct.unpack_from(">6H", octets)
        self.qr, self.opcode, self.rcode = self.flags >> 15, self.flags >> 11 & 15, self.flags & 15
        self.aa, self.tc, self.rd = (self.flags >> shift & 1 for shift in (10, 9, 8))
        self.ra, self.z, self.ad, self.cd = (self.flags >> shift & 1 for shift in (7, 6, 5, 4))
        self.options, self.version, self.udp_size, self.dnssec_ok = None, 0, 0, 0
        at = 12
        for _ in range(questions):
            _, at = read_name(octets, at, False)
            at += 4
        self.question = octets[12:at]
        self.sections = ([], [], [])
        for section, count in zip(self.sections, counts):
            for _ in range(count):
                owner, at = read_name(octets, at)
                rtype, rclass, ttl, size = struct.unpack_from(">HHIH", octets, at)
                at += 10
                if at + size > len(octets):
                    raise Malformed("a record is cut short")
                if rtype == OPT:
                    self._read_opt(owner, section, rclass, ttl, octets[at:at + size])
                else:
                    section.append(Record(owner, rtype, rclass, ttl,
                                          canonical_rdata(octets, at, size, rtype)))
                at += size
        self.answer, self.authority, self.additional = self.sections
        if at != len(octets):
            raise Malformed(f"{len(octets) - at} octets behind the last record")

    def _read_opt(self, owner, section, udp_size, ttl, rdata):
        if self.options is not None or section is not self.sections[2] or owner != b"\0":
            raise Malformed("an OPT record out of place")
        self.options, self.udp_size = edns_options(rdata), udp_size
        self.version, self.dnssec_ok = ttl >> 16 & 255, ttl >> 15 & 1
        self.rcode |= ttl >> 24 << 4

    @property
    def status(self):
        """The rcode by its name, as dig shows it."""
        return STATUSES.get(self.rcode, str(self.rcode))

    @property
    def addresses(self):
        """In the answer section, as text."""
        return [record.data for record in self.answer if record.type in (A, AAAA)]

    @property
    def ede(self):
        """Extended DNS Errors (RFC 8914): (info code, extra text) each."""
        return [(struct.unpack_from(">H", data)[0], data[2:].decode("utf-8", "replace"))
                for code, data in self.options or () if code == EDE]

    def __str__(self):
        flags = "".join(f" {flag}" for flag in ("aa", "tc") if getattr(self, flag))
        return f"{self.status}{flags} answer={[str(r) for r in self.answer]} ede={self.ede}"
