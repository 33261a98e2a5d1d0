"""`scripts/bench dns`: summond beside other authoritative servers on loopback. See
docs/BENCHMARKS.md. Prints a table for each mode and, as the last line, all figures as JSON."""

import argparse
import json
import os
import pathlib
import platform
import shutil
import signal
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests"))

import figures  # noqa: E402
import modes  # noqa: E402
import servers  # noqa: E402


def parse_arguments():
    parser = argparse.ArgumentParser(prog="bench dns", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    parser.add_argument("--modes", default=",".join(modes.MODES), metavar="MODE,...",
                        help="default: %(default)s")
    parser.add_argument("--starts", type=int, help="and reloads, of each server")
    parser.add_argument("--rounds", type=int, help="of each server in each mode")
    parser.add_argument("--seconds", type=float, help="of a round")
    parser.add_argument("--retries", type=int,
                        help="of a round in which others used more than 5 %% of a CPU")
    options = parser.parse_args()
    options.modes = options.modes.split(",")
    unknown = set(options.modes) - set(modes.MODES)
    if unknown:
        parser.error(f"no such mode: {', '.join(sorted(unknown))}")
    quick, full = (3, 1.0, 0, 1), (7, 2.0, 1, 3)
    for key, value in zip(("rounds", "seconds", "retries", "starts"),
                          quick if options.quick else full):
        if getattr(options, key) is None:
            setattr(options, key, value)
    return options


def need_programs():
    missing = [p for p in ("bench_load_udp", "bench_load_tcp", "taskset", servers.Echo.program,
                           servers.Summond.program, *(s.program for s in servers.PEERS.values()))
               if shutil.which(p) is None]
    if missing:
        raise servers.BenchError(f"missing: {', '.join(missing)}; scripts/bench installs and "
                                 "builds everything")
    cpus = {servers.SERVER_CPU, servers.GENERATOR_CPU}
    if not cpus <= os.sched_getaffinity(0):
        raise servers.BenchError("needs CPUs 0 and 1")
    os.sched_setaffinity(0, cpus)


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        model = next((line.split(":")[1].strip() for line in f if line.startswith("model name")),
                     platform.machine())
    return {"cpu": model, "cpus": os.cpu_count(), "kernel": platform.release()}


def main():
    options = parse_arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM"))
    need_programs()
    versions = {name: server.version()
                for name, server in (("summond", servers.Summond), *servers.PEERS.items())}
    report = {"machine": machine(), "versions": versions, "rounds": options.rounds,
              "seconds": options.seconds, "modes": {}}
    print(" ".join(f"{k} {v}" for k, v in versions.items()))
    print(" ".join(f"{k} {v}," for k, v in report["machine"].items()),
          f"{options.rounds} rounds of {options.seconds:g} s", flush=True)
    with tempfile.TemporaryDirectory(prefix="summond-bench-") as directory:
        os.chmod(directory, 0o755)
        run = modes.Run(pathlib.Path(directory), options)
        for name in options.modes:
            report["modes"][name] = modes.MODES[name](run)
    print("\n### targets\n")
    for name, result in report["modes"].items():
        for target in result["targets"]:
            print(figures.target_line({**target, "what": f"{name}: {target['what']}"}))
    print(json.dumps(report))
    wrong = [name for name, result in report["modes"].items()
             if any(s.get("wrong") for server, s in result["servers"].items()
                    if server.startswith(figures.OURS))]
    if wrong:
        raise servers.BenchError(f"summond gave wrong answers in: {', '.join(wrong)}")


if __name__ == "__main__":
    try:
        main()
    except servers.BenchError as error:
        sys.exit(f"bench: {error}")
