"""The modes with a large zone: its cost, its loading and its memory, and reloads under load."""

import os
import signal
import time

import figures
import rounds
import servers
import zones

SMALL, LARGE = 1000, 1_000_000  # names, with one A record each
LARGE_QUERIES = 500_000
KINDS = {"summond": servers.Summond, "knot": servers.Knot, "nsd": servers.Nsd}
RATE = 20_000  # queries a second during reloads


def large(run):
    """What a query costs with the large zone and with the small one."""
    plan, started = {}, []
    files = {"": (run.zone_file(LARGE, aaaa=False),
                  run.query_file(LARGE_QUERIES, LARGE, aaaa=False)),
             "-1k": (run.zone_file(SMALL, aaaa=False), run.query_file(names=SMALL, aaaa=False))}
    for suffix, (zone, queries) in files.items():
        kinds = KINDS if suffix else {"echo": servers.Echo, **KINDS}
        for name, kind in kinds.items():
            server = run.server(kind, name + suffix, "large", zone)
            plan[server.name] = lambda seconds, s=server, q=queries: rounds.measure(
                s, lambda: [rounds.load(s, "bench_load_udp", q, seconds)])
            started.append(server)
    with servers.running(started):
        measured = rounds.interleaved(plan, run.options)
    result = figures.compare(measured, rounds.RATES)
    cost = {name: figures.ratio(measured, f"{name}-1k", name) for name in KINDS}
    print(f"\n### large: UDP, {LARGE:,} names (-1k: {SMALL:,})\n\n{figures.rates_table(result)}\n")
    print("CPU a query with the large zone, as a multiple of the small one:",
          ", ".join(f"{name} {value:.2f}" for name, value in cost.items()), flush=True)
    targets = [figures.target("cost of the small zone, times", cost["summond"], 1.25,
                              noisy=figures.noisy(result, "summond", "summond-1k")),
               *figures.always_ahead(result, "knot", "nsd")]
    return {**result, "cost": cost, "targets": targets}


def _started(run, kind, name, names):
    server = run.server(kind, name, f"load-{names}", run.zone_file(names, aaaa=False))
    server.probe, server.answer = f"svc{names - 1}", zones.address(names - 1)
    return rounds.start(server)


def load(run):
    """A start with the large zone: time, CPU time and memory."""
    plan = {name: lambda name=name, kind=kind: (_started(run, kind, name, LARGE),
                                                _started(run, kind, name, SMALL))
            for name, kind in KINDS.items()}
    starts = {name: [] for name in plan}
    for _ in range(run.options.starts):
        for name, start in plan.items():
            big, small = start()
            # Nearly one record a name; the others are the same in both.
            grown = (big["held_mib"] - small["held_mib"]) * rounds.MIB
            big["octets_a_record"] = grown / (LARGE - SMALL)
            starts[name].append(big)
    keys = ("octets_a_record", "held_mib", "pss_mib", "peak_rss_mib", "seconds", "cpu_seconds")
    result = figures.compare(starts, keys, "octets_a_record")
    of_time = figures.compare(starts, keys, "seconds")
    result |= {"time_ratios": of_time["ratios"], "time_pairs": of_time["pairs"]}
    print(f"\n### load: start with {LARGE:,} records\n")
    print(figures.table(
        ["server", "octets/record", "held MiB", "PSS MiB", "peak RSS MiB", "start s", "CPU s",
         "clean"],
        [[name,
          *(f"{s[key]['median']:.{digits}f}" for key, digits in zip(keys, (0, 0, 0, 0, 2, 2))),
          f"{s['clean_rounds']}/{s['rounds']}" + (" NOISY" if s["noisy"] else "")]
         for name, s in result["servers"].items()]), flush=True)
    targets = []
    for name in ("knot", "nsd"):
        targets += [
            figures.target(f"octets a record, of {name}'s, times",
                           figures.rounded(1 / result["ratios"][name]), 1),
            figures.target(f"load time, of {name}'s, times",
                           figures.rounded(1 / of_time["ratios"][name]), 1,
                           noisy=figures.noisy(result, "summond", name))]
    return {**result, "targets": targets}


class Reloads:
    """A zone file that all servers share, and that changes before each reload."""

    def __init__(self, run):
        self.run = run
        self.path = run.directory / "zone-reload"
        self.queries = run.query_file(LARGE_QUERIES, LARGE, aaaa=False)
        self.serial = 0
        self.change()

    def change(self):
        self.serial += 1
        new = self.path.with_suffix(".new")
        zones.write_zone(new, LARGE, self.serial, aaaa=False)
        os.rename(new, self.path)
        os.sync()  # writing it out is no server's doing
        time.sleep(3)

    def _load(self, server, seconds):
        return rounds.load(server, "bench_load_udp", self.queries, seconds, "--rate", str(RATE),
                           "--window", "5000")

    def _reloaded(self, server):
        """Rarely, and before a reload as during it: to ask takes the generator's CPU."""
        time.sleep(0.2)
        return zones.ask(server.port, "serial", 1) == zones.serial_address(self.serial)

    def round(self, server, seconds):
        """Latencies for `seconds` before a reload and until it is over."""
        self.change()

        def resting():
            generator = self._load(server, seconds)
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                self._reloaded(server)
            return [generator]

        def reloading():
            generator = self._load(server, servers.PATIENCE)
            began = time.monotonic()
            server.reload()
            while not self._reloaded(server):
                if time.monotonic() - began > servers.PATIENCE:
                    raise servers.BenchError(f"{server.name} does not reload:\n{server.log_end()}")
            self.seconds = time.monotonic() - began
            time.sleep(0.5)  # what is left of the reload
            generator.send_signal(signal.SIGTERM)
            return [generator]

        before = rounds.measure(server, resting)
        during = rounds.measure(server, reloading)
        return {"p99_us": during["p99_us"], "before_p99_us": before["p99_us"],
                "p99_ratio": during["p99_us"] / before["p99_us"], "p50_us": during["p50_us"],
                "p999_us": during["p999_us"], "max_us": during["max_us"],
                "before_max_us": before["max_us"], "seconds": self.seconds,
                "lost": before["lost"] + during["lost"],
                "wrong": before["wrong"] + during["wrong"],
                "foreign_percent": max(before["foreign_percent"], during["foreign_percent"])}


def reload(run):
    """Latency at a fixed rate before and during a reload of the large zone."""
    reloads = Reloads(run)
    started = [run.server(kind, name, "reload", reloads.path) for name, kind in KINDS.items()]
    measured = {server.name: [] for server in started}
    with servers.running(started):
        for _ in range(run.options.starts):
            for server in started:
                measured[server.name].append(reloads.round(server, run.options.seconds))
    keys = ("before_p99_us", "p99_us", "p99_ratio", "p50_us", "p999_us", "before_max_us", "max_us",
            "seconds")
    result = figures.compare(measured, keys, "p99_us")
    print(f"\n### reload: {LARGE:,} records, at {RATE:,} queries/s\n")
    print(figures.table(
        ["server", "p99 us before", "p99 us during", "ratio", "p50 us during", "p99.9 us during",
         "max us before", "max us during", "reload s", "lost", "wrong", "clean"],
        [[name, *(f"{s[key]['median']:,.0f}" for key in ("before_p99_us", "p99_us")),
          f"{s['p99_ratio']['median']:.2f}",
          *(f"{s[key]['median']:,.0f}" for key in ("p50_us", "p999_us", "before_max_us", "max_us")),
          f"{s['seconds']['median']:.1f}", s["lost"], s["wrong"],
          f"{s['clean_rounds']}/{s['rounds']}" + (" NOISY" if s["noisy"] else "")]
         for name, s in result["servers"].items()]), flush=True)
    summond = result["servers"]["summond"]
    return {**result, "targets": [
        figures.target("p99 during the reload, times before", summond["p99_ratio"]["median"], 2,
                       noisy=summond["noisy"]),
        figures.target("queries lost", summond["lost"], 0, noisy=summond["noisy"])]}
