"""A summond on loopback for the process tests: starts it, asks it, looks at its processes."""

import os
import pathlib
import shutil
import signal
import socket
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from harness import waiting  # noqa: E402
from harness.dns import (A, AAAA, NOERROR, NS, NXDOMAIN, REFUSED, SERVFAIL, SOA, TXT,  # noqa: E402,F401
                         Message, query)
from harness.dns_client import exchange, framed, read_frame  # noqa: E402,F401
from harness.network import free_port, own_network  # noqa: E402
from harness.proc import children_of, descriptors, exists, status  # noqa: E402,F401
from harness.server import Server  # noqa: E402
from harness.service_manager import ServiceManager  # noqa: E402,F401
from harness.threads import Threads  # noqa: E402

own_network()
BINARY = os.environ.get("SUMMOND", "summond")
# For things that take milliseconds on a quiet machine.
PATIENCE = 30.0

ZONE = """\
zones:
  - name: example.test
    ns: [ns1.example.test]
    records:
      - "ns1 A 192.0.2.53"
      - "www A 192.0.2.80"
      - "www AAAA 2001:db8::80"
"""

SERVICE = """\
services:
  - name: {name}
    names: {name}.example.test
    addresses: {address}
    kernel: /nonexistent/kernel
"""


def wait_until(condition, what, patience=PATIENCE):
    """The first true value of condition()."""
    return waiting.wait_until(condition, patience, what, longest_pause=0.05)


# -- Asking

def ask(port, name="www.example.test", qtype=A, host="127.0.0.1", timeout=PATIENCE, tcp=False,
        follow=True):
    """One query, over UDP from a port of its own, and over TCP after TC, as resolvers do: where the
    machine is busy and wakes queue, an answer may be that. None when no answer comes in time."""
    ident = int.from_bytes(os.urandom(2), "big")
    try:
        answer = Message(exchange((host, port), query(name, qtype, ident), timeout, tcp))
    except (TimeoutError, ConnectionRefusedError):
        return None
    if answer.ident != ident:
        raise AssertionError("answer to another query")
    if answer.tc and follow and not tcp:
        return ask(port, name, qtype, host, timeout, tcp=True)
    return answer


def ask_tcp(port, name="www.example.test", qtype=A, host="127.0.0.1"):
    return Message(exchange((host, port), query(name, qtype, 7), PATIENCE, tcp=True))


class Load(Threads):
    """Queries without pause from several threads, each query from a new port, so that every UDP
    worker's socket gets some. A query without an answer is lost: not one that waits for a daemon which
    takes long to start on a busy machine."""

    def __init__(self, port, threads=4, host="127.0.0.1"):
        super().__init__(threads)
        self.asked = 0
        self.lost = 0
        self.wrong = 0
        self._port, self._host = port, host

    def _run(self):
        while not self._stop.is_set():
            answer = self._ask()
            with self._lock:
                self.asked += 1
                if answer is None:
                    self.lost += 1
                elif answer.addresses != ["192.0.2.80"]:
                    self.wrong += 1

    def _ask(self):
        return ask(self._port, host=self._host, timeout=2 * PATIENCE)


class TcpLoad(Load):
    """The same over TCP, a connection each."""

    def _ask(self):
        try:
            return ask_tcp(self._port, host=self._host)
        except OSError:
            return None


class Pipeline:
    """One TCP connection that always has as many queries outstanding."""

    def __init__(self, port, outstanding=32, host="127.0.0.1", name="www.example.test"):
        self.asked = self.answered = 0
        self.end = None  # how the connection ended, if it did
        self._message = query(name, A, 7)
        self._outstanding = outstanding
        self._socket = socket.create_connection((host, port), timeout=PATIENCE)
        self._stream = self._socket.makefile("rb")
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _send(self, count):
        self._socket.sendall(framed(self._message) * count)
        self.asked += count

    def _run(self):
        try:
            self._send(self._outstanding)
            while self.answered < self.asked:
                if read_frame(self._stream) is None:
                    self.end = "closed"
                    return
                self.answered += 1
                if not self._stop.is_set():
                    self._send(1)
        except OSError as e:
            self.end = str(e)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()
        self._socket.close()


# -- Processes

class Daemon(Server):
    def __init__(self, config=ZONE, *arguments, listen=None, environment=None, inherited=(),
                 manager=None):
        self.directory = tempfile.TemporaryDirectory(prefix="summond-test-")
        os.chmod(self.directory.name, 0o755)
        self.file = os.path.join(self.directory.name, "summond.yaml")
        super().__init__(os.path.join(self.directory.name, "log"))
        self.port = free_port()
        self.listen = listen or ["127.0.0.1:{port}"]
        self.configure(config)
        self.seen = set()
        self._command = [BINARY, "--config", self.file, *arguments]
        self._named = {"environment": environment, "pass_fds": inherited}
        self._manager = manager
        self.start()

    def start(self):
        """For the first time, or again."""
        command, named = self._command, self._named
        if self._manager:
            command, named = self._manager.command(command)
        self.run(command, **named)
        self.seen.add(self.process.pid)

    def configure(self, config):
        addresses = ", ".join(f'"{a.format(port=self.port)}"' for a in self.listen)
        with open(self.file, "w", encoding="utf-8") as f:
            control = "" if "control:" in config else "control: off\n"
            f.write(f"listen: [{addresses}]\n{control}{config}")

    def wait_log(self, text, count=1, patience=PATIENCE):
        def found():
            if self.log().count(text) >= count:
                return True
            if self.process.poll() is not None and self.log().count(text) < count:
                raise AssertionError(f"ended with {self.process.returncode} before {text!r}")
            return False
        try:
            wait_until(found, f"{text!r} in the log", patience=patience)
        except AssertionError as e:
            raise AssertionError(f"{e}\n{self.log()}") from None

    def ready(self):
        # Ten thousand services, read by a sanitizer's build beside others, take more than usual.
        self.wait_log("parent: ready: ", patience=4 * PATIENCE)
        return self

    def children(self):
        found = children_of(self.process.pid)
        self.seen.update(found)
        return found

    def pid_of(self, role, other_than=None):
        """Waits for the one process of a role."""
        def one():
            pids = [p for p, r in self.children().items() if r == role and p != other_than]
            return pids[0] if len(pids) == 1 else None
        return wait_until(one, f"one {role}; there are {self.children()}\n{self.log()}")

    def reload(self, config=None, result="parent: reloaded: "):
        """Sends SIGHUP and waits for the result's line in the log."""
        if config is not None:
            self.configure(config)
        before = self.log().count(result)
        super().reload()
        self.wait_log(result, before + 1)

    def stop(self, with_signal=signal.SIGTERM):
        """The exit status; nothing may be left."""
        self.children()
        status_ = super().stop(PATIENCE, with_signal)
        wait_until(lambda: not any(exists(p) for p in self.seen), "end of all processes")
        return status_

    def close(self):
        """Whatever the test left behind."""
        self.children()
        self.kill_tree()
        for pid in self.seen:
            if exists(pid):
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
        self.directory.cleanup()


def sanitized():
    """Whether the daemon is a sanitizer's build."""
    with open(shutil.which(BINARY), "rb") as f:
        return b"__asan_init" in f.read()


class ProcessTest(unittest.TestCase):
    def daemon(self, *arguments, **named):
        """A started daemon that is gone after the test."""
        daemon = Daemon(*arguments, **named)
        self.addCleanup(daemon.close)
        self.addCleanup(self._assert_nothing_odd, daemon)
        # A failing test shows the log.
        self.addCleanup(lambda: print(daemon.log()) if self._failed() else None)
        return daemon

    def _assert_nothing_odd(self, daemon):
        self.assertNotRegex(daemon.log(), "Sanitizer|runtime error:", "found by a sanitizer")
        self.assertNotIn("signal 31 (SYS)", daemon.log(), "a system call that is not allowed")

    def _failed(self):
        result = self._outcome.result
        return any(getattr(test, "test_case", test) is self  # a subtest names its test
                   for test, _ in result.failures + result.errors)

    def assert_answers(self, daemon, host="127.0.0.1"):
        answer = ask(daemon.port, host=host)
        self.assertIsNotNone(answer, "no answer\n" + daemon.log())
        self.assertEqual(answer.addresses, ["192.0.2.80"])
