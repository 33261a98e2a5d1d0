"""An administrator acts on domains of summond's with xl, beside it."""

import pathlib
import subprocess
import time

from harness import dns_client
from support import host
from support.lab import NO_SAVE, limit, not_on_arm
from support.site import ipv4, name, page, service, start, together


def wake(daemon, number, times=1):
    daemon.resolve(name(number))
    return daemon.wait_woken(f"s{number}", times=times)["domid"]


def paused(lab, number):
    domain = lab.domain(f"s{number}")
    return domain is not None and domain.state == "--p---"


@limit(600)
def test_unpause_by_hand(lab):
    """What summond has paused and somebody unpauses is awake: by query and by packet, no new domain."""
    idle = {"after": "6s", "action": "pause"}
    daemon = start(lab, service(lab, 20, idle=idle), service(lab, 21, idle=idle, ports=["tcp/80"]))

    def goes_on(number, ask):
        def run():
            domid = wake(daemon, number)
            before = page(lab, number)
            for times in (1, 2):
                daemon.wait_log(f"paused s{number}: domid", times=times, limit=200)
                lab.wait_until(lambda: paused(lab, number), 60, f"s{number} to be paused")
                host.output("xl", "unpause", f"s{number}")
                ask()
                after = page(lab, number)
                assert after["booted"] == before["booted"], "another boot"
                assert lab.domain(f"s{number}").domid == domid, "another domain"
            assert not daemon.log_lines(f"could not wake s{number}")
        return run

    together(query=goes_on(20, lambda: daemon.resolve(name(20))),
             packet=goes_on(21, lambda: None))  # but the page's
    daemon.wait_log("paused s20: domid", times=3, limit=200)


@limit(600)
def test_pause_by_hand(lab):
    """What somebody else has paused is not put away, and goes on when he unpauses it."""
    daemon = start(lab, service(lab, 22, idle="5s"))
    domid = wake(daemon, 22)
    before = page(lab, 22)
    host.output("xl", "pause", "s22")
    daemon.wait_log("s22: domid", "was paused by somebody else", limit=120)
    time.sleep(15)  # three times its idle time
    assert paused(lab, 22) and not daemon.log_lines("destroying s22")
    host.output("xl", "unpause", "s22")
    after = page(lab, 22)
    assert after["booted"] == before["booted"] and lab.domain("s22").domid == domid
    daemon.wait_log("destroying s22", "idle", limit=120)


@not_on_arm(NO_SAVE)
@limit(900)
def test_save_by_hand(lab):
    """`xl save`: left alone, the state is in its file, the next query builds anew. `save -c`: goes on."""
    daemon = start(lab, service(lab, 23), service(lab, 24))
    file = pathlib.Path("/run/lab-by-hand.save")

    def saved():
        wake(daemon, 23)
        page(lab, 23)
        saving = subprocess.Popen(["xl", "save", "s23", str(file)], stdout=subprocess.DEVNULL,
                                  stderr=subprocess.PIPE, text=True)
        _, said = saving.communicate(timeout=300)
        assert saving.returncode == 0, f"xl save: {said}"
        size = file.stat().st_size
        assert size > 16 << 20, f"the file has {size} octets of a guest of 16 MiB"
        daemon.wait_log("s23: domid", "was suspended by somebody else")
        daemon.wait_log("s23: domid", "was taken away")
        assert not daemon.log_lines("destroying s23")
        lab.measured.update(file=f"{size >> 20} MiB")
        # What xl makes of it is his, whatever its UUID.
        host.output("xl", "restore", str(file))
        restored = lab.domain("s23").domid
        daemon.kill("vmm")
        daemon.wait_log(f"domid {restored} has a UUID of ours", limit=120)
        try:
            daemon.query(name(23), timeout=0.01)
        except dns_client.NoAnswer:
            pass
        daemon.wait_log("could not wake s23")
        assert lab.domain("s23").domid == restored, "summond has ended somebody else's domain"
        host.output("xl", "destroy", "s23")
        daemon.resolve(name(23))
        page(lab, 23)

    def checkpointed():
        domid = wake(daemon, 24)
        before = page(lab, 24)
        host.output("xl", "save", "-c", "s24", str(file) + "c")
        daemon.wait_log("s24: domid", "runs again", limit=120)
        after = page(lab, 24)
        assert after["booted"] == before["booted"] and lab.domain("s24").domid == domid
        try:
            lab.http_get(ipv4(24), "/crash", deadline=0)
        except AssertionError:
            pass  # it is dead before it can answer
        daemon.wait_log(f"s24: domid {domid} crashed")  # it is watched still

    checkpointed()
    saved()
    for left in pathlib.Path("/run").glob("lab-by-hand.save*"):
        left.unlink()


@limit(600)
def test_reboot_by_hand(lab):
    """`xl reboot` and `xl shutdown` by hand: built again at once, the first time; reaped."""
    daemon = start(lab, service(lab, 25), service(lab, 26))

    def reboot():
        first = wake(daemon, 25)
        page(lab, 25)
        host.output("xl", "reboot", "s25")
        daemon.wait_log(f"s25: domid {first} asked for a reboot")
        assert daemon.wait_woken("s25", 2)["domid"] != first
        page(lab, 25)
        assert not daemon.log_lines("s25: domid", "before it")

    def shutdown():
        first = wake(daemon, 26)
        page(lab, 26)
        host.output("xl", "shutdown", "s26")
        daemon.wait_log(f"s26: domid {first} powered off")
        lab.wait_until(lambda: not lab.domain("s26"), 120, "s26 to be gone")
        wake(daemon, 26, times=2)

    together(reboot=reboot, shutdown=shutdown)
