"""IPv4 addresses that pages lease of a pool."""

import os
import signal

from support import host
from support.lab import limit
from support.site import site
from patterns import page, pages

POOL = "10.0.2.160/30"
ADDRESSES = ["10.0.2.161", "10.0.2.162"]
MARGIN = 10  # vm::Leases::margin


def leasing(lab, *ids, ttl=30, **changes):
    service = pages(lab, *ids, ttl=ttl, addresses=["fec0::/64", POOL],
                    cmdline="--ipv4={ipv4}/24 --ipv4-gateway=10.0.2.2 --ipv6={ipv6}/64 --name={id}", **changes)
    return site(service)


def titled(ident):
    return f"<title>{ident}</title>"


@limit(500)
def test_leases(lab):
    """A guest answers at the address that it leases; vmm, killed right after an answer, gives it to nobody else."""
    daemon = lab.daemon(leasing(lab, "one", "two", "three")).start(answers="jit.example")
    leased = {}
    for ident in ("one", "two"):
        # The answer is out: nothing else has happened since.
        leased[ident] = daemon.resolve(page(ident)).addresses[0]
        daemon.kill("vmm")
        assert titled(ident) in lab.http_get(leased[ident], deadline=120)
    assert sorted(leased.values()) == ADDRESSES, leased
    assert daemon.refusal(page("three")).ede[0][1] == "no IPv4 address is free for the service"
    for ident, address in leased.items():
        assert daemon.resolve(page(ident)).addresses == [address]
        assert daemon.resolve(page(ident), "AAAA").addresses
        assert titled(ident) in lab.http_get(address)


@limit(500)
def test_leases_outlive_all(lab):
    """All processes are killed right after an answer, and the domain with them: the address stays its page's."""
    config = leasing(lab, "one", "two", "three", ttl=60)
    daemon = lab.daemon(config).start(answers="jit.example")
    leased = {ident: daemon.resolve(page(ident)).addresses[0] for ident in ("one", "two")}
    for pid in daemon.pids().values():
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    lab.wait_until(lambda: not daemon.pids(), 60, "the end of all processes")
    for ident in leased:
        if domain := lab.domain(f"pages@{ident}"):
            host.output("xl", "destroy", str(domain.domid))
    again = lab.daemon(config, "again")
    again.start(answers="jit.example")
    assert again.refusal(page("three")).ede[0][1] == "no IPv4 address is free for the service"
    for ident, address in leased.items():
        assert again.resolve(page(ident)).addresses == [address], (ident, leased)
        assert titled(ident) in lab.http_get(address, deadline=120)


@limit(500)
def test_a_packet_wakes_a_leased_address(lab):
    """Whoever still has an answer finds the page that has the address, though it sleeps."""
    daemon = lab.daemon(leasing(lab, "one", "two", ttl=40, idle="2s")).start(answers="jit.example")
    address = daemon.resolve(page("one")).addresses[0]
    assert titled("one") in lab.http_get(address, deadline=120)
    daemon.wait_log("destroying pages@one", limit=240)
    lab.wait_until(lambda: not lab.domain("pages@one"), 60, "it to be gone")
    assert titled("one") in lab.http_get(address, deadline=120)
    assert daemon.log_lines("waking pages@one for tcp/80 from"), daemon.log()
