"""scripts/test: builds summond and runs every test.

The parts of a run are in three lanes that run side by side: what compiles, what tests, and the lab. A
lab's QEMU goes first, since guests notice when they are kept waiting; compilers give way.
Last line: `N passed, N failed`. Before it: what failed, where its log is, how to run it alone.
"""

import argparse
import os
import platform
import signal
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from lanes import Lanes  # noqa: E402
from part import BUILD, Ctest, Fuzz, Lab, Part  # noqa: E402

NATIVE = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine())
SHOWN = 7  # failures at the end: with their logs and commands they fit the last 30 lines
BUSY = 4   # processes that --stress lets run beside

started = time.monotonic()
printing = threading.Lock()


def say(text):
    with printing:
        print(f"[{time.monotonic() - started:4.0f} s] {text}", flush=True)


# Of the tests in the lab that is arm64, those of a run for this machine's architecture: that it wakes,
# answers, puts away and outlives what may die.
ARM_TESTS = ["cold_wake", "linux_guest", "standby", "idle", "vmm_killed", "front_killed", "kills"]


# What is left to another run where the machine is so slow that CI, which has 90 minutes, would end this one and
# lose what it has found: seconds after the beginning at which it would begin.
LATEST = {"compile arm64 daemon": 2700, "arm64 lab image": 3600, "fuzzing": 3600, "tests on Xen, arm64": 4200,
          "compile tsan": 4200, "format and clang-tidy": 4500}

# What two builds compile with the same options is compiled once.
CCACHE = {"CCACHE_DIR": os.path.abspath(BUILD / "ccache"), "CCACHE_BASEDIR": os.getcwd(),
          "CCACHE_NOHASHDIR": "1", "CCACHE_SLOPPINESS": "locale",
          "CMAKE_C_COMPILER_LAUNCHER": "ccache", "CMAKE_CXX_COMPILER_LAUNCHER": "ccache"}
AS_RELEASE = {"DEB_BUILD_OPTIONS": "werror", "DEB_CFLAGS_SET": "", "DEB_CXXFLAGS_SET": "",
              "DEB_CPPFLAGS_SET": "", "CC": "gcc", "CXX": "g++"}


def with_environment(variables, *command):
    return ["env", *(f"{name}={value}" for name, value in variables.items()), *command]


def compile_part(name, preset, *targets, needs=()):
    script = 'cmake --preset "$1" && cmake --build "build/$1" ${2:+--target "${@:2}"}'
    if preset == "arm64":
        script = f"scripts/arm64-root && {script}"
    command = ["bash", "-c", script, "_", preset, *targets]
    if preset == "release":
        command = with_environment(CCACHE, *command)
    return Part(name, "compile", command, needs, niceness=10)


def ctest(preset, *, pattern=".", without=None, needs, times=1):
    without = ["-E", without] if without else []
    repeat = ["--repeat", f"until-fail:{times}"] if times > 1 else []
    return Ctest(f"tests {preset}", "test",
                 ["ctest", "--test-dir", f"build/{preset}", "-R", pattern, "--output-on-failure",
                  "-j", str(os.cpu_count()), "--timeout", "300", "--no-tests=error", *without,
                  *repeat],
                 needs, niceness=5)


def lab(options, times=1):
    command = ["tests/lab/lab", "test", "--repeat", str(times), "--time-limit", str(3300 * times)]
    if options.stress:
        command += ["--labs", "2"]
    return Lab("tests on Xen", "lab", command, ("lab image", "compile daemon", "package"))


def arm_image(lane):
    return Part("arm64 lab image", lane, ["tests/lab/lab", "--arch", "arm64", "image"])


def arm_lab(tests, times=1):
    return Lab("tests on Xen, arm64", "lab",
               ["tests/lab/lab", "--arch", "arm64", "test", "--repeat", str(times), "--time-limit",
                str(7200 * times), *tests], ("arm64 lab image", "compile arm64 daemon"))


def arm_parts(options):
    """All that there is for arm64, on another machine: in emulation."""
    times = options.times if options.stress else 1
    parts = [arm_image("lab")] if options.lab else []
    parts += [compile_part("compile arm64 daemon", "arm64", "summond", "summonctl", "guest"),
              compile_part("compile arm64", "arm64", needs=("compile arm64 daemon",)),
              ctest("arm64", without=r"^(proc|host|net|xen_unit)\.", needs=("compile arm64",),
                    times=times)]
    parts[-1].skipped.append("unit tests of proc, host, net and xen, arm64: seccomp, namespaces and netlink "
                             "are not to be had in QEMU's user mode")
    return parts + ([arm_lab([], times)] if options.lab else [])


def parts_of(options):
    if options.arch == "arm64" != NATIVE:
        return arm_parts(options)
    times = options.times if options.stress else 1
    parts = []
    if options.lab:
        parts.append(Part("lab image", "lab", ["tests/lab/lab", "image"]))
    # The lab begins as soon as it has a daemon.
    parts += [
        compile_part("compile daemon", "release", "summond", "summonctl", "guest"),
        Part("package", "compile", with_environment(CCACHE | AS_RELEASE, "scripts/package"), ("compile daemon",)),
        compile_part("compile release", "release", needs=("compile daemon",)),
        ctest("release", needs=("compile release",), times=times),
        # The whole under address and undefined-behaviour sanitizers, fuzz targets included; what has
        # threads under tsan.
        compile_part("compile asan", "asan"),
        ctest("asan", needs=("compile asan",), times=times),
    ]
    if options.fuzz_seconds:
        parts.append(Fuzz("fuzzing", "test",
                          ["tests/fuzz/run", "--seconds", str(options.fuzz_seconds)],
                          ("compile asan",), niceness=5))
    parts += [compile_part("compile tsan", "tsan", "net_tests"),
              ctest("tsan", pattern=r"^net\.", needs=("compile tsan",), times=times)]
    if options.lab and NATIVE != "arm64":
        parts.append(compile_part("compile arm64 daemon", "arm64", "summond", "summonctl", "guest"))
    if options.lint:
        parts.append(Part("format and clang-tidy", "compile", ["scripts/lint"], niceness=10))
    if options.lab:
        parts.append(lab(options, times=times))
        if NATIVE != "arm64":
            parts += [arm_image("compile"), arm_lab(ARM_TESTS)]
    for part in parts:
        if not options.stress and part.name in LATEST:
            part.latest = LATEST[part.name]
    return parts


def beside_load():
    """Everything once more, beside busy processes and, for each lab, a second one."""
    return [ctest("release", needs=()), ctest("asan", needs=()),
            ctest("tsan", pattern=r"^net\.", needs=())]


def show_excerpt(part):
    print(f"FAILED: {part.name}; from {part.log}:")
    print("\n".join(part.excerpt()), flush=True)


def table(parts):
    rows = [(part.name, part.wall, part.cpu) for part in parts if part.state in ("passed", "failed")]
    print(f"\n{'part':24} {'wall s':>7} {'CPU s':>7}")
    for name, wall, cpu in rows:
        print(f"{name:24} {wall:7.0f} {cpu:7.0f}")
    print(f"{'all':24} {time.monotonic() - started:7.0f} {sum(row[2] for row in rows):7.0f}\n")


def conclude(parts):
    """The report; returns the exit status."""
    failed = [(part, failure) for part in parts for failure in part.failures]
    table(parts)
    for part in parts:
        for what in part.skipped:
            print(f"skipped: {what}")
    for part, failure in failed[:SHOWN]:
        print(f"FAILED: {failure.what}\n  log: {part.log}\n  alone: {failure.alone}")
    if len(failed) > SHOWN:
        print(f"and {len(failed) - SHOWN} more: grep for FAILED above")
    left_out = [part for part in parts if part.state == "left out"]
    print(f"{sum(part.passed for part in parts)} passed, {len(failed)} failed", flush=True)
    return 1 if failed or left_out else 0


def run(parts):
    lanes = Lanes(parts, say)

    def stop(_number, _frame):
        lanes.kill()
        sys.exit(1)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, stop)
    lanes.run()
    for part in parts:
        if part.failures:
            show_excerpt(part)
    return parts


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/test", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--arch", choices=["amd64", "arm64"], default=NATIVE,
                        help="whose tests: this machine's and some of arm64 (default), or all of arm64, "
                             "in emulation")
    parser.add_argument("--no-lab", dest="lab", action="store_false",
                        help="leave out the tests on real Xen (the longest part)")
    parser.add_argument("--no-lint", dest="lint", action="store_false",
                        help="leave out format and clang-tidy")
    parser.add_argument("--fuzz-seconds", type=int, default=15, metavar="N",
                        help="for each fuzz target (default: 15; 0: none)")
    parser.add_argument("--stress", action="store_true",
                        help="each test several times in a row, then everything once more beside "
                             f"{BUSY} busy processes and a second lab; takes hours")
    parser.add_argument("--times", type=int, default=20, metavar="N",
                        help="in a row, with --stress (default: 20)")
    return parser.parse_args()


def main():
    options = arguments()
    BUILD.mkdir(exist_ok=True)
    parts = run(parts_of(options))
    if options.stress:
        say(f"once more, beside {BUSY} busy processes")
        busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(BUSY)]
        try:
            again = beside_load() + ([lab(options)] if options.lab else [])
            for part in again:
                part.name += " beside load"
            parts += run(again)
        finally:
            for process in busy:
                process.kill()
    if not options.lab:
        parts[0].skipped.append("tests on real Xen: --no-lab")
    if not options.lint:
        parts[0].skipped.append("format and clang-tidy: --no-lint")
    if not options.fuzz_seconds:
        parts[0].skipped.append("fuzzing: --fuzz-seconds 0")
    return conclude(parts)


if __name__ == "__main__":
    sys.exit(main())
