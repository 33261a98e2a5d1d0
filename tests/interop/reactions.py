"""Differences in whether and how a message is answered: its form, its header, EDNS."""

import forms
from harness import dns
from case import difference
from harness.dns import CNAME, DNAME, EDE, NOTAUTH, labels_of

# What the peers do with wrong messages, beside saying nothing, ending the connection, or saying the
# same in another form (without the question, without OPT).
OTHER_REACTIONS = {
    "nsd": {
        "opcode": {"answers", "says 1", "says 5"}, "no question": {"answers"}, "bad cookie": {"answers", "says 5"},
        "trailing octets": {"answers", "says 5"}, "class": {"answers", "says 1"},
        "transfer": {"says 4", "says 9"}, "mail agent": {"answers", "says 5"},
        "meta type": {"answers", "says 5"}, "bad option": {"says 16"},
        "bad keepalive": {"answers", "says 5"},
    },
    "knot": {
        "opcode": {"says 1", "says 5", "says 9"}, "owned OPT": {"answers", "says 5"},
        "bad cookie": {"answers", "says 5"}, "class": {"answers", "says 1"},
        "transfer": {"says 4", "says 9"}, "mail agent": {"answers", "says 5"},
        "meta type": {"answers", "says 5"}, "bad keepalive": {"answers", "says 5"},
    },
}


# -- Reactions

def reaction(function):
    """For answers of different kinds: an answer, silence, the end of the connection."""
    function.reaction = True
    return function


@difference("peer hangs")
@reaction
def _(c):
    """Says nothing about summond: the query was in a batch in which the peer ceased to answer."""
    if c.theirs.kind == "hangs":
        c.theirs = c.ours.copy()


@difference("wrong message")
@reaction
def _(c):
    """Where we do what the RFCs want, others say nothing, end the connection, use another rcode,
    leave out the question or OPT, or overlook what is wrong."""
    owed = forms.REACTIONS.get(c.form)
    if owed is None:
        return
    if owed == "silence":
        right = c.ours.kind in ("drop", "closed")
    else:
        right = c.ours.kind == "answer" and c.ours.rcode == owed and c.ours.sections == [[], [], []]
    silent = c.outcome() in ("drops it", "closes", "says the same")
    if right and (silent or c.outcome() in OTHER_REACTIONS[c.peer].get(c.form, ())):
        c.name = f"{c.form}: peer {c.outcome()}"
        c.theirs = c.ours.copy()


@difference("TSIG")
def _(c):
    """We do not know TSIG; the others do not know the key."""
    if c.theirs.rcode == NOTAUTH and [r[1] for r in c.theirs.extra] == [dns.TSIG]:
        c.theirs = c.ours.copy()


@difference("TC or rcode in a query", ("nsd",))
@reaction
def _(c):
    if (c.q.wire[2] & 2 or c.q.wire[3] & 15) and c.outcome() in ("says 1", "drops it", "closes"):
        c.theirs = c.ours.copy()


@difference("records in a query", ("nsd",))
@reaction
def _(c):
    """Beside the question and OPT."""
    if c.form in ("good", "chaos") and forms.other_records(c.q.wire) and c.outcome() in ("says 1", "drops it", "closes"):
        c.theirs = c.ours.copy()


@difference("type 0", ("knot",))
def _(c):
    if c.qtype == 0 and c.theirs.rcode == dns.NOTIMP:
        c.theirs = c.ours.copy()


@difference("other names of CHAOS")
def _(c):
    """And zone transfers of it."""
    if c.form == "chaos" and c.ours.rcode == dns.REFUSED and c.theirs.rcode in (dns.NOTIMP, dns.REFUSED):
        c.theirs = c.ours.copy()


@difference("AA of class ANY")
def _(c):
    if c.qclass == 255 and not c.ours.aa:
        c.theirs.aa = 0


@difference("RRSIG and NSEC of an alias", ("knot",))
def _(c):
    """Are not there; we follow the alias."""
    if c.qtype in (dns.RRSIG, dns.NSEC) and c.ours.an and c.ours.an[0][1] in (CNAME, DNAME):
        c.theirs = c.ours.copy()


@difference("name of an outer zone", ("nsd",))
def _(c):
    """That a zone around the name's own has below the inner zone's apex, perhaps as a wildcard: not
    there, but for NSD."""
    labels = labels_of(c.qname)
    if (c.ours.rcode == dns.NXDOMAIN and c.theirs.rcode == 0 and c.ours.au == c.theirs.au and
            not c.theirs.an and c.world.hides(labels)):
        c.theirs.rcode = c.ours.rcode


@difference("cookie without a question")
@reaction
def _(c):
    if c.form == "good" and c.q.wire[4:6] == b"\0\0" and c.ours.rcode in (0, dns.BADCOOKIE):
        c.theirs = c.ours.copy()


@difference("broken by two NSIDs", ("nsd",))
@reaction
def _(c):
    """NSD 4.6.1 counts the option once and sends it twice."""
    if c.theirs.kind == "broken" and [code for code, _ in c.q.options].count(dns.NSID) > 1:
        c.theirs = c.ours.copy()


@difference("repeats a record")
def _(c):
    """In the same section."""
    c.theirs.repeats = False


# -- Header

@difference("AA of CHAOS")
def _(c):
    if c.form == "chaos" and c.ours.an:
        c.theirs.aa = c.ours.aa


# -- OPT

@difference("cookie")
def _(c):
    """We answer the COOKIE option; the others are not configured to."""
    sent = forms.cookie(c.q.wire) if c.form not in forms.REACTIONS else b""
    reply = next((data for code, data in c.ours.options if code == dns.COOKIE), b"")
    theirs = any(code == dns.COOKIE for code, _ in c.theirs.options)
    if sent and len(reply) == 24 and reply[:8] == sent[:8] and not theirs:
        c.ours.options.remove((dns.COOKIE, reply))


def asked_over_tcp(c, option):
    return c.q.tcp and c.form not in forms.REACTIONS and any(
        code == option for code, _ in forms.edns_options(c.q.wire))


@difference("keepalive")
def _(c):
    """We say how long a connection may be idle to those who ask over TCP."""
    ten_seconds = (dns.KEEPALIVE, b"\0\x64")
    if asked_over_tcp(c, dns.KEEPALIVE) and c.ours.options.count(ten_seconds) == 1:
        c.ours.options.remove(ten_seconds)


@difference("padding")
def _(c):
    """We pad to a multiple of 468 octets over TCP, where asked to."""
    padding = [data for code, data in c.ours.options if code == dns.PADDING]
    if (asked_over_tcp(c, dns.PADDING) and len(padding) == 1 and not any(padding[0]) and
            (c.ours.size % 468 == 0 or c.ours.size == 65535)):
        c.ours.options.remove((dns.PADDING, padding[0]))


@difference("extended error")
def _(c):
    for answer in (c.ours, c.theirs):
        answer.options = [o for o in answer.options if o[0] != EDE]
