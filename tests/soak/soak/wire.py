"""DNS messages: builds queries, takes answers apart into lines of text that can be compared."""

import ipaddress
import struct

A, NS, CNAME, SOA, PTR, MX, TXT, AAAA, SRV, DNAME, OPT = 1, 2, 5, 6, 12, 15, 16, 28, 33, 39, 41
TYPES = {"A": A, "NS": NS, "CNAME": CNAME, "SOA": SOA, "PTR": PTR, "MX": MX, "TXT": TXT,
         "AAAA": AAAA, "SRV": SRV, "DNAME": DNAME}
TYPE_NAMES = {number: name for name, number in TYPES.items()}
NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED, BADVERS, BADCOOKIE = 0, 1, 2, 3, 4, 5, 16, 23
QR, AA, TC = 0x8000, 0x0400, 0x0200
NSID_OPTION, COOKIE_OPTION = 3, 10


class Malformed(Exception):
    """An answer that breaks RFC 1035, or a record type that the soak does not know."""


def name_bytes(name):
    """Of a name without escapes, with or without its final dot."""
    labels = name.rstrip(".").split(".") if name.rstrip(".") else []
    return b"".join(bytes([len(label)]) + label.encode() for label in labels) + b"\0"


def question(name, qtype):
    return name_bytes(name) + struct.pack(">HH", qtype, 1)


def opt(size=1232, options=(), version=0, dnssec_ok=False):
    data = b"".join(struct.pack(">HH", code, len(value)) + value for code, value in options)
    return b"\0" + struct.pack(">HHBBHH", OPT, size, 0, version, 0x8000 if dnssec_ok else 0,
                               len(data)) + data


def query(ident, asked, edns=b"", recursion_desired=True):
    """asked: one question, or nothing at all (RFC 7873 §5.4)."""
    return struct.pack(">HHHHHH", ident, 0x0100 if recursion_desired else 0, 1 if asked else 0, 0, 0,
                       1 if edns else 0) + asked + edns


class Message:
    """flags, rcode (with its upper bits), the question's octets, the three sections as sorted
    lines, options as {code: data} (None without EDNS)."""

    def __init__(self, data):
        try:
            self._read(data)
        except (IndexError, struct.error) as e:
            raise Malformed(f"cut short: {e}") from None

    def _read(self, data):
        self.ident, self.flags, questions, *counts = struct.unpack_from(">HHHHHH", data)
        self.rcode = self.flags & 15
        self.options = None
        at = 12
        for _ in range(questions):
            _, at = self._name(data, at)
            at += 4
        self.question = data[12:at]
        self.sections = []
        for section, count in enumerate(counts):
            records = []
            for _ in range(count):
                record, at = self._record(data, at, section)
                if record:
                    records.append(record)
            self.sections.append(sorted(records))
        if at != len(data):
            raise Malformed(f"{len(data) - at} octets behind the last record")

    def _record(self, data, at, section):
        owner, at = self._name(data, at)
        rtype, rclass, ttl, size = struct.unpack_from(">HHIH", data, at)
        at += 10
        end = at + size
        if end > len(data):
            raise Malformed("RDATA ends behind the message")
        if rtype == OPT:
            if section != 2 or owner != "." or self.options is not None:
                raise Malformed("OPT out of place")
            self.rcode |= ttl >> 24 << 4
            self.options = {}
            while at < end:
                code, length = struct.unpack_from(">HH", data, at)
                self.options[code] = data[at + 4:at + 4 + length]
                at += 4 + length
            if at != end:
                raise Malformed("options of another length than OPT")
            return None, end
        return f"{owner} {ttl} {TYPE_NAMES.get(rtype, rtype)} {self._rdata(data, at, end, rtype)}", end

    def _rdata(self, data, at, end, rtype):
        if rtype == A:
            return str(ipaddress.IPv4Address(data[at:end]))
        if rtype == AAAA:
            return str(ipaddress.IPv6Address(data[at:end]))
        if rtype in (NS, CNAME, PTR, DNAME):
            return self._name(data, at)[0]
        if rtype == MX:
            return f"{struct.unpack_from('>H', data, at)[0]} {self._name(data, at + 2)[0]}"
        if rtype == SRV:
            fields = struct.unpack_from(">HHH", data, at)
            return " ".join(map(str, fields)) + " " + self._name(data, at + 6)[0]
        if rtype == SOA:
            mname, at = self._name(data, at)
            rname, at = self._name(data, at)
            return f"{mname} {rname} " + " ".join(map(str, struct.unpack_from(">IIIII", data, at)))
        if rtype == TXT:
            strings = []
            while at < end:
                strings.append('"' + data[at + 1:at + 1 + data[at]].decode("latin-1") + '"')
                at += 1 + data[at]
            return " ".join(strings)
        return data[at:end].hex()

    @staticmethod
    def _name(data, at):
        """The name in lower case with its final dot, and the place behind it."""
        labels = []
        behind = None
        limit = at
        while data[at]:
            if data[at] >= 0xC0:
                target = struct.unpack_from(">H", data, at)[0] & 0x3FFF
                if target >= limit:
                    raise Malformed("a compression pointer that does not point back")
                behind = behind or at + 2
                limit = at = target
            elif data[at] > 63:
                raise Malformed("an unknown label type")
            else:
                labels.append(data[at + 1:at + 1 + data[at]].decode("latin-1").lower())
                at += 1 + data[at]
        return ".".join(labels) + ".", behind or at + 1
