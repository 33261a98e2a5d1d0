"""Servers and queries of `bench url`: names by rule, and the same names as records of a zone."""

import random
import struct
import time

import servers
import zones

from harness import dns, dns_client
from harness.dns import AAAA, NOERROR, NXDOMAIN

PAGES = f"page.{zones.ZONE}"


def by_rule(ids):
    return f'names: "{{id}}.{PAGES}", ids: {ids}, addresses: "2001:db8:1::/64"'


# 36 + 36^2 + ... + 36^6: over 2 * 10^9 names.
ANY = "{any: true, characters: a-z0-9, length: 1-6}"
SECRET = "000102030405060708090a0b0c0d0e0f"
SIGNED = "{signed: {secret: %s}}" % SECRET


def ident(i):
    return f"svc{i}"


class Records(servers.Summond):
    """The names that the others have by rule, as records of the zone."""

    names = 1000

    def __init__(self, name, directory, zone_file, **named):
        super().__init__(name, directory, directory / "zone", **named)
        zones.write_zone(self.zone_file, 10)
        with open(self.zone_file, "a", encoding="ascii") as f:
            f.writelines(f"{ident(i)}.page 5 AAAA {zones.address6(i)}\n" for i in range(self.names))


class Rules(servers.Summond):
    """A zone with names by rule: `idle` and `level` (of the log) as in the configuration."""

    named, idle, level = by_rule(ANY), "never", "warn"

    def __init__(self, name, directory, zone_file, **named):
        super().__init__(name, directory, directory / "zone", **named)
        zones.write_zone(self.zone_file, 10)

    def command(self):
        rule = (f'  - {{name: page, {self.named}, ttl: 5, idle: {self.idle}, kernel: /nonexistent}}\n')
        file = self.write("summond.yaml", f'listen: "127.0.0.1:{self.port}"\ncontrol: off\nrate_limit: off\n'
                          f"workers: {self.workers}\nstate: none\nlimits: {{pressure: never}}\nlog: {{level: {self.level}}}\n"
                          f"zones:\n  - name: {zones.ZONE}\n    file: {self.zone_file}\nservices:\n{rule}")
        return [self.program, "--config", str(file), "--simulate"]

    def wake(self, names):
        """All of them, until each has an address."""
        waiting = list(names)
        while waiting:
            asked = waiting[:400]
            answers = dns_client.concurrent(("127.0.0.1", self.port), [(name, AAAA) for name in asked], timeout=30)
            again = [name for name, (answer, _) in zip(asked, answers) if answer is None or not answer.addresses]
            if len(again) > len(asked) / 2:
                time.sleep(1)  # there is no place for more until some have slept for a while
            waiting = waiting[400:] + again
            if self.process.poll() is not None:
                raise servers.BenchError(f"{self.name} has ended:\n{self.log_end()}")

    def woken(self):
        return self.log().count("vmm: woke page@")


def write_queries(path, names, count, made_up=0):
    """AAAA of names in turn, and for each so many names that nobody has made, all different."""
    chance = random.Random(zones.SEED)
    with open(path, "wb") as f:
        def put(name, rcode, answers):
            wire = dns.query(name, AAAA, edns=1232)
            f.write(struct.pack("<HBB", len(wire), rcode, answers) + wire)

        for i in range(count):
            put(names[i * 7919 % len(names)], NOERROR, 1)
            for _ in range(made_up):
                tag = "".join(chance.choices("0123456789abcdefghijklmnopqrstuv", k=12))
                put(f"x{chance.randrange(10**6)}-{tag}.{PAGES}", NXDOMAIN, 0)
    return path
