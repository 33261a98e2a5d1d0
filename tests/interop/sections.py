"""Differences in what an answer holds."""

from harness import dns
from case import chain, difference, is_below, is_referral, targets, uses_a_dname_twice
from harness.dns import ANY, CNAME, DNAME, SOA, labels_of

# Aliases that every server follows; then a chain may be left to the resolver.
SHORTEST_CHAIN = 5


@difference("ANY")
def _(c):
    """One HINFO record instead of a choice of what there is."""
    if (c.qtype == ANY and len(c.ours.an) == 1 and c.ours.an[0][4] == b"\7RFC8482\0" and
            (c.theirs.an or c.theirs.tc)):
        c.ours.an.clear()
        c.theirs.sections = [[], [], []]
        c.theirs.tc = 0


@difference("ANY behind a DNAME")
def _(c):
    """The CNAME made from a DNAME matches ANY, so we end there."""
    if (c.qtype == ANY and {r[1] for r in c.ours.an} == {CNAME, DNAME} and not c.ours.tc and
            (set(c.ours.an) <= set(c.theirs.an) or c.theirs.tc)):
        c.theirs.sections, c.theirs.rcode, c.theirs.tc = [list(c.ours.an), [], []], c.ours.rcode, 0


@difference("chain into another zone")
def _(c):
    """Where the target of an alias is in another zone of the same server, we end."""
    names, _ = chain(c.ours, c.qname)
    zone = c.world.zone_of(labels_of(c.qname))
    target = labels_of(names[-1])
    if c.qtype == dns.DS and target in c.world.apexes:  # stands in the zone above
        target = target[1:]
    if (c.ours.an and not c.ours.au and not c.ours.tc and
            (set(c.ours.an) <= set(c.theirs.an) or c.theirs.tc) and
            len(names) > 1 and c.world.zone_of(target) != zone):
        c.theirs.sections, c.theirs.rcode, c.theirs.tc = [list(c.ours.an), [], []], c.ours.rcode, 0


@difference("length of a chain")
def _(c):
    """One answer has the beginning of the other's chain of aliases, without anything to say that it
    is the end of it."""
    for short, long in ((c.ours, c.theirs), (c.theirs, c.ours)):
        names, loop = chain(long, c.qname)
        if (short.an and len(short.an) < len(long.an) and set(short.an) < set(long.an) and
                not short.au and not short.tc and not short.extra and short.rcode == 0 and
                (loop or uses_a_dname_twice(long) or
                 len(chain(short, c.qname)[0]) > SHORTEST_CHAIN)):
            long.sections, long.rcode, long.tc = [list(short.an), [], []], 0, 0


@difference("truncated content")
def _(c):
    if c.ours.tc and c.theirs.tc:
        c.ours.sections, c.theirs.sections = [[], [], []], [[], [], []]
        if c.ours.an or len(c.full.an) > 0 and c.full.an[0][1] in (CNAME, DNAME):
            c.theirs.rcode = c.ours.rcode


@difference("goes on behind YXDOMAIN", ("knot",))
def _(c):
    """With what the target of the DNAME itself has: the zone's SOA, a referral, further aliases."""
    if c.ours.rcode == dns.YXDOMAIN and set(c.ours.an) <= set(c.theirs.an):
        c.theirs.sections, c.theirs.rcode = [list(c.ours.an), [], []], c.ours.rcode


@difference("drops the SOA", ("knot",))
def _(c):
    """A negative answer without the SOA record and without TC."""
    if (len(c.ours.au) == 1 and c.ours.au[0][1] == SOA and not c.theirs.au and not c.theirs.tc and
            c.theirs.size + len(c.ours.au[0][4]) > c.q.limit() - 100):
        c.theirs.sections[1] = list(c.ours.au)


@difference("SOA of class ANY", ("nsd",))
def _(c):
    """A negative answer without it."""
    if c.qclass == 255 and not c.theirs.au:
        c.theirs.sections[1] = [r for r in c.ours.au if r[1] == SOA]


@difference("DS at a zone inside")
def _(c):
    """Asked of the apex of a zone inside another: the closest zone above answers, and where it has no
    DS record says that the name exists. The others may look in a zone further above."""
    labels = labels_of(c.qname)
    if c.qtype != dns.DS or labels not in c.world.apexes or not c.ours.aa or c.ours.rcode != 0:
        return
    above = c.world.zone_of(labels[1:])
    zone = next((z for z in c.world.zones if z.apex == above), None)
    if zone is not None and bool(c.ours.an) == ("DS" in zone.types.get(labels, ())) and (
            c.ours.an or c.ours.au[0][0] == dns.name_to_wire(above)):
        c.theirs = c.ours.copy()


@difference("peer drops glue", ("nsd",))
def _(c):
    """A referral without some of its glue and without TC."""
    if is_referral(c.theirs) and not c.theirs.tc and c.glue(c.theirs) < c.glue(c.full):
        c.theirs.tc = 1
        if c.ours.tc:
            c.ours.sections, c.theirs.sections = [[], [], []], [[], [], []]


@difference("larger than the peer's")
def _(c):
    """What must be in the answer does not fit as we compress it, as it does the other's way."""
    if c.ours.tc and not c.theirs.tc and c.required_size() > c.q.limit() - c.opt_size:
        c.theirs = c.ours.copy()


@difference("larger than ours")
def _(c):
    """It fits for us, whole, but not for the other."""
    full = c.full
    if (c.theirs.tc and not c.ours.tc and sorted(c.ours.an) == sorted(full.an) and
            sorted(c.ours.au) == sorted(full.au) and c.glue(c.ours) == c.glue(full)):
        c.theirs = c.ours.copy()


@difference("glue from a wildcard")
def _(c):
    """An address made from a wildcard for a name server that has no record of its own."""
    if is_referral(c.ours):
        c.theirs.sections[2] = [r for r in c.theirs.extra
                                if r in c.ours.extra or c.world.has(r[0], r[1])]


@difference("address of another zone")
def _(c):
    """Of a name server in another zone of the same server, which is not inside the referring one."""
    if is_referral(c.ours):
        apex = dns.name_to_wire(c.world.zone_of(labels_of(c.cut())[1:]))
        c.theirs.sections[2] = [r for r in c.theirs.extra if r in c.ours.extra or
                                not is_below(r[0], apex)]


@difference("sibling glue")
def _(c):
    """Addresses of name servers that are not below the cut are left out where there is no room, or
    come from where the other server does not look."""
    if is_referral(c.ours) and set(c.ours.au) == set(c.theirs.au):
        for answer, other in ((c.ours, c.theirs), (c.theirs, c.ours)):
            before = other.extra
            answer.sections[2] = [r for r in answer.extra if r in before or is_below(r[0], c.cut())]


@difference("optional additional")
def _(c):
    """Addresses of what a mail exchanger, a name server and the like point at."""
    if c.ours.an == [] or is_referral(c.ours):
        return
    wanted = targets(c.ours.an)
    c.theirs.sections[2] = [r for r in c.theirs.extra if r in c.ours.extra or
                            r[0] not in wanted and r[0][:2] != b"\1*" and r[0] != b"\0"]
    c.ours.sections[2] = [r for r in c.ours.extra if r in c.theirs.extra or r[0] not in wanted]
