"""To a client, a sleeping service looks as if it was on the whole time: docs/NETWORK.md."""

import json
import os
import re
import signal
import socket
import subprocess
import time

from support import frames, host
from support.lab import limit
from support.site import ipv4, ipv6, name, service, site, start, together
from support.trace import Trace

READY = {"ready": {"tcp": 80, "timeout": "3m"}}


def get(client, address, timeout=90):
    """One GET over one connection from the client, with the kernel's defaults: no second try."""
    with client.inside():
        connection = socket.create_connection((address, 80), timeout=timeout)
    with connection:
        connection.sendall(b"GET / HTTP/1.0\r\nHost: x\r\n\r\n")
        body = b""
        while chunk := connection.recv(65536):
            body += chunk
    return body.decode()


def macs_of(trace, address):
    return {p.from_mac.hex(":") for p in trace.packets if p.advertises() == address}


def interface_goes_to(mac):
    """The ports to which dom0's bridge sends frames for the MAC, as we have said."""
    lines = host.output("bridge", "fdb", "show", "br", "xenbr0").splitlines()
    # One line without, and one for each, VLAN.
    return sorted({line.split()[2] for line in lines if line.startswith(mac) and "static" in line})


def counted(table):
    """nftables' counters in a table of ours: comment -> (packets, bytes)."""
    listed = json.loads(host.output("nft", "-j", "list", "counters"))
    counters = [entry["counter"] for entry in listed["nftables"] if "counter" in entry]
    return {counter["comment"]: (counter["packets"], counter["bytes"]) for counter in counters
            if (counter["family"], counter["table"]) == ("bridge", table)}


def delivered_once(trace, address, domid, source):
    """Each of the client's SYNs that went into the guest's interface went there once; one that the guest
    has not answered for a second is given again."""
    last = {}
    for packet in trace.syns(address, f"vif{domid}.0"):
        if packet.outgoing and packet.source == source:
            syn = packet.tcp()[:3]
            assert packet.when - last.get(syn, 0) > 0.9, f"a SYN was delivered twice: {syn}"
            last[syn] = packet.when


@limit(500)
def test_cached_address(lab):
    """A client with a cached address: its first SYN wakes the service and is the one answered."""
    client = lab.client
    daemon = start(lab, service(lab, 60, **READY))
    before = 0
    for turn, (family, address) in enumerate((("ipv4", ipv4(60)), ("ipv6", ipv6(60))), start=1):
        with Trace(lab.directory / f"{family}.pcap", client) as seen, \
                Trace(lab.directory / f"{family}-dom0.pcap") as dom0:
            traffic = counted("summond")["s60"][0]
            began = time.monotonic()
            body = get(client, address)
            took = time.monotonic() - began

            def sent():
                packets = list(seen.packets)
                # Dom0's kernel has not asked for the answers to the probes of `ready`: RST.
                packets += [p for p in dom0.packets if p.interface == "xenbr0"]
                return len([p for p in packets if p.outgoing and p.tcp()
                            and p.target in (ipv4(60), ipv6(60))])
            # What was held is traffic, too, and once.
            lab.wait_until(lambda: counted("summond")["s60"][0] - traffic == sent(), 30,
                           "each packet to be counted, once")
        assert "s60" in body, body
        wake = daemon.wait_woken("s60", turn)
        domid = lab.domain("s60").domid
        first, answers = seen.syns(address)[0], [
            p for p in seen.packets if p.source == address and p.tcp()]
        assert daemon.log_lines(f"waking s60 for tcp/80 from {first.source}"), "not for the client"
        assert not seen.refusals(address), "the client was refused"
        acknowledged = int.from_bytes(answers[0].payload[8:12], "big")
        assert acknowledged == (first.tcp()[2] + 1) % 2**32, "not the first SYN was answered"
        assert len({p.tcp()[0] for p in seen.syns(address)}) == 1, "more than one connection"
        assert len(macs_of(seen, address)) == 1, f"more than one MAC: {macs_of(seen, address)}"
        delivered_once(dom0, address, domid, first.source)
        lab.measured[family] = f"{took * 1000:.0f} ms, {seen.repeated_syns(address)} SYNs repeated"
        lab.measured[family + "_boot"] = f"{wake['total']} ms"
        waited = lab.wait_until(lambda: (counts := counted("summond_wakes").get(
            "s60 woken, packet: times, ms waited")) and counts[0] == turn and counts, 10,
            "the wake to be counted")[1]
        assert wake["total"] - 2 <= waited - before <= wake["total"] + 2, (waited, before, wake)
        before = waited
        lab.output("xl", "destroy", "s60")
        daemon.wait_log("s60: domid", "destroyed by somebody else", times=turn)
        lab.wait_until(lambda: not lab.domain("s60"), 60, "the end of the domain")
    daemon.stop()
    lab.assert_no_trace()


@limit(500)
def test_ping_and_first_datagram(lab):
    """A ping to a sleeping service is answered by the guest, and its first datagram is not lost."""
    client = lab.client
    daemon = start(lab, service(lab, 61, **READY), service(lab, 62, **READY),
                   service(lab, 63, **READY), service(lab, 64, **READY))

    def ping(number, address):
        with client.inside():
            done = subprocess.run(["ping", "-n", "-c1", "-W90", address(number)], check=False,
                                  capture_output=True, text=True)
        assert " 0% packet loss" in done.stdout, done.stdout
        daemon.wait_woken(f"s{number}")

    def echo(number, address):
        with client.inside():
            family = socket.AF_INET6 if ":" in address(number) else socket.AF_INET
            talk = socket.socket(family, socket.SOCK_DGRAM)
        with talk:
            talk.settimeout(90)
            for word in (b"first", b"second", b"third"):
                talk.sendto(word, (address(number), 7))
            words = [talk.recv(100) for _ in range(3)]
        assert words == [b"first", b"second", b"third"], words
        daemon.wait_woken(f"s{number}")

    together(ping4=lambda: ping(61, ipv4), ping6=lambda: ping(62, ipv6),
             udp4=lambda: echo(63, ipv4), udp6=lambda: echo(64, ipv6))


@limit(500)
def test_hand_over(lab):
    """Dom0 answers for a guest until it answers itself, not after, and again once it is gone."""
    client = lab.client
    daemon = start(lab, service(lab, 65, idle={"after": "25s"}, **READY))
    address = ipv4(65)
    get(client, address)
    domid = daemon.wait_woken("s65")["domid"]
    mac = host.output("xenstore-read", f"/local/domain/{domid}/device/vif/0/mac").strip()
    vif = f"vif{domid}.0"
    lab.wait_until(lambda: interface_goes_to(mac) == [vif], 30, f"{mac} to go to {vif}")
    with client.inside():
        host.output("ip", "neigh", "flush", "dev", "eth0")
    with Trace(lab.directory / "running.pcap") as running:
        get(client, address)
    replies = [p for p in running.packets if p.arp == 2 and p.source == address]
    assert replies and not [p for p in replies if p.interface.startswith("summond")], "dom0 spoke"
    daemon.wait_log("destroying s65", "idle")
    lab.wait_until(lambda: interface_goes_to(mac) == ["summond0"], 30, f"{mac} to go to the tap")
    with client.inside():
        host.output("ip", "neigh", "flush", "dev", "eth0")
    get(client, address)
    daemon.wait_woken("s65", 2)


@limit(400)
def test_dns_and_packet(lab):
    """The client's SYN that follows a DNS answer is held until the guest takes it."""
    client = lab.client
    daemon = start(lab, service(lab, 66, options="--listen-delay=300 --refuse-early", **READY))
    address = ipv4(66)
    with Trace(lab.directory / "client.pcap", client) as seen:
        assert daemon.resolve(name(66)).addresses == [address]
        asked = time.monotonic()
        assert "s66" in get(client, address)
        took = time.monotonic() - asked
    assert not seen.refusals(address), "the client was refused"
    assert len({p.tcp()[:3] for p in seen.syns(address)}) == 1, "more than one connection"
    lab.measured.update(page=f"{took * 1000:.0f} ms", repeated=seen.repeated_syns(address))


@limit(600)
def test_kills(lab):
    """After kill -9 of wire or vmm packets wake again; running guests stay; nothing is left."""
    client = lab.client
    daemon = start(lab, service(lab, 67, **READY), service(lab, 68, **READY))
    get(client, ipv4(67))
    old = daemon.kill("wire")
    assert "s67" in get(client, ipv4(67)), "a running guest could not be reached"
    lab.wait_until(lambda: daemon.pids().get("wire", old) != old, 30, "another wire")
    daemon.wait_log("parent: wire", "is ready", times=2)
    get(client, ipv4(68))
    lab.output("xl", "destroy", "s68")
    daemon.wait_log("s68: domid", "destroyed by somebody else")
    old = daemon.kill("vmm")
    assert "s67" in get(client, ipv4(67)), "a running guest could not be reached"
    lab.wait_until(lambda: daemon.pids().get("vmm", old) != old, 60, "another vmm")
    daemon.wait_log("parent: vmm", "is ready", times=2)
    get(client, ipv4(68))
    daemon.kill("parent")
    lab.wait_until(lambda: not any(link.startswith("summond") for link in host.links()), 30,
                   "the taps to go")
    assert "s67" in get(client, ipv4(67)), "a running guest could not be reached"
    mac = host.output("xenstore-read",
                      f"/local/domain/{lab.domain('s67').domid}/device/vif/0/mac").strip()
    assert "summond" not in str(interface_goes_to(mac))


@limit(400)
def test_wire_stands_still(lab):
    """What wire could not be told during a reload, it is told later: who is gone, and who is new."""
    client = lab.client
    many = [{**service(lab, 73), "name": f"m{i}", "names": [f"m{i}.jit.example"], "cmdline": "-",
             "addresses": f"10.53.{i // 200}.{i % 200 + 1}"} for i in range(600)]
    addresses = [each["addresses"] for each in many]
    with client.inside():
        out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        out.bind(("eth0", 0))
    mac = out.getsockname()[4]

    def answered(file):
        """Of the many, those for whom dom0 answers ARP."""
        with Trace(lab.directory / file, client) as seen:
            for address in addresses:
                out.send(frames.BROADCAST + mac + b"\x08\x06"
                         + frames.arp_request(mac, client.ipv4, address))
                time.sleep(0.005)
            time.sleep(1)
        return {p.source for p in seen.packets if p.arp == 2} & set(addresses)

    daemon = start(lab, service(lab, 71, **READY), *many)
    lab.wait_until(lambda: answered("before.pcap") == set(addresses), 60, "all to be stood in for")
    wire = daemon.pids()["wire"]
    os.kill(wire, signal.SIGSTOP)
    daemon.write_config(site(service(lab, 71, **READY), service(lab, 72, **READY)))
    daemon.reload()
    daemon.wait_log("reloaded")
    os.kill(wire, signal.SIGCONT)
    assert "s72" in get(client, ipv4(72))
    left = answered("after.pcap")
    out.close()
    assert not left, f"dom0 still answers for {len(left)} that are gone, such as {min(left)}"
    assert daemon.pids()["wire"] == wire


@limit(600)
def test_flood(lab):
    """A flood from made-up sources costs bounded memory and wakes nothing that it may not wake."""
    client = lab.client
    only = {"wake_from": ["10.0.2.77", "fec0::/64"]}
    daemon = start(lab, service(lab, 69, ports=["tcp/80"], **only, **READY),
                   service(lab, 70, ports=["tcp/80"], **only, **READY))
    with client.inside():
        out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        out.bind(("eth0", 0))
    mac = bytes.fromhex(host.output("ip", "-n", "client", "-br", "link", "show", "eth0").split()[2]
                        .replace(":", ""))

    def memory():
        lines = open(f"/proc/{daemon.pids()['wire']}/status", encoding="ascii").read()
        return int(re.search(r"VmRSS:\s+(\d+)", lines)[1])

    target = bytes.fromhex(host.output("ip", "netns", "exec", "client", "sh", "-c",
                                       f"ping -c1 -W1 {ipv4(69)} >/dev/null; "
                                       f"ip neigh show {ipv4(69)}").split()[4].replace(":", ""))
    before, sent, end = memory(), 0, time.monotonic() + 10
    while time.monotonic() < end:
        for i in range(100):
            source = f"10.{sent % 250}.{i}.{sent // 250 % 250}"
            out.send(frames.tcp_syn(mac, target, source, ipv4(69), sent % 60000 + 1, 80, sent))
            sent += 1
    out.close()
    after = memory()
    assert not daemon.log_lines("waking s"), "a source that may not has woken a service"
    assert after - before < 4096, f"wire has grown by {after - before} KiB"
    assert "s70" in get(client, ipv4(70)), "the flood has made it deaf"
    lab.measured.update(frames=sent, memory=f"{after - before} KiB")
