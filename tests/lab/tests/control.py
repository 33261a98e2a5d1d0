"""The control socket and summonctl, with real domains."""

import os
import signal
import subprocess

from harness import control
from support.daemon import BINARY
from support.lab import limit
from support.site import name, page, service, site, start

SOCKET = "/run/summond/control.sock"
CTL = BINARY.with_name("summonctl")


def get(target):
    return control.ask(SOCKET, "GET", target).json


def ctl(*arguments, code=0):
    done = subprocess.run([CTL, *arguments], capture_output=True, text=True, timeout=150, check=False)
    assert done.returncode == code, f"{arguments}: {done.returncode}: {done.stdout}{done.stderr}"
    return done.stdout + done.stderr


@limit(420)
def test_summonctl(lab):
    """A person wakes, pins and puts away a real domain, and is told how it stands."""
    lab.need(CTL)
    daemon = start(lab, service(lab, 1, idle="5s"), service(lab, 2))
    shown = ctl("wake", "s1", "--wait", "ready", "--timeout", "3m")
    assert shown.startswith("s1: done, ready"), shown
    domain = lab.domain("s1")
    known = get("/v1/services/s1")
    assert (known["domid"], known["why"]) == (domain.domid, "command"), known
    page(lab, 1)
    assert "is built" in ctl("trace", "s1")

    ctl("pin", "s1", "--for", "1h")
    assert "pinned" in ctl("sleep", "s1", code=1)
    assert lab.domain("s1").domid == domain.domid
    ctl("unpin", "s1")
    lab.wait_until(lambda: not lab.domain("s1"), 120, "s1 to be put away, now that it may be")
    lab.wait_until(lambda: get("/v1/services/s1")["phase"] == "asleep", 30, "s1 to be known as asleep")

    ctl("wake", "s2", "--wait", "ready", "--timeout", "3m")
    ctl("drain")
    assert daemon.query(name(1)).status == "SERVFAIL"
    assert daemon.query(name(2)).addresses, "what is up stays"
    assert "drained" in ctl("wake", "s1", code=1)
    ctl("sleep", "s2")
    lab.wait_until(lambda: not lab.domain("s2"), 120, "s2 to be put away by command")
    ctl("undrain")
    daemon.resolve(name(1))
    whys = [w["why"] for w in get("/v1/wakes?service=s1")["wakes"]]
    assert whys[-1] == "command", whys


@limit(300)
def test_reading_never_waits(lab):
    """Control answers while vmm is stopped, dead and on its way back, and knows the domain again."""
    lab.need(CTL)
    daemon = start(lab, service(lab, 1))
    ctl("wake", "s1", "--wait", "ready", "--timeout", "3m")
    domid = lab.domain("s1").domid
    vmm = daemon.pids()["vmm"]
    os.kill(vmm, signal.SIGSTOP)
    assert get("/v1/services/s1")["domid"] == domid
    daemon.kill("vmm")
    lab.wait_until(lambda: get("/v1/status")["vmm"]["state"] != "up", 30, "control to know that vmm is gone")
    assert get("/v1/services/s1")["domid"] == domid, "what it has said last"
    lab.wait_until(lambda: get("/v1/status")["vmm"]["state"] == "up", 60, "vmm to be up again")
    lab.wait_until(lambda: get("/v1/services/s1")["phase"] == "ready", 60, "s1 to be adopted")
    assert get("/v1/services/s1")["domid"] == domid
    old = daemon.kill("control")
    lab.wait_until(lambda: daemon.pids().get("control", old) != old, 30, "another control")
    lab.wait_until(lambda: get("/v1/services/s1")["phase"] == "ready", 30, "control to know all again")
    broken = site(service(lab, 1, memory="16"))
    daemon.write_config(broken)
    assert "without a unit" in ctl("reload", code=1)
    assert lab.domain("s1").domid == domid
