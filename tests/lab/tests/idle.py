"""A domain is put away when its traffic stops; what counts as traffic, and what does not.

One daemon, one test: the claims wait for minutes, so they wait side by side."""

import pathlib
import socket
import threading
import time

from support.frames import Noise
from support.lab import limit
from support.site import ipv4, ipv6, name, page, service, start, together


def received_by(domid):
    """Frames that netback has handed to a guest."""
    return int(pathlib.Path(f"/sys/class/net/vif{domid}.0/statistics/tx_packets").read_text())


@limit(900)
def test_idle(lab):
    """Idle domains are destroyed or paused, noise or not; a packet now and then keeps one awake."""
    waking = threading.Lock()

    def wake(number):
        with waking:  # one after another: this is not about building side by side
            daemon.resolve(name(number))
            return daemon.wait_woken(f"s{number}")["domid"]

    def idle_seconds(number, action, times=1):
        line = daemon.wait_log(f"{action} s{number}: ", times=times, limit=240)
        return int(line.rsplit("idle for ", 1)[1].split()[0])

    def quiet():
        wake(20)
        page(lab, 20)
        idle = idle_seconds(20, "destroying")
        assert idle >= 15, f"put away after {idle} s already"
        lab.wait_until(lambda: not lab.domain("s20"), 120, "s20 to be gone")
        lab.measured.update(quiet=f"{idle} s")

    def last_answer():
        """ttl 40 s, idle.after 5 s: the answer outlasts the traffic."""
        wake(21)
        daemon.resolve(name(21))
        answered = time.monotonic()
        daemon.wait_log("destroying s21", limit=240)
        stayed = time.monotonic() - answered
        assert stayed >= 39, f"put away {stayed:.0f} s after an answer that holds 40 s"
        lab.measured.update(ttl_40=f"{stayed:.0f} s")

    def noise():
        domid = wake(22)
        mac = lab.xenstore_read(f"/local/domain/{domid}/device/vif/0/mac")
        with Noise(lab.client, mac, ipv4(22), ipv6(22)) as sent:
            before = received_by(domid)
            lab.wait_until(lambda: sent.rounds >= 10, 60, "ten rounds of noise")
            received = received_by(domid) - before
            # All kinds but perhaps one that a bridge may keep back, so that the claim is not empty.
            assert received >= 8 * (len(sent.frames) - 1), (
                f"the guest got {received} frames of {10 * len(sent.frames)}")
            idle = idle_seconds(22, "destroying")
        lab.measured.update(noise=f"{idle} s, {sent.rounds} times {len(sent.frames)} frames")

    def pause():
        domid = wake(23)
        first = page(lab, 23)
        idle_seconds(23, "paused")
        lab.wait_until(lambda: lab.domain("s23").state == "--p---", 30, "s23 to be paused")
        asked = time.monotonic()
        assert daemon.query(name(23)).addresses == [ipv4(23)]
        took = time.monotonic() - asked
        second = page(lab, 23)
        assert lab.domain("s23").domid == domid, "another domain"
        assert second["booted"] == first["booted"], f"another boot: {first}, then {second}"
        assert int(second["requests"]) == int(first["requests"]) + 1, f"{first}, then {second}"
        assert float(second["uptime"].split()[0]) > float(first["uptime"].split()[0])
        lab.measured.update(unpause_answer=f"{took * 1000:.0f} ms")
        idle_seconds(23, "paused", times=2)

    def now_and_then():
        """idle.after is 40 s; bytes at 32 s and 64 s are all that comes."""
        domid = wake(24)
        with lab.client.inside():
            connection = socket.create_connection((ipv4(24), 80), timeout=30)
        connected = time.monotonic()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for at, data in ((32, b"G"), (64, b"E")):
            time.sleep(connected + at - time.monotonic())
            connection.send(data)
        # Without the packets it would have gone 40 s and a quarter after the first.
        time.sleep(connected + 76 - time.monotonic())
        assert not daemon.log_lines("destroying s24"), "put away despite its packets"
        assert lab.domain("s24").domid == domid
        connection.send(b"T / HTTP/1.0\r\n\r\n")
        answer = connection.recv(4096)
        assert answer.startswith(b"HTTP/1.1 200"), f"the connection did not survive: {answer}"
        connection.close()
        idle = idle_seconds(24, "destroying")
        assert idle >= 40, f"put away after {idle} s already"
        lab.measured.update(now_and_then=f"{time.monotonic() - connected:.0f} s")

    short = {"after": "15s"}
    daemon = start(lab, service(lab, 20, idle=short), service(lab, 22, idle=short),
                   service(lab, 21, idle={"after": "5s"}, ttl=40),
                   service(lab, 23, idle={"after": "10s", "action": "pause"}),
                   service(lab, 24, idle={"after": "40s"}))
    assert lab.client, "the other host, made before the threads that use it"
    together(now_and_then=now_and_then, quiet=quiet, last_answer=last_answer, noise=noise,
             pause=pause)
    for number in (20, 21, 22, 24):
        lab.wait_until(lambda n=number: not lab.domain(f"s{n}"), 120, f"s{number} to be gone")
