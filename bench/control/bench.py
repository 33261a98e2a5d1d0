"""`scripts/bench control`: what it costs that summond can be watched. See docs/BENCHMARKS.md. Prints
tables and, as the last line, all figures as JSON."""

import argparse
import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "bench" / "dns")]

import figures  # noqa: E402
import modes  # noqa: E402
import reports  # noqa: E402
import rounds  # noqa: E402
import servers  # noqa: E402
import watched  # noqa: E402


class Uncounted(servers.Summond):
    """The same, with nothing counted."""

    def command(self):
        return [*super().command(), "--uncounted"]


def count_cost(run):
    """CPU time of a query with counting, beside one without, in pairs of rounds of one run."""
    queries = run.query_file()
    both = [run.server(servers.Summond, "summond", "count"),
            run.server(Uncounted, "uncounted", "count")]
    with servers.running(both):
        plan = {s.name: lambda seconds, s=s: rounds.measure(
                    s, lambda: [rounds.load(s, "bench_load_udp", queries, seconds)])
                for s in both}
        result = figures.compare(rounds.interleaved(plan, run.options), rounds.RATES)
    print(f"\n### count: UDP, {modes.NAMES:,} names\n\n{figures.rates_table(result)}", flush=True)
    percent = (1 / result["ratios"]["uncounted"] - 1) * 100
    return {**result, "count_cost_percent": figures.rounded(percent)}


def upgrade(run):
    """Queries lost in an upgrade of Debian's package on Xen: what the lab's test `package` has counted in its last
    run; None where there was none."""
    file = run.options.lab / "results/package/result.json"
    found = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {"status": "none"}
    if found["status"] != "ok":
        print(f"\n### upgrade: {file} tells of no good run of the lab's test `package`; make one:\n\n"
              "    scripts/package && tests/lab/lab test package", flush=True)
        return {"lost_in_upgrade": None}
    measured = found["measured"]
    print(f"\n### upgrade: {measured['lost']} of {measured['asked']} queries lost", flush=True)
    return {"asked": measured["asked"], "lost_in_upgrade": measured["lost"]}


MODES = {"count": count_cost, "scrape": watched.scrape, "page": watched.page, "watched": watched.watched,
         "upgrade": upgrade}


def main():
    parser = argparse.ArgumentParser(prog="bench control", description=__doc__)
    parser.add_argument("--services", type=int, default=10_000, metavar="N",
                        help="of scrape, page and watched (default: %(default)s)")
    parser.add_argument("--lab", type=pathlib.Path, default=ROOT / "build/lab", metavar="DIRECTORY",
                        help="of the lab whose last run counts for `upgrade` (default: build/lab)")
    options = reports.parse(parser, MODES)
    options.rounds, options.seconds, options.retries = (9, 1.0, 0) if options.quick else (31, 2.0, 1)
    reports.make(options, MODES)


if __name__ == "__main__":
    reports.main(main)
