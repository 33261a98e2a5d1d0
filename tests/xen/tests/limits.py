"""Limits: wakes wait for room and are refused in vain, or room is made."""

import time

from support.lab import limit
from support.site import ipv4, name, service, site


@limit(900)
def test_limits(lab):
    """One domain is allowed: a second wake waits, then SERVFAIL; standby copies make room."""
    config = site(service(lab, 35), service(lab, 36))
    config["limits"] = {"domains": 1, "queue": "4s"}
    daemon = lab.daemon(config).start(answers="jit.example")
    daemon.resolve(name(35))
    daemon.wait_woken("s35")
    asked = time.monotonic()
    response = daemon.query(name(36), timeout=30)
    waited = time.monotonic() - asked
    assert response.rcode == "SERVFAIL" and response.ede, str(response)
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
    assert response.addresses() == [ipv4(38)], str(response)
    daemon.wait_woken("s38")
    assert daemon.log_lines("making room: s37")
    assert not lab.domain("s37")
