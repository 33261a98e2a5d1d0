"""Seeded questions for names in, below, above and beside those of signed zones."""

import zones

from harness.dns import CNAME, DS, HTTPS, MX, NS, NSEC, SOA, SRV, TXT, name_to_wire

DNSKEY, NSEC3PARAM = 48, 51
TYPES = [1, 28, TXT, MX, NS, SRV, HTTPS, DS, CNAME, SOA, DNSKEY, NSEC3PARAM, NSEC]


def make(rng, all_zones):
    return name(rng, all_zones), rng.choice(TYPES)


def name(rng, all_zones):
    zone = rng.choice(all_zones)
    base = rng.choice(zone.names)
    kind = rng.random()
    if kind < 0.4:
        return base
    if kind < 0.6:
        for _ in range(rng.choice((1, 1, 2, 3))):
            base = (label(rng), *base)
    elif kind < 0.75:
        base = base[rng.randrange(len(base) - len(zone.apex) + 1):]
    elif kind < 0.9 and len(base) > len(zone.apex):
        base = (label(rng), *base[1:])
    else:
        base = (label(rng), *zone.apex)
    return base if len(name_to_wire(base)) <= 240 else zone.apex


def label(rng):
    if rng.random() < 0.5:
        return rng.choice(zones.LABELS)
    return b"n%d" % rng.randrange(400) if rng.random() < 0.5 else rng.randbytes(rng.randrange(1, 9)).replace(b"\0", b"0")
