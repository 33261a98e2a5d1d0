"""`scripts/bench dnssec`: signed answers and signing. See docs/BENCHMARKS.md. Prints tables and, as the last line, all
figures as JSON."""

import argparse
import ast
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "bench" / "dns")]

import figures  # noqa: E402
import modes  # noqa: E402
import reports  # noqa: E402
import rounds  # noqa: E402
import servers  # noqa: E402
import signing  # noqa: E402
import zone  # noqa: E402
import zones  # noqa: E402

from harness.dns import A, NOERROR, NXDOMAIN, TXT  # noqa: E402

RATE = 20_000    # queries a second for names that are there
RANDOM_NAMES = 3  # for each of them, in a flood


def answers(run):
    """CPU time of answers with signatures: beside unsigned ones, and beside Knot and NSD with the same zone."""
    directory = run.directory
    plain = run.zone_file()
    signed = zone.sign(directory, plain)
    with_do = zone.mixed(directory, modes.QUERIES, modes.NAMES, True)
    kinds = [(servers.Summond, "summond", signed, with_do), (servers.Knot, "knot", signed, with_do),
             (servers.Nsd, "nsd", signed, with_do),
             (servers.Summond, "summond-unsigned", plain, zone.mixed(directory, modes.QUERIES, modes.NAMES, False)),
             (servers.Summond, "summond-positive", signed, zone.positive(directory, modes.QUERIES, modes.NAMES, A)),
             (servers.Summond, "summond-text", zone.with_texts(directory, modes.NAMES),
              zone.positive(directory, modes.QUERIES, modes.NAMES, TXT))]
    started = {name: run.server(kind, name, "answers", file) for kind, name, file, _ in kinds}
    with servers.running(list(started.values())):
        sizes = {qtype: zone.size_of(started[name].port, qtype) for name, qtype in (("summond", A), ("summond-text", TXT))}
        if sizes[A] != sizes[TXT]:
            raise servers.BenchError(f"answers are not of the same size: {sizes}")
        plan = {name: rounds.under_load(started[name], queries) for _, name, _, queries in kinds}
        measured = rounds.interleaved(plan, run.options)
    result = figures.compare(measured, rounds.RATES)
    same = figures.ratio(measured, "summond-text", "summond-positive")
    mix = figures.ratio(measured, "summond-unsigned", "summond")
    print(f"\n### answers: UDP, {modes.NAMES:,} names; summond, knot and nsd: the same signed zone, with DO\n\n"
          f"{figures.rates_table(result)}\n\nA with its signature, of TXT with as many octets ({sizes[A]}): {same:.3f}; "
          f"the mix with DO, of the mix without from the unsigned zone: {mix:.3f}", flush=True)
    ahead = {f"ahead_of_{name}": result["ratios"][name] for name in ("knot", "nsd")}
    return {**result, "signed_cost_ratio": same, "signed_mix_cost_ratio": mix, **ahead,
            "targets": [figures.target("A with its signature, of TXT of the same size", same, 1.15,
                                       noisy=figures.noisy(result, "summond-text", "summond-positive")),
                        *figures.always_ahead(result, "knot", "nsd")]}


class WithRules(servers.Summond):
    """Signs its zone itself, in which names exist by rule: what denies a name is signed when it is asked for."""

    def command(self):
        rule = (f'services: [{{name: page, names: "{{id}}.page.{zones.ZONE}", ids: any, '
                'addresses: "2001:db8:1::/64", kernel: /nonexistent}]\n')
        file = self.write("summond.yaml", f'listen: "127.0.0.1:{self.port}"\ncontrol: off\nrate_limit: off\nworkers: 1\n'
                          "log: {level: warn}\n" + zone.settings(self.directory, self.zone_file, more=rule))
        return [self.program, "--config", str(file), "--simulate"]


def _flooded(run, kind, name, zone_file, denied_with):
    """Latency of names that are there, without and with three random names for each."""
    server = run.server(kind, name, "flood", zone_file)
    with servers.running([server]):
        plan = {}
        for state, count in (("rest", 0), ("flood", RANDOM_NAMES)):
            queries = zone.flooded(run.directory, modes.QUERIES // 4, modes.NAMES, count, denied_with)
            plan[f"{name}-{state}"] = rounds.under_load(server, queries, "--rate", str(RATE * (1 + count)),
                                                        "--of-records-only")
        measured = rounds.interleaved(plan, run.options)
    result = figures.compare(measured, rounds.RATES)
    same = figures.ratio(measured, "summond-text", "summond-positive")
    mix = figures.ratio(measured, "summond-unsigned", "summond")
    print(f"\n### answers: UDP, {modes.NAMES:,} names; summond, knot and nsd: the same signed zone, with DO\n\n"
          f"{figures.rates_table(result)}\n\nA with its signature, of TXT with as many octets ({sizes[A]}): {same:.3f}; "
          f"the mix with DO, of the mix without from the unsigned zone: {mix:.3f}", flush=True)
    ahead = {f"ahead_of_{name}": result["ratios"][name] for name in ("knot", "nsd")}
    return {**result, "signed_cost_ratio": same, "signed_mix_cost_ratio": mix, **ahead,
            "targets": [figures.target("A with its signature, of TXT of the same size", same, 1.15,
                                       noisy=figures.noisy(result, "summond-text", "summond-positive")),
                        *figures.always_ahead(result, "knot", "nsd")]}


class WithRules(servers.Summond):
    """Signs its zone itself, in which names exist by rule: what denies a name is signed when it is asked for."""

    def command(self):
        rule = (f'services: [{{name: page, names: "{{id}}.page.{zones.ZONE}", ids: any, '
                'addresses: "2001:db8:1::/64", kernel: /nonexistent}]\n')
        file = self.write("summond.yaml", f'listen: "127.0.0.1:{self.port}"\ncontrol: off\nrate_limit: off\nworkers: 1\n'
                          "log: {level: warn}\n" + zone.settings(self.directory, self.zone_file, more=rule))
        return [self.program, "--config", str(file), "--simulate"]


def _flooded(run, kind, name, zone_file, denied_with):
    """Latency of names that are there, without and with three random names for each."""
    server = run.server(kind, name, "flood", zone_file)
    with servers.running([server]):
        plan = {f"{name}-{state}": rounds.under_load(server, zone.flooded(run.directory, modes.QUERIES // 4, modes.NAMES, count,
                                                              denied_with),
                                         "--rate", str(RATE * (1 + count)), "--of-records-only")
                for state, count in (("rest", 0), ("flood", RANDOM_NAMES))}
        measured = rounds.interleaved(plan, run.options)
    result = {name: figures.summary(r, rounds.RATES) for name, r in measured.items()}
    ratio = figures.ratio(measured, f"{name}-rest", f"{name}-flood", "p99_us")
    print(f"\n### flood, {name}: {RATE:,} queries/s for names that are there, {RATE * RANDOM_NAMES:,} for random ones, "
          f"with DO\n\np99 of the former {result[f'{name}-flood']['p99_us']['median']:,.0f} us, without the flood "
          f"{result[f'{name}-rest']['p99_us']['median']:,.0f} us: {ratio:.3f} times", flush=True)
    return ratio, result


def flood(run):
    """In a zone with a chain of NSEC, and in one with rules."""
    plain = run.zone_file()
    chain, of_chain = _flooded(run, servers.Summond, "chain", zone.sign(run.directory, plain), NXDOMAIN)
    rules, of_rules = _flooded(run, WithRules, "rules", plain, NOERROR)
    result = {"servers": {**of_chain, **of_rules}}
    return {**result, "flood_p99_ratio": max(chain, rules), "targets": [
        figures.target(f"p99 in a flood of random names, {what}, times", ratio, 2,
                       noisy=figures.noisy(result, f"{what}-rest", f"{what}-flood"))
        for what, ratio in (("chain", chain), ("rules", rules))]}


def validators(run):
    """Generated zones and queries, by way of resolvers that validate (tests/interop/dnssec)."""
    campaign = ROOT / "tests/interop/dnssec/run"
    tally = {}
    for own in ([], ["--own"]):
        command = [sys.executable, "-B", str(campaign), "--queries", str(run.options.queries), "--worlds",
                   str(run.options.worlds), *own]
        done = subprocess.run(command, capture_output=True, text=True, check=False,
                              env={**os.environ, "SUMMOND": str(ROOT / "build/release/summond")})
        last = (done.stdout.splitlines() or [""])[-1]
        if not last.startswith("{"):
            raise servers.BenchError(f"{' '.join(command)}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        for key, value in ast.literal_eval(last).items():
            tally[key] = tally.get(key, 0) + value
        if done.returncode != 0:
            print(done.stderr[-3000:])
            tally["failed"] = tally.get("failed", 0) + 1
    print(f"\n### validators: {tally}", flush=True)
    bogus, wrong = tally.get("bogus", 0), tally.get("failed", 0)
    return {"tally": tally, "bogus": bogus, "validated": tally.get("ad", 0), "asked": tally.get("asked", 0),
            "targets": [figures.target("bogus answers", bogus, 0), figures.target("campaigns that failed", wrong, 0)]}


MODES = {"answers": answers, "rate": signing.rate, "flood": flood, "million": signing.million, "validators": validators}


def main():
    parser = argparse.ArgumentParser(prog="bench dnssec", description=__doc__)
    parser.add_argument("--records", type=int, default=signing.LARGE, help="of `million` (default: %(default)s)")
    parser.add_argument("--queries", type=int, help="of `validators`, for each world")
    options = reports.parse(parser, MODES)
    options.rounds, options.seconds, options.retries, options.starts, options.worlds = (
        (5, 1.0, 0, 1, 2) if options.quick else (15, 2.0, 1, 3, 10))
    options.queries = options.queries or (1000 if options.quick else 50_000)
    reports.make(options, MODES, openssl=signing.version_of_openssl(),
                 versions={"summond": servers.Summond.version(), "knot": servers.Knot.version(),
                           "nsd": servers.Nsd.version()})


if __name__ == "__main__":
    reports.main(main)
