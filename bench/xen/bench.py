"""`scripts/bench xen`: how long summond, libxl and `xl create` take to start the same guest, on real
Xen in the lab. See docs/BENCHMARKS.md. Prints a table and, as the last line, all figures as JSON."""

import argparse
import json
import os
import pathlib
import subprocess
import sys

REPO = pathlib.Path(__file__).resolve().parents[2]
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(REPO / "tests" / "lab"))

import results  # noqa: E402
from labkit import arch, bench, qemu, runner, ssh  # noqa: E402
from labkit.util import LabError  # noqa: E402

TOOLS = ("bench_xen_create", "bench_xen_observe")
IN_DOM0 = "/opt/lab/bench"


def parse_arguments():
    parser = argparse.ArgumentParser(prog="bench xen", description=__doc__)
    parser.add_argument("--quick", action="store_true",
                        help="3 rounds instead of 9, 20 guests at once instead of 50")
    parser.add_argument("--rounds", type=int, help="of each kind of start")
    parser.add_argument("--parallel", type=int, metavar="N", help="guests at once; 0: leave it out")
    parser.add_argument("--parallel-rounds", type=int, default=1, metavar="N")
    parser.add_argument("--time-limit", type=int, default=3600, metavar="SECONDS")
    bench.add_options(parser, memory=6144)
    options = parser.parse_args()
    if options.rounds is None:
        options.rounds = 3 if options.quick else 9
    if options.parallel is None:
        options.parallel = 20 if options.quick else 50
    return options


def foreign_seconds(pid):
    """CPU time on this machine so far that is not that of process `pid` and its threads."""
    hertz = os.sysconf("SC_CLK_TCK")
    with open("/proc/stat", encoding="ascii") as file:
        user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, file.readline().split()[1:9])
    stat = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return (user + nice + system + irq + softirq + steal - int(stat[11]) - int(stat[12])) / hertz


def measure(tree, options):
    """Runs measure.py in dom0; its result."""
    state = qemu.need_state(tree)
    runner.push_what_is_needed(tree, state, argparse.Namespace(summond=None, guest=None))
    built = REPO / "build" / tree.arch.preset
    ssh.push(tree, state, [*(built / name for name in TOOLS), *HERE.glob("*.py")], IN_DOM0 + "/")
    wanted = {"rounds": options.rounds, "parallel": options.parallel,
              "parallel_rounds": options.parallel_rounds}
    output = tree.share / "bench.json"
    output.unlink(missing_ok=True)
    uptime = float(pathlib.Path("/proc/uptime").read_text(encoding="ascii").split()[0])
    foreign = foreign_seconds(state["pid"])
    command = ["timeout", str(options.time_limit), "/usr/bin/python3", "-B", "-u",
               f"{IN_DOM0}/measure.py", json.dumps(wanted), "/mnt/share/bench.json"]
    status = subprocess.run(ssh.argv(tree, state, command), stdin=subprocess.DEVNULL,
                            timeout=options.time_limit + 60, check=False).returncode
    if status != 0:
        raise LabError(f"bench: dom0's part ended with status {status}; summond's log, if it came "
                       f"to that, is {output.with_suffix('.log')}")
    seconds = float(pathlib.Path("/proc/uptime").read_text(encoding="ascii").split()[0]) - uptime
    percent = 100 * (foreign_seconds(state["pid"]) - foreign) / seconds
    return {**json.loads(output.read_text()), "options": wanted, "arch": tree.arch.name,
            "accel": state["accel"], "seconds": round(seconds), "foreign_percent": round(percent, 1)}


def main():
    options = parse_arguments()
    tree = arch.tree(options.build_dir, options.arch)
    try:
        with bench.lab(tree, options.memory):
            measured = measure(tree, options)
    except LabError as error:
        sys.exit(f"bench: {error}")
    values = results.figures(measured)
    found = results.targets(measured, values)
    print(f"\nOne guest, milliseconds: median (range) of {options.rounds} rounds. Other programs used "
          f"{measured['foreign_percent']:.0f} % of a CPU meanwhile.\n")
    print(results.table(measured))
    if "parallel" in measured:
        print(f"\n{options.parallel} guests at once.\n")
        print(results.parallel_table(measured))
    print("\n### targets\n")
    for target in found:
        print(results.target_line(target))
    print(json.dumps({**values, "targets": found, "kinds": {
        kind: results.summary(rounds) for kind, rounds in measured["rounds"].items()}, **measured}))


if __name__ == "__main__":
    main()
