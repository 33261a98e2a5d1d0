"""Domains that are not summond's. One more runs beside every test; see support/foreign.py."""

from support.lab import UNIKERNEL, limit
from support.site import name, page, service, site, start


@limit(500)
def test_foreign_domain(lab):
    """A domain named like a service is neither adopted nor touched, whatever becomes of summond."""
    lab.xl_create("s60", type="pvh", kernel=lab.need(UNIKERNEL), memory=16, shadow_memory=2,
                  vif=["bridge=xenbr0"], cmdline="--ipv4=10.0.2.97/24 --name=s60")
    theirs = lab.domain("s60").domid
    lab.ping("10.0.2.97", deadline=60)
    daemon = start(lab, service(lab, 60, on_exit="destroy"), service(lab, 61, on_exit="destroy"))
    assert not daemon.log_lines("adopted") and not daemon.log_lines("removing"), daemon.log()
    daemon.refusal(name(60))
    assert "s60" in daemon.wait_log("could not wake s60"), daemon.log()
    daemon.resolve(name(61))
    daemon.wait_woken("s61")
    daemon.kill("vmm")
    daemon.wait_log("adopted s61")
    daemon.write_config(site(service(lab, 61, on_exit="destroy")))
    daemon.reload()
    daemon.wait_log("reloaded: ")
    page(lab, 61)
    daemon.stop(limit=120)
    assert not lab.domain("s61")
    assert lab.domain("s60").domid == theirs, "the domain that is somebody else's was replaced"
    lab.ping("10.0.2.97")
