"""What the tests do on the network: pages, pings, and another host on the bridge."""

import http.client
import subprocess
import time

from harness import network


def http_get(address, path="/", *, port=80, deadline=60.0, patience=3.0):
    """The body of a page; tries again until `deadline` seconds have passed. A try may be silent for
    `patience` seconds."""
    end = time.monotonic() + deadline
    while True:
        connection = http.client.HTTPConnection(address, port, timeout=patience)
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

    def inside(self):
        """Sockets made and processes started by this thread in the block are the client's."""
        return network.inside(self.name)

    @staticmethod
    def remove():
        subprocess.run(["ip", "netns", "del", "client"], check=False, stderr=subprocess.DEVNULL)
        subprocess.run(["ip", "link", "del", "client0"], check=False, stderr=subprocess.DEVNULL)
