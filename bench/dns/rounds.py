"""One round of load on one server, and rounds interleaved over servers."""

import json
import subprocess
import time

import figures
import processes
import servers

RATES = ("qps", "cpu_us", "p50_us", "p99_us", "latency_us", "server_percent", "generator_percent",
         "foreign_percent")
WARM_UP = 0.3  # seconds
MIB = 1 << 20


def load(server, tool, queries, seconds, *options, cpus=(servers.GENERATOR_CPU,)):
    """A load generator that has been started."""
    return subprocess.Popen(
        ["taskset", "-c", ",".join(map(str, cpus)), tool, str(server.port), str(queries),
         "--seconds", str(seconds), *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def result_of(generator, server):
    out, errors = generator.communicate()
    if generator.returncode != 0:
        raise servers.BenchError(f"load on {server.name}: {errors.strip()}")
    return json.loads(out)


def measure(server, generators):
    """One round: generators() starts them. Their figures, and what the round cost the server."""
    with processes.ForeignTime(server) as used:
        results = [result_of(generator, server) for generator in generators()]
    round_ = {key: sum(r[key] for r in results) for key in ("answers", "lost", "wrong", "qps")}
    for key in ("p50_us", "p99_us", "p999_us", "max_us", "latency_us"):
        round_[key] = max(r[key] for r in results)
    if not round_["answers"]:
        raise servers.BenchError(f"{server.name} answered nothing:\n{server.log_end()}")
    round_["cpu_us"] = used.server_seconds / round_["answers"] * 1e6
    round_["server_percent"] = used.server_seconds / used.seconds * 100
    round_["generator_percent"] = used.children_seconds / used.seconds * 100
    round_["foreign_percent"] = used.percent
    return round_


def under_load(server, queries, *options):
    """For interleaved: a round of UDP queries from one generator."""
    return lambda seconds: measure(server, lambda: [load(server, "bench_load_udp", queries, seconds, *options)])


def start(server):
    """One start: its times, and what the server holds then. Ends it."""
    peak = 0

    def watch(pid):
        nonlocal peak
        peak = max(peak, processes.resident(pid))

    with processes.ForeignTime(server) as cpu, servers.stopping([server]):
        seconds = server.start(watch)
        used = processes.cpu_seconds(server.pid)
        time.sleep(0.5)  # what is left of the start
        pss, held = processes.memory(server.pid)
    return {"seconds": seconds, "cpu_seconds": used, "pss_mib": pss / MIB, "held_mib": held / MIB,
            "peak_rss_mib": peak / MIB, "foreign_percent": cpu.percent}


def interleaved(plan, options):
    """plan: {name: function that measures one round for so many seconds}. {name: [round, ...]}; in
    each turn every server has one round, and the one that begins changes. A noisy round is
    measured again, options.retries times."""
    rounds = {name: [] for name in plan}
    names = list(plan)
    for name in names:
        plan[name](WARM_UP)
    for turn in range(options.rounds):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            tries = [plan[name](options.seconds)]
            while not figures.clean(tries[-1]) and len(tries) <= options.retries:
                tries.append(plan[name](options.seconds))
            rounds[name].append(min(tries, key=lambda r: r["foreign_percent"]))
    return rounds
