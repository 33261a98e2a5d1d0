"""`scripts/bench density`: many guests up at once, and what summond uses beside them, on real Xen in
the lab. See docs/BENCHMARKS.md. Prints a table and, as the last line, JSON."""

import argparse
import json
import pathlib
import sys

REPO = pathlib.Path(__file__).resolve().parents[2]
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(REPO / "tests" / "lab"))

from labkit import arch, bench, qemu, runner, ssh  # noqa: E402
from labkit.util import LabError  # noqa: E402

IN_DOM0 = "/opt/lab/density"


def parse_arguments():
    parser = argparse.ArgumentParser(prog="bench density", description=__doc__)
    parser.add_argument("--count", type=int, default=120, help="of guests (default: 120)")
    parser.add_argument("--rest", type=int, default=120, metavar="SECONDS",
                        help="that summond is watched at rest (default: 120)")
    parser.add_argument("--time-limit", type=int, default=3600, metavar="SECONDS")
    bench.add_options(parser, memory=6144)
    return parser.parse_args()


def measure(tree, options):
    state = qemu.need_state(tree)
    runner.push_what_is_needed(tree, state, argparse.Namespace(summond=None, guest=None))
    ssh.push(tree, state, [HERE / "measure.py"], IN_DOM0 + "/")
    output = tree.share / "density.json"
    output.unlink(missing_ok=True)
    wanted = json.dumps({"count": options.count, "rest": options.rest})
    done = ssh.run(tree, state, ["python3", "-u", f"{IN_DOM0}/measure.py", wanted,
                                 "/mnt/share/density.json"], timeout=options.time_limit)
    if done.returncode != 0:
        raise LabError(f"measure.py ended with status {done.returncode}; summond's log is "
                       f"{output.with_suffix('.log')}")
    return json.loads(output.read_text())


def main():
    options = parse_arguments()
    tree = arch.tree(options.build_dir, options.arch)
    if qemu.state(tree) is not None:
        sys.exit("bench density: a lab is up; it needs one of its own: tests/lab/lab down")
    try:
        with bench.lab(tree, options.memory):
            result = measure(tree, options)
    except LabError as error:
        sys.exit(f"bench density: {error}")
    print(f"\n{options.count} guests up, {result['pages']} pages served; woken in "
          f"{result['woken_s']} s\n")
    print("| at rest | one up: ms of CPU a second | KiB | "
          f"{options.count} up: ms of CPU a second | KiB |")
    print("|---|--:|--:|--:|--:|")
    for role, one in result["one"].items():
        everything = result["all"][role]
        print(f"| {role} | {one['cpu_ms_per_s']} | {one['kib']} | {everything['cpu_ms_per_s']} | "
              f"{everything['kib']} |")
    print(json.dumps({"count": options.count, **result}))


if __name__ == "__main__":
    main()
