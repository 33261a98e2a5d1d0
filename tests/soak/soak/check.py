"""Whether an answer is right, and what to say where it is not."""

import collections
import random
import struct

from harness import dns
from harness.dns import QR, SERVFAIL, Malformed, Message

from .world import service_cases, static_cases

MAX_UDP = 1232
MAX_FINDINGS = 20
MAX_TEXT = 1000


class Report:
    """Counts, and findings as text."""

    def __init__(self, who):
        self.who = who
        self.counts = collections.Counter()
        self.findings = []

    def finding(self, text):
        self.counts["findings"] += 1
        if len(self.findings) < MAX_FINDINGS:
            self.findings.append(f"{self.who}: {text[:MAX_TEXT]}")


class Sent:
    """One query that waits for its answer."""

    __slots__ = ("case", "asked", "question", "room", "options", "edns")

    def __init__(self, case, asked, question, room, edns=False, options=()):
        self.case = case
        self.asked = asked  # when it was sent, or its connection opened
        self.question = question
        self.room = room  # octets that the answer may have
        self.edns = edns
        self.options = dict(options)


class Load:
    """What the clients of a transport have in common."""

    def __init__(self, who, timeline, port, rate, seed):
        self.timeline = timeline
        self.port = port
        self.rate = rate
        self.rng = random.Random(seed)
        self.report = Report(who)
        self.checker = Checker(timeline, self.report)
        self.static = static_cases()
        self.services = service_cases()


def _differences(message, expected, truncated):
    if message.rcode != expected.rcode:
        yield f"rcode {message.rcode} instead of {expected.rcode}"
    if bool(message.aa) != expected.authoritative:
        yield f"AA is {message.aa}"
    if bool(message.tc) != truncated:
        yield f"TC is {message.tc}"
    wanted = ((), (), ()) if truncated else (expected.answer, expected.authority,
                                             expected.additional)
    for title, section, want in zip(("answer", "authority", "additional"), message.sections, wanted):
        got = sorted(map(str, section))
        if tuple(got) != tuple(want):
            yield f"{title} {got} instead of {list(want)}"


class Checker:
    def __init__(self, timeline, report):
        self._timeline = timeline
        self._report = report
        self._known = {}  # answers that were found right before: (case, octets) -> version

    def answer(self, sent, data, now):
        """Counts it, or reports it."""
        versions = self._timeline.versions(sent.asked, now)
        plain = not sent.options
        key = (id(sent.case), sent.room, data[2:])
        if plain and self._known.get(key) in versions:
            self._report.counts["right"] += 1
            return
        try:
            message = Message(data)
        except Malformed as e:
            return self._wrong(sent, f"malformed answer {data.hex()}: {e}")
        problem = self._envelope(sent, data, message)
        if problem:
            return self._wrong(sent, f"{problem}; answer {data.hex()}")
        if message.rcode == SERVFAIL and sent.case.wakes:
            if self._timeline.vmm_gone.touches(sent.asked - 1, now):
                self._report.counts["SERVFAIL without vmm"] += 1
                return
            # The old front waited for it.
            if any(not sent.case.expected(version).answer for version in versions):
                self._report.counts["SERVFAIL for a removed service"] += 1
                return
        problems = [data.hex()[:300]]
        for version in versions:
            expected = sent.case.expected(version)
            problem = ", ".join(_differences(message, expected, expected.size > sent.room))
            if not problem:
                self._report.counts["right"] += 1
                if plain:
                    if len(self._known) > 20_000:
                        self._known.clear()
                    self._known[key] = version
                return
            problems.append(f"for version {version}: {problem}")
        self._wrong(sent, "; ".join(problems))

    def _envelope(self, sent, data, message):
        if not message.qr:
            return "QR is not set"
        if message.question != sent.question:
            return "another question"
        if len(data) > sent.room:
            return f"{len(data)} octets, of {sent.room} allowed"
        if (message.options is not None) != sent.edns:
            return f"EDNS in the answer: {message.options}"
        options = dict(message.options or ())
        for code, value in sent.options.items():
            got = options.get(code)
            if code == dns.COOKIE and (got is None or len(got) != 24 or got[:8] != value[:8]):
                return f"cookie {got} for {value}"
            if code == dns.NSID and got != b"soak":
                return f"NSID {got}"
        return None

    def _wrong(self, sent, why):
        self._report.finding(f"{sent.case.name} {sent.case.qtype}: {why}")

    def answer_to_mutated(self, query, data):
        """Sanity only: what a mutated query says is anybody's guess."""
        problem = None
        try:
            message = Message(data)
            opcode = query[2] >> 3 & 15
            if not message.qr or message.opcode != opcode:
                problem = f"flags {message.flags:04x}"
            elif opcode != 0 and message.rcode != dns.NOTIMP:
                problem = f"rcode {message.rcode} for opcode {opcode}"
            elif len(data) > MAX_UDP:
                problem = f"{len(data)} octets"
            elif message.rcode not in (0, 1, 2, 3, 4, 5, 6, dns.BADVERS, dns.BADCOOKIE):
                problem = f"rcode {message.rcode}"
        except Malformed as e:
            problem = f"malformed answer: {e}"
        if problem:
            self._report.finding(f"mutated query {query.hex()[:400]}: {problem}; answer {data.hex()[:400]}")
        else:
            self._report.counts["mutated: answered"] += 1


def wants_answer(query):
    """Whether a server must answer this message with something (RFC 1035 §4.1.1)."""
    return len(query) >= 12 and not struct.unpack_from(">H", query, 2)[0] & QR
