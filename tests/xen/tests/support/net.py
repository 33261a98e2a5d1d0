"""What the tests do on the network: pages, pings, and another host on the bridge."""

import contextlib
import ctypes
import http.client
import os
import subprocess
import time

CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


def wait_until(condition, seconds, what):
    """Returns the first true value of condition(); an AssertionError names `what` it waited for."""
    deadline = time.monotonic() + seconds
    pause = 0.05  # then longer: who asks too often slows down what he waits for
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"waited {seconds} s for {what}"
        time.sleep(pause)
        pause = min(pause * 1.3, 1)


def http_get(address, path="/", *, port=80, deadline=60.0):
    """The body of a page; tries again until `deadline` seconds have passed."""
    end = time.monotonic() + deadline
    while True:
        connection = http.client.HTTPConnection(address, port, timeout=3)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            body = response.read().decode("utf-8", "replace")
            assert response.status == 200, f"http://{address}:{port}{path}: {response.status}"
            return body
        except (OSError, http.client.HTTPException) as error:
            if time.monotonic() > end:
                raise AssertionError(f"http://{address}:{port}{path}: no page in "
                                     f"{deadline:.0f} s ({error!r})") from error
            time.sleep(0.1)
        finally:
            connection.close()


def ping(address, deadline=60.0):
    """Pings until the first reply; returns the seconds it took."""
    started = time.monotonic()
    while True:
        done = subprocess.run(["ping", "-n", "-q", "-c1", "-W1", address], check=False,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        elapsed = time.monotonic() - started
        if done.returncode == 0:
            return elapsed
        assert elapsed < deadline, f"{address} answers no ping in {deadline:.0f} s"


class Client:
    """A network namespace on the bridge: another host, 10.0.2.77 and fec0::77."""

    name = "client"
    ipv4 = "10.0.2.77"
    ipv6 = "fec0::77"

    def __init__(self):
        def ip(words):
            subprocess.run(["ip", *words.split()], check=True)

        self.remove()
        ip("netns add client")
        ip("link add client0 type veth peer name eth0 netns client")
        ip("link set client0 master xenbr0 up")
        ip("-n client link set lo up")
        ip("-n client link set eth0 up")
        ip(f"-n client addr add {self.ipv4}/24 dev eth0")
        ip(f"-n client addr add {self.ipv6}/64 dev eth0 nodad")

    @contextlib.contextmanager
    def inside(self):
        """Sockets made and processes started by this thread in the block are the client's."""
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        there = os.open(f"/run/netns/{self.name}", os.O_RDONLY)
        try:
            self._enter(there)
            try:
                yield
            finally:
                self._enter(home)
        finally:
            os.close(there)
            os.close(home)

    @staticmethod
    def _enter(fd):
        if _libc.setns(fd, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")

    @staticmethod
    def remove():
        subprocess.run(["ip", "netns", "del", "client"], check=False, stderr=subprocess.DEVNULL)
        subprocess.run(["ip", "link", "del", "client0"], check=False, stderr=subprocess.DEVNULL)
