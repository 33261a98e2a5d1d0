#!/usr/bin/python3
"""The part of `scripts/bench always-on` that runs in the lab's dom0: measure.py RUNS DIRECTORY.

In turns: a page of a service that sleeps after a query, of one that sleeps with its address cached,
from standby (where this summond has it), and of a service that runs, each on one connection of a
client in a network namespace of its own with the kernel's defaults."""

import json
import pathlib
import shutil
import socket
import statistics
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, "/opt/lab/tests")

from support import host  # noqa: E402
from harness import dns_client  # noqa: E402
from support.daemon import BINARY, Daemon  # noqa: E402
from support.lab import UNIKERNEL  # noqa: E402
from support.net import Client  # noqa: E402
from harness.waiting import wait_until  # noqa: E402
from support.trace import Trace  # noqa: E402

ZONE = {"name": "jit.example", "ns": "ns1.jit.example", "records": ["ns1 A 10.0.2.15"]}
LIMIT = 300
ADDRESSES = {"cold": "10.0.2.180", "running": "10.0.2.181", "standby": "10.0.2.182"}


def service(name, **changes):
    return {"name": name, "names": [f"{name}.jit.example"], "addresses": [ADDRESSES[name]],
            "kernel": str(UNIKERNEL), "memory": "16MiB", "bridge": "xenbr0", "idle": "never",
            "cmdline": "--ipv4={ipv4}/24 --ipv4-gateway=10.0.2.2 --name={name}",
            "ports": ["tcp/80", "icmp"], "ready": {"tcp": 80, "timeout": "5m"}, **changes}


def site(*services):
    return {"listen": ["127.0.0.1:5390"], "zones": [ZONE], "services": list(services)}


def has_standby(directory):
    file = directory / "standby.yaml"
    file.write_text(json.dumps(site(service("standby", standby=1))))
    return subprocess.run([BINARY, "check", file], check=False, capture_output=True).returncode == 0


def first_byte(client, address):
    """Milliseconds from the connect to the first octet of the page; the page is read to its end."""
    with client.inside():
        connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    connection.settimeout(LIMIT)
    with connection:
        began = time.monotonic()
        connection.connect((address, 80))
        connection.sendall(b"GET / HTTP/1.0\r\nHost: x\r\n\r\n")
        assert connection.recv(1) == b"H"
        took = (time.monotonic() - began) * 1000
        while connection.recv(65536):
            pass
    return took


class Runs:
    def __init__(self, directory, daemon, client):
        self.directory, self.daemon, self.client = directory, daemon, client
        self.woken = {}
        self.taken = {"dns_cold": [], "cached_cold": [], "standby": [], "running": []}
        self.boots, self.beyond = [], {"dns_cold": [], "cached_cold": [], "standby": []}
        self.repeated = {"dns_cold": 0, "cached_cold": 0, "standby": 0, "running": 0}

    def one(self, kind, name, turn, query=False):
        with Trace(self.directory / f"{kind}-{turn}.pcap", self.client) as trace:
            asked = time.monotonic()
            if query:
                while True:
                    try:
                        response = dns_client.ask(self.daemon.server, f"{name}.jit.example", "A",
                                             timeout=30)
                        assert response.addresses == [ADDRESSES[name]], str(response)
                        break
                    except dns_client.NoAnswer:
                        assert time.monotonic() < asked + LIMIT
            before = (time.monotonic() - asked) * 1000
            took = before + first_byte(self.client, ADDRESSES[name])
        self.taken[kind].append(took)
        self.repeated[kind] += trace.repeated_syns(ADDRESSES[name])
        if kind == "running":
            return
        self.woken[name] = self.woken.get(name, 0) + 1
        wake = self.daemon.wait_woken(name, self.woken[name], LIMIT)
        if kind != "standby":
            self.boots.append(wake["total"])
        self.beyond[kind].append(took - wake["total"])
        host.output("xl", "destroy", str(wake["domid"]))
        self.daemon.wait_log(f"{name}: domid", "destroyed by somebody else",
                             times=self.woken[name], limit=LIMIT)
        wait_until(lambda: wake["domid"] not in {d.domid for d in host.domains().values()}, LIMIT,
                   f"the end of domain {wake['domid']}")


def spread(values):
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def result_of(runs, count):
    running = statistics.median(runs.taken["running"])
    figures = {kind: spread(values) for kind, values in runs.taken.items() if values}
    for kind, values in runs.beyond.items():
        if values:
            figures[kind]["beyond"] = statistics.median(values) - running
    result = {"runs": count,
              "syn_retransmissions": runs.repeated["dns_cold"] + runs.repeated["standby"],
              "syn_retransmissions_cached": runs.repeated["cached_cold"],
              "boot_ms": round(statistics.median(runs.boots), 1), "figures": figures}
    for kind in runs.taken:
        result[f"{kind}_ms"] = (round(figures[kind]["median"], 1) if kind in figures else None)
        if kind in figures and "beyond" in figures[kind]:
            result[f"{kind}_beyond_boot_and_running_ms"] = round(figures[kind]["beyond"], 1)
    return result


def standby_is_there(daemon):
    """Some copy of `standby` waits: a paused domain that is named after it."""
    return any(d.name.startswith("standby") and d.paused for d in host.domains().values())


def main():
    count, results = int(sys.argv[1]), pathlib.Path(sys.argv[2])
    # Not on the file system that is shared with the host: a line in a log there takes milliseconds.
    directory = pathlib.Path("/var/tmp/always-on")
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    standby = has_standby(directory)
    services = [service("cold"), service("running")]
    if standby:
        services.append(service("standby", standby=1))
    client = Client()
    daemon = Daemon(site(*services), directory).start(answers="jit.example")
    runs = Runs(directory, daemon, client)
    try:
        first_byte(client, ADDRESSES["running"])
        for turn in range(1, count + 1):
            runs.one("dns_cold", "cold", turn, query=True)
            runs.one("cached_cold", "cold", turn)
            if standby:
                wait_until(lambda: standby_is_there(daemon), LIMIT, "a copy on standby")
                runs.one("standby", "standby", turn)
            runs.one("running", "running", turn, query=True)
            latest = ", ".join(f"{k} {v[-1]:.0f}" for k, v in runs.taken.items() if v)
            print(f"  {turn}/{count}: {latest} ms, boot {runs.boots[-1]} ms", flush=True)
    finally:
        daemon.stop()
        client.remove()
        for domain in host.domains().values():
            if domain.name.split(".")[0] in ADDRESSES:
                subprocess.run(["xl", "destroy", str(domain.domid)], check=False)
        shutil.copytree(directory, results, dirs_exist_ok=True)
    (results / "result.json").write_text(json.dumps(result_of(runs, count)))


if __name__ == "__main__":
    main()
