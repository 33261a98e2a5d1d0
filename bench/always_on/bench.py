"""`scripts/bench always-on`: what a client waits for a service that sleeps, beside one that runs, on
real Xen in the lab. See docs/BENCHMARKS.md. Prints a table and, as the last line, JSON."""

import argparse
import json
import pathlib
import subprocess
import sys

REPO = pathlib.Path(__file__).resolve().parents[2]
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(REPO / "tests" / "lab"))

from labkit import arch, bench, qemu, runner, ssh  # noqa: E402
from labkit.util import LabError  # noqa: E402

IN_DOM0 = "/opt/lab/always_on"


def parse_arguments():
    parser = argparse.ArgumentParser(prog="bench always-on", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="10 runs instead of 100")
    parser.add_argument("--runs", type=int, help="of each kind of start")
    parser.add_argument("--time-limit", type=int, default=7200, metavar="SECONDS")
    bench.add_options(parser, memory=4096)
    options = parser.parse_args()
    if options.runs is None:
        options.runs = 10 if options.quick else 100
    return options


def measure(tree, options):
    """Runs measure.py in dom0; its result. The packet traces are in build/always-on afterwards."""
    state = qemu.need_state(tree)
    runner.push_what_is_needed(tree, state, argparse.Namespace(summond=None, guest=None))
    ssh.push(tree, state, [HERE / "measure.py"], IN_DOM0 + "/")
    drop = tree.share / "always-on"
    ssh.shell(tree, state, "rm -rf /mnt/share/always-on; mkdir /mnt/share/always-on")
    done = ssh.run(tree, state, ["python3", f"{IN_DOM0}/measure.py", str(options.runs),
                                 "/mnt/share/always-on"], timeout=options.time_limit)
    if done.returncode != 0:
        raise LabError(f"measure.py ended with status {done.returncode}")
    keep = REPO / "build" / "always-on"
    subprocess.run(["rm", "-rf", str(keep)], check=True)
    subprocess.run(["cp", "-r", str(drop), str(keep)], check=True)
    return json.loads((keep / "result.json").read_text())


def table(result):
    lines = [f"{'':34}{'median':>9}{'least':>9}{'most':>9}{'- boot - running':>18}"]
    for key, words in (("dns_cold", "asleep, a DNS query just before"),
                       ("cached_cold", "asleep, the address cached"),
                       ("standby", "standby"), ("running", "running")):
        figures = result["figures"].get(key)
        if figures is None:
            lines.append(f"{words:34}{'not measured':>27}")
            continue
        beyond = figures.get("beyond")
        lines.append(f"{words:34}{figures['median']:9.1f}{figures['min']:9.1f}{figures['max']:9.1f}"
                     + (f"{beyond:18.1f}" if beyond is not None else ""))
    return "\n".join(lines)


def main():
    options = parse_arguments()
    tree = arch.tree(options.build_dir, options.arch)
    with bench.lab(tree, options.memory):
        result = measure(tree, options)
    print(f"\nfirst byte of a page, ms, {result['runs']} runs of each; SYNs sent again with a query "
          f"or from standby: {result['syn_retransmissions']}\n")
    print(table(result) + "\n")
    print(json.dumps({key: value for key, value in result.items() if key != "figures"}))


if __name__ == "__main__":
    try:
        main()
    except (LabError, subprocess.TimeoutExpired) as error:
        sys.exit(f"bench always-on: {error}")
