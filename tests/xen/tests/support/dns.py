"""A small DNS client of the tests' own: what it says about a response is what was on the wire."""

import dataclasses
import ipaddress
import random
import select
import socket
import struct
import time

TYPES = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "PTR": 12, "MX": 15, "TXT": 16, "AAAA": 28,
         "SRV": 33, "OPT": 41, "SVCB": 64, "HTTPS": 65, "ANY": 255}
TYPE_NAMES = {number: name for name, number in TYPES.items()}
RCODES = ["NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"]
EDE_OPTION = 15  # RFC 8914


class NoAnswer(AssertionError):
    """No response came in time."""


@dataclasses.dataclass(frozen=True)
class Record:
    name: str
    type: str
    ttl: int
    data: object  # str for A, AAAA, NS, PTR, CNAME; a tuple for SOA; bytes for all else


@dataclasses.dataclass
class Response:
    id: int
    aa: bool
    tc: bool
    rd: bool
    ra: bool
    rcode: str  # with the upper bits of EDNS
    question: list
    answer: list
    authority: list
    additional: list  # without OPT
    edns: bool
    ede: list         # (info code, extra text)
    size: int

    def addresses(self):
        return [record.data for record in self.answer if record.type in ("A", "AAAA")]

    def __str__(self):
        flags = "".join(f" {flag}" for flag in ("aa", "tc") if getattr(self, flag))
        return (f"{self.rcode}{flags} answer={[(r.type, r.data) for r in self.answer]} "
                f"ede={self.ede}")


def encode_name(name):
    labels = [label.encode() for label in name.rstrip(".").split(".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def build_query(name, rtype="A", *, query_id=None, edns=1232, rd=False):
    """The bytes of a query; `edns` is the UDP payload size to announce, or None for no OPT."""
    query_id = random.randrange(65536) if query_id is None else query_id
    head = struct.pack("!6H", query_id, 0x0100 if rd else 0, 1, 0, 0, 0 if edns is None else 1)
    question = encode_name(name) + struct.pack("!2H", TYPES.get(rtype, rtype), 1)
    opt = b"" if edns is None else b"\0" + struct.pack("!2HIH", TYPES["OPT"], edns, 0, 0)
    return head + question + opt


def _name(wire, offset):
    labels, end = [], None
    for _ in range(128):
        length = wire[offset]
        if length >= 0xC0:
            end = end or offset + 2
            offset = struct.unpack_from("!H", wire, offset)[0] & 0x3FFF
        elif length == 0:
            return ".".join(labels) + ".", end or offset + 1
        else:
            labels.append(wire[offset + 1:offset + 1 + length].decode("latin-1"))
            offset += 1 + length
    raise AssertionError("a name in the response has a compression loop")


def _data(wire, rtype, offset, length):
    rdata = wire[offset:offset + length]
    if rtype in ("A", "AAAA"):
        return str(ipaddress.ip_address(rdata))
    if rtype in ("NS", "PTR", "CNAME"):
        return _name(wire, offset)[0]
    if rtype == "SOA":
        mname, offset = _name(wire, offset)
        rname, offset = _name(wire, offset)
        return (mname, rname, *struct.unpack_from("!5I", wire, offset))
    return rdata


def parse(wire):
    """A Response; an AssertionError says what is wrong with the bytes."""
    try:
        return _parse(wire)
    except (IndexError, struct.error, ValueError) as error:
        raise AssertionError(f"malformed response ({error}): {wire.hex()}") from error


def _parse(wire):
    query_id, flags, *counts = struct.unpack_from("!6H", wire)
    assert flags & 0x8000, "the response has no QR bit"
    offset, rcode = 12, flags & 15
    question = []
    for _ in range(counts[0]):
        name, offset = _name(wire, offset)
        rtype, _ = struct.unpack_from("!2H", wire, offset)
        question.append((name, TYPE_NAMES.get(rtype, rtype)))
        offset += 4
    sections, ede, edns = [[], [], []], [], False
    for section, count in zip(sections, counts[1:]):
        for _ in range(count):
            name, offset = _name(wire, offset)
            number, _, ttl, length = struct.unpack_from("!2HIH", wire, offset)
            offset += 10
            assert offset + length <= len(wire), "a record reaches beyond the response's end"
            rtype = TYPE_NAMES.get(number, number)
            if rtype == "OPT":
                edns = True
                rcode |= (ttl >> 24) << 4
                ede += _ede(wire[offset:offset + length])
            else:
                section.append(Record(name, rtype, ttl, _data(wire, rtype, offset, length)))
            offset += length
    assert offset == len(wire), f"{len(wire) - offset} bytes after the response's last record"
    return Response(query_id, bool(flags & 0x400), bool(flags & 0x200), bool(flags & 0x100),
                    bool(flags & 0x80), RCODES[rcode] if rcode < len(RCODES) else str(rcode),
                    question, *sections, edns, ede, len(wire))


def _ede(options):
    found = []
    while options:
        code, length = struct.unpack_from("!2H", options)
        if code == EDE_OPTION:
            found.append((struct.unpack_from("!H", options, 4)[0],
                          options[6:4 + length].decode("utf-8", "replace")))
        options = options[4 + length:]
    return found


def _family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def query(server, name, rtype="A", *, tcp=False, timeout=5.0, **options):
    """Asks once; `server` is (address, port). Raises NoAnswer after `timeout` seconds."""
    wire = build_query(name, rtype, **options)
    kind = socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM
    with socket.socket(_family(server[0]), kind) as sock:
        sock.settimeout(timeout)
        try:
            sock.connect(server)
            sock.sendall(struct.pack("!H", len(wire)) + wire if tcp else wire)
            response = parse(_receive_tcp(sock) if tcp else sock.recv(65535))
        except OSError as error:
            raise NoAnswer(f"{name} {rtype} at {server[0]} port {server[1]}: "
                           f"no answer ({error})") from error
    assert response.id == struct.unpack_from("!H", wire)[0], "the response has another id"
    return response


def _receive_tcp(sock):
    def exactly(count):
        data = b""
        while len(data) < count:
            more = sock.recv(count - len(data))
            if not more:
                raise ConnectionError("connection closed")
            data += more
        return data
    return exactly(struct.unpack("!H", exactly(2))[0])


def concurrent(server, questions, timeout=10.0, **options):
    """Sends all (name, type) questions at once over UDP, each from a socket of its own.

    Returns, in their order, (Response or None, seconds until it came or None)."""
    results = [(None, None)] * len(questions)
    poll = select.poll()
    waiting = {}
    try:
        for index, (name, rtype) in enumerate(questions):
            sock = socket.socket(_family(server[0]), socket.SOCK_DGRAM)
            sock.connect(server)
            waiting[sock.fileno()] = (sock, index)
            poll.register(sock, select.POLLIN)
            sock.send(build_query(name, rtype, **options))
        started = time.monotonic()
        while waiting:
            left = started + timeout - time.monotonic()
            if left <= 0:
                break
            for fd, _ in poll.poll(left * 1000):
                sock, index = waiting.pop(fd)
                poll.unregister(fd)
                try:
                    results[index] = (parse(sock.recv(65535)), time.monotonic() - started)
                except OSError:
                    pass  # refused: stays without an answer
                sock.close()
    finally:
        for sock, _ in waiting.values():
            sock.close()
    return results
