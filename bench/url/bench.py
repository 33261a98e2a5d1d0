"""`scripts/bench url`: names by rule. See docs/BENCHMARKS.md. Prints tables and, as the last line, all figures as
JSON."""

import argparse
import json
import pathlib
import re
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "bench" / "dns")]

import figures  # noqa: E402
import modes  # noqa: E402
import processes  # noqa: E402
import reports  # noqa: E402
import rounds  # noqa: E402
import rules  # noqa: E402
import servers  # noqa: E402

PAGES = 1000     # that are up
RATE = 10_000    # queries a second for names that are there, in `flood`
MADE_UP = 20     # for each of them, of names that are not


def cost(run):
    """CPU time of an answer for a page that is up, beside the same answer from a record."""
    names = [f"{rules.ident(i)}.{rules.PAGES}" for i in range(PAGES)]
    queries = rules.write_queries(run.directory / "up", names, modes.QUERIES)
    kinds = {"summond": run.server(rules.Rules, "summond", "cost"),
             "records": run.server(rules.Records, "records", "cost")}
    with servers.running(kinds.values()):
        kinds["summond"].wake(names)
        plan = {name: rounds.under_load(server, queries) for name, server in kinds.items()}
        result = figures.compare(rounds.interleaved(plan, run.options), rounds.RATES)
    ratio = figures.rounded(1 / result["ratios"]["records"])
    print(f"\n### cost: UDP, AAAA of {PAGES:,} names by rule whose domains are up (records: of the zone)\n\n"
          f"{figures.rates_table(result)}\n\nby rule, of a record: {ratio:.3f}", flush=True)
    return {**result, "pattern_cost_ratio": ratio, "targets": [
        figures.target("an answer by rule, of one from a record, times", ratio, 1.1,
                       noisy=figures.noisy(result, "summond", "records"))]}


class OneName(rules.Rules):
    named = f"names: one.{rules.PAGES}, addresses: 2001:db8:1::1"


def names(run):
    """Memory of all processes with a service that has over 10^9 names, and with one that has one."""
    pss = {}
    for name, kind in (("with", rules.Rules), ("without", OneName)) * run.options.starts:
        pss.setdefault(name, []).append(rounds.start(run.server(kind, name, "names"))["pss_mib"] * 1024)
    growth = figures.rounded(statistics.median(a - b for a, b in zip(pss["with"], pss["without"])))
    print(f"\n### names: {growth:,.0f} KiB of PSS more with over 10^9 names by rule than with one name\n\n{pss}", flush=True)
    return {"pss_kib": pss, "rss_growth_kib_1e9": growth, "targets": [
        figures.target("KiB for 10^9 names", growth, 1024)]}


class ShortLives(rules.Rules):
    idle = "1s"


def sleeping(run):
    """Memory that is left of pages that were up once: woken and put away in turn."""
    count, first = run.options.ids, 4000
    server = run.server(ShortLives, "summond", "sleeping")

    def visit(numbers):
        server.wake(f"{format(n, 'x')}.{rules.PAGES}" for n in numbers)
        time.sleep(5)  # more than the last of them are up

    with servers.running([server]):
        visit(range(first))  # what the most that may be at once take is there for all
        before = processes.private(server.pid)
        visit(range(first, first + count))
        octets = figures.rounded((processes.private(server.pid) - before) / count)
    print(f"\n### sleeping: {octets:.1f} octets for each of {count:,} that were up once", flush=True)
    return {"ids": count, "octets_per_sleeping_id": octets, "targets": [
        figures.target("octets for an id that was up once", octets, 64)]}


class Signed(rules.Rules):
    named, level = rules.by_rule(rules.SIGNED), "info"

    def tagged(self, count):
        config = self.directory / "summond.yaml"
        done = subprocess.run([self.program, "sign", str(config), *map(rules.ident, range(count))], check=True,
                              capture_output=True, text=True)
        return [name.rstrip(".") for name in done.stdout.split()]


def flood(run):
    """Latency of signed names whose pages are up, without and with made-up names, and what these wake."""
    server = run.server(Signed, "summond", "flood")
    with servers.running([server]):
        up = server.tagged(PAGES)
        server.wake(up)
        before = processes.private(server.pid)
        plan = {}
        for state, made_up in (("rest", 0), ("flood", MADE_UP)):
            queries = rules.write_queries(run.directory / state, up, modes.QUERIES // (1 + made_up), made_up)
            plan[f"summond-{state}"] = rounds.under_load(server, queries, "--rate", str(RATE * (1 + made_up)),
                                                         "--of-records-only")
        measured = rounds.interleaved(plan, run.options)
        grown = (processes.private(server.pid) - before) / 1024
        wakes = server.woken() - PAGES
    result = {"servers": {name: figures.summary(r, rounds.RATES) for name, r in measured.items()}}
    ratio = figures.ratio(measured, "summond-rest", "summond-flood", "p99_us")
    rest, flooded = (result["servers"][f"summond-{state}"] for state in ("rest", "flood"))
    print(f"\n### flood: {RATE:,} queries/s for signed names, {RATE * MADE_UP:,} for made-up ones\n\np99 of the former "
          f"{flooded['p99_us']['median']:,.0f} us, without the flood {rest['p99_us']['median']:,.0f} us: {ratio:.3f} "
          f"times; {wakes} wakes, {grown:,.0f} KiB grown", flush=True)
    return {**result, "flood_p99_ratio": ratio, "flood_wakes": wakes, "flood_growth_kib": figures.rounded(grown),
            "flood_rate": RATE * MADE_UP, "targets": [
                figures.target("p99 in a flood of made-up names, times", ratio, 2,
                               noisy=figures.noisy(result, "summond-rest", "summond-flood")),
                figures.target("wakes by made-up names", wakes, 0)]}


# On real Xen: the lab's tests that measure, and what of their results is taken.
LAB = {"shells": ("xl_create", "to_running"), "shell_requests": ("requests",), "fifty_at_once": ("one", "fifty", "ratio"),
       "beside_xl_create": ("xl_create", "summond")}


def numbers(text):
    return [float(n) for n in re.findall(r"\d+(?:\.\d+)?", str(text))]


def lab(run):
    """A wake from a shell beside `xl create`, requests to xenstored, 50 wakes at once, a cold wake: lab tests."""
    # Some of them fail where a limit is not kept; their figures say so below.
    subprocess.run([ROOT / "tests/lab/lab", "test", "--labs", "1", *LAB], check=False, stdout=sys.stderr)
    found = {}
    for test, keys in LAB.items():
        file = ROOT / "build/lab/results" / test / "result.json"
        measured = json.loads(file.read_text(encoding="utf-8"))["measured"] if file.exists() else {}
        if set(keys) - set(measured):
            raise servers.BenchError(f"the lab's test {test} has measured nothing; its results: {file.parent}")
        found |= {f"{test}.{key}": numbers(measured[key]) for key in keys}
    shell, created = min(found["shells.to_running"]), found["shells.xl_create"][0] * 1000
    cold, beside = min(found["beside_xl_create.summond"]), min(found["beside_xl_create.xl_create"])
    requests, (fifty_ratio,) = int(found["shell_requests.requests"][0]), found["fifty_at_once.ratio"]
    print(f"\n### lab: from a shell {shell:.1f} ms, xl create {created:,.0f} ms (1/{created / shell:.0f}), "
          f"{requests} requests to xenstored; 50 at once {found['fifty_at_once.fifty'][0]:.1f} s, {fifty_ratio:.1f} times "
          f"one; cold {cold:,.0f} ms, xl create beside it {beside:,.0f} ms (1/{beside / cold:.1f})", flush=True)
    return {"measured": found, "shell_wake_ms": shell, "xl_create_ms": created, "shell_xenstore_requests": requests,
            "parallel50_s": found["fifty_at_once.fifty"][0], "parallel50_ratio": fifty_ratio, "cold_wake_ms": cold,
            "targets": [figures.target("xl create, of a wake from a shell, times", created / shell, 50, at_most=False),
                        figures.target("requests to xenstored in it", requests, 12),
                        figures.target("50 wakes at once, of one, times", fifty_ratio, 20),
                        figures.target("xl create, of a cold wake, times", beside / cold, 8, at_most=False)]}


MODES = {"cost": cost, "names": names, "sleeping": sleeping, "flood": flood, "lab": lab}


def main():
    parser = argparse.ArgumentParser(prog="bench url", description=__doc__)
    parser.add_argument("--ids", type=int, help="of `sleeping`")
    options = reports.parse(parser, MODES)
    options.rounds, options.seconds, options.retries, options.starts = (
        (5, 1.0, 0, 1) if options.quick else (15, 2.0, 1, 3))
    options.ids = options.ids or (10_000 if options.quick else 30_000)
    reports.make(options, MODES)


if __name__ == "__main__":
    reports.main(main)
