"""Seeded zones of every shape that an authoritative server has to know: wildcards, empty
non-terminals, aliases and their loops, delegations with what lies below them, zones inside one
another, odd names, large RRsets. Only what summond, NSD and Knot all load."""

import rdata
from harness.dns import name_to_wire, text_of

# Few labels, so that names meet: of an alias and a wildcard, of a target and a delegation.
LABELS = [b"a", b"b", b"c", b"www", b"mail", b"ns", b"x1", b"_tcp", b"*", b"W-w", b"1"]
ODD_LABELS = [b"\0", b"a.b", b"\xff\xfe", b" ", b"a\\b", b"@", b"$x", b'"', b"(;)", b"**", b"L" * 63,
              b"A" * 62 + b"\x00", b"xn--bcher-kva", b"\xc3\xbc"]


def lower(labels):
    return tuple(label.lower() for label in labels)


class Zone:
    """apex: labels. types: {owner labels, lower case: set of type mnemonics}. names: every name that
    is worth asking for. text: the zone file."""

    def __init__(self, rng, apex):
        self.rng, self.apex = rng, apex
        self.types, self.names, self.service_types = {}, [], {}
        self._lines, self._records, self._ttls = [], set(), {}
        self._cnames, self._dnames, self._cuts = set(), set(), set()

    @property
    def text(self):
        return "\n".join(self._lines) + "\n"

    # -- What may stand where

    def _ancestors(self, owner):
        """Of owner within the zone, without itself."""
        return [owner[i:] for i in range(1, len(owner) - len(self.apex) + 1)]

    def _allowed(self, owner, rtype):
        key = lower(owner)
        if len(name_to_wire(owner)) > 255 or any(a in self._dnames for a in self._ancestors(key)):
            return False
        held = self.types.get(key, set())
        if rtype == "CNAME":
            return not held
        if "CNAME" in held:
            return False
        if rtype == "NS":
            return owner[:1] != (b"*",) and "DNAME" not in held
        if rtype == "DNAME":
            below = any(o != key and o[len(o) - len(key):] == key for o in self.types)
            return (not below and not held & {"DNAME"} and (key == self.apex or
                    ("NS" not in held and owner[:1] != (b"*",))))
        return True

    def add(self, owner, rtype, text=None, target=None):
        """False where it may not stand or stands already."""
        if not self._allowed(owner, rtype):
            return False
        key = lower(owner)
        target = target if target is not None else self.target()
        if len(name_to_wire(target)) > 255:
            return False
        text = text if text is not None else rdata.make(self.rng, rtype, target)
        if (key, rtype, text) in self._records:
            return False
        self._records.add((key, rtype, text))
        ttl = self._ttls.setdefault((key, rtype), self.rng.choice((0, 1, 60, 300, 86400)))
        self.types.setdefault(key, set()).add(rtype)
        if rtype == "CNAME":
            self._cnames.add(key)
        elif rtype == "DNAME":
            self._dnames.add(key)
        elif rtype == "NS" and key != self.apex:
            self._cuts.add(key)
        self._lines.append(f"{text_of(owner)} {ttl} IN {rtype} {text}")
        self.names.append(owner)
        if rtype in ("NS", "CNAME", "DNAME", "MX", "SRV", "HTTPS", "SVCB"):
            self.names.append(target)
        return True

    # -- Names

    def label(self):
        return self.rng.choice(ODD_LABELS if self.rng.random() < 0.06 else LABELS)

    def name(self, below=None):
        """A name in the zone, often below one that is there."""
        rng = self.rng
        base = below
        if base is None:
            base = rng.choice(self.names) if self.names and rng.random() < 0.5 else self.apex
            if lower(base[len(base) - len(self.apex):]) != self.apex:
                base = self.apex
        for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 6))):
            base = (self.label(), *base)
        return base if len(name_to_wire(base)) <= 255 else self.apex

    def target(self):
        """A name to point at: in the zone or out of all."""
        r = self.rng.random()
        if r < 0.6 and self.names:
            return self.rng.choice(self.names)
        if r < 0.9:
            return self.name()
        return (self.label(), b"elsewhere", b"invalid")


def fill(zone, others, size):
    """size: roughly how many owners. others: apexes of zones of the same servers."""
    rng = zone.rng
    minimum, ttl = rng.choice(((60, 3600), (3600, 60), (0, 300), (300, 0), (2147483647, 86400)))
    ns = (b"ns", *zone.apex)
    zone._lines.append(f"{text_of(zone.apex)} {ttl} IN SOA {text_of(ns)} "
                       f"Host\\.Master.{text_of(zone.apex) if zone.apex else ''} "
                       f"{rng.randrange(2**32)} 3600 600 86400 {minimum}")
    zone.types[zone.apex] = {"SOA"}
    zone.names.append(zone.apex)
    zone.add(zone.apex, "NS", target=ns)
    zone.add(zone.apex, "NS", target=(b"ns2", b"elsewhere", b"invalid"))
    zone.add(ns, "A")
    if rng.random() < 0.5:
        zone.add(ns, "AAAA")
    for rtype in rng.sample(rdata.OTHERS, 4):
        zone.add(zone.apex, rtype)
    makers = [(hosts, 8), (wildcard, 4), (empty_non_terminals, 2), (cname_chain, 3), (cname_loop, 1),
              (dname, 2), (delegation, 3), (large_rrset, 2), (shared_names, 2), (long_name, 1), (into, 2)]
    population = [maker for maker, weight in makers for _ in range(weight)]
    while len(zone.types) < size:
        maker = rng.choice(population)
        if maker is into:
            into(zone, others)
        else:
            maker(zone)


def rrset(zone, owner, rtype, count=None):
    for _ in range(count or zone.rng.choice((1, 1, 2, 4))):
        zone.add(owner, rtype)


def hosts(zone):
    for _ in range(3):
        owner = zone.name()
        for rtype in zone.rng.sample(["A", "AAAA", *rdata.OTHERS], zone.rng.randrange(1, 5)):
            rrset(zone, owner, rtype)


def wildcard(zone):
    owner = (b"*", *zone.name())
    if zone.rng.random() < 0.25:
        zone.add(owner, "CNAME")
    else:
        for rtype in zone.rng.sample(["A", "AAAA", *rdata.OTHERS], 2):
            rrset(zone, owner, rtype)
    if zone.rng.random() < 0.3:  # names below a wildcard are no expansion of it
        rrset(zone, zone.name(owner), "A")


def empty_non_terminals(zone):
    owner = (b"leaf", zone.label(), zone.label(), zone.label(), *zone.apex)
    rrset(zone, owner, "TXT")


def cname_chain(zone):
    length = zone.rng.choice((1, 1, 2, 3, 5, 12, 16, 17, 20, 25))
    stem = zone.name()
    owner = (b"c0", *stem)
    for i in range(1, length + 1):
        target = (b"c%d" % i, *stem)
        if i == length and zone.rng.random() < 0.7:
            target = zone.target()
        zone.add(owner, "CNAME", target=target)
        owner = target
    if zone.rng.random() < 0.5:
        rrset(zone, (b"c%d" % length, *stem), zone.rng.choice(["A", "AAAA", "TXT"]))


def cname_loop(zone):
    stem = zone.name()
    length = zone.rng.choice((1, 2, 3, 7))
    for i in range(length):
        zone.add((b"l%d" % i, *stem), "CNAME", target=(b"l%d" % ((i + 1) % length), *stem))


def dname(zone):
    owner = (zone.rng.choice((b"d", b"old", b"D2")), *zone.name())
    kind = zone.rng.randrange(5)
    if kind == 0:  # a loop of two
        other = (b"dd", *zone.name())
        zone.add(owner, "DNAME", target=other)
        zone.add(other, "DNAME", target=owner)
    elif kind == 1:  # grows with every step
        zone.add(owner, "DNAME", target=(b"grow", *owner))
    elif kind == 2:  # a long target: most names below do not fit
        zone.add(owner, "DNAME", target=fit((b"t" * 60,) * 3 + zone.apex))
    else:
        zone.add(owner, "DNAME")
    if zone.rng.random() < 0.4:
        rrset(zone, owner, "A")
    zone.names.append((zone.label(), *owner))
    zone.names.append((zone.label(), zone.label(), *owner))
    if zone.rng.random() < 0.5:
        zone.add(zone.name(), "CNAME", target=(b"www", *owner))


def delegation(zone):
    cut = (zone.rng.choice((b"sub", b"Sub2", b"s3")), *zone.name())
    rng = zone.rng
    if not zone._allowed(cut, "NS"):
        return
    many = rng.random() < 0.15
    for i in range(rng.choice((8, 13)) if many else rng.choice((1, 2, 3))):
        kind = rng.randrange(5)
        ns = {0: cut, 1: (b"ns%d" % i, *cut), 2: (b"ns%d" % i, b"deep", *cut)}.get(kind)
        if ns is None:  # beside the cut, or elsewhere; perhaps below another cut
            ns = zone.target()
        zone.add(cut, "NS", target=ns)
        if lower(ns[len(ns) - len(zone.apex):]) == zone.apex and rng.random() < 0.8:
            for rtype in rng.choice((("A",), ("AAAA",), ("A", "AAAA"))):
                rrset(zone, ns, rtype)
    if rng.random() < 0.4:
        zone.add(cut, "DS")
    # What lies below a cut is hidden by it.
    for _ in range(rng.randrange(4)):
        owner = zone.name(cut)
        kind = rng.randrange(6)
        if kind == 0:
            zone.add(owner, "CNAME")
        elif kind == 1:
            zone.add((b"*", *cut), "A")
        elif kind == 2:
            zone.add(owner, "NS")
        elif kind == 3:
            zone.add(owner, "DNAME")
        else:
            rrset(zone, owner, rng.choice(["A", "TXT", "MX", "DS"]))
    if rng.random() < 0.4:
        zone.add(zone.name(), "CNAME", target=(b"www", *cut))
    zone.names.append((b"www", *cut))


def large_rrset(zone):
    rng, owner = zone.rng, zone.name()
    kind = rng.randrange(5)
    if kind == 0:
        rrset(zone, owner, "A", rng.choice((20, 28, 29, 30, 70, 72, 75, 300, 1500)))
    elif kind == 1:
        rrset(zone, owner, "TXT", rng.choice((3, 8, 60)))
    elif kind == 2:
        zone.add(owner, "TXT", " ".join(rdata.string(rng, 255) for _ in range(rng.choice((4, 60, 230)))))
    elif kind == 3:  # names that a pointer can no longer reach
        for i in range(rng.choice((30, 220))):
            zone.add(owner, "MX", f"{i} {text_of((b'm%d' % i, b'x' * 40, *zone.apex))}")
    else:  # close to the sizes at which UDP answers end
        size = rng.choice((512, 1232)) - rng.randrange(30, 130)
        parts = [min(255, size - at) for at in range(0, size, 256)]
        zone.add(owner, "TXT", " ".join(rdata.string(rng, part) for part in parts))


def shared_names(zone):
    """An RRset with names that have parts in common, with each other and perhaps with the owner."""
    rng, owner = zone.rng, zone.name()
    rtype = rng.choice(("MX", "MX", "NS", "PTR", "MINFO", "SRV", "AFSDB"))
    ends = [(b"hosting", b"example", b"net"), (b"Hosting", b"example", b"NET"), (b"x", b"invalid"),
            (b"net",), zone.apex, owner, (b"sub", *owner), ()]
    for _ in range(rng.choice((2, 3, 8, 29, 60))):
        end = rng.choice(ends)
        target = (*rng.choices((b"a", b"mx", b"y" * 30), k=rng.randrange(3)), *end)
        zone.add(owner, rtype, target=fit(target))
    if rng.random() < 0.5:  # where they do not stand right behind the question
        zone.add((b"to", *zone.name()), "CNAME", target=owner)


def fit(labels):
    """The longest suffix that is a legal name."""
    while len(name_to_wire(labels)) > 255:
        labels = labels[1:]
    return labels


def long_name(zone):
    rng, owner = zone.rng, zone.apex
    if rng.random() < 0.5:  # as many labels as there can be
        owner = fit((b"q",) * 127 + owner)
    else:
        while len(name_to_wire(owner)) < 253:
            room = 255 - len(name_to_wire(owner)) - 1
            owner = (bytes([rng.choice(b"abc")]) * min(63, room), *owner)
    if len(owner) > len(zone.apex):
        rrset(zone, owner, "A")


def into(zone, others):
    """Aliases and name servers that lead to another zone of the same servers."""
    if not others:
        return
    other = zone.rng.choice(others)
    target = (zone.label(), *other)
    kind = zone.rng.choice(("CNAME", "DNAME", "MX", "NS"))
    owner = zone.name()
    if kind == "DNAME":
        zone.add((b"toz", *owner), "DNAME", target=other)
    elif kind == "NS":
        zone.add((b"nsz", *owner), "NS", target=target)
    else:
        zone.add(owner, kind, target=target)
