#!/usr/bin/python3
"""The part of `scripts/bench density` that runs in the lab's dom0: measure.py JSON RESULT_FILE.

One service is woken, then all of them; each must serve its page. With one up, and with all, summond
is left alone for a while: what it uses then is what it uses at rest. Progress goes to standard
output."""

import json
import os
import pathlib
import shutil
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, "/opt/lab/tests")

from support import host  # noqa: E402
from harness import dns_client  # noqa: E402
from support.daemon import Daemon  # noqa: E402
from support.lab import UNIKERNEL  # noqa: E402
from support.net import http_get  # noqa: E402
from harness.waiting import wait_until  # noqa: E402

WORK = pathlib.Path("/var/tmp/density")
LIMIT = 1800
IDLE = "60s"  # traffic is read every 15 s, as at the longest
ZONE = {"name": "jit.example", "ns": "ns1.jit.example", "records": ["ns1 A 10.0.2.15"]}


def address(number):
    return f"10.0.2.{30 + number}"


def service(number):
    return {"name": f"d{number}", "names": [f"d{number}.jit.example"],
            "addresses": [address(number)], "kernel": str(UNIKERNEL), "memory": "16MiB",
            "bridge": "xenbr0", "ttl": 3600, "idle": {"after": IDLE},
            "cmdline": "--ipv4={ipv4}/24 --ipv4-gateway=10.0.2.2 --name={name}",
            "ready": {"xenstore": "data/ready", "timeout": "10m"}}


def wake(daemon, numbers):
    """Until every one of them is ready."""
    waiting = list(numbers)
    end = time.monotonic() + LIMIT
    while waiting:
        questions = [(f"d{n}.jit.example", "A") for n in waiting]
        answers = dns_client.concurrent(daemon.server, questions, 10)
        waiting = [n for n, (response, _) in zip(waiting, answers)
                   if response is None or not response.addresses]
        assert time.monotonic() < end, f"no answer for {len(waiting)}"
    for number in numbers:
        daemon.wait_woken(f"d{number}", limit=LIMIT)


def page(number):
    body = http_get(address(number))
    assert f"<li>name: d{number}</li>" in body, f"another page: {body}"


def usage(pid):
    """CPU seconds so far, and KiB of memory that are its own share."""
    stat = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    rollup = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    pss = next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
    return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK"), pss


def rest(daemon, seconds):
    """{role: {"cpu_ms_per_s", "kib"}} of a daemon that nobody asks."""
    pids = daemon.pids()
    before = {role: usage(pid)[0] for role, pid in pids.items()}
    began = time.monotonic()
    time.sleep(seconds)
    assert daemon.pids() == pids, "a process has ended"
    took = time.monotonic() - began
    after = {role: usage(pid) for role, pid in pids.items()}
    return {role: {"cpu_ms_per_s": round((cpu - before[role]) * 1000 / took, 3), "kib": kib}
            for role, (cpu, kib) in after.items()}


def main():
    options, result = json.loads(sys.argv[1]), pathlib.Path(sys.argv[2])
    count, seconds = options["count"], options["rest"]
    shutil.rmtree(WORK, ignore_errors=True)
    before = host.Snapshot.take()
    daemon = Daemon({"listen": ["127.0.0.1:5390"], "zones": [ZONE], "rate_limit": "off",
                     "services": [service(n) for n in range(count)]}, WORK)
    try:
        daemon.start(answers="jit.example")
        wake(daemon, [0])
        page(0)
        found = {"one": rest(daemon, seconds)}
        print(f"one up: {found['one']}", flush=True)
        began = time.monotonic()
        wake(daemon, range(1, count))
        found["woken_s"] = round(time.monotonic() - began, 1)
        print(f"{count} up, in {found['woken_s']} s", flush=True)
        for number in range(count):
            page(number)
        up = [d for d in host.domains().values() if d.name.startswith("d")]
        assert len(up) == count, f"{len(up)} domains"
        found["pages"] = count
        print(f"{count} pages", flush=True)
        found["all"] = rest(daemon, seconds)
        print(f"{count} up: {found['all']}", flush=True)
        result.write_text(json.dumps(found))
    finally:
        try:
            daemon.stop()
        finally:
            result.with_suffix(".log").write_text(daemon.log())
            for domain in host.domains().values():
                if domain.domid not in before.domids:
                    host.output("xl", "destroy", str(domain.domid), timeout=300)
    wait_until(lambda: not frozenset(host.domains()) - before.domids, 600, "the domains to go")


if __name__ == "__main__":
    main()
