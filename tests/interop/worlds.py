"""Which zones are served together. One world has everything below a few names, the other one the root
zone, below which no name is anybody else's."""

import random

from rdata import NUMBERS
from harness.dns import labels_of, text_of
from zones import Zone, fill, lower

# Apexes of the first world, outer zones before those inside them; further ones follow by number.
PLAIN = [
    (b"z0", b"example"),
    (b"in", b"z0", b"example"),           # inside the first, delegated there or not, as it falls
    (b"b", b"a", b"in", b"z0", b"example"),
    (b"single",),
    (b"2", b"0", b"192", b"in-addr", b"arpa"),
    (b"l" * 63, b"m" * 63, b"n" * 50, b"long", b"example"),
    (b"odd.label", b"\xff bin\0ary", b"example"),
    (b"dname", b"example"),
    (b"UPPER", b"Example"),
]
ROOT = [(), (b"com",), (b"w", b"com"), (b"net",)]
TYPES = {number: mnemonic for mnemonic, number in NUMBERS.items()}


class Service:
    """A service of summond; its addresses are ordinary records of the other servers."""

    def __init__(self, name, owner, ttl, addresses):
        self.name, self.owner, self.ttl, self.addresses = name, owner, ttl, addresses


class World:
    def __init__(self, name, zones):
        self.name, self.zones, self.services = name, zones, []
        self.apexes = {zone.apex for zone in zones}

    def zone_of(self, labels):
        """The apex of the closest zone, None for none."""
        key = lower(labels)
        for i in range(len(key) + 1):
            if key[i:] in self.apexes:
                return key[i:]
        return None

    def has(self, name, rtype):
        """True where a zone has records of this name (wire format) and type, visible or not."""
        labels = labels_of(name)
        return any(TYPES.get(rtype) in zone.types.get(labels, ()) for zone in self.zones)

    def hides(self, labels):
        """True where a zone around the closest one has this name, a name below it or a wildcard for
        it, inside the closest one."""
        inner = self.zone_of(labels)
        wildcards = {(b"*", *labels[i:]) for i in range(1, len(labels) - len(inner) + 1)}
        return any(owner[len(owner) - len(labels):] == labels or owner in wildcards
                   for zone in self.zones
                   if zone.apex != inner and inner[len(inner) - len(zone.apex):] == zone.apex
                   for owner in zone.types)


def make(seed, count):
    """The two worlds with `count` zones in all, at least as many as have a shape of their own."""
    rng = random.Random(seed)
    plain = [lower(apex) for apex in PLAIN]
    outers = [apex for apex in plain if apex[0] != b"dname"]  # NSD wants nothing below a DNAME
    for i in range(count - len(PLAIN) - len(ROOT)):
        outer = rng.choice(outers) if i % 3 == 0 else (b"example",)
        apex = (b"z%d" % (i + 1), *outer)
        plain.append(apex if len(text_of(apex)) < 200 else apex[:1] + (b"example",))
    return [world("plain", rng, plain, 150), world("root", rng, ROOT, 120)]


def world(name, rng, apexes, size):
    zones = []
    for apex in apexes:
        zone = Zone(rng, apex)
        if apex == (b"dname", b"example"):
            zone.add(apex, "DNAME", target=(b"z0", b"example"))
            fill(zone, [], 1)
        else:
            fill(zone, [other for other in apexes if other != apex], size)
        delegate_nested(zone, apexes)
        zones.append(zone)
    made = World(name, zones)
    if name == "plain":
        made.services = services(zones[0])
    return made


def delegate_nested(zone, apexes):
    for apex in apexes:
        inside = len(apex) > len(zone.apex) and apex[len(apex) - len(zone.apex):] == zone.apex
        if inside and zone.rng.random() < 0.6:
            zone.add(apex, "NS", target=(b"ns", *apex))
            zone.add((b"ns", *apex), "A")
            if zone.rng.random() < 0.5:
                zone.add(apex, "DS")


def services(zone):
    """Beside static records, some at the same names."""
    made = []
    for i in range(6):
        owner = (b"svc%d" % i, *((b"ent",) if i % 2 else ()), *zone.apex)
        addresses = [f"10.9.0.{i + 1}"] * (i != 4) + [f"2001:db8:9::{i + 1}"] * (i > 2)
        made.append(Service(f"svc{i}", owner, 60 + i, addresses))
        zone.types.setdefault(lower(owner), set()).update(
            {"AAAA" if ":" in address else "A" for address in addresses})
        zone.names.append(owner)
        if i % 3 == 0:
            zone.add(owner, "TXT")
            zone.add(owner, "HTTPS")
        zone.add((b"alias", *owner), "CNAME", target=owner)
    return made


