"""One worker and two. The machine may have no third CPU for the load generator, so it runs beside
the server, and sleeps when it has nothing to do: one generator for one CPU, two for two. Then two
workers on two CPUs have what one has on one CPU, twice, and twice the queries is the best there is.
One worker with two CPUs says what the second CPU alone brings (the generator moves away)."""

import figures
import rounds
import servers

KINDS = {"echo": servers.Echo, "summond": servers.Summond, "knot": servers.Knot,
         "nsd": servers.Nsd}
CPUS = (servers.SERVER_CPU, servers.GENERATOR_CPU)
SETUPS = {"-1w1c": (1, CPUS[:1]), "-1w2c": (1, CPUS), "": (2, CPUS)}


def workers(run):
    queries = run.query_file()
    plan, started = {}, []
    for suffix, (count, cpus) in SETUPS.items():
        for name, kind in KINDS.items():
            server = run.server(kind, name + suffix, "workers", workers=count, cpus=cpus)
            plan[server.name] = lambda seconds, s=server, c=cpus: rounds.measure(
                s, lambda: [rounds.load(s, "bench_load_udp", queries, seconds, "--sleep", cpus=c)
                            for _ in c])
            started.append(server)
    with servers.running(started):
        measured = rounds.interleaved(plan, run.options)
    result = figures.compare(measured, rounds.RATES)
    result["scaling"] = {
        name: {"qps": figures.ratio(measured, f"{name}-1w1c", name, "qps"),
               "cpu_us": figures.ratio(measured, f"{name}-1w1c", name),
               "qps_of_one_worker_with_two_cpus":
                   figures.ratio(measured, f"{name}-1w2c", name, "qps")} for name in KINDS}
    print("\n### workers: UDP, generators on the server's CPUs (w: workers, c: CPUs; without: 2 of "
          f"each)\n\n{figures.rates_table(result)}\n")
    print(figures.table(
        ["2w2c, as a multiple of", "queries/s 1w1c", "CPU us/query 1w1c", "queries/s 1w2c"],
        [[name, *(f"{value:.2f}" for value in scaling.values())]
         for name, scaling in result["scaling"].items()]), flush=True)
    return {**result, "targets": []}
