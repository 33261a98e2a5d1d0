#!/usr/bin/python3
"""Runs the lab's tests inside dom0, as it is told to by labkit/runner.py.

A test is a function test_x(lab) in a module beside this file; its docstring is the claim it shows.

  run.py --list ARCH   each test: its name, its time limit in seconds and, where it cannot run on that
                       architecture or runs only when it is named, why: "never: " or "named: " and the
                       reason. Needs no lab.
  run.py RESULTS_DIR   `next` on standard output asks for a test; a line on standard input is its name
                       and the name of its directory in RESULTS_DIR, or the end. Then come its result,
                       a line that begins with ok, FAIL or skip, and what explains a failure.
"""

import functools
import importlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time
import traceback

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from support import host  # noqa: E402
from support.foreign import Foreign  # noqa: E402
from support.lab import UNIKERNEL, Lab, Skip  # noqa: E402
from harness.waiting import wait_until  # noqa: E402

DEFAULT_LIMIT = 180
PID_FILE = pathlib.Path("/run/lab-tests.pid")
CONSOLES = pathlib.Path("/var/log/xen/console")
# Where tests work. Not the results' own file system, shared with the host: a line in a log there
# costs the daemon milliseconds.
WORK = pathlib.Path("/var/tmp/lab-tests")


class TookTooLong(Exception):
    pass


class Stopped(BaseException):
    """SIGTERM: the test that runs is cleaned up after, no other is run."""


def stopped(_number, _frame):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise Stopped


def all_tests():
    """Every test function by name without its test_, in the order of files and lines."""
    tests = {}
    for file in sorted(HERE.glob("*.py")):
        if file.name == "run.py":
            continue
        module = importlib.import_module(file.stem)
        functions = [f for name, f in vars(module).items()
                     if name.startswith("test_") and f.__module__ == file.stem]
        for function in sorted(functions, key=lambda f: f.__code__.co_firstlineno):
            name = function.__name__[len("test_"):]
            assert name not in tests, f"two tests are named {name}"
            tests[name] = function
    return tests


def end_earlier_run():
    """A run that lost its terminal must not disturb this one."""
    try:
        pid = int(PID_FILE.read_text())
        process = pathlib.Path(f"/proc/{pid}")
        if b"run.py" in (process / "cmdline").read_bytes():
            os.kill(pid, signal.SIGTERM)
            wait_until(lambda: not process.exists(), 120, "the earlier run to end")
    except (OSError, ValueError):
        pass
    except AssertionError:
        os.kill(pid, signal.SIGKILL)
    PID_FILE.write_text(f"{os.getpid()}\n")


class Logs:
    """What the host has said since a test began: the lines that explain a failure."""

    def __init__(self, directory):
        self.directory = directory
        self.started = time.time()
        self.dmesg = len(self._xl_dmesg())

    @staticmethod
    def _xl_dmesg():
        return host.output("xl", "dmesg").splitlines()

    def excerpts(self, lines=12):
        """(title, last lines) of each log that has something to say."""
        found = [(file.name, file.read_text(errors="replace").splitlines())
                 for file in sorted(self.directory.glob("*.log"))]
        for file in sorted(CONSOLES.glob("guest-*.log")):
            if file.stat().st_mtime >= self.started - 1:
                found.append((f"console of {file.stem[len('guest-'):]}",
                              file.read_text(errors="replace").splitlines()))
        found.append(("xl dmesg", self._xl_dmesg()[self.dmesg:]))
        journal = host.output("journalctl", "--no-pager", "-q", "-o", "cat", "-p", "warning",
                              f"--since=@{int(self.started)}")
        found.append(("journal", journal.splitlines()))
        return [(title, text[-lines:]) for title, text in found if text]


def why(error):
    """The failure in one line, with the place in the test it came from."""
    frames = [f for f in traceback.extract_tb(error.__traceback__)
              if pathlib.Path(f.filename).parent == HERE and f.name.startswith("test_")]
    place = f" [{pathlib.Path(frames[-1].filename).name}:{frames[-1].lineno}]" if frames else ""
    text = str(error) or (frames[-1].line if frames else "")
    if not isinstance(error, AssertionError):
        text = f"{type(error).__name__}: {text}"
    return text + place


def run_test(name, test, directory, foreign):
    """Runs one test, beside the foreign domain if there is one; returns its result as a dict."""
    def too_long(_number, _frame):
        raise TookTooLong(f"not done after {seconds} s")

    seconds = getattr(test, "limit", DEFAULT_LIMIT)
    started = time.monotonic()
    result = {"name": name, "claim": (test.__doc__ or "").strip(), "status": "ok", "why": ""}
    logs, lab = Logs(directory), Lab(directory)
    signal.signal(signal.SIGALRM, too_long)
    problems = []
    try:
        signal.alarm(seconds)
        test(lab)
    except Skip as skip:
        result.update(status="skip", why=str(skip))
    except Exception as error:  # any failure of one test leaves the others their run
        problems.append(why(error))
        (directory / "traceback.txt").write_text(traceback.format_exc())
    except Stopped:
        lab.clean()
        raise
    finally:
        signal.alarm(0)
    result["seconds"] = round(time.monotonic() - started, 1)
    result["measured"] = lab.measured
    excerpts = logs.excerpts() if problems else []
    seconds = 120
    try:
        signal.alarm(seconds)
        problems += lab.clean()
        problems += foreign.problems() if foreign else []
    except Exception as error:
        problems.append(f"cleaning up: {why(error)}")
    finally:
        signal.alarm(0)
    if problems:
        result.update(status="FAIL", why="; ".join(problems))
        excerpts = excerpts or logs.excerpts()
    result["logs"] = excerpts
    return result


def report(result, tell):
    measured = "".join(f", {key} {value}" for key, value in result["measured"].items())
    head = f"{result['status']:4} {result['name']}"
    if result["status"] == "ok":
        tell(f"{head}  ({result['seconds']} s{measured})")
        return
    tell(f"{head}: {result['why']}  ({result['seconds']} s)")
    for title, lines in result["logs"]:
        tell(f"     -- {title}")
        for line in lines:
            tell("     | " + re.sub(r"[^\x20-\x7e]", "?", line)[:200])


def own_stdout():
    """Standard output for what the runner reads, and nobody else's: programs that tests start, and
    tests, write to standard error from now on."""
    ours = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return ours


def list_tests(arch):
    for name, test in all_tests().items():
        why = ""
        if arch == "arm64" and hasattr(test, "not_on_arm"):
            why = f"never: {test.not_on_arm}"
        elif arch != "arm64" and hasattr(test, "for_arm"):
            why = f"named: {test.for_arm}"
        elif hasattr(test, "by_name_only"):
            why = f"named: {test.by_name_only}"
        print(name, getattr(test, "limit", DEFAULT_LIMIT), why)


def run_named(name, directory, tests, foreign):
    """Runs a test; its files are brought to `directory`."""
    work = WORK / name
    shutil.rmtree(WORK, ignore_errors=True)
    work.mkdir(parents=True)
    try:
        return run_test(name, tests[name], work, foreign)
    except Exception as error:  # not the test: the host under it
        return {"name": name, "claim": "", "status": "FAIL", "seconds": 0, "measured": {},
                "logs": [], "why": f"the test could not be run: {why(error)}"}
    finally:
        shutil.copytree(work, directory, symlinks=True)


def main():
    if sys.argv[1] == "--list":
        list_tests(sys.argv[2])
        return
    tell = functools.partial(print, file=own_stdout(), flush=True)
    results = pathlib.Path(sys.argv[1])
    results.mkdir(parents=True, exist_ok=True)
    tests = all_tests()
    end_earlier_run()
    signal.signal(signal.SIGTERM, stopped)
    subprocess.run(["ip", "netns", "del", "client"], check=False, stderr=subprocess.DEVNULL)
    foreign = Foreign() if UNIKERNEL.exists() else None
    tell("next")
    for line in sys.stdin:
        name, directory = line.split()
        result = run_named(name, results / directory, tests, foreign)
        (results / directory / "result.json").write_text(json.dumps(result, indent=1))
        report(result, tell)
        tell("next")


if __name__ == "__main__":
    try:
        main()
    except Stopped:
        sys.exit(143)
