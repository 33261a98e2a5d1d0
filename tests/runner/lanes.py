"""Runs parts: those of one lane one after the other, lanes side by side."""

import contextlib
import os
import signal
import subprocess
import threading
import time


class Lanes:
    """`tell` is called with a line of progress, from any thread."""

    def __init__(self, parts, tell):
        self._parts = parts
        self._by_name = {part.name: part for part in parts}
        self._tell = tell
        self._began = time.monotonic()
        self._change = threading.Condition()
        self._pids = set()

    def run(self):
        """Returns when each part has passed, failed, been left out or come too late."""
        threads = [threading.Thread(target=self._lane, args=(lane,), daemon=True)
                   for lane in dict.fromkeys(part.lane for part in self._parts)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def kill(self):
        """Ends all that runs, in order: a lab takes its QEMU with it."""
        for pid in list(self._pids):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGTERM)

    def _lane(self, lane):
        for part in self._parts:
            if part.lane == lane:
                self._set(part, self._what_now(part))
                if part.state == "runs":
                    self._tell(part.name)
                    status = self._command(part)
                    with self._change:
                        part.finish(status)
                        self._change.notify_all()

    def _what_now(self, part):
        """Waits for what it needs. "left out" when something of that has not passed, "late" when it has come too
        late, or this part does."""
        needs = [self._by_name[name] for name in part.needs if name in self._by_name]
        with self._change:
            self._change.wait_for(lambda: all(n.state not in ("waits", "runs") for n in needs))
        age = time.monotonic() - self._began
        late = age > part.latest or any(need.state == "late" for need in needs)
        for need in needs:
            if need.state not in ("passed", "late"):
                part.skipped.append(f"{part.name}: {need.name} has failed")
                return "left out"
        if late:
            part.skipped.append(f"{part.name}: this machine is slow, and the run {age / 60:.0f} minutes old already")
        return "late" if late else "runs"

    def _set(self, part, state):
        with self._change:
            part.state = state
            self._change.notify_all()

    def _command(self, part):
        """Its exit status. A session of its own has a niceness of its own."""
        started = time.monotonic()
        with open(part.log, "wb") as log:
            process = subprocess.Popen(part.argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                       start_new_session=True)
        self._pids.add(process.pid)
        with contextlib.suppress(OSError), \
                open(f"/proc/{process.pid}/autogroup", "w", encoding="ascii") as file:
            file.write(str(part.niceness))
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        self._pids.discard(process.pid)
        part.wall = time.monotonic() - started
        part.cpu = used.ru_utime + used.ru_stime
        return process.returncode
