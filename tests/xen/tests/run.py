#!/usr/bin/python3
"""Runs the lab's tests inside dom0: run.py RESULTS_DIR [--strict] [--all] [TEST...].

One line per test as it ends, `N passed, N failed` at the end. A test is a function
test_x(lab) in a module beside this file; its docstring is the claim it shows.
--strict: a skipped test fails the run. --all: also those that otherwise run only when named.
"""

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
from support.net import wait_until  # noqa: E402

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


def report(result):
    measured = "".join(f", {key} {value}" for key, value in result["measured"].items())
    head = f"{result['status']:4} {result['name']}"
    if result["status"] == "ok":
        print(f"{head}  ({result['seconds']} s{measured})", flush=True)
        return
    print(f"{head}: {result['why']}  ({result['seconds']} s)", flush=True)
    for title, lines in result["logs"]:
        print(f"     -- {title}", flush=True)
        for line in lines:
            print("     | " + re.sub(r"[^\x20-\x7e]", "?", line)[:200], flush=True)


def main():
    arguments = [word for word in sys.argv[1:] if word not in ("--strict", "--all")]
    strict = "--strict" in sys.argv[1:]
    results, wanted = pathlib.Path(arguments[0]), arguments[1:]
    tests = all_tests()
    unknown = [name for name in wanted if name.removeprefix("test_") not in tests]
    if unknown:
        print(f"no such test: {', '.join(unknown)}; there are: {', '.join(tests)}")
        return 2
    if wanted:
        tests = {name.removeprefix("test_"): tests[name.removeprefix("test_")] for name in wanted}
    elif "--all" not in sys.argv[1:]:
        for name, test in list(tests.items()):
            if reason := getattr(test, "by_name_only", None):
                print(f"left out {name}: {reason}; runs when named, or with --all", flush=True)
                del tests[name]
    end_earlier_run()
    signal.signal(signal.SIGTERM, stopped)
    results.mkdir(parents=True, exist_ok=True)
    subprocess.run(["ip", "netns", "del", "client"], check=False, stderr=subprocess.DEVNULL)
    try:
        foreign = Foreign() if UNIKERNEL.exists() else None
    except AssertionError as error:
        print(f"FAIL the domain that runs beside all tests: {error}\n0 passed, 1 failed")
        return 1
    done = []
    for name, test in tests.items():
        (results / "running").write_text(name)
        shutil.rmtree(WORK, ignore_errors=True)
        (WORK / name).mkdir(parents=True)
        try:
            done.append(run_test(name, test, WORK / name, foreign))
        except Exception as error:  # not the test: the host under it
            done.append({"name": name, "status": "FAIL", "seconds": 0, "logs": [],
                         "why": f"the test could not be run: {why(error)}"})
        finally:
            shutil.copytree(WORK / name, results / name, symlinks=True, dirs_exist_ok=True)
        report(done[-1])
        (results / "results.json").write_text(json.dumps(done, indent=1))
    (results / "running").unlink(missing_ok=True)
    count = {status: sum(r["status"] == status for r in done) for status in ("ok", "FAIL", "skip")}
    skipped = f", {count['skip']} skipped" if count["skip"] else ""
    print(f"{count['ok']} passed, {count['FAIL']} failed{skipped}", flush=True)
    return 1 if count["FAIL"] or not count["ok"] or (strict and count["skip"]) else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Stopped:
        sys.exit(143)
