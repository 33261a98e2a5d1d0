"""What fails is said, cleaned up, and tried again later."""

import pathlib
import subprocess
import time

from support.lab import UNIKERNEL, limit
from support.site import (Created, ipv4, kernel_file, name, page, service, site, start,
                          together)


def assert_refused(response, what):
    """SERVFAIL with an Extended DNS Error that names the cause."""
    assert response.status == "SERVFAIL", f"{what}: {response}"
    assert response.ede and response.ede[0][1], f"{what}: no Extended DNS Error: {response}"


def failures(daemon, number):
    return daemon.log_lines(f"could not wake s{number}: ")


@limit(400)
def test_cannot_be_built(lab):
    """A garbage kernel, none, and too little memory: SERVFAIL, the cause, backoff, no trace."""
    causes = {30: "No such file", 31: "s31: ", 32: "not enough memory"}
    with kernel_file(None) as missing, kernel_file(b"not a kernel\n" * 1000, "garbage") as garbage:
        services = [service(lab, 30, kernel=str(missing)), service(lab, 31, kernel=str(garbage)),
                    service(lab, 32, memory="3GiB")]
        daemon = start(lab, *services)

        def refused(number):
            daemon.refusal(name(number))
            assert causes[number] in failures(daemon, number)[0], failures(daemon, number)
            # Until there is a longer backoff than the test's own pace can miss.
            lab.wait_until(lambda: daemon.query(name(number)) and "in 8 s" in
                           failures(daemon, number)[-1], 120, "a backoff of 8 s")
            tries = len(failures(daemon, number))
            asked = time.monotonic()
            assert_refused(daemon.query(name(number)), "a query during the backoff")
            took = time.monotonic() - asked
            assert len(failures(daemon, number)) == tries, "tried again during the backoff"
            lab.measured.update({f"s{number}": f"{tries} tries, refused in {took * 1000:.0f} ms"})

        together(missing=lambda: refused(30), garbage=lambda: refused(31),
                 memory=lambda: refused(32))
        lab.assert_no_trace()
        for file in (missing, garbage):
            file.write_bytes(pathlib.Path(UNIKERNEL).read_bytes())
        daemon.write_config(site(*services[:2], service(lab, 32)))
        daemon.reload()
        daemon.wait_log("reloaded: ")
        for number in causes:
            daemon.resolve(name(number))
            daemon.wait_woken(f"s{number}")
            page(lab, number)


@limit(400)
def test_fails_to_boot(lab):
    """A guest that crashes while booting, or is not ready in time: SERVFAIL, destroyed, backoff."""
    def fails(number, cause, last_line):
        def run():
            response = daemon.query(name(number))
            while not failures(daemon, number):  # waiting took longer than a query may wait
                assert_refused(response, "while it boots")
                response = daemon.query(name(number))
            line = failures(daemon, number)[0]
            assert cause in line and "next try in 1 s" in line, line
            assert f'its console ends with "{last_line}' in line, line
            assert_refused(response, "the query that saw it fail")
            lab.wait_until(lambda: not lab.domain(f"s{number}"), 120, "the domain to be gone")
        return run

    domains = Created()
    # By name only: a query that has waited for as long as one may is refused, too.
    daemon = start(lab, service(lab, 33, answer="ready", wake="dns",
                                options="--ready-delay=60000 --crash-after=300"),
                   service(lab, 34, answer="ready", wake="dns", options="--no-ready",
                           ready={"xenstore": "data/ready", "timeout": "3s"}))
    together(crash=fails(33, "crashed while booting", "panic: crashing after 300 ms, as told"),
             unready=fails(34, "not ready within 3000", ""))
    created = domains.end()
    tries = len(failures(daemon, 33) + failures(daemon, 34))
    lab.assert_no_trace(120)
    assert created <= tries + 2, f"{created} domains were created for {tries} failures"
    lab.measured.update(created=created, failures=tries)


@limit(900)
def test_short_lives(lab):
    """Guests that end soon after they are ready, to be restarted: later and later; clients are told."""
    domains = Created()
    daemon = start(lab, service(lab, 38, options="--exit-after=1500", on_poweroff="restart"),
                   service(lab, 39, options="--crash-after=1500", on_crash="restart"))

    def restarts(number, words):
        def run():
            daemon.resolve(name(number))
            daemon.wait_log(f"s{number}: domid", words, "built again in 8 s", limit=400)
            response = daemon.query(name(number))
            assert_refused(response, "while it waits")
            assert "keeps ending" in response.ede[0][1], str(response)
            lines = [line for line in daemon.log_lines(f"s{number}: domid", words)
                     if "built again in" in line]
            waits = [int(line.rsplit("built again in ", 1)[1].split()[0]) for line in lines]
            assert waits == [1, 2, 4, 8], f"{waits}"
            assert not daemon.log_lines(f"could not wake s{number}")
            # A restart that nobody asks for comes all the same.
            wakes = len(daemon.wakes(f"s{number}"))
            daemon.wait_woken(f"s{number}", times=wakes + 1, limit=120)
        return run

    began = time.monotonic()
    together(poweroff=restarts(38, "powered off"), crash=restarts(39, "crashed"))
    lab.measured.update(created=domains.end(), seconds=f"{time.monotonic() - began:.0f}")


@limit(600)
def test_meant_to_end(lab):
    """`ready: ends`: a guest that does its work and powers off, over and over, is no failure."""
    daemon = start(lab, service(lab, 28, options="--exit-after=300 --no-ready", ready="ends"),
                   service(lab, 29, options="--exit-after=300 --no-ready",
                           answer="ready", ready={"xenstore": "data/ready", "timeout": "3m"}))
    for times in (1, 2, 3):
        response = daemon.query(name(28))
        assert response.addresses == [ipv4(28)], str(response)
        daemon.wait_log("s28: domid", "powered off", times=times)
        lab.wait_until(lambda: not lab.domain("s28"), 120, "s28 to be gone")
    assert not failures(daemon, 28)
    # One that was meant to become ready: the reason is said as it was.
    response = daemon.query(name(29))
    assert_refused(response, "the query that saw it end")
    assert "powered off" in response.ede[0][1], str(response)


@limit(600)
def test_disk_cannot_be_added(lab):
    """A disk whose block script fails: the log has the script's own words."""
    image = pathlib.Path("/run/lab-disk.img")
    image.write_bytes(b"\0" * (1 << 20))
    blocked = pathlib.Path("/etc/modprobe.d/lab-no-loop.conf")
    try:
        subprocess.run(["modprobe", "-r", "loop"], check=False)
        blocked.write_text("install loop /bin/false\n")
        daemon = start(lab, service(lab, 27, disks=[{"path": str(image), "device": "xvda"}]))
        daemon.refusal(name(27))
        line = daemon.wait_log("could not wake s27: ", limit=120)
        said = line.partition("unable to add disk devices: ")[2]
        assert "loop" in said, line
        lab.measured.update(said=said.partition(" (")[0])
        subprocess.run(["modprobe", "-i", "loop"], check=True)
        daemon.resolve(name(27))
        page(lab, 27)
        lab.output("xl", "destroy", "s27")
        lab.assert_no_trace()
    finally:
        blocked.unlink(missing_ok=True)
        image.unlink()


@limit(500)
def test_domain_ends(lab):
    """A domain that crashes, powers off or is destroyed by hand is reaped; a query wakes it anew."""
    def ends(number, end, words):
        def run():
            daemon.resolve(name(number))
            first = daemon.wait_woken(f"s{number}")["domid"]
            page(lab, number)
            ended = time.monotonic()
            end()
            daemon.wait_log(f"s{number}: domid {first} {words}")
            noticed = time.monotonic() - ended
            lab.wait_until(lambda: first not in lab.domains(), 120, f"domain {first} to be gone")
            daemon.resolve(name(number))
            assert daemon.wait_woken(f"s{number}", 2)["domid"] != first
            assert int(page(lab, number)["requests"]) <= 1, "the page counts the old domain's"
            lab.measured.update({words.split()[0]: f"noticed in {noticed * 1000:.0f} ms"})
        return run

    def crash():
        try:
            lab.http_get(ipv4(35), "/crash", deadline=0)
        except AssertionError:
            pass  # it is dead before it can answer

    daemon = start(lab, *(service(lab, n) for n in (35, 36, 37)))
    together(crash=ends(35, crash, "crashed"),
             poweroff=ends(36, lambda: lab.http_get(ipv4(36), "/exit"), "powered off"),
             destroy=ends(37, lambda: lab.output("xl", "destroy", "s37"), "was destroyed"))
    assert sum(len(daemon.wakes(f"s{n}")) for n in (35, 36, 37)) == 6
    assert {d.name for d in lab.domains().values()} >= {"s35", "s36", "s37"}
