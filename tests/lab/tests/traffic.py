"""What packets do to services that sleep, start and run, with real clients: the table of docs/NETWORK.md.

Its cells are in tests/unit/wire/sleep_proxy_table_test.cpp; these are the ones that people meet."""

import contextlib
import socket
import subprocess
import threading
import time

from always_on import get
from guests import linux
from idle_actions import forget
from support import frames, host
from support.lab import ARM, limit
from support.site import ipv4, name, page, service, start, together
from support.trace import RST, Trace

TCP = {"ports": ["tcp/80"], "ready": {"tcp": 80, "timeout": "3m"}}
REQUEST = b"GET / HTTP/1.0\r\nHost: x\r\n\r\n"


def connect(client, address, timeout=120):
    with client.inside():
        connection = socket.create_connection((address, 80), timeout=timeout)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def rest_of(connection):
    body = b""
    while chunk := connection.recv(65536):
        body += chunk
    return body.decode()


@limit(900)
def test_open_connections(lab):
    """A client with a connection to a service that was put away: reset within a round trip where the
    connection is gone, and served on where the guest's state has it."""
    client = lab.client
    daemon = start(lab, service(lab, 10, idle={"after": "6s"}, **TCP),
                   service(lab, 12, idle={"after": "6s", "action": "pause"}, **TCP),
                   *([] if ARM else [
                       service(lab, 11, idle={"after": "6s", "action": "suspend"}, **TCP)]))

    def destroyed():
        with connect(client, ipv4(10)) as connection:
            daemon.wait_log("destroying s10")
            lab.wait_until(lambda: not lab.domain("s10"), 60, "s10 to be gone")
            with Trace(lab.directory / "destroyed.pcap", client) as seen:
                sent = time.monotonic()
                connection.send(REQUEST)
                try:
                    answer = connection.recv(100)
                except ConnectionResetError:
                    answer = None
                took = time.monotonic() - sent
            assert answer is None, f"not reset: {answer}"
            data = [p for p in seen.packets if p.target == ipv4(10) and p.tcp() and p.outgoing]
            assert len(data) == 1, f"sent {len(data)} times before the reset"
        assert len(daemon.wakes("s10")) == 1, "a dead connection has woken it"
        assert "s10" in get(client, ipv4(10))  # who connects again is served at once
        lab.measured.update(reset=f"{took * 1000:.1f} ms")

    def goes_on(number, put_away):
        with connect(client, ipv4(number)) as connection:
            connection.send(REQUEST[:4])
            daemon.wait_log(f"{put_away} s{number}: ", limit=300)
            if put_away == "suspended":
                lab.wait_until(lambda: not lab.domain(f"s{number}"), 60, "it to be gone")
            sent = time.monotonic()
            connection.send(REQUEST[4:])
            assert f"s{number}" in rest_of(connection), "the connection did not go on"
            lab.measured[put_away] = f"{time.monotonic() - sent:.2f} s"
        assert daemon.wait_woken(f"s{number}", 2)
        assert daemon.log_lines(f" s{number} for tcp/80 from {client.ipv4}"), "woken by whom?"

    claims = {"destroyed": destroyed, "paused": lambda: goes_on(12, "paused")}
    if not ARM:
        claims["suspended"] = lambda: goes_on(11, "suspended")
    together(**claims)
    forget(lab, daemon)


@limit(900)
def test_what_keeps(lab):
    """What cannot wake a service does not keep it, nor does a health checker that is named; answers to
    the guest's own questions do, and open connections where they are asked for."""
    client = lab.client
    short = {"after": "12s"}
    only = {"wake_from": ["10.0.2.77", "fec0::77"]}
    daemon = start(lab, service(lab, 13, idle=short, **TCP, **only),
                   service(lab, 14, idle={**short, "ignore": ["10.0.2.77"]}, **TCP),
                   service(lab, 15, idle={"after": "6s", "keep": "connections"}, **TCP))

    def noise():
        daemon.resolve(name(13))
        domid = daemon.wait_woken("s13")["domid"]
        mac = bytes.fromhex(lab.xenstore_read(f"/local/domain/{domid}/device/vif/0/mac")
                            .replace(":", ""))
        with client.inside():
            out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
            out.bind(("eth0", 0))
            datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        own = out.getsockname()[4]
        began, rounds = time.monotonic(), 0
        while not daemon.log_lines("destroying s13"):
            assert time.monotonic() - began < 120, f"kept by what cannot wake it, {rounds} rounds"
            datagrams.sendto(b"noise", (ipv4(13), 9999))
            out.send(frames.tcp_syn(own, mac, client.ipv4, ipv4(13), 50000, 22, rounds))
            out.send(frames.tcp_syn(own, mac, "192.0.2.1", ipv4(13), 50000 + rounds, 80, rounds))
            with client.inside():
                subprocess.run(["ping", "-n", "-c1", "-W1", ipv4(13)], check=False,
                               stdout=subprocess.DEVNULL)
            rounds += 1
            time.sleep(2)
        out.close()
        datagrams.close()
        lab.measured.update(noise=f"put away after {time.monotonic() - began:.0f} s, "
                                  f"{rounds} rounds")

    def health_checker():
        get(client, ipv4(14))
        began = time.monotonic()
        while not daemon.log_lines("destroying s14"):
            assert time.monotonic() - began < 120, "kept by a health checker"
            get(client, ipv4(14))
            time.sleep(3)
        lab.measured.update(checked=f"put away after {time.monotonic() - began:.0f} s")

    def open_connection():
        with connect(client, ipv4(15)) as connection:
            time.sleep(40)
            assert not daemon.log_lines("destroying s15"), "put away with an open connection"
            connection.send(REQUEST)
            assert "s15" in rest_of(connection)
        daemon.wait_log("destroying s15")

    together(noise=noise, health_checker=health_checker, open_connection=open_connection)


@limit(600)
def test_five_clients_no_backlog(lab):
    """Five clients at once wake a guest with a listen backlog of 0: all five are served, none is reset."""
    client = lab.client
    daemon = start(lab, service(lab, 16, options="--no-backlog", **TCP))
    with Trace(lab.directory / "client.pcap", client) as seen:
        together(**{f"client{i}": lambda: get(client, ipv4(16)) for i in range(5)})
    assert not seen.refusals(ipv4(16)), seen.refusals(ipv4(16))
    lab.measured.update(handed_over=daemon.wait_log("handed over to s16")
                        .rpartition("handed over to s16: ")[2])


@limit(900)
def test_young_guest(lab):
    """A server that is tried out before it is started, and guests that say that they are ready before
    their port is open: first clients are served, none is refused."""
    client = lab.client
    daemon = start(lab, linux(lab, 17, "try-out", **TCP),
                   service(lab, 18, options="--listen-delay=9000 --refuse-early",
                           ready={"link": "true", "timeout": "60s"}),
                   service(lab, 19, ports=["tcp/80"], ready={"link": "true", "timeout": "6s"},
                           options="--listen-delay=600000 --refuse-early"))

    def served(number):
        with Trace(lab.directory / f"s{number}.pcap", client) as seen:
            bodies = []
            try:
                together(**{f"client{i}": lambda: bodies.append(get(client, ipv4(number), 240))
                            for i in range(3)})
            except AssertionError as error:
                raise AssertionError(f"{error}; {seen.refusals(ipv4(number))}") from error
        assert all(f"s{number}" in body for body in bodies), bodies
        assert not seen.refusals(ipv4(number)), seen.refusals(ipv4(number))

    def refused():
        """In the end a port that stays closed is what it is."""
        began = time.monotonic()
        try:
            connect(client, ipv4(19))
        except ConnectionRefusedError:
            lab.measured.update(refused=f"after {time.monotonic() - began:.1f} s")
        else:
            raise AssertionError("connected to a port that is closed")

    together(tried_out=lambda: served(17), early=lambda: served(18), refused=refused)
    # And their resets reach others again.
    with client.inside():
        other = socket.socket()
        other.settimeout(10)
        try:
            other.connect((ipv4(18), 81))
        except ConnectionRefusedError:
            pass
        else:
            raise AssertionError("connected to a port that is closed")


@limit(900)
def test_probe_is_not_disturbed(lab):
    """`ready: http` with a Linux guest: dom0's own TCP does not hear the answers to the probe, so it
    resets none of them, and the guest is ready at its first answer."""
    daemon = start(lab, linux(lab, 20, "", ports=["tcp/80"], ready={"http": 80, "timeout": "5m"}))
    with Trace(lab.directory / "dom0.pcap") as seen:
        daemon.resolve(name(20))
        woke = daemon.wait_woken("s20", limit=400)
    vif = f"vif{woke['domid']}.0"
    answers = [p for p in seen.packets if p.interface == vif and p.source == ipv4(20) and p.tcp()
               and p.tcp()[3] & 18 == 18]
    assert answers, "the guest has accepted no probe"
    resets = [p for p in seen.packets if p.interface == "xenbr0" and p.target == ipv4(20)
              and p.tcp() and p.tcp()[3] & RST]
    assert not resets, f"dom0 has reset {len(resets)} of {len(answers)} answers"
    connections = {p.tcp()[:2] + (int.from_bytes(p.payload[8:12], "big"),) for p in answers}
    assert len(connections) == 1, f"{len(connections)} connections before it was ready"
    lab.measured.update(ready=f"{woke['ready']} ms", connections=len(connections))


@limit(600)
def test_held_outlives_vmm(lab):
    """vmm is killed while a guest boots for a client's SYN: that SYN is the one that is answered."""
    client = lab.client
    daemon = start(lab, service(lab, 21, options="--listen-delay=12000", **TCP))
    body = []
    with Trace(lab.directory / "client.pcap", client) as seen:
        asking = threading.Thread(target=lambda: body.append(get(client, ipv4(21), 120)))
        asking.start()
        daemon.wait_log("waking s21 for tcp/80")
        lab.wait_until(lambda: (domain := lab.domain("s21")) and domain.state[:2] != "--"
                       and domain.state[2] == "-", 60, "s21 to run")
        time.sleep(1)
        old = daemon.kill("vmm")
        lab.wait_until(lambda: daemon.pids().get("vmm", old) != old, 60, "another vmm")
        asking.join()
    assert body and "s21" in body[0], body
    handed = daemon.wait_log("handed over to s21: ")
    assert "handed over to s21: 1 packets held" in handed, handed
    first = seen.syns(ipv4(21))[0]
    waited = int(handed.rpartition("waited ")[2].split()[0])
    answer = next(p for p in seen.packets if p.source == ipv4(21) and p.tcp()
                  and p.tcp()[3] & 18 == 18)
    assert waited / 1000 > answer.when - first.when - 1, f"not the first SYN was held: {handed}"
    assert len({p.tcp()[:3] for p in seen.syns(ipv4(21))}) == 1, "more than one connection"
    lab.measured.update(waited=f"{waited} ms", repeated=seen.repeated_syns(ipv4(21)),
                        source=first.source)


@contextlib.contextmanager
def spanning_tree(delay):
    """The bridge runs STP meanwhile. delay: of forwarding, in seconds."""
    host.output("ip", "link", "set", "xenbr0", "type", "bridge", "forward_delay", f"{delay}00",
                "stp_state", "1")
    try:
        yield
    finally:
        host.output("ip", "link", "set", "xenbr0", "type", "bridge", "stp_state", "0")
        host.output("ip", "link", "set", "xenbr0", "type", "bridge", "forward_delay", "0")


def port_states():
    lines = host.output("bridge", "link", "show").splitlines()
    return [line.partition(" state ")[2].split()[0] for line in lines if "master xenbr0" in line]


@limit(600)
def test_spanning_tree(lab):
    """On a bridge with STP the client's SYN is handed over when the guest's port forwards, and not
    before; the log warns at the start."""
    client = lab.client
    with spanning_tree(4):
        daemon = start(lab, service(lab, 22, **TCP))
        # All ports begin anew, and the tap is new.
        lab.wait_until(lambda: all(state == "forwarding" for state in port_states()), 120,
                       "all ports to forward")
        assert daemon.log_lines("bridge xenbr0 has STP on", " 8 s")
        with Trace(lab.directory / "client.pcap", client) as seen:
            began = time.monotonic()
            assert "s22" in get(client, ipv4(22))
            took = time.monotonic() - began
        woke = daemon.wait_woken("s22")
        handed = daemon.wait_log("handed over to s22: 1 packets held")
        waited = int(handed.rpartition("waited ")[2].split()[0])
        assert waited > woke["total"] + 4000, f"handed over into a port that blocks: {handed}"
        assert took < waited / 1000 + 1, f"its answer was lost: page after {took:.1f} s, {handed}"
        lab.measured.update(page=f"{took:.1f} s", repeated=seen.repeated_syns(ipv4(22)))
        daemon.stop()


@limit(600)
def test_queries_that_do_not_wake(lab):
    """`wake: packet`: DNS answers at once, wakes nothing and keeps nothing; `wake_query_from`: so for
    those who are not named."""
    client = lab.client
    daemon = start(lab, service(lab, 23, wake="packet", idle={"after": "8s"}, ttl=60, **TCP),
                   service(lab, 24, wake_query_from=["192.0.2.0/24"], **TCP),
                   service(lab, 25, wake_query_from=["127.0.0.0/8"], **TCP))
    for number in (23, 24):
        for _ in range(3):
            assert daemon.query(name(number)).addresses == [ipv4(number)]
    time.sleep(2)
    assert not daemon.log_lines("waking s2") and not lab.domain("s23") and not lab.domain("s24")
    assert daemon.resolve(name(25)).addresses == [ipv4(25)]
    daemon.wait_woken("s25")
    assert "s23" in get(client, ipv4(23))  # a packet wakes it
    began = time.monotonic()
    while not daemon.log_lines("destroying s23"):
        assert time.monotonic() - began < 60, "kept by queries"
        daemon.query(name(23))
        time.sleep(1)
    assert "s24" in get(client, ipv4(24))
    page(lab, 24)
