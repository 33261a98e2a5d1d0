"""What most tests serve: one zone, and services on the test unikernel."""

import contextlib
import pathlib
import re
import subprocess
import threading
import time
import traceback

from .lab import UNIKERNEL

ZONE = {"name": "jit.example", "ns": "ns1.jit.example", "records": ["ns1 A 10.0.2.15"]}
TTL = 5  # of the services' addresses, seconds


def ipv4(number):
    return f"10.0.2.{100 + number}"


def ipv6(number):
    return f"fec0::{100 + number}"


def name(number):
    """The DNS name of a service."""
    return f"s{number}.jit.example"


def service(lab, number, *, options="", **changes):
    """Service s<number> (0 to 99); `options` are more of the unikernel's.

    A number has the same address and MAC in every test, so neighbours' caches stay right."""
    return {"name": f"s{number}", "names": [name(number)],
            "addresses": [ipv4(number), ipv6(number)], "ttl": TTL,
            "kernel": lab.need(UNIKERNEL), "memory": "16MiB", "bridge": "xenbr0",
            "cmdline": "--ipv4={ipv4}/24 --ipv4-gateway=10.0.2.2 --ipv6={ipv6}/64 "
                       f"--name={{name}} {options}".rstrip(),
            "ready": {"xenstore": "data/ready", "timeout": "3m"}, "idle": "never", **changes}


def site(*services, zone=ZONE):
    return {"listen": ["127.0.0.1:5390"], "zones": [zone], "services": list(services)}


def start(lab, *services):
    """A daemon that serves them and answers."""
    return lab.daemon(site(*services)).start(answers="jit.example")


def page(lab, number, path="/"):
    """The page of a service's unikernel: {"name": ..., "booted": ..., "uptime": ...}."""
    body = lab.http_get(ipv4(number), path, deadline=60)
    items = dict(item.split(": ", 1) for item in re.findall("<li>(.*)</li>", body))
    assert items["name"] == f"s{number}", f"another page: {body}"
    return items


class Created:
    """Counts the domains that are built from now on, whoever builds them: xenstored is told of each."""

    def __init__(self):
        self._watch = subprocess.Popen(["stdbuf", "-oL", "xenstore-watch", "@introduceDomain"],
                                       stdout=subprocess.PIPE)
        self._watch.stdout.readline()  # a new watch fires at once

    def end(self):
        """The count."""
        time.sleep(1)  # an event is nothing that could be waited for when there may be none
        self._watch.terminate()
        return len(self._watch.communicate()[0].splitlines())


def together(**claims):
    """Runs functions at the same time; an AssertionError says which did not end well, and why."""
    failures = []

    def run(claim, function):
        try:
            function()
        except Exception as error:  # whatever it is, it is that claim's failure
            line = traceback.extract_tb(error.__traceback__)[1].lineno
            failures.append(f"{claim} (line {line}): {error or type(error).__name__}")

    threads = [threading.Thread(target=run, args=claim, daemon=True) for claim in claims.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, "; ".join(failures)


@contextlib.contextmanager
def kernel_file(content, name="missing"):
    """A file in dom0 that a service can name as its kernel; with None there is no such file."""
    path = pathlib.Path(f"/run/lab-kernel-{name}")
    path.unlink(missing_ok=True)
    if content is not None:
        path.write_bytes(content)
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)
