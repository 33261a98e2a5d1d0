"""What servers answer, as values that can be compared. An answer that is not well-formed, or compressed
where RFC 3597 §4 forbids it, is an error of the server."""

from harness.dns import CNAME, DNAME, NS, PTR, Malformed, Message, wire_to_text


class Answer:
    """One server's reaction to one query. kind: answer, drop, closed (TCP), broken (with why)."""
    __slots__ = ("kind", "why", "size", "opcode", "aa", "tc", "rd", "ra", "z", "ad", "cd", "rcode",
                 "question", "sections", "edns", "version", "udp_size", "do", "options", "repeats")

    def __init__(self, kind="answer", why=""):
        self.kind, self.why = kind, why

    @classmethod
    def of(cls, message):
        answer = cls()
        for slot in ("size", "opcode", "aa", "tc", "rd", "ra", "z", "ad", "cd", "rcode", "question",
                     "version", "udp_size"):
            setattr(answer, slot, getattr(message, slot))
        answer.edns, answer.options = message.options is not None, list(message.options or ())
        answer.do = message.dnssec_ok
        answer.sections = [list(dict.fromkeys(section)) for section in message.sections]
        answer.repeats = any(len(once) != len(section)
                             for once, section in zip(answer.sections, message.sections))
        return answer

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


def parse(octets, ident):
    """An Answer to the query with this ID."""
    try:
        message = Message(octets)
        if message.ident != ident or not message.qr or octets[4:6] > b"\0\1":
            raise Malformed("not an answer to this query")
        return Answer.of(message)
    except Malformed as e:
        return Answer("broken", f"{e}: {octets.hex()}")
