"""Limits: wakes wait for room and are refused in vain, or room is made."""

import contextlib
import pathlib
import subprocess
import time

from support import host
from support.lab import ARM, UNIKERNEL, limit, not_on_arm
from support.site import ipv4, name, page, service, site


@limit(900)
def test_limits(lab):
    """One domain is allowed: a second wake waits, then SERVFAIL; standby copies make room."""
    config = site(service(lab, 35), service(lab, 36))
    config["limits"] = {"domains": 1, "queue": "4s"}
    daemon = lab.daemon(config).start(answers="jit.example")
    daemon.resolve(name(35))
    daemon.wait_woken("s35")
    asked = time.monotonic()
    response = daemon.query(name(36), tcp=True)
    waited = time.monotonic() - asked
    assert response.status == "SERVFAIL" and response.ede, str(response)
    assert waited > 3.5, f"refused after {waited:.1f} s already"
    daemon.wait_log("could not wake s36: no room for its domain")
    assert lab.domain("s35") and not lab.domain("s36")
    lab.measured.update(waited=f"{waited:.1f} s")


@limit(900)
def test_evict(lab):
    """With `evict` the domain that has been idle longest makes room, its TTL notwithstanding."""
    config = site(service(lab, 37, ttl=3600, idle="1h"), service(lab, 38, idle="1h"))
    config["limits"] = {"domains": 1, "evict": True}
    daemon = lab.daemon(config).start(answers="jit.example")
    daemon.resolve(name(37))
    daemon.wait_woken("s37")
    response = daemon.resolve(name(38))
    assert response.addresses == [ipv4(38)], str(response)
    daemon.wait_woken("s38")
    assert daemon.log_lines("making room: s37")
    assert not lab.domain("s37")


def free_mib():
    """What Xen has free."""
    return int(host.output("xl", "info", "free_memory"))


def dom0_mib():
    return int(host.output("xl", "list", "0").splitlines()[1].split()[2])


@contextlib.contextmanager
def autoballoon(value):
    """xl.conf says so; afterwards it and dom0's memory are as they were."""
    file = pathlib.Path("/etc/xen/xl.conf")
    text, memory = file.read_text(), dom0_mib()
    file.write_text(f'{text}\nautoballoon="{value}"\n')
    try:
        yield
    finally:
        file.write_text(text)
        if not ARM:  # where xl cannot do it, nor can summond
            subprocess.run(["xl", "mem-set", "0", f"{memory}m"], check=True)
        # libxl's record of what dom0 has, made when that is first changed.
        subprocess.run(["xenstore-rm", "/vm/00000000-0000-0000-0000-000000000000"], check=False)


@not_on_arm("libxl cannot lower dom0's memory on ARM; xl mem-set 0 aborts")
@limit(900)
def test_memory_of_dom0(lab):
    """Xen has too little: dom0 gives, where xl would have it give, down to what it keeps."""
    with autoballoon("on"):
        before = dom0_mib()
        keeps = before - 300
        lab.xl_create("filler", type="pvh", kernel=lab.need(UNIKERNEL),
                      memory=free_mib() - 100)
        config = site(*(service(lab, number, memory="200MiB") for number in (40, 41)))
        config["limits"] = {"dom0_memory": f"{keeps}MiB"}
        daemon = lab.daemon(config).start(answers="jit.example")
        left = free_mib()
        assert left < 200, f"{left} MiB are free: the test has no point"
        daemon.resolve(name(40))
        page(lab, 40)
        woke = daemon.wait_woken("s40")
        assert keeps <= dom0_mib() < before, f"dom0 has {dom0_mib()} of {before} MiB"
        lab.measured.update(free=f"{left} MiB", dom0=f"{before} to {dom0_mib()} MiB",
                            build=f"{woke['build']} ms")
        assert "memory" in daemon.refusal(name(41)).ede[0][1]
        daemon.wait_log("could not wake s41: not enough memory", "limits.dom0_memory")
        assert dom0_mib() >= keeps
        daemon.stop()
        host.output("xl", "destroy", "s40")


@limit(600)
def test_memory_that_dom0_keeps(lab):
    """Where dom0's memory is fixed (dom0_mem, as in the lab), or libxl cannot lower it, it is left alone,
    and the log says so."""
    before = dom0_mib()
    lab.xl_create("filler", type="pvh", kernel=lab.need(UNIKERNEL), memory=free_mib() - 100)
    with autoballoon("on") if ARM else contextlib.nullcontext():
        daemon = lab.daemon(site(service(lab, 42, memory="200MiB"))).start(answers="jit.example")
        daemon.refusal(name(42))
        daemon.wait_log("could not wake s42: not enough memory", "dom0 keeps its own, "
                        + ("since libxl cannot" if ARM else "by dom0_mem"))
    assert dom0_mib() == before
