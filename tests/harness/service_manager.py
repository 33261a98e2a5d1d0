"""What a service manager does for a daemon beyond starting it: keeps its descriptors from one run to
the next (sd_notify(3), sd_listen_fds(3)), as systemd does."""

import os
import socket
import sys
import tempfile
import threading

# Descriptors from 3 on and whom they are for, then the daemon in the same process.
LAUNCH = """
import fcntl, os, sys
fds = [fcntl.fcntl(int(fd), fcntl.F_DUPFD, 1000) for fd in sys.argv[1].split(",") if fd]
for at, fd in enumerate(fds):
    os.dup2(fd, 3 + at)
    os.close(fd)
if fds:
    os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(fds)),
                      LISTEN_FDNAMES=sys.argv[2])
os.execv(sys.argv[3], sys.argv[3:])
"""


class ServiceManager:
    def __init__(self):
        self._directory = tempfile.TemporaryDirectory(prefix="manager-")
        self.path = os.path.join(self._directory.name, "notify")
        self.kept = {}  # name: descriptor
        self.states = []  # what it was told, one dict a message
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self.path)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        while True:
            message, fds, _, _ = socket.recv_fds(self._socket, 4096, 8)
            state = dict(line.split("=", 1) for line in message.decode().splitlines())
            if "END" in state:
                return
            if "FDSTORE" in state:
                self.kept[state["FDNAME"]] = fds[0]
            elif "FDSTOREREMOVE" in state:
                os.close(self.kept.pop(state["FDNAME"]))
            self.states.append(state)

    def command(self, command):
        """To start it with what is kept, and the arguments of Popen for that."""
        fds = [str(fd) for fd in self.kept.values()]
        return ([sys.executable, "-c", LAUNCH, ",".join(fds), ":".join(self.kept), *command],
                {"environment": {"NOTIFY_SOCKET": self.path}, "pass_fds": list(self.kept.values())})

    def close(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
            end.sendto(b"END=1", self.path)
        self._thread.join()
        self._socket.close()
        for fd in self.kept.values():
            os.close(fd)
        self._directory.cleanup()
