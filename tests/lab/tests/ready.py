"""When a guest counts as ready, and what becomes of one that dies before."""

import time

from support.lab import limit
from support.site import ipv4, name, service, start, together

LATE = 3000  # ms after its entry that a guest listens


@limit(400)
def test_ready_tcp(lab):
    """`ports` names tcp/80: ready is when it accepts; refusals and silence before are no matter. With
    http/80, when its web server answers, 404 though it be."""
    ready = {"timeout": "3m"}  # how is left to `ports`

    def late(number):
        def run():
            asked = time.monotonic()
            assert daemon.resolve(name(number)).addresses == [ipv4(number)]
            answered = time.monotonic() - asked
            # The first connect is accepted, if late where a query could not wait so long.
            lab.http_get(ipv4(number), deadline=0, patience=60)
            woke = daemon.wait_woken(f"s{number}")
            assert woke["ready"] >= LATE * 0.8, f"ready before it listened: {woke}"
            lab.measured[f"s{number}"] = f"ready {woke['ready']} ms, answer {answered:.1f} s"
        return run

    def far(number, rrtype="A"):
        """dom0 has no address in its network, and there is no router: the port is tried all the
        same."""
        def run():
            daemon.resolve(name(number), rrtype)
            woke = daemon.wait_woken(f"s{number}")
            assert woke["ready"] >= LATE * 0.8, f"ready before it listened: {woke}"
            lab.measured[f"s{number}"] = f"ready {woke['ready']} ms"
        return run

    ports = ["tcp/80", "icmp"]
    daemon = start(lab, service(lab, 70, answer="ready", ports=ports, ready=ready,
                                options=f"--listen-delay={LATE}"),
                   service(lab, 71, answer="ready", ports=ports, ready=ready,
                           options=f"--listen-delay={LATE} --refuse-early"),
                   service(lab, 72, ports=ports, ready=ready, addresses=["192.0.2.72"],
                           cmdline="--ipv4={ipv4}/24 --name={name} "
                                   f"--listen-delay={LATE}"),
                   service(lab, 75, answer="ready", ready={"http": 80, "timeout": "3m"},
                           options=f"--listen-delay={LATE} --refuse-early"),
                   service(lab, 76, ready={"http": 80, "path": "/nothing", "timeout": "3m"},
                           addresses=["192.0.2.76"],
                           cmdline="--ipv4={ipv4}/24 --name={name} "
                                   f"--listen-delay={LATE}"),
                   service(lab, 74, ports=ports, ready=ready, addresses=["2001:db8::72"],
                           cmdline="--ipv6={ipv6}/64 --name={name} "
                                   f"--listen-delay={LATE}"))
    together(silent=late(70), refuses=late(71), far=far(72), far_ipv6=far(74, "AAAA"),
             http=late(75), far_http=far(76))


@limit(300)
def test_longer_than_a_query_waits(lab):
    """With `answer: ready` a guest that needs 20 s: where packets are held, the first query gets its
    address after 10 s, and the page comes; elsewhere SERVFAIL."""
    slow = {"answer": "ready", "ports": ["tcp/80"], "ready": {"timeout": "3m"},
            "options": "--listen-delay=20000"}
    daemon = start(lab, service(lab, 77, **slow), service(lab, 78, wake="dns", **slow))

    def held():
        asked = time.monotonic()
        response = daemon.query(name(77))
        took = time.monotonic() - asked
        assert response.addresses == [ipv4(77)], str(response)
        assert took >= 9, f"answered after {took:.1f} s"
        assert not daemon.wakes("s77"), "it was ready before: nothing is shown"
        lab.http_get(ipv4(77), deadline=60)
        assert time.monotonic() - asked >= 19
        lab.measured["s77"] = f"answer {took:.1f} s, page {time.monotonic() - asked:.1f} s"

    def not_held():
        assert daemon.query(name(78)).status == "SERVFAIL"

    together(held=held, not_held=not_held)


@limit(300)
def test_powers_off_while_booting(lab):
    """An orderly poweroff before it was ready is a failed wake: SERVFAIL, reaped, backoff."""
    daemon = start(lab, service(lab, 73, answer="ready", ports="tcp/80", ready="tcp/80",
                                options="--listen-delay=60000 --exit-after=500"))
    daemon.refusal(name(73))
    line = daemon.log_lines("could not wake s73: the domain powered off while booting")[0]
    assert "next try in 1 s" in line, line
    lab.assert_no_trace(120)
