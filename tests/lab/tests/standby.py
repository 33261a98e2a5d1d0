"""Standby copies: woken in milliseconds, fresh each time, made anew, given back."""

import pathlib
import re
import subprocess
import time

from guests import linux
from support.lab import limit
from support.site import ipv4, name, page, service, site, start

PORTS = {"ports": ["tcp/80"], "ready": {"tcp": 80, "timeout": "3m"}}


def copies(lab, number):
    """The copies of s<number> that are there, as xl list has them."""
    return [domain for domain in lab.domains().values()
            if domain.name.startswith(f"s{number}.standby-")]


def wait_rested(daemon, number, times=1):
    line = daemon.wait_log(f"standby s{number}: domid", times=times, limit=300)
    return int(re.search(r"domid (\d+)", line)[1])


def hears(domid):
    """Whether a domain is sent what is for every station of the bridge."""
    sent = pathlib.Path(f"/sys/class/net/vif{domid}.0/statistics/tx_packets")
    before = int(sent.read_text())
    subprocess.run(["ping", "-n", "-q", "-c2", "-W1", "10.0.2.99"], check=False,
                   stdout=subprocess.DEVNULL)  # nobody's: dom0 asks all who has it
    return int(sent.read_text()) > before


@limit(600)
def test_standby(lab):
    """A booted copy is off the bridge until its wake, answers at once, and is fresh every time."""
    daemon = start(lab, service(lab, 30, standby=1, answer="ready", **PORTS))
    first = wait_rested(daemon, 30)
    assert not hears(first), "it hears the bridge before its wake"
    assert [copy.domid for copy in copies(lab, 30)] == [first]
    assert not daemon.wakes("s30")

    asked = time.monotonic()
    response = daemon.query(name(30))
    answered = time.monotonic() - asked
    assert response.addresses == [ipv4(30)], str(response)
    body = page(lab, 30)
    served = time.monotonic() - asked
    assert body["requests"] == "2", f"it had not served a page before it rested: {body}"
    woke = daemon.wait_woken("s30")
    assert woke["domid"] == first, f"another domain than the copy: {woke}"
    lab.wait_until(lambda: hears(first), 30, "the woken domain to be sent what is for every station")
    running = []
    for _ in range(5):
        again = time.monotonic()
        daemon.query(name(30))
        running.append(time.monotonic() - again)
    pages = []
    for _ in range(5):
        again = time.monotonic()
        page(lab, 30)
        pages.append(time.monotonic() - again)
    lab.wait_until(lambda: lab.domain("s30") and lab.domain("s30").domid == first, 30,
                   "the service's name in xl list")
    lab.measured.update(answer=f"{answered * 1000:.1f} ms",
                        running=f"{sorted(running)[2] * 1000:.1f} ms",
                        page=f"{served * 1000:.0f} ms",
                        running_page=f"{sorted(pages)[2] * 1000:.0f} ms", unpause=f"{woke['unpause']} ms",
                        total=f"{woke['total']} ms")

    second = wait_rested(daemon, 30, times=2)
    assert second != first
    lab.output("xl", "destroy", "s30")
    daemon.wait_log("s30: domid", "destroyed by somebody else")
    assert daemon.query(name(30)).addresses == [ipv4(30)]
    again = time.monotonic()
    fresh = page(lab, 30)
    lab.measured.update(second_copys_page=f"{(time.monotonic() - again) * 1000:.0f} ms")
    assert daemon.wait_woken("s30", 2)["domid"] == second
    assert fresh["booted"] != body["booted"], "the same boot twice"


@limit(900)
def test_standby_linux(lab):
    """The first page from a copy of a Linux guest beside those of one that runs."""
    daemon = start(lab, linux(lab, 33, standby=1, **PORTS))
    pages = []
    for copy in (1, 2):  # the first only shows the client how to ask
        wait_rested(daemon, 33, times=copy)
        for _ in range(8):
            asked = time.monotonic()
            daemon.query(name(33))
            assert "s33: a Linux guest" in lab.http_get(ipv4(33), deadline=60)
            pages.append(time.monotonic() - asked)
        if copy == 1:
            lab.output("xl", "destroy", "s33")
            daemon.wait_log("s33: domid", "destroyed by somebody else")
    assert len(daemon.log_lines("woke s33", "standby booted")) == 2
    lab.measured.update(page=f"{pages[8] * 1000:.0f} ms",
                        running_page=f"{sorted(pages[9:])[3] * 1000:.0f} ms")


@limit(600)
def test_standby_built(lab):
    """A built copy boots when it is woken; a reload with other settings replaces it."""
    built = {"count": 1, "stage": "built"}
    daemon = start(lab, service(lab, 31, standby=built, **PORTS))
    first = wait_rested(daemon, 31)
    daemon.write_config(site(service(lab, 31, standby=built, memory="20MiB", **PORTS)))
    daemon.reload()
    second = wait_rested(daemon, 31, times=2)
    assert [copy.domid for copy in copies(lab, 31)] == [second], f"{first} is still there"
    daemon.resolve(name(31))
    assert page(lab, 31)["name"] == "s31"
    woke = daemon.wait_woken("s31")
    assert woke["domid"] == second, str(woke)
    lab.measured.update(unpause=f"{woke['unpause']} ms", ready=f"{woke['ready']} ms")
    lab.wait_until(lambda: lab.domain("s31"), 30, "the copy that was taken to have its name")
    daemon.stop()
    assert not copies(lab, 31), "a copy outlived the daemon"


@limit(900)
def test_standby_vmm_killed(lab):
    """After kill -9 of vmm a copy that waits is adopted, one that was being made is not."""
    daemon = start(lab, service(lab, 32, standby=1, **PORTS))
    waiting = wait_rested(daemon, 32)
    daemon.kill("vmm")
    daemon.wait_log("adopted a standby copy of s32: domid", str(waiting))
    daemon.resolve(name(32))
    assert daemon.wait_woken("s32")["domid"] == waiting
    # The one that was woken has a copy's name for a moment yet.
    half = lab.wait_until(lambda: [copy.domid for copy in copies(lab, 32) if copy.domid != waiting], 120,
                          "the next copy to be under way")[0]
    daemon.kill("vmm")
    daemon.wait_log("adopted s32: domid", str(waiting), "running")
    rested = wait_rested(daemon, 32, times=2)
    assert rested != half or daemon.log_lines("adopted a standby copy"), "half a copy was kept"
    assert page(lab, 32)["name"] == "s32"
    daemon.stop()
    lab.wait_until(lambda: not copies(lab, 32), 60, "the copies to be gone")
