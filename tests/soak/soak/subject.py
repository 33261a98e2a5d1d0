"""The daemon under test: its processes, its log, what they use."""

import os
import re
import signal
import time

from harness.proc import children_of, descriptors, exists, status
from harness.server import Hung, Server

from .timeline import now

READY = re.compile(r"parent: (front|vmm) \(pid (\d+)\) is ready")
ENDED = re.compile(
    r"parent: .*?(front|vmm|load) \(pid (\d+)\) (ended with|does not take messages)")
SANITIZER = re.compile(r"Sanitizer|runtime error:|signal 31 \(SYS\)|terminate called")
# What there is to complain about when configurations are broken and processes are killed.
EXPECTED = re.compile(
    r"parent: kept the running configuration"
    r"|parent: \S+ cannot be used, see above"
    r"|parent: reading \S+ failed: killed by signal 9"
    r"|parent: the new front \(pid \d+\) ended with killed by signal 9 .*kept the running configuration"
    r"|parent: SIMULATED"
    r"|front: vmm is gone"
    r"|vmm: the configuration .*")
COMPLAINT = re.compile(r"^\S+ \S+ (warn|warning|error|critical) ")
PATIENCE = 60.0


class Failed(Exception):
    """The daemon does not do what it must; there is no going on."""


class Subject(Server):
    def __init__(self, binary, configuration, log_file):
        super().__init__(log_file)
        self.configuration = configuration
        self.findings = []
        self.killed = set()
        self.ready = []  # pids of fronts in the order in which they got ready
        self.vmm_ready = []
        self.readings = 0
        self.reloads = 0
        self.refusals = 0
        self.started = False
        self._rest = b""
        # A small quarantine, so that memory settles soon; leaks are looked for at the end.
        self.run([binary, "--config", configuration, "--simulate"],
                 environment={"ASAN_OPTIONS": "quarantine_size_mb=8:" +
                              os.environ.get("ASAN_OPTIONS", "")})
        self._log = open(log_file, "rb")

    # -- Log

    def read_log(self):
        *lines, self._rest = (self._rest + self._log.read()).split(b"\n")
        for line in lines:
            self._line(line.decode("utf-8", "replace"))

    def _line(self, line):
        if SANITIZER.search(line):
            self.findings.append(f"log: {line}")
        elif "parent: ready: " in line:
            self.started = True
        elif " again" in line and "parent: reading " in line:
            self.readings += 1
        elif "parent: reloaded: " in line:
            self.reloads += 1
        elif "kept the running configuration" in line:
            self.refusals += 1
        if match := READY.search(line):
            (self.ready if match[1] == "front" else self.vmm_ready).append(int(match[2]))
        elif match := ENDED.search(line):
            if int(match[2]) not in self.killed:
                self.findings.append(f"log: {line}")
        elif COMPLAINT.match(line) and not EXPECTED.search(line):
            self.findings.append(f"log: {line}")

    def wait(self, condition, what, patience=PATIENCE):
        """The first true value of condition(), which is asked after each look at the log."""
        end = now() + patience
        while True:
            self.read_log()
            value = condition()
            if value:
                return value
            if self.process.poll() is not None:
                raise Failed(f"the daemon has ended with {self.process.returncode}, {what} expected")
            if now() > end:
                raise Failed(f"not within {patience} s: {what}; {self.children()}")
            time.sleep(0.02)

    # -- Processes

    def children(self):
        return children_of(self.process.pid)

    def pids(self, role):
        return [pid for pid, r in self.children().items() if r == role]

    def front(self):
        """The one that serves."""
        return self.ready[-1]

    def kill(self, pid):
        self.killed.add(pid)
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass

    def wait_for_old_fronts(self):
        """Waits until no replaced front is left."""
        self.wait(lambda: sorted(self.children().values()) == ["front", "vmm"],
                  "one front and one vmm")

    def usage(self):
        """{role: (pid, resident KiB, descriptors, threads)} when settled."""
        pids = {"parent": self.process.pid, "front": self.pids("front")[0],
                "vmm": self.pids("vmm")[0]}
        used = {}
        for role, pid in pids.items():
            fields = status(pid)
            # Without what old fronts have counted in: it stays, for those that come.
            own = [name for name in descriptors(pid).values() if "summond-counters" not in name]
            used[role] = (pid, int(fields["VmRSS"].split()[0]), len(own),
                          int(fields["Threads"]))
        return used

    # -- Signals

    def reload_often(self, times, pause):
        for _ in range(times):
            self.reload()
            time.sleep(pause())

    def wait_reload(self, readings):
        """Until what was asked for beyond this many readings is over. True: the last one was taken
        over."""
        def over():
            return self.readings > readings and self.readings == self.reloads + self.refusals
        before = self.reloads
        quiet_since = [None]

        def quiet():
            if not over():
                quiet_since[0] = None
            elif quiet_since[0] is None:
                quiet_since[0] = now()
            return quiet_since[0] is not None and now() - quiet_since[0] > 0.1
        self.wait(quiet, "the end of a reload")
        return self.reloads > before

    def end(self):
        """In order; nothing may be left."""
        children = self.children()
        try:
            code = self.stop(PATIENCE)
        except Hung as error:
            raise Failed(str(error)) from None
        self.read_log()
        if code != 0:
            self.findings.append(f"the daemon ended with {code}")
        left = [pid for pid in children if exists(pid)]
        if left:
            self.findings.append(f"left behind: {left}")

    def close(self):
        """Whatever is left after a failure."""
        self.kill_tree()
        self._log.close()
