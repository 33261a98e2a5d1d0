"""A server that is tested or measured: its process and its log."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile

from . import proc


class Hung(AssertionError):
    """It has not ended in time."""


class Server:
    process = None

    def __init__(self, log_file):
        self.log_file = log_file

    def run(self, command, *, environment=None, **more):
        """Starts it; more: as for subprocess.Popen. What it writes is added to the log."""
        environment = {**os.environ, **(environment or {})}
        environment.pop("JOURNAL_STREAM", None)  # its log is the file
        with open(self.log_file, "ab") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, env=environment, **more)

    @property
    def pid(self):
        """0 while there is none."""
        return self.process.pid if self.process else 0

    def log(self):
        with open(self.log_file, encoding="utf-8", errors="replace") as f:
            return f.read()

    def log_lines(self, *words):
        """The log's lines that contain all the words."""
        return [line for line in self.log().splitlines() if all(word in line for word in words)]

    def reload(self):
        """SIGHUP: read the configuration, or the zones, anew."""
        self.process.send_signal(signal.SIGHUP)

    def stop(self, limit=30, with_signal=signal.SIGTERM):
        """Its exit status, None if it was not started. If it does not end in time, it is killed with
        all below it, and Hung is raised."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(with_signal)
        try:
            return self.process.wait(limit)
        except subprocess.TimeoutExpired:
            self.kill_tree()
            raise Hung(f"{self.process.args[0]} did not end within {limit} s") from None

    def kill_tree(self):
        """Ends it, and all below it, at once."""
        if self.process is None or self.process.poll() is not None:
            return
        for pid in proc.tree(self.pid):  # the parent first: it starts nothing again
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()


class Lodger(Server):
    """One with a directory of its own, which others may look into; its log is in there."""

    def __init__(self, prefix):
        self.directory = tempfile.mkdtemp(prefix=prefix)
        os.chmod(self.directory, 0o755)
        super().__init__(f"{self.directory}/log")

    def end(self):
        """Stops it, or kills it if it does not end, and removes the directory."""
        with contextlib.suppress(Hung):
            self.stop(20)
        shutil.rmtree(self.directory, ignore_errors=True)
