"""Many domains at the same time."""

import time

from harness import dns_client
from support.lab import limit
from support.site import Created, ipv4, name, page, service, start, together

MANY = range(60, 80)


def ask_until_answered(daemon, numbers, seconds):
    """All at once, as resolvers do: whoever got no address asks again. How often each was asked."""
    asked = dict.fromkeys(numbers, 0)
    waiting = list(numbers)
    end = time.monotonic() + seconds
    while waiting:
        assert time.monotonic() < end, f"no address of {waiting} in {seconds} s"
        responses = dns_client.concurrent(daemon.server, [(name(n), "A") for n in waiting], 15)
        for number, (response, _) in zip(waiting, responses):
            asked[number] += 1
            assert response is None or response.status in ("NOERROR", "SERVFAIL"), str(response)
        waiting = [n for n, (response, _) in zip(waiting, responses)
                   if response is None or not response.addresses]
    return asked


@limit(900)
def test_many_at_once(lab):
    """Twenty services queried in the same second all come up, one domain each; nothing is left."""
    daemon = start(lab, *(service(lab, n) for n in MANY))
    domains = Created()
    started = time.monotonic()
    asked = ask_until_answered(daemon, MANY, 600)
    answered = time.monotonic() - started
    for number in MANY:
        daemon.wait_woken(f"s{number}", limit=600)
    ready = time.monotonic() - started
    assert domains.end() == len(MANY), "not one domain for each service"
    failed = daemon.log_lines("could not wake")
    assert not failed, f"{len(failed)} wakes failed, such as: {failed[0]}"
    builds = [daemon.wakes(f"s{number}")[0]["build"] for number in MANY]
    together(**{f"s{number}": lambda n=number: page(lab, n) for number in MANY})
    lab.measured.update(answered=f"{answered:.1f} s", ready=f"{ready:.1f} s",
                        fastest_build=f"{min(builds)} ms", slowest_build=f"{max(builds)} ms",
                        asked_again=sum(asked.values()) - len(MANY))
    ids = [domain.domid for domain in lab.domains().values()
           if domain.name in {f"s{number}" for number in MANY}]
    assert len(ids) == len(MANY), f"{len(ids)} domains run"
    # They go at once, too, by somebody else's hand.
    together(**{f"s{number}": lambda n=number: lab.output("xl", "destroy", f"s{n}", timeout=300)
                for number in MANY})
    lab.assert_no_trace(300)
    assert daemon.resolve(name(MANY[0])).addresses == [ipv4(MANY[0])]
    page(lab, MANY[0])


@limit(300)
def test_spare_vifs(lab):
    """A daemon keeps vifs for domains to come: a wake takes one; none survives the daemon, nor a
    vmm that was killed."""
    def spares():
        return {link for link in lab.links() if link.startswith("vif")} - owned()

    def owned():
        return {f"vif{domid}.0" for domid in lab.domains()}

    daemon = start(lab, service(lab, 80), service(lab, 81))
    lab.wait_until(lambda: len(spares()) == 2, 120, "two spare vifs")
    before = spares()
    daemon.resolve(name(80))
    domid = daemon.wait_woken("s80")["domid"]
    assert f"vif{domid}.0" in before, f"domain {domid} did not get one of {before}"
    page(lab, 80)
    lab.wait_until(lambda: len(spares()) == 2, 120, "a spare in the place of the one that was taken")
    old = spares()
    pid = daemon.kill("vmm")
    lab.wait_until(lambda: daemon.pids().get("vmm") not in (None, pid), 60, "a new vmm")
    lab.wait_until(lambda: len(spares()) == 2 and not spares() & old, 120, "spares of the new vmm's")
    assert lab.domain("s80").domid == domid, "the domain that ran does not run any more"
    page(lab, 80)
    daemon.stop()
    lab.wait_until(lambda: not spares(), 60, "no spare vifs after the daemon")
