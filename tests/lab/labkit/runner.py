"""`lab run`, `lab test` and `lab logs`: the tests of tests/lab/tests inside dom0."""

import contextlib
import os
import shutil
import subprocess
import sys
import threading
import time

from . import qemu, ssh
from .util import REPO, XEN_DIR, LabError, Tree, say

HARNESS = REPO / "tests/harness"
SYSTEM = REPO / "tests/system"
UNIT = REPO / "packaging/summond.service.in"
PROXIES = REPO / "config/proxies"

# name of the file -> what is run in dom0 for it
LOG_COMMANDS = {
    "journal.txt": "journalctl --no-pager -o short-precise",
    "xl-dmesg.txt": "xl dmesg",
    "xl-list.txt": "xl list -v",
    "xenstore.txt": "xenstore-ls -fp",
    "ip-link.txt": "ip -d link; ip addr; bridge fdb",
    "ps.txt": "ps axfww -o pid,ppid,user,stat,etime,args",
}


def collect_logs(tree, target):
    """Copies dom0's logs into the directory `target` on this machine."""
    state = qemu.need_state(tree)
    drop = tree.share / "logs"
    shutil.rmtree(drop, ignore_errors=True)
    drop.mkdir()
    script = "".join(f"({command}) > /mnt/share/logs/{name} 2>&1; "
                     for name, command in LOG_COMMANDS.items())
    ssh.shell(tree, state, script + "cp -r /var/log/xen /mnt/share/logs/ || true", timeout=90)
    target.mkdir(parents=True, exist_ok=True)
    shutil.copytree(drop, target, dirs_exist_ok=True)
    shutil.copy(tree.console, target / "console.log")
    shutil.rmtree(drop)


def push_what_is_needed(tree, state, options):
    """The tests, and summond and the test unikernel as far as they have been built."""
    ssh.shell(tree, state, "rm -rf /opt/lab/tests /opt/lab/harness /opt/lab/system")
    ssh.push(tree, state, [XEN_DIR / "tests"], "/opt/lab/tests")
    ssh.push(tree, state, [HARNESS], "/opt/lab/harness")
    ssh.push(tree, state, [SYSTEM], "/opt/lab/system")
    ssh.push(tree, state, [UNIT], "/opt/lab/summond.service.in")
    ssh.push(tree, state, [PROXIES], "/opt/lab/proxies")
    built = REPO / "build" / tree.arch.preset
    for given, default, dest in ((options.summond, built / "summond", "/opt/summond/summond"),
                                 (options.guest, built / "guest/guest", "/opt/lab/guest")):
        if given and not given.is_file():
            raise LabError(f"no such file: {given}")
        file = given or default
        if file.is_file():
            ssh.push(tree, state, [file], dest)
            ctl = file.with_name("summonctl")
            if file.name == "summond" and ctl.is_file():
                ssh.push(tree, state, [ctl], "/opt/summond/summonctl")
        else:
            say(f"run: {file} has not been built: tests that need it are skipped")
    if packages := list((REPO / "build/package").glob(f"summond_*_{tree.arch.name}.deb")):
        ssh.push(tree, state, [*packages, REPO / "debian/tests/answers"], "/opt/lab/package/")


class Queue:
    """The tests that are still to be run, the longest first: (name, directory) each."""

    def __init__(self, names, repeat):
        self._lock = threading.Lock()
        self._left = [(name, name if turn == 0 else f"{name}.{turn + 1}")
                      for turn in range(repeat) for name in names]

    def take(self):
        with self._lock:
            return self._left.pop(0) if self._left else None

    def __len__(self):
        return len(self._left)

    def rest(self):
        """All that nobody has taken; nobody will."""
        with self._lock:
            left, self._left = self._left, []
            return [directory for _, directory in left]


class Tally:
    """Results as they come, from any lab, in whole pieces of text."""

    def __init__(self):
        self._lock = threading.Lock()
        self.count = {"ok": 0, "FAIL": 0, "skip": 0}

    def add(self, lines):
        with self._lock:
            self.count[lines[0].split()[0]] += 1
            print("\n".join(lines), flush=True)

    def report(self, strict):
        """The last line; returns the exit status."""
        skipped = f", {self.count['skip']} skipped" if self.count["skip"] else ""
        say(f"{self.count['ok']} passed, {self.count['FAIL']} failed{skipped}")
        bad = self.count["FAIL"] or not self.count["ok"] or (strict and self.count["skip"])
        return 1 if bad else 0


def select(options, arch):
    """The names of the tests to run, those with the longest time limit first."""
    listed = subprocess.run([sys.executable, "-B", XEN_DIR / "tests/run.py", "--list", arch.name],
                            check=True, stdout=subprocess.PIPE, text=True).stdout
    limits, by_name_only, never = {}, {}, {}
    for line in listed.splitlines():
        name, limit, kind_and_why = line.split(" ", 2)
        kind, _, why = kind_and_why.partition(": ")
        limits[name] = int(limit)
        if kind:
            {"named": by_name_only, "never": never}[kind][name] = why
    wanted = [name.removeprefix("test_") for name in options.tests]
    if unknown := [name for name in wanted if name not in limits]:
        raise LabError(f"no such test: {', '.join(unknown)}; there are: {', '.join(limits)}")
    if not wanted:
        wanted = list(limits)
        for name, why in by_name_only.items():
            if not options.all:
                say(f"left out {name}: {why}; runs when named, or with --all")
                wanted.remove(name)
    for name, why in never.items():
        if name in wanted:
            say(f"left out {name}: {why}")
            wanted.remove(name)
    return sorted(wanted, key=limits.get, reverse=True)


def _work(tree, state, options, queue, tally, deadline):
    """Has the lab that is up run tests until there are none left, or it cannot any more."""
    push_what_is_needed(tree, state, options)
    results = tree.share / "results"
    shutil.rmtree(results, ignore_errors=True)
    results.mkdir()
    given = [f"{key}={value}" for key, value in os.environ.items() if key.startswith("SUMMOND_KILLS")]
    command = ["/usr/bin/env", *given, "/usr/bin/python3", "-u", "/opt/lab/tests/run.py",
               "/mnt/share/results"]
    late = threading.Event()
    test, lines = None, []
    with subprocess.Popen(ssh.argv(tree, state, command), stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, text=True, errors="replace") as process:
        def stop():
            late.set()
            process.kill()
        timer = threading.Timer(max(1.0, deadline - time.monotonic()), stop)
        timer.start()
        try:
            for line in map(str.rstrip, process.stdout):
                if line != "next":
                    lines.append(line)
                    continue
                if test and lines:
                    tally.add(lines)
                test, lines = queue.take(), []
                if test is None:
                    break
                process.stdin.write(f"{test[0]} {test[1]}\n")
                process.stdin.flush()
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()
            status = process.wait(60)
        except BaseException:
            _stop_tests(tree, state)
            raise
        finally:
            timer.cancel()
            process.kill()
            shutil.copytree(results, tree.dir / "results", symlinks=True, dirs_exist_ok=True)
    if status == 0:
        return
    if late.is_set():
        _stop_tests(tree, state)
        why = "the time limit of the whole run is over"
    else:
        why = f"the tests in dom0 ended with status {status}"
    tally.add([f"FAIL {test[1] if test else 'the beginning'}: {why}", *lines])


def _collect(tree):
    target = tree.dir / "results" / f"dom0-{tree.run.name}"
    try:
        collect_logs(tree, target)
        say(f"run: logs of dom0 are in {target}")
    except (LabError, OSError, subprocess.TimeoutExpired) as error:
        say(f"run: dom0's logs could not be collected: {error}")


def run(tree, options):
    """Runs the named tests (all, if none is named) in the lab that is up; the exit status."""
    state = qemu.need_state(tree)
    queue, tally = Queue(select(options, tree.arch), options.repeat), Tally()
    with tree.lock("run"):
        shutil.rmtree(tree.dir / "results", ignore_errors=True)
        say(f"run: tests in dom0 (results: {tree.dir / 'results'})")
        _work(tree, state, options, queue, tally, time.monotonic() + options.time_limit)
        if tally.count["FAIL"]:
            _collect(tree)
    return _end(queue, tally, options)


def _end(queue, tally, options):
    for name in queue.rest():
        tally.add([f"FAIL {name}: there was no lab left to run it in"])
    return tally.report(options.strict)


def _stop_tests(tree, state):
    """Tests that nobody waits for any more clean up after themselves and end."""
    try:
        ssh.run(tree, state, ["sh", "-c", "kill $(cat /run/lab-tests.pid)"], timeout=10,
                capture=True)
    except subprocess.TimeoutExpired:
        pass


def labs_for(memory):
    """How many labs this machine carries: one for every two processors' worth of work, with
    memory to spare for what else goes on."""
    fields = dict(line.split(":") for line in open("/proc/meminfo", encoding="ascii"))
    available = int(fields["MemAvailable"].split()[0]) // 1024
    return 2 if (os.cpu_count() or 1) >= 2 and available >= 3 * memory else 1


def test(tree, options):
    """Labs up, tests and down again, within options.time_limit seconds; leaves no QEMU behind."""
    deadline = time.monotonic() + options.time_limit
    options.die_with_parent = not options.keep
    queue, tally = Queue(select(options, tree.arch), options.repeat), Tally()
    count = min(options.labs or labs_for(options.memory), len(queue))
    trees = [tree, *(Tree(tree.dir, tree.arch, f"run-{n}") for n in range(2, count + 1))]
    shutil.rmtree(tree.dir / "results", ignore_errors=True)

    def one(tree):
        try:
            qemu.up(tree, options)
            _work(tree, qemu.need_state(tree), options, queue, tally, deadline)
            if tally.count["FAIL"]:
                _collect(tree)
        except Exception as error:  # the other lab goes on with what is left
            tally.add([f"FAIL a-lab: {type(error).__name__}: {error}"])
        finally:
            if not options.keep:
                qemu.down(tree)

    # QEMU ends with the thread that has started it, so each lab has one thread from up to down.
    threads = [threading.Thread(target=one, args=(each,), name=f"lab {n}", daemon=True)
               for n, each in enumerate(trees, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if options.keep:
        say("test: the lab stays up (--keep)")
    return _end(queue, tally, options)
