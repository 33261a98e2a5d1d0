"""The UDP clients: one process, some sockets, valid queries of every kind and mutated ones."""

import os
import select
import socket
import struct
import time

from harness import dns

from .check import MAX_UDP, Load, Sent, wants_answer
from .timeline import now
from .world import Case, Expected

# A query waits for its service for 10 s at most.
PATIENCE = 13.0
TURN = 0.01  # seconds between two bursts
NEW_SOCKET_EVERY = 3.0
MUTATED_SHARE = 0.2
SERVICE_SHARE = 0.1
HOT_SERVICES = 6  # asked for at a time; the others go idle meanwhile
HOT_SECONDS = 4.0
MAX_MUTATED = 1500
RECEIVE_BUFFER = 4 << 20  # octets, of each socket
SO_RCVBUF = 33 if os.geteuid() == 0 else socket.SO_RCVBUF  # SO_RCVBUFFORCE
SO_MEMINFO = 55

COOKIE_GOOD = Case("cookie alone, known", "-", lambda v: Expected(dns.NOERROR, False))
COOKIE_BAD = Case("cookie alone, wrong", "-", lambda v: Expected(dns.BADCOOKIE, False))


class Client:
    """A socket with its outstanding queries, and its cookies."""

    def __init__(self, host, port, rng):
        self.socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET,
                                    socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUF, RECEIVE_BUFFER)
        if ":" not in host:
            self.socket.bind((f"127.0.0.{rng.randrange(2, 250)}", 0))
        self.socket.connect((host, port))
        self.waiting = {}  # ID -> Sent, or (octets, when) of a mutated query; oldest first
        self.cookie = rng.randbytes(8)
        self.server_cookie = b""
        self.retired = False
        self.excused = 0  # answers that were lost here, as far as they have been missed

    def lost_here(self):
        """Whether it was we who lost the answer: on a loaded machine, our own buffer runs over."""
        drops = struct.unpack("=9I", self.socket.getsockopt(socket.SOL_SOCKET, SO_MEMINFO, 36))[8]
        if drops == self.excused:
            return False
        self.excused += 1
        return True

    def free_id(self, rng):
        while True:
            ident = rng.randrange(65536)
            if ident not in self.waiting:
                return ident


def mutate(query, rng):
    """The ID stays, so that an answer can be told."""
    data = bytearray(query)
    for _ in range(rng.choice((1, 1, 2, 4, 16))):
        how = rng.randrange(8)
        if how < 3 and len(data) > 2:
            data[rng.randrange(2, len(data))] = rng.randrange(256)
        elif how == 3 and len(data) > 12:
            struct.pack_into(">H", data, rng.choice((4, 6, 8, 10)), rng.choice((0, 1, 2, 3, 65535)))
        elif how == 4:
            del data[rng.randrange(2, len(data) + 1):]
        elif how == 5:
            data += rng.randbytes(rng.choice((1, 4, 20, 300)))
        elif how == 6 and len(data) > 14:
            struct.pack_into(">H", data, rng.randrange(12, len(data) - 1),
                             0xC000 | rng.randrange(len(data)))
        else:
            at = rng.randrange(2, len(data) + 1)
            data[at:at] = data[rng.randrange(len(data) + 1):][:rng.choice((1, 8, 64))]
    return bytes(data[:MAX_MUTATED])


class UdpLoad(Load):
    def __init__(self, timeline, port, rate, seed):
        super().__init__("udp", timeline, port, rate, seed)
        self.hot = []
        self.questions = {}
        self.poll = select.epoll()
        self.clients = {}
        for _ in range(10):
            self.add_client()

    def add_client(self):
        client = Client(self.rng.choice(("127.0.0.1", "127.0.0.1", "::1")), self.port, self.rng)
        self.clients[client.socket.fileno()] = client
        self.poll.register(client.socket.fileno(), select.EPOLLIN)

    # -- Asking

    def question(self, case):
        """Sometimes in a case of its own (0x20)."""
        known = self.questions.get(id(case))
        if known is None:
            known = self.questions[id(case)] = dns.question(case.name, case.qtype)
        if self.rng.random() < 0.8:
            return known
        name = "".join(self.rng.choice((c.upper(), c)) for c in case.name)
        return dns.question(name, case.qtype)

    def edns(self, client):
        """(OPT record, options that must be answered, octets allowed)"""
        rng = self.rng
        how = rng.randrange(10)
        if how < 4:
            return b"", (), 512
        size = rng.choice((0, 512, 600, 1232, 1232, 4096, 65535))
        room = min(max(size, 512), MAX_UDP)
        sent, answered = [], []
        if how in (5, 6, 7):
            cookie = client.cookie
            if how == 6:
                cookie += client.server_cookie
            elif how == 7:
                cookie += rng.randbytes(rng.choice((8, 16, 32)))
            sent.append((dns.COOKIE, cookie))
            answered.append((dns.COOKIE, cookie))
        if how == 8:
            sent.append((65001, rng.randbytes(rng.randrange(20))))
        if rng.random() < 0.2:
            sent.append((dns.NSID, b""))
            answered.append((dns.NSID, b""))
        return dns.opt(size, sent, dnssec_ok=rng.random() < 0.3), answered, room

    def ask(self, client, case):
        opt, options, room = self.edns(client)
        question = self.question(case)
        ident = client.free_id(self.rng)
        self.send(client, dns.message(ident, question, opt, dns.RD))
        client.waiting[ident] = Sent(case, now(), question, room, bool(opt), options)

    def ask_cookie(self, client):
        """Without a question: is our cookie good? (RFC 7873 §5.4)"""
        good = client.server_cookie and self.rng.random() < 0.7
        cookie = client.cookie + (client.server_cookie if good else self.rng.randbytes(16))
        options = ((dns.COOKIE, cookie),)
        ident = client.free_id(self.rng)
        self.send(client, dns.message(ident, b"", dns.opt(options=options), dns.RD))
        client.waiting[ident] = Sent(COOKIE_GOOD if good else COOKIE_BAD, now(), b"", MAX_UDP, True,
                                     options)

    def ask_mutated(self, client):
        rng = self.rng
        case = rng.choice(self.static if rng.random() < 0.9 else self.services)
        ident = client.free_id(rng)
        data = mutate(dns.message(ident, self.question(case), self.edns(client)[0], dns.RD), rng)
        self.send(client, data)
        client.waiting[ident] = (data, now())

    def send(self, client, data):
        self.report.counts["asked"] += 1
        try:
            client.socket.send(data)
        except (BlockingIOError, ConnectionRefusedError):
            self.report.counts["not sent"] += 1

    def ask_one(self):
        client = self.rng.choice(list(self.clients.values()))
        dice = self.rng.random()
        if client.retired:
            return
        if dice < MUTATED_SHARE:
            self.ask_mutated(client)
        elif dice < MUTATED_SHARE + SERVICE_SHARE:
            self.ask(client, self.rng.choice(self.hot))
        elif dice > 0.98:
            self.ask_cookie(client)
        else:
            self.ask(client, self.rng.choice(self.static))

    # -- Answers

    def receive(self, client):
        while True:
            try:
                data = client.socket.recv(65535)
            except BlockingIOError:
                return
            except ConnectionRefusedError:
                self.report.counts["refused"] += 1
                continue
            self.take(client, data)

    def take(self, client, data):
        sent = client.waiting.pop(struct.unpack_from(">H", data)[0], None) if len(data) > 1 else None
        if sent is None:
            self.report.finding(f"an answer that nobody asked for: {data.hex()[:400]}")
        elif isinstance(sent, tuple):
            if not wants_answer(sent[0]):
                self.report.finding(f"answer to {sent[0].hex()[:400]}, which is no query")
            self.checker.answer_to_mutated(sent[0], data)
        else:
            self.checker.answer(sent, data, now())
            if dns.COOKIE in sent.options:
                self.learn_cookie(client, data)

    @staticmethod
    def learn_cookie(client, data):
        try:
            options = dict(dns.Message(data).options or ())
        except dns.Malformed:
            return  # has been reported
        client.server_cookie = options.get(dns.COOKIE, client.cookie)[8:]

    def expire(self, client, time_now):
        for ident, sent in list(client.waiting.items()):
            asked = sent[1] if isinstance(sent, tuple) else sent.asked
            if time_now - asked < PATIENCE:
                return  # so are those that follow
            del client.waiting[ident]
            mutated = isinstance(sent, tuple)
            if mutated and not wants_answer(sent[0]):
                self.report.counts["mutated: rightly ignored"] += 1
            elif self.timeline.front_gone.touches(asked - 0.5, time_now):
                self.report.counts["lost with a killed front"] += 1
            elif client.lost_here():
                self.report.counts["lost in our own buffer"] += 1
            else:
                what = (f"mutated query {sent[0].hex()[:400]}" if mutated
                        else f"{sent.case.name} {sent.case.qtype}")
                self.report.finding(f"{time.strftime('%H:%M:%S')} {what}: no answer in "
                                    f"{time_now - asked:.1f} s")

    # -- The loop

    def turn(self, timeout):
        for fd, _ in self.poll.poll(timeout):
            self.receive(self.clients[fd])

    def renew(self):
        """Another source port; the old one waits for its answers."""
        random_client = self.rng.choice(list(self.clients.values()))
        random_client.retired = True
        for fd, client in list(self.clients.items()):
            if client.retired and not client.waiting:
                self.poll.unregister(fd)
                client.socket.close()
                del self.clients[fd]
        if sum(not client.retired for client in self.clients.values()) < 10:
            self.add_client()

    def run(self):
        begin = now()
        asked = 0
        next_renewal = next_hot = next_expiry = begin
        while not self.timeline.stop.is_set():
            time_now = now()
            if time_now >= next_hot:
                self.hot = self.rng.sample(self.services, HOT_SERVICES)
                next_hot = time_now + HOT_SECONDS
            if time_now >= next_renewal:
                self.renew()
                next_renewal = time_now + NEW_SOCKET_EVERY
            if time_now >= next_expiry:
                for client in self.clients.values():
                    self.expire(client, time_now)
                next_expiry = time_now + 0.5
            due = int((time_now - begin) * self.rate) - asked
            for _ in range(min(due, 100)):  # what a loaded machine kept us from is left out
                self.ask_one()
            asked += due
            self.turn(TURN)
        end = now() + PATIENCE
        while any(client.waiting for client in self.clients.values()) and now() < end + 1:
            self.turn(0.1)
            for client in self.clients.values():
                self.expire(client, now())
        return self.report


def main(timeline, port, rate, seed, results):
    results.put(UdpLoad(timeline, port, rate, seed).run())
