"""What a process asks of xenstored, and what it forks."""

import pathlib
import re
import signal
import socket
import struct
import subprocess
import threading
import time

XENSTORED = "/run/xenstored/socket"
HEADER = struct.Struct("=IIII")  # type, request, transaction, length: xen/io/xs_wire.h
TYPES = {1: "directory", 2: "read", 3: "get_perms", 4: "watch", 5: "unwatch", 6: "transaction_start",
         7: "transaction_end", 8: "introduce", 9: "release", 10: "get_domain_path", 11: "write", 12: "mkdir",
         13: "rm", 14: "set_perms"}


class Xenstored:
    """A socket in front of xenstored's, for a process that is given `environment`. Counts what is asked there."""

    def __init__(self, directory):
        self._path = str(directory / "xenstored.sock")
        self._requests = []  # (when, type)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(self._path)
        self._listener.listen()
        self.environment = {"XENSTORED_PATH": self._path}
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            server.connect(XENSTORED)
            threading.Thread(target=self._pass, args=(client, server, self._look()), daemon=True).start()
            threading.Thread(target=self._pass, args=(server, client, None), daemon=True).start()

    def _pass(self, source, sink, look):
        if look:
            next(look)
        try:
            while data := source.recv(65536):
                if look:
                    look.send(data)
                sink.sendall(data)
        except OSError:
            pass
        finally:
            for end in (source, sink):
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def _look(self):
        """Takes what a client sends, piece by piece, and notes each request in it."""
        held = b""
        while True:
            held += yield
            while len(held) >= HEADER.size:
                kind, _, _, length = HEADER.unpack_from(held)
                if len(held) < HEADER.size + length:
                    break
                body = held[HEADER.size:HEADER.size + length].partition(b"\0")[0].decode(errors="replace")
                self._requests.append((time.monotonic(), TYPES.get(kind, str(kind)), body))
                held = held[HEADER.size + length:]

    def since(self, moment):
        """The requests since then, as text."""
        return [f"{kind} {body}" for when, kind, body in list(self._requests) if when >= moment]

    def quiet_for(self):
        return time.monotonic() - (self._requests[-1][0] if self._requests else 0)

    def close(self):
        self._listener.close()
        pathlib.Path(self._path).unlink(missing_ok=True)


class Forks:
    """Counts the processes that a process starts (threads are none) between start and end."""

    def __init__(self, pid, file):
        self._file = file
        self._trace = subprocess.Popen(
            ["strace", "-f", "-q", "-o", str(file), "-e", "trace=clone,clone3,fork,vfork", "-p", str(pid)],
            stderr=subprocess.PIPE)
        self._pid = pid

    def attached(self):
        status = pathlib.Path(f"/proc/{self._pid}/status").read_text()
        return not re.search(r"TracerPid:\s+0\b", status)

    def end(self):
        self._trace.send_signal(signal.SIGINT)
        self._trace.wait()
        lines = self._file.read_text().splitlines()
        return [line for line in lines if "CLONE_THREAD" not in line and re.search(r"\b(clone3?|v?fork)\(", line)]


def killed_at(pid, call, number):
    """Kills the process (SIGKILL) when it makes its `number`-th system call of that name from now on."""
    trace = subprocess.Popen(
        ["strace", "-q", "-o", "/dev/null", "-e", f"trace={call}", "-e",
         f"inject={call}:signal=SIGKILL:when={number}", "-p", str(pid)], stderr=subprocess.DEVNULL)
    end = time.monotonic() + 30
    while re.search(r"TracerPid:\s+0\b", pathlib.Path(f"/proc/{pid}/status").read_text()):
        assert time.monotonic() < end, "strace does not get hold of it"
        time.sleep(0.05)
    return trace
