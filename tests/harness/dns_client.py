"""A DNS client."""

import random
import select
import socket
import struct
import time

from .dns import A, Malformed, Message, query


class NoAnswer(AssertionError):
    """No answer came in time."""


def framed(octets):
    """As TCP carries it."""
    return struct.pack(">H", len(octets)) + octets


def read_frame(stream):
    """A message from a file of octets; None at its end."""
    size = stream.read(2)
    return stream.read(struct.unpack(">H", size)[0]) if len(size) == 2 else None


def family(host):
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def exchange(server, octets, timeout, tcp=False):
    """What comes back; an OSError where nothing does. server: (address, port)."""
    with socket.socket(family(server[0]), socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM) as s:
        s.settimeout(timeout)
        s.connect(server)
        s.sendall(framed(octets) if tcp else octets)
        if not tcp:
            return s.recv(65535)
        back = read_frame(s.makefile("rb"))
        if back is None:
            raise ConnectionError("connection closed")
        return back


def ask(server, name, rtype=A, *, tcp=False, timeout=30.0, edns=1232, **more):
    """The Message that answers; edns, more: as for query(). Raises NoAnswer after `timeout` seconds."""
    asked = query(name, rtype, ident=random.randrange(65536), edns=edns, **more)
    try:
        answer = Message(exchange(server, asked, timeout, tcp))
    except OSError as error:
        raise NoAnswer(f"{name} {rtype} at {server[0]} port {server[1]}: "
                       f"no answer ({error})") from error
    if not answer.qr or answer.ident != struct.unpack_from(">H", asked)[0]:
        raise Malformed("not an answer to this query")
    return answer


def concurrent(server, questions, timeout=10.0, edns=1232, **more):
    """Sends all (name, type) questions at once over UDP, each from a socket of its own. In their
    order, (Message or None, seconds until it came or None)."""
    results = [(None, None)] * len(questions)
    poll = select.poll()
    waiting = {}
    try:
        for index, (name, rtype) in enumerate(questions):
            sock = socket.socket(family(server[0]), socket.SOCK_DGRAM)
            sock.connect(server)
            waiting[sock.fileno()] = (sock, index)
            poll.register(sock, select.POLLIN)
            sock.send(query(name, rtype, ident=random.randrange(65536), edns=edns, **more))
        started = time.monotonic()
        while waiting:
            left = started + timeout - time.monotonic()
            if left <= 0:
                break
            for fd, _ in poll.poll(left * 1000):
                sock, index = waiting.pop(fd)
                poll.unregister(fd)
                try:
                    results[index] = (Message(sock.recv(65535)), time.monotonic() - started)
                except OSError:
                    pass  # refused: stays without an answer
                sock.close()
    finally:
        for sock, _ in waiting.values():
            sock.close()
    return results
