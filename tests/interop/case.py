"""Names the differences between two answers. Each class takes away from copies of both answers exactly
the difference that it allows; what is left in the end must be equal. DIFFERENCES.md has the RFC text
that decides each class."""

import struct

import forms
from harness import dns
from harness.dns import CNAME, DNAME, NS, SOA, labels_of

CLASSES = []


class Case:
    """One query with summond's answer and one peer's. ask_tcp(summond): our answer, or the peer's, to
    the bare question over TCP, where there is room for everything."""

    def __init__(self, query, ours, theirs, peer, world, ask_tcp):
        self.q, self.ours, self.theirs, self.peer, self.world = query, ours, theirs, peer, world
        self.opt_size = 0
        if ours.kind == "answer" and ours.edns:
            self.opt_size = 11 + sum(4 + len(data) for _, data in ours.options)
        self._ask_tcp, self._full = ask_tcp, None
        self.form = forms.form(query.wire, query.tcp)
        # What is on the wire: an odd query may not ask what it was made from.
        self.qname, self.qtype, self.qclass = b"\0", 0, 0
        if self.form in ("good", "chaos") and query.wire[5]:
            self.qname, at = dns.read_name(query.wire, 12, False)
            self.qtype, self.qclass = struct.unpack_from(">HH", query.wire, at)

    @property
    def full(self):
        """Our whole answer."""
        if self._full is None:
            self._full = self.ours if self.form in forms.REACTIONS else self._ask_tcp()
        return self._full

    def outcome(self):
        """What the peer makes of a wrong message."""
        if self.theirs.kind != "answer":
            return {"drop": "drops it", "closed": "closes"}.get(self.theirs.kind, self.theirs.kind)
        if self.theirs.rcode in (0, 3, 6) or self.theirs.rcode == 5 and self.theirs.sections != [[], [], []]:
            return "answers"
        if self.form in forms.REACTIONS and self.theirs.rcode == forms.REACTIONS[self.form]:
            return "says the same"
        return f"says {self.theirs.rcode}"

    def cut(self):
        return next(r[0] for r in self.full.au if r[1] == NS)

    def glue(self, answer):
        """Records of name servers below the cut that a referral has, but those from wildcards."""
        if not is_referral(self.full):
            return set()
        return {r for r in answer.extra if is_below(r[0], self.cut()) and self.world.has(r[0], r[1])}

    def required_size(self):
        """Of our answer without what may be left out. Owners there are compressed."""
        required = self.glue(self.full)
        return self.full.size - sum(12 + len(r[4]) for r in self.full.extra if r not in required)


def difference(name, peers=("nsd", "knot")):
    def register(function):
        CLASSES.append((name, peers, function))
        return function
    return register


def classify(case):
    """Names of the classes that explain the difference, and whether they do so in full."""
    case.ours, case.theirs = case.ours.copy(), case.theirs.copy()
    found = []
    for name, peers, function in CLASSES:
        if case.peer not in peers:
            continue
        if case.ours.kind != case.theirs.kind and not getattr(function, "reaction", False):
            continue
        before = (case.ours.key(), case.theirs.key())
        if before[0] == before[1]:
            break
        case.name = name
        function(case)
        if (case.ours.key(), case.theirs.key()) != before:
            found.append(case.name)
    return found, case.ours.key() == case.theirs.key()


# -- Helpers

def is_below(name, ancestor):
    """True for the name itself too."""
    labels, above = labels_of(name), labels_of(ancestor)
    return len(labels) >= len(above) and labels[len(labels) - len(above):] == above


def targets(records):
    """Names that the records point at, but for aliases."""
    names = set()
    for owner, rtype, _, _, rdata in records:
        if rtype in (CNAME, DNAME, SOA) or rtype not in dns.NAMES and rtype != dns.NAPTR:
            continue
        if rtype == dns.NAPTR:
            at = 4
            for _ in range(3):
                at += 1 + rdata[at]
        else:
            at = dns.NAMES[rtype][0]
        name, _ = dns.read_name(rdata, at, False)
        names.add(owner if rtype in (dns.SVCB, dns.HTTPS) and name == b"\0" else name)
    return names


def chain(answer, qname):
    """Names along the aliases of an answer, the question's first, and whether they form a loop."""
    aliases = {r[0]: r[4] for r in answer.an if r[1] == CNAME}
    names = [qname]
    while names[-1] in aliases:
        names.append(aliases[names[-1]])
        if names[-1] in names[:-1]:
            return names, True
    return names, False


def uses_a_dname_twice(answer):
    aliases = [r[0] for r in answer.an if r[1] == CNAME]
    return any(sum(is_below(alias, r[0]) for alias in aliases) > 1
               for r in answer.an if r[1] == DNAME)


def is_referral(answer):
    return any(r[1] == NS for r in answer.au)
