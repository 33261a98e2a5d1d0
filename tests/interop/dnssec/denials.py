"""Whether what an answer denies exists: by the names that zones have, and nothing that a server says."""

import base64
import hashlib
import struct

from harness import dns as wire
from harness.dns import labels_of


class Existing:
    """The names of each zone, those of delegations and empty non-terminals among them, nothing below."""

    def __init__(self, all_zones):
        self.names, self.hashes = {}, {}
        for zone in all_zones:
            self.names[tuple(l.lower() for l in zone.apex)] = names_in(zone)

    def hashed(self, apex, parameters):
        key = apex, parameters
        if key not in self.hashes:
            self.hashes[key] = sorted(nsec3(name, parameters) for name in self.names[apex])
        return self.hashes[key]


def names_in(zone):
    closed = {tuple(l.lower() for l in name) for name in zone.closed}
    found = set()
    for name in zone.names:
        lower = tuple(l.lower() for l in name)
        if any(lower[i:] in closed for i in range(1, len(lower))):
            continue
        found |= {lower[i:] for i in range(len(lower) - len(zone.apex) + 1)}
    return found


def nsec3(name, parameters):
    iterations, salt = parameters
    digest = hashlib.sha1(wire.name_to_wire(name) + salt).digest()
    for _ in range(iterations):
        digest = hashlib.sha1(digest + salt).digest()
    return digest


def is_between(first, what, last):
    return first < what < last if first < last else what > first or what < last


def check(answer, existing, tally):
    """No NSEC or NSEC3 record of an answer covers a name that exists, but where opt-out says so."""
    for owner, rtype, _, _, rdata in answer.au if answer.kind == "answer" else ():
        labels = labels_of(owner)
        if rtype == wire.NSEC:
            following, end = wire.read_name(rdata, 0, False)
            following = labels_of(following)
            at_cut = not rdata[end + 2] & 2  # no SOA: of the zone above, if there is one of this name
            apex = next(labels[i:] for i in range(len(labels)) if labels[i:] in existing.names and (i or not at_cut))
            covered = [name for name in existing.names[apex] if following != name and
                       is_between(labels[::-1], name[::-1], following[::-1]) and
                       following[-len(name):] != name]
        elif rtype == 50 and not rdata[1] & 1:
            apex, size = labels[1:], rdata[4]
            parameters = struct.unpack_from(">H", rdata, 2)[0], rdata[5:5 + size]
            first = base64.b32decode(labels[0].upper().translate(HEX32))
            following = rdata[6 + size:26 + size]
            covered = [h for h in existing.hashed(apex, parameters) if is_between(first, h, following)]
        else:
            continue
        tally["denials"] += 1
        if covered:
            tally.wrong.append(f"COVERS {covered[:3]}: {wire.wire_to_text(owner)}\n{answer}")


HEX32 = bytes.maketrans(b"0123456789ABCDEFGHIJKLMNOPQRSTUV", b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
