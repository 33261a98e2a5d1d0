"""What summond serves in each version, and what it must answer.

Version N (from 1) of the world is one configuration and one zone file. Everything in it is computed from N,
so that each answer shows which version it was made from: a query may be answered from any version
that was in force between the query and its answer, and from no other."""

import os
from dataclasses import dataclass

from harness.dns import NOERROR, NXDOMAIN, REFUSED

HOSTS = 150
SERVICES = 24
LAST_ALWAYS_THERE = 4  # services that every version has
SOA_TIMES = "3600 600 86400 60"
ANSWERS = ("booting", "ready", "150ms")
NEVER_IN_UDP = 2000  # octets


@dataclass(frozen=True)
class Expected:
    rcode: int
    authoritative: bool
    answer: tuple = ()
    authority: tuple = ()
    additional: tuple = ()
    size: int = 0  # needs this much room with EDNS, or is truncated and empty


@dataclass(frozen=True)
class Case:
    name: str
    qtype: str
    expected: object  # version -> Expected
    wakes: bool = False  # a service's address: may take as long as a boot


def v4(version, host):
    return f"10.{version >> 8 & 127}.{version & 255}.{host & 255}"


def v6(version, host):
    return f"2001:db8::{version & 0xffff:x}:{host + 1:x}"


def host_count(version):
    return 50 + version * 37 % (HOSTS - 50)


# -- Services

def has_service(version, k):
    return k < LAST_ALWAYS_THERE or (version + k) % 7 != 0


def epoch(version, k):
    """Every third service moves to another address every fifth version."""
    return 1 + version // 5 % 200 if k % 3 == 0 else 255


def service_v4(version, k):
    return f"10.200.{epoch(version, k)}.{k}"


def service_v6(version, k):
    return f"2001:db8:5::{epoch(version, k):x}:{k + 1:x}"


# -- Files

TEXT_200 = "x" * 196


def zone_file(version):
    lines = [
        "$TTL 300",
        f"@ SOA ns1 hostmaster {version} {SOA_TIMES}",
        "@ NS ns1", "@ NS ns2.other.example.", "@ MX 10 mail",
        "ns1 A 192.0.2.53", "ns1 AAAA 2001:db8::53",
        f"mail A {v4(version, 200)}",
        f'version TXT "version {version}"',
        "alias CNAME h0", "chain1 CNAME chain2", "chain2 CNAME chain3", "chain3 CNAME h1",
        "out CNAME www.elsewhere.example.", "to-service CNAME svc1", "loop1 CNAME loop2",
        "loop2 CNAME loop1",
        f"*.wild A {v4(version, 201)}", f"exact.wild A {v4(version, 202)}",
        f"deep.ent A {v4(version, 203)}",
        "sub NS ns.sub", "sub NS ns.away.example.", f"ns.sub A {v4(version, 204)}",
        "old DNAME new", f"h.new A {v4(version, 205)}",
        "_dns._udp SRV 0 5 53 ns1",
    ]
    lines += [f'mid TXT "{i:03}{TEXT_200}"' for i in range(3)]
    lines += [f'big TXT "{i:03}{TEXT_200}"' for i in range(30)]
    for k in range(host_count(version)):
        lines += [f"h{k} 120 A {v4(version, k)}", f"h{k} 120 AAAA {v6(version, k)}"]
    return "\n".join(lines) + "\n"


def configuration(version, listen, zone_path, kernel):
    lines = [
        "control: off",
        "listen: [" + ", ".join(f'"{address}"' for address in listen) + "]",
        "server: {version: soak, identity: soak}",
        "zones:",
        f"  - {{name: soak.test, file: {zone_path}}}",
        "  - name: inline.test",
        "    ns: ns1.soak.test",
        f"    soa: {{serial: {version}}}",
        f"    records: ['@ 60 TXT \"inline {version}\"', 'www A {v4(version, 206)}']",
        "  - {name: 200.10.in-addr.arpa, ns: ns1.soak.test}",
        f"defaults: {{kernel: {kernel}, ttl: 1, idle: {{after: 1s, action: destroy}}}}",
        "services:",
    ]
    for k in range(SERVICES):
        if not has_service(version, k):
            continue
        lines += [f"  - name: svc{k}",
                  f"    names: svc{k}.soak.test",
                  f'    addresses: ["{service_v4(version, k)}", "{service_v6(version, k)}"]',
                  f"    answer: {ANSWERS[k % 3]}"]
        if k % 4 == 1:
            lines.append("    idle: {after: 1s, action: pause}")
    return "\n".join(lines) + "\n"


def write(path, text):
    """All at once: no reader ever sees half of it."""
    with open(path + ".new", "w", encoding="utf-8") as f:
        f.write(text)
    os.rename(path + ".new", path)


# -- Answers

def soa(version, ttl=60):
    return f"soak.test. {ttl} SOA ns1.soak.test. hostmaster.soak.test. {version} {SOA_TIMES}"


def data(*records, **more):
    return Expected(NOERROR, True, tuple(sorted(records)), **more)


def nodata(version, *answer):
    return Expected(NOERROR, True, tuple(sorted(answer)), (soa(version),))


def nxdomain(version, *answer):
    return Expected(NXDOMAIN, True, tuple(sorted(answer)), (soa(version),))


NS1 = ("ns1.soak.test. 300 A 192.0.2.53", "ns1.soak.test. 300 AAAA 2001:db8::53")
CHAIN = tuple(f"chain{i}.soak.test. 300 CNAME {to}.soak.test."
              for i, to in ((1, "chain2"), (2, "chain3"), (3, "h1")))
LOOP = tuple(f"loop{i}.soak.test. 300 CNAME loop{3 - i}.soak.test." for i in (1, 2))


def host_record(v, k, qtype, owner=None):
    return f"{owner or f'h{k}'}.soak.test. 120 {qtype} {v4(v, k) if qtype == 'A' else v6(v, k)}"


def host_case(k, qtype):
    return Case(f"h{k}.soak.test", qtype,
                lambda v: data(host_record(v, k, qtype)) if k < host_count(v) else nxdomain(v))


def txt_records(owner, count):
    return [f'{owner}.soak.test. 300 TXT "{i:03}{TEXT_200}"' for i in range(count)]


def service_record(v, k, qtype):
    return f"svc{k}.soak.test. 1 {qtype} {service_v4(v, k) if qtype == 'A' else service_v6(v, k)}"


def service_case(k, qtype):
    return Case(f"svc{k}.soak.test", qtype,
                lambda v: data(service_record(v, k, qtype)) if has_service(v, k) else nxdomain(v),
                wakes=True)


def reverse(version, k):
    return f"{k}.{epoch(version, k)}.200.10.in-addr.arpa"


def reverse_case(k):
    name = reverse(1, k)  # of a service that does not move
    return Case(name, "PTR", lambda v: data(f"{name}. 1 PTR svc{k}.soak.test."))


def static_cases():
    one = lambda name, qtype, expected: Case(name, qtype, expected)
    cases = [host_case(k, qtype) for k in range(HOSTS) for qtype in ("A", "AAAA")]
    cases += [
        one("soak.test", "SOA", lambda v: data(soa(v, 300))),
        one("soak.test", "NS", lambda v: data("soak.test. 300 NS ns1.soak.test.",
                                              "soak.test. 300 NS ns2.other.example.",
                                              additional=NS1)),
        one("soak.test", "MX", lambda v: data("soak.test. 300 MX 10 mail.soak.test.",
                                              additional=(f"mail.soak.test. 300 A {v4(v, 200)}",))),
        one("soak.test", "A", nodata),
        one("version.soak.test", "TXT",
            lambda v: data(f'version.soak.test. 300 TXT "version {v}"')),
        one("_dns._udp.soak.test", "SRV",
            lambda v: data("_dns._udp.soak.test. 300 SRV 0 5 53 ns1.soak.test.", additional=NS1)),
        one("alias.soak.test", "A", lambda v: data("alias.soak.test. 300 CNAME h0.soak.test.",
                                                   host_record(v, 0, "A"))),
        one("chain1.soak.test", "AAAA", lambda v: data(*CHAIN, host_record(v, 1, "AAAA"))),
        one("chain1.soak.test", "TXT", lambda v: nodata(v, *CHAIN)),
        one("loop1.soak.test", "A", lambda v: data(*LOOP)),
        one("out.soak.test", "A",
            lambda v: data("out.soak.test. 300 CNAME www.elsewhere.example.")),
        one("any.thing.wild.soak.test", "A",
            lambda v: data(f"any.thing.wild.soak.test. 300 A {v4(v, 201)}")),
        one("exact.wild.soak.test", "A",
            lambda v: data(f"exact.wild.soak.test. 300 A {v4(v, 202)}")),
        one("exact.wild.soak.test", "TXT", nodata),
        one("wild.soak.test", "A", nodata),
        one("ent.soak.test", "A", nodata),
        one("below.h0.soak.test", "A", nxdomain),
        one("no-such-name.soak.test", "A", nxdomain),
        one("x.y.h.new.soak.test", "A", nxdomain),
        one("host.sub.soak.test", "A",
            lambda v: Expected(NOERROR, False, (), ("sub.soak.test. 300 NS ns.away.example.",
                                                    "sub.soak.test. 300 NS ns.sub.soak.test."),
                               (f"ns.sub.soak.test. 300 A {v4(v, 204)}",))),
        one("h.old.soak.test", "A",
            lambda v: data("old.soak.test. 300 DNAME new.soak.test.",
                           "h.old.soak.test. 300 CNAME h.new.soak.test.",
                           f"h.new.soak.test. 300 A {v4(v, 205)}")),
        one("mid.soak.test", "TXT", lambda v: data(*txt_records("mid", 3), size=720)),
        one("big.soak.test", "TXT", lambda v: data(*txt_records("big", 30), size=NEVER_IN_UDP)),
        one("inline.test", "TXT", lambda v: data(f'inline.test. 60 TXT "inline {v}"')),
        one("www.inline.test", "A", lambda v: data(f"www.inline.test. 3600 A {v4(v, 206)}")),
        one("elsewhere.example", "A", lambda v: Expected(REFUSED, False)),
    ]
    cases += [Case(f"svc{k}.soak.test", "TXT",
                   lambda v, k=k: nodata(v) if has_service(v, k) else nxdomain(v))
              for k in range(SERVICES)]
    cases += [reverse_case(k) for k in range(LAST_ALWAYS_THERE) if k % 3]
    return cases


def service_cases():
    cases = [service_case(k, qtype) for k in range(SERVICES) for qtype in ("A", "AAAA")]
    cases.append(Case("to-service.soak.test", "A",
                      lambda v: data("to-service.soak.test. 300 CNAME svc1.soak.test.",
                                     service_record(v, 1, "A")), wakes=True))
    return cases
