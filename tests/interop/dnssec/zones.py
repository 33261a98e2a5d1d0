"""Generated zones, signed by BIND's dnssec-signzone or by summond: one below `test`, others delegated
from it, some without DS."""

import os
import random
import re
import subprocess

LABELS = [b"a", b"b", b"www", b"mail", b"x", b"!low", b"*", b"-", b"0", b"zz", b"_tcp", b"\0", b"\1\2",
          b"\xff\xfe", b"A-B", b"z" * 63, b"*a", b"$", b"ent", b"wild"]
TYPES = ("A", "AAAA", "TXT", "MX", "SRV", "HTTPS")
ALGORITHMS = ("ECDSAP256SHA256", "ED25519", "ECDSAP384SHA384", "RSASHA256")
# Beside NSEC: NSEC3 without and with a salt and iterations, opt-out.
DENIALS = ((), ("-3", "-"), ("-3", "AABBCCDD", "-H", "3"), ("-3", "-", "-A"), ("-3", "-", "-A"))


def text_of(labels):
    def one(label):
        return "".join(chr(o) if chr(o).isalnum() and o < 128 or chr(o) in "-_*!" else f"\\{o:03}" for o in label)
    return "".join(one(label) + "." for label in labels) or "."


class Zone:
    def __init__(self, rng, apex, denial, algorithm, secure=True):
        self.rng, self.apex, self.denial, self.algorithm = rng, apex, denial, algorithm
        self.secure = secure  # the parent has a DS record
        self.lines = [f"$TTL {rng.choice((60, 300, 3600))}",
                      f"{text_of(apex)} SOA ns h 1 3600 600 864000 {rng.choice((30, 300, 900))}",
                      f"{text_of(apex)} NS {text_of((b'ns', *apex))}",
                      f"{text_of((b'ns', *apex))} A 127.0.0.1"]
        self.names = [apex, (b"ns", *apex)]
        self.closed = set()  # names that nothing can be added to: aliases, delegations, DNAMEs
        self.children = []
        self.signed = None

    def is_open(self, name):
        lower = tuple(label.lower() for label in name)
        return all(lower[i:] not in self.closed for i in range(len(lower)))

    def close(self, name):
        self.closed.add(tuple(label.lower() for label in name))

    def has_below(self, name):
        lower = tuple(label.lower() for label in name)
        return any(tuple(label.lower() for label in other)[len(other) - len(lower):] == lower
                   for other in self.names)

    def fill(self, count):
        rng = self.rng
        for i in range(count):
            base = rng.choice(self.names) if rng.random() < 0.6 else self.apex
            name = base
            for left in reversed(range(rng.choice((1, 1, 1, 2, 3)))):
                label = rng.choice(LABELS) if rng.random() < 0.6 else b"n%d" % rng.randrange(400)
                # Unbound 1.17 does not understand a wildcard that is an empty non-terminal.
                name = (label if label != b"*" or left == 0 else b"a", *name)
            if len(b"".join(name)) + len(name) > 200 or not self.is_open(name):
                continue
            kind = rng.random()
            fresh = not self.has_below(name) and name[0] != b"*"
            if kind < 0.08 and fresh:
                self.lines.append(f"{text_of(name)} CNAME {text_of(self.target())}")
                self.close(name)
            elif kind < 0.10 and self.is_alone(name):
                self.lines.append(f"{text_of(name)} CNAME {text_of(self.target())}")
                self.close(name)
            elif kind < 0.13 and fresh:
                self.lines.append(f"{text_of(name)} DNAME {text_of(rng.choice(self.names))}")
                self.close(name)
            # Where opt-out leaves an empty non-terminal above a delegation out, a wildcard beside it
            # makes denials below it impossible (RFC 5155 §7.1): so there is none.
            elif kind < 0.22 and fresh and name[1:] in self.names and all(
                    label.isalnum() and label.isascii() for label in name):
                self.delegate(name, i)
            else:
                for rtype in rng.sample(TYPES, rng.choice((1, 1, 2, 3))):
                    self.lines.append(f"{text_of(name)} {rtype} {self.data(rtype)}")
            self.names.append(name)

    def is_alone(self, name):
        return not self.has_below(name)

    def target(self):
        name = self.rng.choice(self.names)
        return name if self.rng.random() < 0.7 else (b"gone", *name)

    def delegate(self, name, number):
        """To a zone that is served; or to one that is not, whose name servers are not asked for."""
        secure = self.rng.random() < 0.5
        server = (b"ns", *name)
        self.lines += [f"{text_of(name)} NS {text_of(server)}", f"{text_of(server)} A 127.0.0.1"]
        self.close(name)
        child = Zone(self.rng, name, self.rng.choice(DENIALS), self.rng.choice(ALGORITHMS[:3]), secure)
        child.fill(self.rng.choice((0, 3, 12)) if number % 2 else 2)
        self.children.append(child)

    def data(self, rtype):
        rng = self.rng
        return {"A": lambda: f"192.0.2.{rng.randrange(256)}",
                "AAAA": lambda: f"2001:db8::{rng.randrange(1, 65536):x}",
                "TXT": lambda: '"' + "t" * rng.choice((3, 100, 250)) + f'{rng.randrange(99)}"',
                "MX": lambda: f"{rng.randrange(9)} {text_of(self.target())}",
                "SRV": lambda: f"1 1 80 {text_of(self.target())}",
                "HTTPS": lambda: "1 . alpn=h2"}[rtype]()

    def all(self):
        yield self
        for child in self.children:
            yield from child.all()

    def sign(self, directory):
        """Children first, for their DS. Returns the path of the signed file."""
        for child in self.children:
            child.sign(directory)
        here = os.path.join(directory, "z" + b".".join(self.apex).hex()[:60] + str(id(self)))
        os.mkdir(here)
        for child in self.children:
            if child.secure:
                self.lines.append(child.ds)
        apex = text_of(self.apex)
        run = lambda *command: subprocess.run(command, check=True, capture_output=True, cwd=here, text=True)  # noqa: E731
        keys = []
        for flags in (["-f", "KSK"], []) if self.rng.random() < 0.5 else (["-f", "KSK"],):
            keys.append(run("dnssec-keygen", "-q", "-a", self.algorithm, *flags, apex).stdout.strip())
        for key in keys:
            with open(f"{here}/{key}.key", encoding="ascii") as f:
                self.lines += [line for line in f.read().splitlines() if not line.startswith(";")]
        with open(f"{here}/zone", "w", encoding="ascii") as f:
            f.write(f"$ORIGIN {apex}\n" + "\n".join(self.lines) + "\n")
        run("dnssec-signzone", "-z", "-P", *self.denial, "-o", apex, "-O", "full", "-f", "signed", "zone")
        self.signed = f"{here}/signed"
        self.ds = run("dnssec-dsfromkey", "-2", f"{keys[0]}.key").stdout.strip()
        with open(self.signed, encoding="ascii") as f:
            self.size = len(re.findall("RRSIG", f.read()))
        return self.signed


SERVICES = """\
services:
  - {{name: svc-a, names: svc-a.{apex}, addresses: [192.0.2.201, "2001:db8::201"], kernel: /nonexistent}}
  - {{name: svc-b, names: deep.svc-b.{apex}, addresses: 192.0.2.202, kernel: /nonexistent}}
"""


def sign_by_summond(world, seed, directory, config):
    """Writes the zones and their part of the configuration, and makes their keys."""
    rng = random.Random(seed)
    listed = list(world.all())
    world.names += [(b"svc-a", *world.apex), (b"deep", b"svc-b", *world.apex)]
    summond = lambda *arguments: subprocess.run(  # noqa: E731
        [os.environ["SUMMOND"], *arguments], check=True, capture_output=True, text=True).stdout
    text = f"key_dir: {directory}/keys\nzones:\n"
    for number, zone in enumerate(listed):
        zone.algorithm = ALGORITHMS[(seed + number) % 2].lower()
        zone.denial = ("nsec3",) if (seed // 2 + number) % 2 else ()
        zone.single = rng.random() < 0.5
        zone.file = f"{directory}/zone{number}"
        text += (f"  - name: {text_of(zone.apex)}\n    file: {zone.file}\n    dnssec: {{algorithm: {zone.algorithm}, "
                 f"nsec3: {'on' if zone.denial else 'off'}, single_type_signing: {'on' if zone.single else 'off'}}}\n")
    with open(config, "a", encoding="ascii") as f:
        f.write(text + SERVICES.format(apex=text_of(world.apex)))
    for zone in listed:
        summond("keys", "make", config, text_of(zone.apex))
    ds = {line.split()[0]: line for line in summond("keys", "ds", config).splitlines()}
    world.ds = ds[text_of(world.apex)]
    for zone in listed:
        zone.lines += [ds[text_of(child.apex)] for child in zone.children if child.secure]
        with open(zone.file, "w", encoding="ascii") as f:
            f.write(f"$ORIGIN {text_of(zone.apex)}\n" + "\n".join(zone.lines) + "\n")


def make(seed, count, denial=None):
    rng = random.Random(seed)
    chosen = DENIALS[seed % len(DENIALS)] if denial is None else denial
    top = Zone(rng, (b"z%d" % seed, b"test"), chosen, ALGORITHMS[seed % len(ALGORITHMS)])
    top.fill(count)
    return top
