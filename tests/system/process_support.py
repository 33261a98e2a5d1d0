"""A summond on loopback for the process tests: starts it, asks it, looks at its processes."""

import contextlib
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))

from ports import free_port, own_network  # noqa: E402

own_network()
BINARY = os.environ.get("SUMMOND", "summond")
# For things that take milliseconds on a quiet machine.
PATIENCE = 30.0
A, NS, SOA, TXT, AAAA = 1, 2, 6, 16, 28
NOERROR, SERVFAIL, NXDOMAIN, REFUSED = 0, 2, 3, 5

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
    end = time.monotonic() + patience
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {patience} s: {what}")
        time.sleep(0.01)


# -- DNS, as much as the tests need

def query(name, qtype, ident, edns=False):
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    message = struct.pack(">HHHHHH", ident, 0, 1, 0, 0, 1 if edns else 0) + labels + b"\0"
    message += struct.pack(">HH", qtype, 1)
    return message + (struct.pack(">BHHIH", 0, 41, 1232, 0, 0) if edns else b"")


class Answer:
    """rcode, and the addresses in the answer section."""

    def __init__(self, message):
        flags, questions, answers = struct.unpack_from(">HHH", message, 2)
        self.rcode = flags & 15
        self.authoritative = bool(flags & 0x0400)
        self.addresses = []
        at = 12
        for _ in range(questions):
            at = self._skip_name(message, at) + 4
        for _ in range(answers):
            at = self._skip_name(message, at)
            rtype, _, _, size = struct.unpack_from(">HHIH", message, at)
            data = message[at + 10:at + 10 + size]
            at += 10 + size
            if rtype in (A, AAAA):
                family = socket.AF_INET if rtype == A else socket.AF_INET6
                self.addresses.append(socket.inet_ntop(family, data))

    @staticmethod
    def _skip_name(message, at):
        while message[at] != 0:
            if message[at] >= 0xC0:
                return at + 2
            at += message[at] + 1
        return at + 1


def ask(port, name="www.example.test", qtype=A, host="127.0.0.1", timeout=PATIENCE):
    """One UDP query from a port of its own; None when no answer comes in time."""
    ident = int.from_bytes(os.urandom(2), "big")
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(timeout)
        s.connect((host, port))
        try:
            s.send(query(name, qtype, ident))
            message = s.recv(4096)
        except (TimeoutError, ConnectionRefusedError):
            return None
        if message[:2] != struct.pack(">H", ident):
            raise AssertionError("answer to another query")
        return Answer(message)


def ask_tcp(port, name="www.example.test", qtype=A, host="127.0.0.1"):
    with socket.create_connection((host, port), timeout=PATIENCE) as s:
        message = query(name, qtype, 7)
        s.sendall(struct.pack(">H", len(message)) + message)
        stream = s.makefile("rb")
        size = struct.unpack(">H", stream.read(2))[0]
        return Answer(stream.read(size))


class Load:
    """Queries without pause from several threads, each query from a new port, so that every UDP
    worker's socket gets some. A query without an answer is lost."""

    def __init__(self, port, threads=4, host="127.0.0.1"):
        self.asked = 0
        self.lost = 0
        self.wrong = 0
        self._port, self._host = port, host
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._run) for _ in range(threads)]

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
        return ask(self._port, host=self._host, timeout=5)

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join()


class TcpLoad(Load):
    """The same over TCP, a connection each."""

    def _ask(self):
        try:
            return ask_tcp(self._port, host=self._host)
        except (OSError, struct.error):
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
        self._socket.sendall((struct.pack(">H", len(self._message)) + self._message) * count)
        self.asked += count

    def _run(self):
        try:
            self._send(self._outstanding)
            while self.answered < self.asked:
                size = self._stream.read(2)
                if not size:
                    self.end = "closed"
                    return
                self._stream.read(struct.unpack(">H", size)[0])
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

def exists(pid):
    """True for a process that runs (a zombie does not)."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as f:
            return f.read().rpartition(b")")[2].split()[0] != b"Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def children_of(parent):
    """{pid: role} of the parent's roles."""
    found = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/stat", "rb") as f:
                fields = f.read().rpartition(b")")[2].split()
            with open(f"/proc/{entry}/cmdline", "rb") as f:
                argv = f.read().split(b"\0")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[1]) == parent and fields[0] != b"Z":
            role = [a[7:].decode() for a in argv if a.startswith(b"--role=")]
            if role:
                found[int(entry)] = role[0]
    return found


def descriptors(pid):
    """{number: what it is} of a process."""
    found = {}
    for fd in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            found[int(fd)] = os.readlink(f"/proc/{pid}/fd/{fd}")
    return found


def status(pid):
    """Fields of /proc/PID/status."""
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return {k: v.strip() for k, _, v in (line.partition(":") for line in f)}


class Daemon:
    def __init__(self, config=ZONE, *arguments, listen=None, environment=None, inherited=()):
        self.directory = tempfile.TemporaryDirectory(prefix="summond-test-")
        os.chmod(self.directory.name, 0o755)
        self.file = os.path.join(self.directory.name, "summond.yaml")
        self.log_file = os.path.join(self.directory.name, "log")
        self.port = free_port()
        self.listen = listen or ["127.0.0.1:{port}"]
        self.configure(config)
        environment = {**os.environ, **(environment or {})}
        environment.pop("JOURNAL_STREAM", None)
        with open(self.log_file, "wb") as log:
            self.process = subprocess.Popen([BINARY, "--config", self.file, *arguments],
                                            stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                            env=environment, pass_fds=inherited)
        self.seen = {self.process.pid}

    def configure(self, config):
        addresses = ", ".join(f'"{a.format(port=self.port)}"' for a in self.listen)
        with open(self.file, "w", encoding="utf-8") as f:
            f.write(f"listen: [{addresses}]\n{config}")

    def log(self):
        with open(self.log_file, encoding="utf-8", errors="replace") as f:
            return f.read()

    def wait_log(self, text, count=1):
        def found():
            if self.log().count(text) >= count:
                return True
            if self.process.poll() is not None and self.log().count(text) < count:
                raise AssertionError(f"ended with {self.process.returncode} before {text!r}")
            return False
        try:
            wait_until(found, f"{text!r} in the log")
        except AssertionError as e:
            raise AssertionError(f"{e}\n{self.log()}") from None

    def ready(self):
        self.wait_log("parent: ready: ")
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
        self.process.send_signal(signal.SIGHUP)
        self.wait_log(result, before + 1)

    def stop(self, with_signal=signal.SIGTERM):
        """The exit status; nothing may be left."""
        self.children()
        if self.process.poll() is None:
            self.process.send_signal(with_signal)
        status_ = self.process.wait(PATIENCE)
        wait_until(lambda: not any(exists(p) for p in self.seen), "end of all processes")
        return status_

    def close(self):
        """Whatever the test left behind."""
        self.children()
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for pid in self.seen:
            if exists(pid):
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
        self.directory.cleanup()


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
        return any(test is self for test, _ in result.failures + result.errors)

    def assert_answers(self, daemon, host="127.0.0.1"):
        answer = ask(daemon.port, host=host)
        self.assertIsNotNone(answer, "no answer\n" + daemon.log())
        self.assertEqual(answer.addresses, ["192.0.2.80"])
