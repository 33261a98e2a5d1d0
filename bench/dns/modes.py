"""What is measured: one function a mode, which prints its table and returns its figures."""

import itertools

import figures
import large
import many
import rounds
import servers
import workers
import zones

NAMES = 1000
QUERIES = 100_000
HEADLINE = ("knot", "nsd")


class Run:
    """What the modes share: a directory for files, the options, the peers' classes."""

    def __init__(self, directory, options):
        self.directory = directory
        self.options = options
        self.count = itertools.count()  # of servers: each has a directory of its own
        self.queries = {}

    def zone_file(self, names=NAMES, aaaa=True, serial=1):
        path = self.directory / f"zone-{names}-{'both' if aaaa else 'a'}"
        if not path.exists():
            zones.write_zone(path, names, serial, aaaa)
        return path

    def query_file(self, count=QUERIES, names=NAMES, aaaa=True, cookie=False):
        path = self.directory / f"queries-{count}-{names}-{'both' if aaaa else 'a'}-{int(cookie)}"
        if not path.exists():
            zones.write_queries(path, count, names, aaaa, cookie)
        return path

    def server(self, kind, name, mode, zone_file=None, **named):
        directory = self.directory / f"{mode}-{name}-{next(self.count)}"
        return kind(name, directory, zone_file or self.zone_file(), **named)


def _rates(run, mode, title, kinds, tool, *options, cookie=False):
    """As many queries as a server takes, from one generator."""
    queries = run.query_file(cookie=cookie)
    all_servers = [run.server(kind, name, mode) for name, kind in kinds.items()]
    with servers.running(all_servers):
        plan = {s.name: lambda seconds, s=s: rounds.measure(
                    s, lambda: [rounds.load(s, tool, queries, seconds, *options)])
                for s in all_servers}
        result = figures.compare(rounds.interleaved(plan, run.options), rounds.RATES)
    print(f"\n### {mode}: {title}\n\n{figures.rates_table(result)}", flush=True)
    return result


def _udp_targets(result):
    return [figures.target("part of the echo bound", result["ratios"]["echo"], 0.90, at_most=False,
                           noisy=figures.noisy(result, "echo", "summond")),
            *figures.always_ahead(result, *HEADLINE)]


def udp(run):
    result = _rates(run, "udp", f"UDP, {NAMES:,} names",
                    {"echo": servers.Echo, "summond": servers.Summond, **servers.PEERS},
                    "bench_load_udp")
    return {**result, "targets": _udp_targets(result)}


def services(run):
    result = _rates(run, "services", f"UDP, {NAMES:,} services that are up (the peers: records)",
                    {"echo": servers.Echo, "summond": servers.SummondServices,
                     "knot": servers.Knot, "nsd": servers.Nsd}, "bench_load_udp")
    return {**result, "targets": _udp_targets(result)}


def cookies(run):
    result = _rates(run, "cookies", "UDP, EDNS with valid DNS cookies",
                    {"echo": servers.Echo, "summond": servers.Summond, **servers.PEERS,
                     "knot": servers.KnotCookies}, "bench_load_udp", "--cookies", cookie=True)
    return {**result, "targets": _udp_targets(result)}


def tcp(run):
    result = _rates(run, "tcp", "TCP, 20 connections, 10 queries pipelined on each",
                    {"echo": servers.Echo, "summond": servers.Summond, **servers.PEERS},
                    "bench_load_tcp")
    return {**result, "targets": figures.always_ahead(result, "knot", "pdns")}


MODES = {"udp": udp, "services": services, "cookies": cookies, "tcp": tcp,
         "large": large.large, "load": large.load, "reload": large.reload, "many": many.many,
         "workers": workers.workers}
