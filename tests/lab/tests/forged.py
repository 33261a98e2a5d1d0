"""Floods of forged queries and SYNs: they wake nothing where clients have to show their addresses, and a real client
notices nothing of that."""

import socket
import threading
import time

from harness.dns import query
from support import frames, host
from support.daemon import BINARY
from support.lab import limit
from support.site import ipv4, ipv6, name, page, service, site
from support.trace import ACK, RST, SYN, Trace

PROOF = {"wake_by": "proof", "ports": ["tcp/80"], "ready": {"tcp": 80, "timeout": "3m"}}
MANY = range(1000)
DNS = ("10.0.2.15", 5390)


def many(lab, **changes):
    """A thousand services that nobody but the flood asks for, by name."""
    return [{**service(lab, 73), "name": f"m{i}", "names": [f"m{i}.jit.example"], "cmdline": "-",
             "addresses": f"10.53.{i // 200}.{i % 200 + 1}", "wake": "dns", **changes} for i in MANY]


def mac_of(address):
    """Of whoever answers for it, as the client learns it."""
    line = host.output("ip", "netns", "exec", "client", "sh", "-c",
                       f"ping -c1 -W1 {address} >/dev/null; ip neigh show {address}")
    return bytes.fromhex(line.split()[4].replace(":", ""))


def forged(number):
    """A made-up source on the bridge, another one each time."""
    return f"10.{64 + number % 64}.{number // 64 % 250}.{number // 16000 % 250 + 1}"


class Flood:
    """Frames from the client, one after the other of what `frame` makes of their numbers, while the block runs; a bounded
    part of the machine's time."""

    def __init__(self, client, frame):
        with client.inside():
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
            self._socket.bind(("eth0", 0))
        self.mac = self._socket.getsockname()[4]
        self.sent = 0
        self._frame = frame
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        while not self._stop.is_set():
            for _ in range(20):
                self._socket.send(self._frame(self.mac, self.sent))
                self.sent += 1
            time.sleep(0.005)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_error):
        self._stop.set()
        self._thread.join()
        self._socket.close()


def syns(targets):
    """SYNs to (MAC, address) each in turn, of forged sources."""
    def frame(mac, number):
        guest, address = targets[number % len(targets)]
        return frames.tcp_syn(mac, guest, forged(number), address, 1024 + number % 60000, 80, number)
    return frame


def queries(dom0, names):
    """Queries for the names in turn, of forged sources."""
    def frame(mac, number):
        return frames.udp_datagram(mac, dom0, forged(number), DNS[0], 1024 + number % 60000, DNS[1],
                                   query(names[number % len(names)], ident=number % 65536))
    return frame


def get(client, address, timeout=120):
    """A page over one connection of the client's kernel, with its defaults; and how long it took."""
    began = time.monotonic()
    with client.inside():
        connection = socket.create_connection((address, 80), timeout=timeout)
    with connection:
        connection.sendall(b"GET / HTTP/1.0\r\nHost: x\r\n\r\n")
        body = b""
        while chunk := connection.recv(65536):
            body += chunk
    return body.decode(), time.monotonic() - began


def configured(*services, **more):
    return {**site(*services), "listen": ["127.0.0.1:5390", "10.0.2.15:5390"],
            "control": {"socket": "/run/lab-forged.sock"}, **more}


@limit(600)
def test_a_client_shows_its_address(lab):
    """To a sleeping service with wake_by: proof a connection is made as to any other: the client's stack shows its
    address by a reset, its SYN is the one that is answered, and no program notices."""
    client = lab.client
    daemon = lab.daemon(configured(service(lab, 50, **PROOF))).start(answers="jit.example")
    for turn, (family, address) in enumerate((("ipv4", ipv4(50)), ("ipv6", ipv6(50))), start=1):
        with Trace(lab.directory / f"{family}.pcap", client) as seen:
            body, took = get(client, address)
        assert "s50" in body, body
        wake = daemon.wait_woken("s50", turn)
        segments = [p for p in seen.packets if p.tcp() and address in (p.source, p.target)]
        first = next(p for p in segments if p.is_syn())
        asked = next(p for p in segments if p.source == address)
        assert asked.tcp()[3] & (SYN | ACK | RST) == SYN | ACK, "not asked for its address"
        number = int.from_bytes(asked.payload[8:12], "big")
        assert number != (first.tcp()[2] + 1) % 2**32, "its SYN was acknowledged"
        reset = next(p for p in segments if p.target == address and p.tcp()[3] & RST)
        assert reset.tcp()[2] == number, "the reset does not have the number"
        again = next(p for p in segments if p.is_syn() and p.when > reset.when)
        assert again.tcp()[:3] == first.tcp()[:3], "another connection"
        answer = next(p for p in segments if p.source == address and p is not asked)
        assert answer.tcp()[3] & (SYN | ACK | RST) == SYN | ACK
        assert int.from_bytes(answer.payload[8:12], "big") == (first.tcp()[2] + 1) % 2**32
        assert daemon.log_lines(f"waking s50 for tcp/80 from {first.source}"), "not for the client"
        lab.measured.update({family: f"{took * 1000:.0f} ms", f"{family}_boot": f"{wake['total']} ms",
                             f"{family}_syn_again": f"{(again.when - first.when) * 1000:.0f} ms"})
        lab.output("xl", "destroy", "s50")
        daemon.wait_log("s50: domid", "destroyed by somebody else", times=turn)
        lab.wait_until(lambda: not lab.domain("s50"), 60, "the end of the domain")
    daemon.stop()
    lab.assert_no_trace()


@limit(900)
def test_floods_wake_nothing(lab):
    """Forged queries for a thousand services with wake_by: proof, and SYNs to ten, wake none of them; real clients are served."""
    client = lab.client
    real = [service(lab, n, **PROOF) for n in range(51, 61)]
    daemon = lab.daemon(configured(*many(lab, wake_by="proof"), *real)).start(answers="jit.example")
    names = [f"m{i}.jit.example" for i in MANY]
    targets = [(mac_of(ipv4(n)), ipv4(n)) for n in range(52, 61)]
    with Flood(client, queries(mac_of(DNS[0]), names)) as by_query:
        lab.wait_until(lambda: by_query.sent > 2000, 60, "the flood")
        assert daemon.query(name(51), tcp=True).addresses
        page(lab, 51)
        lab.wait_until(lambda: by_query.sent > 5000, 120, "the flood")
    with Flood(client, syns(targets)) as by_packet:
        lab.wait_until(lambda: by_packet.sent > 2000, 60, "the flood")
        assert not daemon.log_lines("waking s", "tcp/80"), "a forged SYN has woken"
        body, took = get(client, ipv4(52))
        assert "s52" in body, body
        lab.wait_until(lambda: by_packet.sent > 5000, 120, "the flood")
    woken = {domain.name for domain in lab.domains().values() if domain.name[:1] in "ms"}
    assert woken == {"s51", "s52"}, f"woken: {woken}"
    assert not daemon.log_lines("waking m"), "a forged query has woken"
    lab.measured.update(queries=by_query.sent, syns=by_packet.sent, page=f"{took * 1000:.0f} ms")


@limit(900)
def test_pressure(lab):
    """Without wake_by, a flood wakes as many as limits: {pressure} says, and no more; a real client wakes another."""
    client = lab.client
    pressure = 2
    services = [service(lab, n, **{**PROOF, "wake_by": "any"}) for n in range(30, 46)]
    daemon = lab.daemon(configured(*services, limits={"pressure": pressure})).start(answers="jit.example")
    targets = [(mac_of(ipv4(n)), ipv4(n)) for n in range(30, 44)]
    with Flood(client, syns(targets)) as flood:
        daemon.wait_log("under pressure (wakes)")
        lab.wait_until(lambda: flood.sent > 2000, 60, "the flood")
        body, _ = get(client, ipv4(44))
        assert "s44" in body, body
        assert daemon.query(name(45)).tc, "a query without a proof"
        assert daemon.query(name(45), tcp=True).addresses
    daemon.wait_woken("s45")
    status = host.output(str(BINARY.with_name("summonctl")), "--socket", "/run/lab-forged.sock", "status")
    assert "under pressure (wakes)" in status, status
    woken = {domain.name for domain in lab.domains().values() if domain.name.startswith("s")}
    assert {"s44", "s45"} <= woken and len(woken) <= 2 + pressure, f"woken: {woken}"
    lab.measured.update(syns=flood.sent, forged_wakes=len(woken) - 2)
