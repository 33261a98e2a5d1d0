"""Idle domains that are shut down, or suspended to disk and restored (idle.py: destroy and pause)."""

import contextlib
import os
import pathlib
import subprocess
import time

from guests import linux
from harness import dns_client
from support import host
from support.lab import NO_SAVE, limit, not_on_arm
from support.site import ipv4, kernel_file, name, page, service, site, start, together

SAVES = pathlib.Path("/var/lib/summond")
SUSPEND = {"after": "6s", "action": "suspend"}


def saves(directory=SAVES):
    return sorted(path.name for path in directory.glob("*")) if directory.exists() else []


def wake(daemon, number, times=1):
    daemon.resolve(name(number))
    return daemon.wait_woken(f"s{number}", times=times)


def helper(mode):
    """Whether libxl's helper is saving or restoring now."""
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (entry / "cmdline").read_bytes().split(b"\0")
            if words[0].endswith(b"libxl-save-helper") and f"--{mode}-domain".encode() in words:
                return True
    return False


def forget(lab, daemon):
    """The services go, and with them what is saved of them."""
    daemon.write_config(site(service(lab, 79)))
    daemon.reload()
    lab.wait_until(lambda: not saves(), 120, "the files of services that are gone to go")


def await_gone(lab, number):
    lab.wait_until(lambda: not lab.domain(f"s{number}"), 120, f"s{number} to be gone")


@contextlib.contextmanager
def small_directory(path, size):
    path.mkdir(exist_ok=True)
    host.output("mount", "-t", "tmpfs", "-o", f"size={size},mode=700", "tmpfs", str(path))
    try:
        yield
    finally:
        subprocess.run(["umount", str(path)], check=True)
        path.rmdir()


@limit(1800)
def test_shutdown(lab):
    """`shutdown`: guests that obey power themselves off; one that does not is destroyed in time."""
    idle = {"after": "6s", "action": "shutdown", "timeout": "60s"}
    daemon = start(lab, service(lab, 70, idle=idle), linux(lab, 72, idle=idle),
                   service(lab, 71, options="--ignore-shutdown",
                           idle={**idle, "timeout": "10s"}))

    def obeys(number):
        wake(daemon, number)
        daemon.wait_log(f"shutting down s{number}: ", limit=600)
        daemon.wait_log(f"s{number}: domid", "powered off", limit=600)
        await_gone(lab, number)
        assert not daemon.log_lines(f"destroying s{number}")

    def ignores():
        wake(daemon, 71)
        daemon.wait_log("shutting down s71: ", limit=600)
        began = time.monotonic()
        try:  # while it is there and will not go
            daemon.query(name(71), timeout=0.01)
        except dns_client.NoAnswer:
            pass
        daemon.wait_log("destroying s71", "did not shut down within 10000 ms")
        assert time.monotonic() - began > 9
        daemon.wait_woken("s71", times=2)  # what was asked meanwhile
        page(lab, 71)

    together(unikernel=lambda: obeys(70), linux=lambda: obeys(72), ignores=ignores)


@limit(400)
def test_pause_linux(lab):
    """A Linux guest is paused like any other, and goes on where it was."""
    daemon = start(lab, linux(lab, 79, idle={"after": "8s", "action": "pause"}))
    daemon.resolve(name(79))
    domid = daemon.wait_woken("s79")["domid"]
    before = lab.http_get(ipv4(79), deadline=60)
    daemon.wait_log("paused s79: domid")
    lab.wait_until(lambda: lab.domain("s79").state == "--p---", 30, "s79 to be paused")
    assert daemon.query(name(79)).addresses == [ipv4(79)]
    assert lab.http_get(ipv4(79), deadline=60) == before, "another boot"
    assert lab.domain("s79").domid == domid, "another domain"


@not_on_arm(NO_SAVE)
@limit(2400)
def test_suspend(lab):
    """`suspend`: a PVH and a PV guest go on where they were, with nothing left of them meanwhile."""
    daemon = start(lab, service(lab, 73, idle=SUSPEND), linux(lab, 74, idle=SUSPEND))

    def pvh():
        wake(daemon, 73)
        for times in (1, 2):
            before = page(lab, 73)
            daemon.wait_log("suspended s73: ", times=times, limit=600)
            await_gone(lab, 73)
            assert [n for n in saves() if n.startswith("s73.")], f"no file in {saves()}"
            woke = wake(daemon, 73, times=times + 1)
            after = page(lab, 73)
            assert after["booted"] == before["booted"], f"another boot: {before}, then {after}"
            assert int(after["requests"]) == int(before["requests"]) + 1, f"{before}, {after}"
            assert not [n for n in saves() if n.startswith("s73.")], "the file is still there"
        lab.measured.update(restore=f"{woke['restore']} ms", ready=f"{woke['ready']} ms",
                            total=f"{woke['total']} ms")

    def pv():
        wake(daemon, 74)
        before = lab.http_get(ipv4(74), deadline=60)
        line = daemon.wait_log("suspended s74: ", limit=600)
        await_gone(lab, 74)
        files = [SAVES / n for n in saves() if n.startswith("s74.")]
        assert len(files) == 1 and files[0].name.endswith(".save"), files
        assert files[0].stat().st_mode & 0o777 == 0o600
        assert SAVES.stat().st_mode & 0o777 == 0o700
        lab.measured.update(linux_file=f"{files[0].stat().st_size >> 20} MiB",
                            linux_save=line.rsplit("save ", 1)[1])
        woke = wake(daemon, 74, times=2)
        assert lab.http_get(ipv4(74), deadline=60) == before, "another boot"
        lab.measured.update(linux_restore=f"{woke['restore']} ms")

    together(pvh=pvh, pv=pv)
    forget(lab, daemon)


@not_on_arm(NO_SAVE)
@limit(2400)
def test_suspend_refused(lab):
    """No room, or a guest that does not obey: paused. A broken or stale file: a cold boot."""
    small = pathlib.Path("/run/lab-saves")
    kernel = pathlib.Path(lab.need("/opt/lab/guest")).read_bytes()
    with small_directory(small, "8m"), kernel_file(kernel, "suspend") as own_kernel:
        config = site(service(lab, 75, idle=SUSPEND), service(lab, 76, idle=SUSPEND,
                                                              kernel=str(own_kernel)))
        daemon = lab.daemon({**config, "save_dir": str(small)}).start(answers="jit.example")
        wake(daemon, 75)
        booted = page(lab, 75)["booted"]
        daemon.wait_log("could not suspend s75: ", "no room", "this time it is paused", limit=600)
        daemon.wait_log("paused s75: ", limit=120)
        daemon.resolve(name(75))
        assert page(lab, 75)["booted"] == booted
        assert not saves(small)

        daemon.write_config(config)
        daemon.reload()
        daemon.wait_log("suspended s75: ", limit=600)
        await_gone(lab, 75)
        file = next(SAVES.glob("s75.*.save"))
        with open(file, "r+b") as broken:  # its first half is good
            broken.truncate(file.stat().st_size // 2)
        wake(daemon, 75, times=2)
        daemon.wait_log("s75 cannot be restored and is booted anew")
        assert page(lab, 75)["booted"] != booted
        assert not list(SAVES.glob("s75.*"))

        wake(daemon, 76)
        booted = page(lab, 76)["booted"]
        daemon.wait_log("suspended s76: ", limit=600)
        await_gone(lab, 76)
        os.utime(own_kernel)
        wake(daemon, 76, times=2)
        daemon.wait_log("s76 is not restored but booted anew")
        assert page(lab, 76)["booted"] != booted
        daemon.wait_log("suspended s76: ", times=2, limit=600)
        forget(lab, daemon)


@not_on_arm(NO_SAVE)
@limit(900)
def test_suspend_not_supported(lab):
    """A guest that takes no part in suspending is asked once; then it is paused, or destroyed."""
    idle = {"after": "6s", "action": "suspend"}
    options = "--ignore-shutdown"
    daemon = start(lab, service(lab, 62, idle=idle, options=options),
                   service(lab, 63, idle={**idle, "else": "destroy"}, options=options))

    def learns(number, how):
        def run():
            wake(daemon, number)
            before = page(lab, number)
            daemon.wait_log(f"could not suspend s{number}: ", "from now on it is", limit=600)
            daemon.wait_log(f"{how} s{number}: ", limit=120)
            for times in (2, 3):
                wake(daemon, number, times=times)
                after = page(lab, number)
                assert (after["booted"] == before["booted"]) == (how == "paused"), f"{after}"
                asked = time.monotonic()
                daemon.wait_log(f"{how} s{number}: ", times=times, limit=120)
                lab.measured.update({f"{how} {times}": f"{time.monotonic() - asked:.0f} s"})
            assert len(daemon.log_lines(f"could not suspend s{number}")) == 1, "asked again"
            assert len(daemon.log_lines(f"suspending s{number}")) == 1
        return run

    together(pause=learns(62, "paused"), destroy=learns(63, "destroying"))


@not_on_arm(NO_SAVE)
@limit(2400)
def test_suspend_and_kill(lab):
    """kill -9 of vmm during a save and during a restore: the guest goes on where it was."""
    daemon = start(lab, service(lab, 77, idle={"after": "15s", "action": "suspend"}))
    wake(daemon, 77)
    before = page(lab, 77)
    lab.wait_until(lambda: helper("save"), 600, "a save")
    daemon.kill("vmm")
    daemon.wait_log("adopted s77")
    after = page(lab, 77)
    assert after["booted"] == before["booted"], "another boot after the killed save"
    assert not list(SAVES.glob("*.saving"))
    daemon.wait_log("suspended s77: ", limit=600)
    await_gone(lab, 77)
    try:
        daemon.query(name(77), timeout=0.01)
    except dns_client.NoAnswer:
        pass
    lab.wait_until(lambda: helper("restore"), 60, "a restore")
    daemon.kill("vmm")
    daemon.resolve(name(77))
    last = page(lab, 77)
    assert last["booted"] == before["booted"], "another boot after the killed restore"
    assert int(last["requests"]) == int(before["requests"]) + 2
    assert len([d for d in lab.domains().values() if d.name == "s77"]) == 1
    assert not saves()


@not_on_arm(NO_SAVE)
@limit(1800)
def test_query_during_save(lab):
    """A query that comes during a save ends it; the guest goes on and the answer comes."""
    daemon = start(lab, service(lab, 78, idle={"after": "10s", "action": "suspend"}))
    domid = wake(daemon, 78)["domid"]
    before = page(lab, 78)
    lab.wait_until(lambda: helper("save"), 600, "a save")
    asked = time.monotonic()
    daemon.resolve(name(78))
    lab.measured.update(answer=f"{(time.monotonic() - asked) * 1000:.0f} ms")
    after = page(lab, 78)
    assert after["booted"] == before["booted"] and int(after["requests"]) > int(before["requests"])
    # Unless the save was over before the query came, it is the same domain.
    if daemon.log_lines("woke s78", "resume"):
        assert lab.domain("s78").domid == domid
    daemon.wait_log("suspending s78: ", times=2, limit=600)
    wake(daemon, 78, times=len(daemon.wakes("s78")))
