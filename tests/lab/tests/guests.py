"""Guests of other kinds than one kernel with one network interface."""

import contextlib
import subprocess
import time

from support import host
from support.lab import LINUX_KERNEL, LINUX_RAMDISK, LINUX_TYPE, limit
from support.site import ipv4, name, page, service, start


def linux(lab, number, cmdline="", **changes):
    """Service s<number> as the Linux guest."""
    return service(lab, number, **{
        "type": LINUX_TYPE, "kernel": lab.need(LINUX_KERNEL), "ramdisk": lab.need(LINUX_RAMDISK),
        "memory": "96MiB",
        "cmdline": f"name={{name}} ipv4={{ipv4}}/24 gw=10.0.2.2 {cmdline}".rstrip(), **changes})


@contextlib.contextmanager
def bridge(name, address):
    """A second bridge in dom0."""
    for words in (f"link add {name} type bridge", f"addr add {address} dev {name}",
                  f"link set {name} up"):
        host.output("ip", *words.split())
    try:
        yield
    finally:
        subprocess.run(["ip", "link", "del", name], check=True)


def master(interface):
    """The bridge that an interface of dom0 is a port of."""
    words = host.output("ip", "-o", "link", "show", "dev", interface).split()
    return words[words.index("master") + 1] if "master" in words else None


@limit(400)
def test_two_interfaces(lab):
    """A guest with two interfaces, on two bridges: it is reached over both, both go with it."""
    with bridge("xenbr1", "10.0.3.1/24"):
        interfaces = [{"bridge": "xenbr0"}, {"bridge": "xenbr1", "mac": "00:16:3e:00:00:17"}]
        guest = linux(lab, 60, "ipv4b=10.0.3.60/24", interfaces=interfaces)
        del guest["bridge"]
        daemon = start(lab, guest)
        daemon.resolve(name(60))
        domid = daemon.wait_woken("s60")["domid"]
        assert "s60: a Linux guest" in lab.http_get(ipv4(60), deadline=60)
        assert "s60: a Linux guest" in lab.http_get("10.0.3.60", deadline=60)
        masters = [master(f"vif{domid}.{i}") for i in (0, 1)]
        assert masters == ["xenbr0", "xenbr1"], f"on the bridges {masters}"
        listed = host.output("xl", "network-list", str(domid))
        assert "00:16:3e:00:00:17" in listed.lower(), f"xl does not know the second: {listed}"
        host.output("xl", "destroy", str(domid))
        daemon.wait_log("s60: domid", "destroyed by somebody else")
    lab.assert_no_trace()


@limit(400)
def test_hotplug_script(lab):
    """An interface with a script, given by its path, is libxl's; its traffic keeps the domain."""
    daemon = start(lab, service(lab, 61, script="/etc/xen/scripts/vif-bridge", idle={"after": "20s"}))
    daemon.resolve(name(61))
    woke = daemon.wait_woken("s61")
    vif = f"vif{woke['domid']}.0"
    assert master(vif) == "xenbr0", f"{vif} is on {master(vif)}"
    backend = f"/local/domain/0/backend/vif/{woke['domid']}/0"
    script = host.xenstore_read(f"{backend}/script")
    assert script.endswith("/vif-bridge"), f"its script is {script}"
    lab.measured.update(build=f"{woke['build']} ms")
    end = time.monotonic() + 35
    while time.monotonic() < end:  # one packet now and then is use
        page(lab, 61)
        time.sleep(3)
    assert lab.domain("s61"), "put away while it was used"
    daemon.wait_log("destroying s61", "idle")
    lab.assert_no_trace()
