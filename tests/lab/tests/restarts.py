"""Processes of the daemon die, end and reload; domains and DNS go on."""

import threading
import time

from harness import dns_client
from support.lab import limit
from support.site import ZONE, name, page, service, site, start, together


def first_answer(daemon, question, rtype="A", limit=60):
    """Asks every 50 ms; returns the seconds until the first answer that is not a failure."""
    started = time.monotonic()
    while True:
        asked = time.monotonic()
        try:
            if daemon.query(question, rtype, timeout=0.05).status == "NOERROR":
                return time.monotonic() - started
        except dns_client.NoAnswer:
            pass
        assert asked < started + limit, f"no answer for {question} in {limit} s"
        time.sleep(max(0.0, asked + 0.05 - time.monotonic()))


def new_pid(daemon, role, old):
    """Waits until another process has the role."""
    def changed():
        pid = daemon.pids().get(role)
        return pid if pid != old else None
    return changed


@limit(400)
def test_vmm_killed(lab):
    """After kill -9 of vmm the next one adopts running and paused domains; DNS answers meanwhile."""
    daemon = start(lab, service(lab, 40), service(lab, 41, idle={"after": "3s", "action": "pause"}))
    for number in (40, 41):
        daemon.resolve(name(number))
        daemon.wait_woken(f"s{number}")
    running, paused = lab.domain("s40"), lab.domain("s41")
    first = page(lab, 40)
    daemon.wait_log("paused s41")
    old = daemon.kill("vmm")
    assert daemon.query(name(40)).addresses, "no answer while vmm is away"
    assert daemon.query("ns1.jit.example").addresses == ["10.0.2.15"]
    killed = time.monotonic()
    daemon.wait_log("adopted s40: domid", str(running.domid), "running")
    daemon.wait_log("adopted s41: domid", str(paused.domid), "paused")
    lab.measured.update(adopted=f"{(time.monotonic() - killed) * 1000:.0f} ms after the kill")
    assert daemon.pids()["vmm"] != old
    assert page(lab, 40)["booted"] == first["booted"], "another boot"
    daemon.resolve(name(41))
    page(lab, 41)
    assert {lab.domain("s40").domid, lab.domain("s41").domid} == {running.domid, paused.domid}
    assert len(daemon.wakes("s40")) == 1, "woken again"
    daemon.wait_log("paused s41", times=2)


@limit(900)
def test_vmm_killed_while_creating(lab):
    """kill -9 of vmm at different moments of creates: the next query works, with one domain each."""
    daemon = start(lab, service(lab, 42), service(lab, 43))
    daemon.resolve(name(42))
    build = daemon.wait_woken("s42")["build"] / 1000
    seen = []

    def ask(number):
        try:
            daemon.query(name(number), timeout=0.01)
        except dns_client.NoAnswer:
            pass

    # Each kill hits two creates, the second begun half a build after the first.
    for turn, share in enumerate((0.05, 0.4, 0.9, 1.6), start=1):
        for domain in [d for d in map(lab.domain, ("s42", "s43")) if d]:
            lab.output("xl", "destroy", domain.name)
            daemon.wait_log(f"{domain.name}: domid {domain.domid} was destroyed")
        adopted, removed = daemon.log_lines("adopted s4"), daemon.log_lines("removing what is left")
        ask(42)
        time.sleep(build / 2)
        ask(43)
        time.sleep(build * share)
        ready = len(daemon.log_lines("vmm (pid", "is ready"))
        old = daemon.kill("vmm")
        lab.wait_until(new_pid(daemon, "vmm", old), 60, "a new vmm")
        for number in (42, 43):
            daemon.resolve(name(number))
            page(lab, number)
        # What a vmm finds half destroyed when it starts, and a front has given out the address of, it
        # builds anew.
        daemon.wait_log("vmm (pid", "is ready", times=ready + 1)
        ours = sorted(d.name for d in lab.domains().values() if d.name in ("s42", "s43", "(null)"))
        assert ours == ["s42", "s43"], f"kill {turn}: there are {ours}"
        seen.append(f"{len(daemon.log_lines('adopted s4')) - len(adopted)}"
                    f"+{len(daemon.log_lines('removing what is left')) - len(removed)}")
    lab.measured.update({"adopted+removed": " ".join(seen)})
    for number in (42, 43):
        lab.output("xl", "destroy", f"s{number}")
    lab.assert_no_trace(60)


@limit(300)
def test_front_killed(lab):
    """After kill -9 of front another answers at once, and the domains have not noticed."""
    daemon = start(lab, service(lab, 44))
    daemon.resolve(name(44))
    domid = daemon.wait_woken("s44")["domid"]
    first = page(lab, 44)
    vmm, took = daemon.pids()["vmm"], []
    for _ in range(3):
        old = daemon.kill("front")
        took.append(first_answer(daemon, name(44)))
        assert daemon.pids()["front"] != old
    assert daemon.pids()["vmm"] == vmm, "vmm did not survive it"
    assert lab.domain("s44").domid == domid and page(lab, 44)["booted"] == first["booted"]
    lab.measured.update(back="/".join(f"{seconds * 1000:.0f}" for seconds in took) + " ms")
    # A second on hardware; emulation starts a process 10 to 50 times slower.
    assert took[0] < 10, f"no answer for {took[0]:.1f} s"


@limit(400)
def test_parent_killed(lab):
    """After kill -9 of the parent all of it ends, domains run on, and the next start adopts them."""
    daemon = start(lab, service(lab, 45))
    daemon.resolve(name(45))
    domid = daemon.wait_woken("s45")["domid"]
    daemon.kill("parent")
    daemon.process.wait()
    lab.wait_until(lambda: not daemon.pids(), 60, "front and vmm to end")
    assert lab.domain("s45").domid == domid
    page(lab, 45)
    daemon.start(answers="jit.example")
    daemon.wait_log(f"adopted s45: domid {domid}, running")
    assert daemon.resolve(name(45)).addresses
    assert lab.domain("s45").domid == domid and len(daemon.wakes("s45")) == 1


@limit(500)
def test_sigterm(lab):
    """SIGTERM leaves domains, unless on_exit says destroy or they are being built; then adopted."""
    daemon = start(lab, service(lab, 46), service(lab, 47, on_exit="destroy"), service(lab, 48))
    together(leave=lambda: daemon.resolve(name(46)), destroy=lambda: daemon.resolve(name(47)))
    domid = daemon.wait_woken("s46")["domid"]
    daemon.wait_woken("s47")
    daemon.resolve(name(48))
    half_built = lab.domain("s48")
    ended = time.monotonic()
    assert daemon.stop() == 0, daemon.log()[-500:]
    lab.measured.update(stop=f"{(time.monotonic() - ended) * 1000:.0f} ms")
    left = {d.name: d.domid for d in lab.domains().values()}
    assert left.get("s46") == domid and "s47" not in left, left
    if half_built and half_built.paused:
        assert "s48" not in left, f"a domain that was not built to its end was left: {left}"
    daemon.start(answers="jit.example")
    daemon.wait_log(f"adopted s46: domid {domid}, running")
    daemon.resolve(name(46))
    assert lab.domain("s46").domid == domid


@limit(500)
def test_reload(lab):
    """SIGHUP adds and removes services, a bad file changes nothing, and no query is lost."""
    daemon = start(lab, service(lab, 49), service(lab, 50))
    for number in (49, 50):
        daemon.resolve(name(number))
        daemon.wait_woken(f"s{number}")
    kept = lab.domain("s49").domid
    lost, asked, stop = [], [], threading.Event()

    def stream():
        while not stop.is_set():
            for question in (name(49), "ns1.jit.example"):
                asked.append(question)
                try:
                    response = daemon.query(question)
                    if response.status != "NOERROR":
                        lost.append(str(response))
                except dns_client.NoAnswer as error:
                    lost.append(str(error))
            time.sleep(0.02)

    def reload(config, *words):
        daemon.write_config(config)
        times = len(daemon.log_lines(*words)) + 1
        daemon.reload()
        daemon.wait_log(*words, times=times)

    thread = threading.Thread(target=stream, daemon=True)
    thread.start()
    try:
        reload(site(service(lab, 49), service(lab, 51)), "reloaded: ")
        daemon.wait_log("destroying s50", "no longer configured")
        assert daemon.query(name(50)).status == "NXDOMAIN"
        reload(site(service(lab, 49), {**service(lab, 51), "memory": "sixteen"}),
               "kept the running configuration")
        assert daemon.query(name(50)).status == "NXDOMAIN"
        daemon.resolve(name(51))
        daemon.wait_woken("s51")
        reload(site(service(lab, 49), service(lab, 51), zone={**ZONE, "records": [
            "ns1 A 10.0.2.15", "new A 10.0.2.16"]}), "reloaded: ")
        assert daemon.query("new.jit.example").addresses == ["10.0.2.16"]
    finally:
        stop.set()
        thread.join()
    assert not lost, f"{len(lost)} of {len(asked)} queries were lost, such as {lost[0]}"
    page(lab, 51)
    lab.wait_until(lambda: not lab.domain("s50"), 120, "s50 to be gone")
    assert lab.domain("s49").domid == kept and len(daemon.wakes("s49")) == 1
    lab.measured.update(queries=len(asked))


@limit(300)
def test_second_daemon(lab):
    """A second daemon on the same host does not start, and the first one goes on."""
    daemon = start(lab, service(lab, 52))
    second = lab.daemon({**site(service(lab, 52)), "listen": ["127.0.0.1:5391"]}, "second")
    second.start()
    assert second.process.wait(120) == 1, second.log()
    assert second.log_lines("another summond runs"), second.log()
    assert daemon.resolve(name(52)).addresses
    daemon.wait_woken("s52")
