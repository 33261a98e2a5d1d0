"""What summond, Knot, NSD and BIND say to zone files: which lines they refuse, and what data they make
of the others."""

import os
import re
import shutil
import struct
import subprocess

import servers
from harness import dns
from servers import write

ORIGIN = "t.example"
APEX = (b"t", b"example")
HEAD = "$TTL 300\n@ SOA ns h 1 2 3 4 5\n@ NS ns.other.\n"
HEAD_LINES = HEAD.count("\n")


class Checker:
    """One program that reads zone files. refused(lines): the indices of lines that it does not take."""

    def __init__(self, directory):
        self.directory = os.path.join(directory, f"check-{self.name}")
        os.mkdir(self.directory)
        self.path = f"{self.directory}/zone"

    def refused(self, lines):
        """What is refused in one go may hide more: until what is left is taken, and what is taken is
        all. Where the program does not say which line it is, halves tell."""
        bad = set()
        while len(bad) < len(lines):
            left = [i for i in range(len(lines)) if i not in bad]
            ok, numbers = self.run([lines[i] for i in left])
            if ok:
                break
            new = {left[(n - HEAD_LINES - 1) // 2] for n in numbers
                   if HEAD_LINES < n <= HEAD_LINES + 2 * len(left)}
            if not new and len(left) == 1:
                new = left
            elif not new:
                for half in (left[:len(left) // 2], left[len(left) // 2:]):
                    new |= {half[i] for i in self.refused([lines[i] for i in half])}
            if not new:
                raise SystemExit(f"{self.name} does not say which it refuses:\n{self.output}\n" +
                                 "\n".join(lines[i] for i in left))
            bad |= set(new)
        return bad

    def run(self, lines):
        # NSD may find the end of a line too early only on the next one.
        write(self.path, HEAD + "".join(line + "\n\n" for line in lines))
        done = subprocess.run(self.command(), capture_output=True, cwd=self.directory, check=False)
        self.output = (done.stdout + done.stderr).decode("utf-8", "replace")
        numbers = {int(match[1]) for match in re.finditer(self.pattern, self.output, re.MULTILINE)}
        return self.accepts(done.returncode, numbers), numbers

    def accepts(self, status, numbers):
        return status == 0

    def data(self, records, directory):
        """{owner label: set of RDATA} of records (label, type number, line) that are all taken."""
        text = HEAD + "".join(f"{line}\n" for _, _, line in records)
        world = World(self.name, Zone(text))
        server = self.server(directory, world)
        try:
            server.wait()
            found = {}
            for at in range(0, len(records), 200):
                part = records[at:at + 200]
                messages = [dns.query((label.encode(), *APEX), rtype, i)
                            for i, (label, rtype, _) in enumerate(part)]
                for (label, rtype, _), answer in zip(part, server.ask_tcp(messages)):
                    if answer.kind != "answer":
                        raise SystemExit(f"{self.name}: {label} TYPE{rtype}: {answer}")
                    owner = dns.name_to_wire((label.encode(), *APEX))
                    found[label] = {r[4] for s in answer.sections for r in s
                                    if r[0] == owner and r[1] == rtype}
            return found
        finally:
            server.end()


class Zone:
    apex = APEX

    def __init__(self, text):
        self.text = text


class World:
    def __init__(self, name, zone):
        self.name, self.zones, self.services = f"records-{name}", [zone], []


class Summond(Checker):
    name, server = "summond", servers.Summond
    pattern = r"zone:(\d+):(?!.*warning)"

    def command(self):
        config = write(f"{self.directory}/summond.yaml",
                       f'listen: ["127.0.0.1:53053"]\nzones: [{{name: {ORIGIN}, file: zone}}]\n')
        return [os.environ["SUMMOND"], "check", config]


class Knot(Checker):
    name, server = "knot", servers.Knot
    pattern = r"error in zone, file '.*', line (\d+) "

    def command(self):
        return [shutil.which("kzonecheck"), "-v", "-d", "off", "-o", ORIGIN, self.path]

    def accepts(self, status, numbers):
        return not numbers  # beside the syntax it checks what the zone says


class Nsd(Checker):
    name, server = "nsd", servers.Nsd
    pattern = r"error: .*/zone:(\d+): "

    def command(self):
        return [shutil.which("nsd-checkzone"), ORIGIN, self.path]


class Bind(Checker):
    name = "bind"
    pattern = r"zone:(\d+): (?!.*(?:warning|no TTL))"
    quiet = "-i none -k ignore -n ignore -m ignore -M ignore -S ignore -r ignore".split()

    def command(self):
        return [shutil.which("named-checkzone"), *self.quiet, ORIGIN, self.path]

    def data(self, records, directory):
        """BIND's raw format (lib/dns/masterdump.c): RDATA as on the dns."""
        write(self.path, HEAD + "".join(f"{line}\n" for _, _, line in records))
        subprocess.run([shutil.which("named-compilezone"), *self.quiet, "-F", "raw", "-o", "raw", ORIGIN,
                        self.path], check=True, capture_output=True, cwd=self.directory)
        with open(f"{self.directory}/raw", "rb") as f:
            raw = f.read()
        _, version = struct.unpack_from(">II", raw)
        at, found = (12, {}) if version == 0 else (24, {})
        while at < len(raw):
            total, _, rtype, _, _, count, size = struct.unpack_from(">IHHHIIH", raw, at)
            end, at = at + total, at + 20
            owner, at = raw[at:at + size].lower(), at + size
            data = set()
            for _ in range(count):
                length = struct.unpack_from(">H", raw, at)[0]
                data.add(dns.canonical_rdata(raw[:at + 2 + length], at + 2, length, rtype))
                at += 2 + length
            found[owner[1:1 + owner[0]].decode()] = data
            at = end
        return found


KINDS = (Summond, Knot, Nsd, Bind)
