"""The zones and queries of `bench dnssec`: those of `bench dns`, signed, and asked with DO."""

import os
import struct
import subprocess

import servers
import zones

from harness import dns, dns_client
from harness.dns import A, TXT

# An A record with its RRSIG (ECDSA P-256, a signer that is not compressed) has as many octets as a
# TXT record of one string of this size, RFC 1035 §3.3.14.
RRSIG_SIZE = 12 + 18 + len(zones.ZONE) + 2 + 64
TEXT_SIZE = 16 + RRSIG_SIZE - 12 - 1


def settings(directory, zone_file, dnssec="on", more=""):
    """Of a summond that signs; keys are made at the first use of directory."""
    return (f"key_dir: {directory}/keys\nzones:\n  - name: {zones.ZONE}\n    file: {zone_file}\n"
            f"    dnssec: {dnssec}\n{more}")


def sign(directory, zone_file):
    """The path of the zone as summond signs it; for all servers."""
    path = directory / f"{zone_file.name}-signed"
    if path.exists():
        return path
    config = directory / f"{zone_file.name}.yaml"
    config.write_text("control: off\n" + settings(directory, zone_file), encoding="ascii")
    subprocess.run([servers.Summond.program, "keys", "make", str(config), zones.ZONE], check=True,
                   capture_output=True)
    with open(path, "w", encoding="ascii") as out:
        subprocess.run([servers.Summond.program, "print", str(config), zones.ZONE], check=True, stdout=out,
                       stderr=subprocess.DEVNULL)
    return path


def with_texts(directory, names):
    """An unsigned zone whose TXT answers are as large as the signed one's with A records."""
    path = directory / f"texts-{names}"
    zones.write_zone(path, names, aaaa=False)
    with open(path, "a", encoding="ascii") as f:
        f.writelines(f'svc{i} TXT "{"t" * TEXT_SIZE}"\n' for i in range(names))
    return path


def _write(path, questions, dnssec_ok):
    with open(path, "wb") as f:
        for name, qtype, rcode, answers in questions:
            wire = dns.query(name, qtype, edns=1232, dnssec_ok=dnssec_ok)
            f.write(struct.pack("<HBB", len(wire), rcode, answers) + wire)
    return path


def mixed(directory, count, names, dnssec_ok):
    """The mix of `bench dns`; answers with DO have a signature more for each set."""
    return _write(directory / f"mixed-{int(dnssec_ok)}",
                  ((n, t, r, 2 * a if dnssec_ok else a) for n, t, r, a in zones.questions(count, names)), dnssec_ok)


def positive(directory, count, names, qtype):
    """Names that are there: A with its signature, or TXT of the same size without."""
    signed = qtype == A
    return _write(directory / f"positive-{qtype}",
                  ((f"svc{(i * 7919) % names}.{zones.ZONE}", qtype, 0, 2 if signed else 1) for i in range(count)), signed)


def flooded(directory, count, names, random_names, denied_with):
    """One query for a name that is there and random_names of those that are not, over and over. denied_with: the rcode
    of these; a zone with rules has NOERROR (RFC 9824)."""
    def questions():
        for i in range(count):
            yield f"svc{(i * 7919) % names}.{zones.ZONE}", A, 0, 2
            for _ in range(random_names):
                yield f"nx-{os.urandom(6).hex()}.{zones.ZONE}", A, denied_with, 0
    return _write(directory / f"flooded-{random_names}-{denied_with}", questions(), True)


def size_of(port, qtype):
    """Octets of an answer: A with its signature, TXT without."""
    query = dns.query(f"svc7.{zones.ZONE}", qtype, edns=1232, dnssec_ok=qtype == A)
    return len(dns_client.exchange(("127.0.0.1", port), query, 5))
