"""The mode with very many small zones: what each of them costs at the start."""

import os
import subprocess
import time

import figures
import rounds
import servers
import zones

COUNTS = (5_000, 100_000)
MIB = rounds.MIB
WITNESSES = 200  # zones that are asked for before a server counts as started
ZONE_TEXT = ("$TTL 300\n@ SOA ns hostmaster 1 14400 3600 1209600 300\n@ NS ns\n"
             "ns A 192.0.2.1\nwww A 192.0.2.2\n")
LIMIT = 30 * MIB  # beside twice the text


def _name(i):
    return f"z{i}.many.example"


class Files:
    """A directory with a file for each zone, or none (inline)."""

    def __init__(self, directory, count):
        self.directory = directory
        self.count = count
        directory.mkdir()
        for i in range(count):
            (directory / _name(i)).write_text(ZONE_TEXT, encoding="ascii")

    def path(self, i):
        return self.directory / _name(i)

    @property
    def octets(self):
        return self.count * len(ZONE_TEXT)


class Many:
    """Mixed into a server: `files` beside its zone; started when the witnesses answer."""

    files = None

    def start(self, watch=lambda pid: None):
        began = time.monotonic()
        super().start(watch)
        step = max(1, self.files.count // WITNESSES)
        for i in (*range(0, self.files.count, step), self.files.count - 1):
            while zones.ask(self.port, "www", 0.05, _name(i)) != "192.0.2.2":
                watch(self.pid)
                if self.process.poll() is not None or time.monotonic() - began > servers.PATIENCE:
                    raise servers.BenchError(f"{self.name} does not serve {_name(i)}:\n"
                                             f"{self.log_end()}")
        return time.monotonic() - began

    def extend(self, name, form):
        with open(self.directory / name, "a", encoding="ascii") as f:
            f.writelines(form.format(name=_name(i), file=self.files.path(i))
                         for i in range(self.files.count))


class Summond(Many, servers.Summond):
    form = "  - {{name: {name}, file: {file}}}\n"

    def command(self):
        argv = super().command()
        self.extend("summond.yaml", self.form)
        return argv


class SummondInline(Summond):
    form = ("  - {{name: {name}, ns: ns.{name}, "
            "records: [ns A 192.0.2.1, www A 192.0.2.2]}}\n")


class Knot(Many, servers.Knot):
    def command(self):
        argv = super().command()
        self.extend("knot.conf", """\
  - domain: {name}
    file: "{file}"
    zonefile-sync: -1
    zonefile-load: whole
    journal-content: none
""")
        return argv


class Nsd(Many, servers.Nsd):
    def command(self):
        argv = super().command()
        self.extend("nsd.conf", """\
zone:
  name: "{name}"
  zonefile: "{file}"
""")
        return argv


KINDS = {"summond": Summond, "summond-inline": SummondInline, "knot": Knot, "nsd": Nsd}


def _loader_peak(server):
    """Octets of the largest RSS of `summond check`, which reads what the loader reads."""
    process = subprocess.Popen([server.program, "check", server.directory / "summond.yaml"],
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise servers.BenchError(f"{server.name}: summond check failed")
    return usage.ru_maxrss * 1024


def _started(run, kind, name, files):
    server = run.server(kind, name, f"many-{files.count}")
    server.files = files
    measured = rounds.start(server)
    if isinstance(server, servers.Summond):
        measured["loader_mib"] = _loader_peak(server) / MIB
    return measured


def many(run):
    """A start with very many zones: time, CPU time and memory."""
    keys = ("seconds", "cpu_seconds", "held_mib", "peak_rss_mib")
    targets, results, all_servers = [], {}, {}
    for count in COUNTS:
        files = Files(run.directory / f"many-{count}", count)
        starts = {name: [] for name in KINDS}
        for _ in range(run.options.starts):
            for name, kind in KINDS.items():
                starts[name].append(_started(run, kind, name, files))
        result = figures.compare(starts, keys, "seconds")
        loader = max(round_["loader_mib"] for round_ in starts["summond"])
        print(f"\n### many: start with {count:,} zones, a file each "
              f"({files.octets / MIB:.1f} MiB in all; -inline: in the configuration)\n")
        print(figures.table(
            ["server", "start s", "CPU s", "held MiB", "peak RSS MiB", "loader's peak MiB",
             "clean"],
            [[name,
              *(f"{s[key]['median']:.{digits}f}" for key, digits in zip(keys, (2, 2, 0, 0))),
              f"{max(r['loader_mib'] for r in starts[name]):.0f}"
              if "loader_mib" in starts[name][0] else "-",
              f"{s['clean_rounds']}/{s['rounds']}" + (" NOISY" if s["noisy"] else "")]
             for name, s in result["servers"].items()]), flush=True)
        if count == COUNTS[0]:
            targets.append(figures.target(
                f"loader's peak with {count:,} zones, MiB", figures.rounded(loader),
                (2 * files.octets + LIMIT) / MIB))
        for name in ("knot", "nsd"):
            targets.append(figures.target(
                f"start with {count:,} zones, of {name}'s, times",
                figures.rounded(1 / result["ratios"][name]), 1,
                noisy=figures.noisy(result, "summond", name)))
        results[str(count)] = result
        all_servers |= {f"{name}-{count}": s for name, s in result["servers"].items()}
    return {"servers": all_servers, "counts": results, "targets": targets}
