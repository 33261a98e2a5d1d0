"""The TCP clients: one process, one asyncio loop, several connections at a time, each of a kind."""

import asyncio
import logging
import socket
import struct

from harness import dns
from harness.dns_client import framed

from .check import Load, Sent
from .timeline import now

PATIENCE = 15.0
AT_ONCE = 8
MAX_TCP = 65535
CROWD = 80  # connections at once from one address, more than it may have


class Connection:
    def __init__(self, load, reader, writer, opened):
        self.load = load
        self.reader = reader
        self.writer = writer
        self.opened = opened
        self.asked = 0
        self.waiting = {}

    def frame(self, case, options=()):
        """A query that is waited for from now on."""
        rng = self.load.rng
        ident = rng.randrange(65536)
        while ident in self.waiting:
            ident = rng.randrange(65536)
        question = dns.question(case.name, case.qtype)
        edns = dns.opt(options=options) if rng.random() < 0.5 or options else b""
        self.waiting[ident] = Sent(case, self.opened, question, MAX_TCP, bool(edns))
        self.asked += 1
        self.load.report.counts["asked"] += 1
        return framed(dns.message(ident, question, edns, dns.RD))

    async def answers(self):
        """Until there is one to each query. False: the connection ended before."""
        while self.waiting:
            try:
                size = struct.unpack(">H", await self._read(2))[0]
                data = await self._read(size)
            except (asyncio.IncompleteReadError, ConnectionError):
                return False
            except TimeoutError:
                self.load.report.finding(f"TCP: no answer in {PATIENCE} s to "
                                         f"{[(s.case.name, s.case.qtype) for s in self.waiting.values()][:5]}")
                return True
            sent = self.waiting.pop(struct.unpack_from(">H", data)[0], None)
            if sent is None:
                self.load.report.finding(f"TCP: an answer that nobody asked for: {data.hex()[:400]}")
            else:
                self.load.checker.answer(sent, data, now())
        return True

    async def all_answers(self, what):
        if await self.answers():
            return
        if self.load.timeline.connection_may_be_cut(self.opened):
            self.load.report.counts["connections cut by a new front"] += 1
        else:
            self.load.report.finding(f"TCP, {what}: closed with {len(self.waiting)} queries open, "
                                     f"{now() - self.opened:.1f} s after it was opened")

    async def ends(self):
        """Reads until the server has closed. A front that takes it over at a reload counts anew how long it
        is idle."""
        began = now()
        try:
            while await asyncio.wait_for(self.reader.read(65536), PATIENCE + 5):
                pass
        except ConnectionError:
            pass
        except TimeoutError:
            if self.load.timeline.reloading.touches(began, now()):
                await self.ends()
            else:
                self.load.report.finding("TCP: the server does not close an idle connection")

    def _read(self, size):
        return asyncio.wait_for(self.reader.readexactly(size), PATIENCE)

    def abort(self):
        """RST instead of FIN."""
        raw = self.writer.get_extra_info("socket")
        if raw.fileno() >= 0:  # not closed yet
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


class TcpLoad(Load):
    def __init__(self, timeline, port, rate, seed):
        super().__init__("tcp", timeline, port, rate, seed)
        self.kinds = [(self.pipelined, 40), (self.one, 15), (self.half_closed, 10), (self.slow, 5),
                      (self.aborted, 10), (self.garbage, 8), (self.does_not_read, 3),
                      (self.idle, 2), (self.crowd, 1)]
        self.crowds = 0

    def case(self):
        return self.rng.choice(self.services if self.rng.random() < 0.1 else self.static)

    async def open(self, source=None):
        opened = now()
        host = "127.0.0.1" if source or self.rng.random() < 0.7 else "::1"
        local = None
        if host == "127.0.0.1":
            local = (source or f"127.0.0.{self.rng.randrange(2, 250)}", 0)
        reader, writer = await asyncio.wait_for(
            asyncio.open_connection(host, self.port, local_addr=local), PATIENCE)
        self.report.counts["connections"] += 1
        return Connection(self, reader, writer, opened)

    # -- Kinds of clients

    async def one(self, c):
        c.writer.write(c.frame(self.case()))
        await c.all_answers("one query")

    async def pipelined(self, c):
        for _ in range(self.rng.choice((1, 1, 3))):
            count = self.rng.choice((2, 10, 50))
            c.writer.write(b"".join(c.frame(self.case()) for _ in range(count)))
            await c.all_answers("pipelined")

    async def half_closed(self, c):
        c.writer.write(b"".join(c.frame(self.case()) for _ in range(self.rng.randrange(1, 10))))
        c.writer.write_eof()
        await c.all_answers("half-closed")
        await c.ends()

    async def slow(self, c):
        """Octet by octet, two queries."""
        for octet in c.frame(self.case()) + c.frame(self.case()):
            c.writer.write(bytes([octet]))
            await asyncio.sleep(self.rng.random() * 0.05)
        await c.all_answers("slow")

    async def aborted(self, c):
        c.writer.write(b"".join(c.frame(self.case()) for _ in range(20)))
        await asyncio.sleep(self.rng.random() * 0.02)
        c.abort()

    async def garbage(self, c):
        for _ in range(self.rng.randrange(1, 5)):
            junk = self.rng.randbytes(self.rng.choice((1, 2, 13, 200, 3000)))
            if self.rng.random() < 0.5:
                junk = framed(junk)
            c.writer.write(junk)
            await asyncio.sleep(self.rng.random() * 0.05)
        c.writer.write_eof()
        await c.ends()

    async def does_not_read(self, c):
        """Much is asked and nothing taken; then all of it, or none."""
        big = [case for case in self.static if case.name == "big.soak.test"]
        raw = c.writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        c.reader._limit = 1  # asyncio's buffer would take it all
        for _ in range(100):
            c.writer.write(c.frame(big[0]))
        await asyncio.sleep(1 + self.rng.random() * 2)
        if self.rng.random() < 0.5:
            c.abort()
        else:
            await c.all_answers("late reader")

    async def idle(self, c):
        await self.one(c)
        await c.ends()

    async def crowd(self, _):
        self.crowds += 1
        source = f"127.0.1.{1 + self.crowds % 250}"
        connections = [await self.open(source) for _ in range(CROWD)]
        try:
            answered = 0
            for c in connections:
                try:
                    c.writer.write(c.frame(self.rng.choice(self.static)))
                    answered += await c.answers() and 1
                except ConnectionError:
                    pass
            self.report.counts["crowd: connections"] += CROWD
            self.report.counts["crowd: connections served"] += answered
            if answered == 0 and not self.timeline.connection_may_be_cut(connections[0].opened):
                self.report.finding(f"TCP: none of {CROWD} connections from one address is served")
        finally:
            for c in connections:
                c.abort()

    # -- The loop

    async def client(self):
        kinds, weights = zip(*self.kinds)
        while not self.timeline.stop.is_set():
            kind = self.rng.choices(kinds, weights)[0]
            begin = now()
            connection = None
            try:
                connection = await self.open()
                self.report.counts[kind.__name__] += 1
                await kind(connection)
            except TimeoutError:
                self.report.finding("TCP: cannot connect")
            except OSError:
                self.report.counts["connections reset"] += 1
            finally:
                if connection is not None:
                    connection.abort()
            # Each of the clients has its share of the rate.
            asked = connection.asked if connection is not None else 1
            await asyncio.sleep(max(0.01, asked * AT_ONCE / self.rate - (now() - begin)))

    async def run(self):
        await asyncio.gather(*(self.client() for _ in range(AT_ONCE)))
        return self.report


def main(timeline, port, rate, seed, results):
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)  # of writes to closed connections
    results.put(asyncio.run(TcpLoad(timeline, port, rate, seed).run()))
