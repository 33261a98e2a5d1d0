"""What benchmarks with modes share: their options, a report with each mode's figures, the targets, and JSON as the
last line."""

import json
import os
import pathlib
import sys
import tempfile

import figures
import modes
import servers


def parse(parser, of_modes):
    """The options of `parser`, with --quick and --modes."""
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    parser.add_argument("--modes", default=",".join(of_modes), metavar="MODE,...", help="default: %(default)s")
    options = parser.parse_args()
    options.modes = options.modes.split(",")
    unknown = set(options.modes) - set(of_modes)
    if unknown:
        parser.error(f"no such mode: {', '.join(sorted(unknown))}")
    return options


def make(options, of_modes, **beside):
    """Runs the modes and prints; a mode's plain figures stand in the report itself, too."""
    os.sched_setaffinity(0, {servers.SERVER_CPU, servers.GENERATOR_CPU})
    report = {"rounds": options.rounds, "seconds": options.seconds, **beside}
    print(report, flush=True)
    with tempfile.TemporaryDirectory(prefix="summond-bench-") as directory:
        os.chmod(directory, 0o755)
        run = modes.Run(pathlib.Path(directory), options)
        for name in options.modes:
            result = of_modes[name](run)
            report |= {key: value for key, value in result.items() if not isinstance(value, (dict, list))}
            report[name] = result
    targets = [(name, target) for name in options.modes for target in report[name].get("targets", [])]
    if targets:
        print("\n### targets\n")
    for name, target in targets:
        print(figures.target_line({**target, "what": f"{name}: {target['what']}"}))
    print(json.dumps(report))


def main(function):
    try:
        function()
    except servers.BenchError as error:
        sys.exit(f"bench: {error}")
