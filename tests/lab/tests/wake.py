"""A domain's life begins: what a query does."""

import pathlib
import time

from harness import dns_client
from support import host
from support.lab import LINUX_KERNEL, LINUX_RAMDISK, LINUX_TYPE, UNIKERNEL, by_name_only, limit
from support.site import Created, ipv4, ipv6, name, page, service, start, together


@limit(300)
def test_cold_wake(lab):
    """A query for a sleeping service is answered, and its page is there when a client connects."""
    daemon = start(lab, service(lab, 0))
    assert not lab.domain("s0"), "the domain runs before anybody asked"
    asked = time.monotonic()
    response = daemon.resolve(name(0))
    answered = time.monotonic() - asked
    assert response.addresses == [ipv4(0)], str(response)
    assert response.aa and [record.ttl for record in response.answer] == [5], str(response)
    assert page(lab, 0)["name"] == "s0"
    served = time.monotonic() - asked
    woke = daemon.wait_woken("s0")
    assert lab.domain("s0").domid == woke["domid"], f"{lab.domain('s0')}, log: {woke}"
    lab.measured.update(answer=f"{answered * 1000:.0f} ms", build=f"{woke['build']} ms",
                        ready=f"{woke['ready']} ms", page=f"{served * 1000:.0f} ms")
    assert set(daemon.pids()) == {"parent", "front", "vmm", "wire", "control"}, f"processes: {daemon.pids()}"
    daemon.stop()
    assert lab.domain("s0"), "the domain did not survive the daemon's orderly end"


@limit(400)
def test_second_query(lab):
    """While a service boots, `booting` answers at once, `ready` when it is; neither starts two."""
    def booting():
        daemon.resolve(name(1))
        lab.wait_until(lambda: lab.domain("s1"), 60, "the domain of s1")
        asked = time.monotonic()
        response = daemon.query(name(1))
        took = time.monotonic() - asked
        assert not daemon.wakes("s1"), "it was ready before the second query: nothing is shown"
        assert response.addresses == [ipv4(1)], str(response)
        lab.measured.update(booting=f"{took * 1000:.0f} ms")

    def ready():
        def ask():
            assert daemon.resolve(name(2)).addresses == [ipv4(2)]
            lab.http_get(ipv4(2), deadline=0, patience=60)  # once, and it is there
        together(first=ask, second=ask)

    domains = Created()
    delay = "--ready-delay=4000"
    daemon = start(lab, service(lab, 1, answer="booting", options=delay),
                   service(lab, 2, answer="ready", options=delay))
    together(booting=booting, ready=ready)
    daemon.wait_woken("s1")
    daemon.wait_woken("s2")
    assert len(daemon.wakes("s1") + daemon.wakes("s2")) == 2, "a service was woken twice"
    assert domains.end() == 2, "more than two domains were created"


@limit(300)
def test_many_queries(lab):
    """200 queries at the same time, UDP and TCP, make one domain and are all answered."""
    daemon = start(lab, service(lab, 3))
    domains = Created()
    results = []

    def udp():
        questions = [(name(3), "A" if i % 2 else "AAAA") for i in range(180)]
        results.extend(response for response, _ in dns_client.concurrent(daemon.server, questions, 30))

    def tcp():
        results.append(daemon.query(name(3), tcp=True))

    together(udp=udp, **{f"tcp{i}": tcp for i in range(20)})
    answered = [response for response in results if response]
    assert len(answered) == 200, f"{200 - len(answered)} of 200 queries without an answer"
    bad = [str(response) for response in answered if not response.addresses]
    assert not bad, f"{len(bad)} of 200 queries failed, such as {bad[0]}"
    woke = daemon.wait_woken("s3")
    assert domains.end() == 1, "more than one domain was created"
    assert len(daemon.wakes("s3")) == 1, "woken twice"
    page(lab, 3)
    lab.measured.update(build=f"{woke['build']} ms")


@limit(400)
def test_several_at_once(lab):
    """Four services woken at once all come up, and their domains are built side by side."""
    numbers = range(4, 8)
    daemon = start(lab, *(service(lab, n) for n in numbers))
    names = {f"s{n}" for n in numbers}
    responses, at_once = [], [0]

    def ask():
        responses.extend(dns_client.concurrent(daemon.server, [(name(n), "A") for n in numbers], 30))

    def watch():
        while not all(daemon.wakes(name) for name in names):
            built = [d for d in lab.domains().values() if d.name in names and d.paused]
            at_once.append(len(built))

    together(ask=ask, watch=watch)
    assert max(at_once) >= 2, "no two domains were being built at the same time"
    for n, (response, _) in zip(numbers, responses):
        response = response if response and response.status == "NOERROR" else daemon.resolve(name(n))
        assert response.addresses == [ipv4(n)], str(response)
        page(lab, n)
    totals = [daemon.wakes(name)[-1]["total"] for name in names]
    lab.measured.update(at_once=max(at_once), slowest=f"{max(totals)} ms")


@limit(400)
def test_linux_guest(lab):
    """A Linux guest, PV where there is that, and an IPv6-only question: both wake, serve, and idle away."""
    def linux():
        daemon.resolve("s8.jit.example")
        lab.measured.update(linux=f"{daemon.wait_woken('s8')['total']} ms")
        body = lab.http_get(ipv4(8), deadline=60)
        assert "s8: a Linux guest" in body, f"another page: {body}"
        assert "s8: a Linux guest" in lab.http_get(ipv6(8))
        assert host.output("xl", "list", "-l", "s8").count(f'"type": "{LINUX_TYPE}"') >= 1
        daemon.wait_log("destroying s8", "idle")

    def aaaa():
        response = daemon.resolve(name(9), "AAAA")
        assert response.addresses == [ipv6(9)], str(response)
        daemon.wait_woken("s9")
        assert "<title>s9</title>" in lab.http_get(ipv6(9), deadline=60)
        daemon.wait_log("destroying s9", "idle")

    idle = {"after": "15s"}
    guest = service(lab, 8, type=LINUX_TYPE, kernel=lab.need(LINUX_KERNEL), memory="96MiB", idle=idle,
                    ramdisk=lab.need(LINUX_RAMDISK),
                    cmdline="name={name} ipv4={ipv4}/24 ipv6={ipv6}/64 gw=10.0.2.2")
    daemon = start(lab, guest, service(lab, 9, idle=idle))
    together(linux=linux, aaaa=aaaa)
    lab.assert_no_trace(120)


@limit(600)
def test_beside_xl_create(lab):
    """The same guest woken by a query and made by `xl create`, in turns: what each takes."""
    daemon = start(lab, service(lab, 10))
    created, woken = [], []
    for turn in range(1, 3):
        created.append(lab.xl_create(
            "beside", type="pvh", kernel=lab.need(UNIKERNEL), memory=16, shadow_memory=2,
            vif=["bridge=xenbr0"], cmdline="--ipv4=10.0.2.98/24 --name=beside"))
        lab.output("xl", "destroy", "beside")
        daemon.resolve(name(10))
        wake = daemon.wait_woken("s10", turn)
        woken.append(round(wake["build"] + wake["unpause"]))
        lab.output("xl", "destroy", "s10")
        daemon.wait_log("s10: domid", "destroyed by somebody else", times=turn)
    lab.measured.update(xl_create="/".join(f"{seconds * 1000:.0f}" for seconds in created) + " ms",
                        summond="/".join(map(str, woken)) + " ms (build + unpause)")


@limit(900)
@by_name_only("it measures, for docs/OPERATIONS.md")
def test_xenstoreds_part(lab):
    """Twelve cold wakes one after the other, with spare vifs: what they take, and what xenstored's part is."""
    pid = host.xenstored()
    which = pathlib.Path(f"/proc/{pid}/exe").readlink().name
    daemon = start(lab, service(lab, 11))
    builds, parts = [], []
    for turn in range(1, 13):
        time.sleep(4)  # for a spare vif, which is made when nothing else is done
        before = host.cpu_ms(pid)
        daemon.resolve(name(11))
        builds.append(daemon.wait_woken("s11", turn)["build"])
        parts.append(host.cpu_ms(pid) - before)
        lab.output("xl", "destroy", "s11")
        daemon.wait_log("s11: domid", "destroyed by somebody else", times=turn)
    lab.measured.update(xenstored=which, build=f"{sorted(builds)[6]} ms", fastest=f"{min(builds)} ms",
                        slowest=f"{max(builds)} ms", xenstoreds_cpu=f"{sorted(parts)[6]} ms")
