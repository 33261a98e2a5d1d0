"""What signing costs: one signature beside `openssl speed`, and a zone of a million records beside Knot, ldns and BIND."""

import json
import os
import re
import statistics
import subprocess
import time

import figures
import processes
import rounds
import servers
import zone
import zones

LARGE = 1_000_000  # records, one a name


def _on_one_cpu(*command):
    done = subprocess.run(["taskset", "-c", str(servers.SERVER_CPU), *command], check=True, capture_output=True, text=True)
    return done.stdout


def rate(run):
    """Signatures a second of a core, in turns with openssl on the same core. Both count CPU time."""
    seconds = max(1, round(run.options.seconds))
    pairs = []
    for _ in range(run.options.rounds):
        ours = json.loads(_on_one_cpu("bench_sign_rate", str(seconds)))["a_second"]
        table = _on_one_cpu("openssl", "speed", "-seconds", str(seconds), "ecdsap256")
        pairs.append((ours, float(table.split()[-2])))
    ratio = figures.rounded(statistics.median(ours / theirs for ours, theirs in pairs))
    print(f"\n### rate: ECDSA P-256 signatures a second of one core\n\nsummond {statistics.median(p[0] for p in pairs):,.0f}"
          f", openssl speed {statistics.median(p[1] for p in pairs):,.0f}; median of {len(pairs)} pairs: {ratio:.3f}",
          flush=True)
    return {"pairs": pairs, "online_vs_openssl": ratio,
            "targets": [figures.target("signatures, of openssl's", ratio, 0.8, at_most=False)]}


def _run(command, directory, out=None):
    """Time, CPU time and the most memory of a program, and of all that it starts."""
    peak, before = 0, os.times()
    began = time.monotonic()
    with open(out or os.devnull, "wb") as stdout, open(directory / "errors", "wb") as errors:
        with subprocess.Popen(command, cwd=directory, stdout=stdout, stderr=errors) as process:
            while process.poll() is None:
                peak = max(peak, processes.resident(process.pid))
                time.sleep(0.01)
    seconds, after = time.monotonic() - began, os.times()
    if process.returncode != 0:
        raise servers.BenchError(f"{' '.join(map(str, command))}: " +
                                 (directory / "errors").read_text(errors="replace")[-2000:])
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return {"seconds": seconds, "cpu_seconds": cpu, "peak_rss_mib": peak / rounds.MIB}


def _directory(run, name):
    directory = run.directory / f"signing-{name}-{next(run.count)}"
    directory.mkdir()
    return directory


# -- Each reads a file, signs with one key of ECDSA P-256 and NSEC, and writes a file.

def _summond(run, file):
    directory = _directory(run, "summond")
    config = directory / "summond.yaml"
    config.write_text("control: off\n" + zone.settings(directory, file), encoding="ascii")
    subprocess.run([servers.Summond.program, "keys", "make", str(config), zones.ZONE], check=True, capture_output=True)
    return _run([servers.Summond.program, "print", str(config), zones.ZONE], directory, directory / "signed")


def _knot(run, file):
    directory = _directory(run, "knot")
    config = directory / "knot.conf"
    config.write_text(f"""\
server:
  rundir: "{directory}"
database:
  storage: "{directory}"
policy:
  - id: p
    algorithm: ecdsap256sha256
    single-type-signing: on
    signing-threads: {os.cpu_count()}
zone:
  - domain: {zones.ZONE}
    storage: "{directory}"
    file: "{file}"
    journal-content: none
    dnssec-signing: on
    dnssec-policy: p
""", encoding="ascii")
    return _run(["kzonesign", "-c", str(config), "-o", str(directory), zones.ZONE], directory)


def _key(directory):
    done = subprocess.run(["dnssec-keygen", "-q", "-a", "ECDSAP256SHA256", "-f", "KSK", zones.ZONE], cwd=directory,
                          check=True, capture_output=True, text=True)
    return done.stdout.strip()


def _ldns(run, file):
    directory = _directory(run, "ldns")
    return _run(["ldns-signzone", "-o", zones.ZONE, "-f", "signed", str(file), _key(directory)], directory)


def _bind(run, file):
    directory = _directory(run, "bind")
    key = _key(directory)
    return _run(["dnssec-signzone", "-z", "-P", "-S", "-n", str(os.cpu_count()), "-o", zones.ZONE, "-f", "signed",
                 "-K", ".", str(file), key], directory)


KINDS = {"summond": _summond, "knot": _knot, "ldns": _ldns, "bind": _bind}


class Signing(servers.Summond):
    """A daemon that signs when it starts."""

    def command(self):
        file = self.write("summond.yaml", f'listen: "127.0.0.1:{self.port}"\ncontrol: off\nlog: {{level: warn}}\n'
                          + zone.settings(self.directory, self.zone_file))
        return [self.program, "--config", str(file)]


def million(run):
    """All that a file is signed with, and how much longer the daemon takes to start with a zone that it signs."""
    file = run.zone_file(run.options.records, aaaa=False)
    measured = {name: [] for name in KINDS}
    starts = {"summond": [], "summond-unsigned": []}
    for _ in range(run.options.starts):
        for name, sign in KINDS.items():
            measured[name].append({**sign(run, file), "foreign_percent": 0.0})
        for name, kind in (("summond", Signing), ("summond-unsigned", servers.Summond)):
            server = run.server(kind, name, "start", file, cpus=(servers.SERVER_CPU, servers.GENERATOR_CPU))
            starts[name].append(rounds.start(server))
    keys = ("seconds", "cpu_seconds", "peak_rss_mib")
    result = figures.compare(measured, keys, "seconds")
    started = {name: figures.summary(of_server, keys) for name, of_server in starts.items()}
    print(f"\n### million: {run.options.records:,} records read, signed (ECDSA P-256, NSEC) and written\n")
    print(figures.table(["signer", "s", "CPU s", "peak RSS MiB"],
                        [[name, *(f"{s[key]['median']:.{d}f}" for key, d in zip(keys, (1, 1, 0)))]
                         for name, s in [*result["servers"].items(),
                                         ("summond's start", started["summond"]),
                                         ("the same, not signed", started["summond-unsigned"])]]), flush=True)
    whole = run.options.records == LARGE
    return {**result, "starts": started, "records": run.options.records,
            "sign_million_s": started["summond"]["seconds"]["median"] if whole else None,
            "targets": [figures.target(f"time to sign a file, of {name}'s",
                                       figures.rounded(1 / result["ratios"][name]), 1) for name in ("knot", "ldns")]}


def version_of_openssl():
    return re.search(r"\d\S+", subprocess.run(["openssl", "version"], check=True, capture_output=True,
                                              text=True).stdout).group()
