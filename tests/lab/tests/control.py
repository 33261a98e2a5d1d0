"""The control socket and summonctl, with real domains."""

import os
import re
import signal
import subprocess

from harness import control
from support import host
from support.daemon import BINARY
from support.lab import UNIKERNEL, limit
from support.site import ipv4, ipv6, name, page, service, site, start

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


@limit(700)
def test_adopt(lab):
    """A domain that `xl create` has made for a service is taken over where it fits, and else left alone."""
    lab.need(CTL)
    daemon = start(lab, service(lab, 62, idle="10s"), service(lab, 63))

    def made(**changes):
        lab.xl_create("s62", **{"type": "pvh", "kernel": lab.need(UNIKERNEL), "memory": 16, "shadow_memory": 2,
                                "vif": ["bridge=xenbr0"], **changes,
                                "cmdline": f"--ipv4={ipv4(62)}/24 --ipv4-gateway=10.0.2.2 --ipv6={ipv6(62)}/64 "
                                           "--name=s62"})
        return lab.domain("s62").domid

    def refused(*words):
        said = ctl("adopt", "s62", code=1)
        for word in words:
            assert word in said, said
        return said

    refused("no domain is called s62")
    theirs = made()
    # An administrator is told what to write.
    mac = re.search(r"`mac=(\S+)` in xl's", refused("has the MAC")).group(1)
    before = host.xenstore_read(f"/local/domain/{theirs}/summond/complete")
    assert before is None and lab.domain("s62").domid == theirs, "a domain that does not fit was touched"
    host.output("xl", "destroy", "s62")
    made(vif=[f"mac={mac},bridge=xenbr0"], memory=32)
    refused("has 32 MiB of memory; the service's domain has 16 MiB")
    host.output("xl", "destroy", "s62")
    theirs = made(vif=[f"mac={mac},bridge=xenbr0"])
    host.output("xl", "pause", "s62")
    refused("is paused")
    host.output("xl", "unpause", "s62")

    assert "begun" in ctl("adopt", "s62")
    daemon.wait_log("adopted s62", "which somebody else has made")
    lab.wait_until(lambda: get("/v1/services/s62")["phase"] == "ready", 120, "s62 to be ready")
    assert daemon.resolve(name(62)).addresses == [ipv4(62)]
    booted = page(lab, 62)["booted"]
    assert lab.domain("s62").domid == theirs, "another domain"
    assert "mac=" in host.output("xl", "list", "-l", "s62").replace('"mac": "', "mac="), "libxl knows less of it"
    assert "nothing to do" in ctl("adopt", "s62")
    # It is summond's from now on, over vmm's death, too; and is put away.
    daemon.kill("vmm")
    daemon.wait_log(f"adopted s62: domid {theirs}, running")
    daemon.wait_log("destroying s62", "idle", limit=200)
    lab.wait_until(lambda: not lab.domain("s62"), 120, "s62 to be put away")
    daemon.resolve(name(62))
    assert page(lab, 62)["booted"] != booted


@limit(400)
def test_first_byte(lab):
    """A wake's record ends with what its guest has said to the client whose packet woke it."""
    lab.need(CTL)
    daemon = start(lab, service(lab, 64))
    page(lab, 64)
    wake = lab.wait_until(lambda: next((w for w in get("/v1/wakes?service=s64")["wakes"]
                                        if w["after_ms"]["first_byte"] is not None), None), 30, "the first byte")
    after = wake["after_ms"]
    assert wake["why"] == "packet" and wake["packets"] >= 1, wake
    assert wake["first_waited_ms"] and after["ready"] <= after["handed_over"] <= after["first_byte"], wake
    assert "has said something" in ctl("trace", "s64")
    lab.measured.update(ready=f"{after['ready']:.0f} ms", first_byte=f"{after['first_byte']:.0f} ms")
    # And of a query: who has waited for the answer.
    ctl("sleep", "s64")
    lab.wait_until(lambda: not lab.domain("s64"), 120, "s64 to be put away")
    daemon.resolve(name(64), "AAAA")
    wake = lab.wait_until(lambda: next((w for w in get("/v1/wakes?service=s64&last=1")["wakes"] if w["queries"]), None),
                          30, "who has waited")
    assert (wake["why"], wake["query_type"]) == ("dns", "AAAA"), wake
