"""Debian's package on a real dom0: installed, upgraded while domains run and queries come, removed,
purged."""

import json
import pathlib
import shutil
import subprocess
import threading

from harness import dns_client
from support import host
from support.lab import limit
from support.site import ipv4, name, page, service, site

PACKAGES = pathlib.Path("/opt/lab/package")
CONFIG = pathlib.Path("/etc/summond/summond.yaml")
SAVES = pathlib.Path("/var/lib/summond")
SERVER = ("127.0.0.1", 5390)
# Tenths of `systemd-analyze security`; docs/SECURITY.md says what they are for.
EXPOSURE = 57


def run(*command, **named):
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300, **named)
    assert done.returncode == 0, f"{' '.join(map(str, command))}: {done.stdout}{done.stderr}"
    return done.stdout


def apt(*arguments):
    return run("apt-get", "-o", "Dpkg::Use-Pty=0", "--yes", "--no-install-recommends", *arguments,
               env={"DEBIAN_FRONTEND": "noninteractive", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})


def state(unit="summond"):
    return subprocess.run(["systemctl", "is-active", unit], capture_output=True, text=True,
                          check=False).stdout.strip()


def main_pid():
    return int(run("systemctl", "show", "--property=MainPID", "--value", "summond"))


def newer(package, directory):
    """The same package as version 99."""
    tree = directory / "newer"
    run("dpkg-deb", "--raw-extract", package, tree)
    control = tree / "DEBIAN/control"
    lines = control.read_text().splitlines()
    control.write_text("\n".join("Version: 99" if line.startswith("Version: ") else line
                                 for line in lines) + "\n")
    run("dpkg-deb", "--build", tree, directory / "newer.deb")
    shutil.rmtree(tree)
    return directory / "newer.deb"


class Asking:
    """One query after the other, for a name of the zone and for a running service."""

    def __init__(self):
        self.asked, self.lost = 0, []
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self):
        while not self._end.wait(0.02):
            question = ("ns1.jit.example", name(1))[self.asked % 2]
            self.asked += 1
            try:
                answer = dns_client.ask(SERVER, question, "A", timeout=30)
                if answer.status != "NOERROR" or not answer.addresses:
                    self.lost.append(f"{question}: {answer}")
            except (dns_client.NoAnswer, OSError) as error:
                self.lost.append(f"{question}: {error!r}")

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._end.set()
        self._thread.join()


@limit(900)
def test_package(lab):
    """apt installs it, an upgrade loses no query and no domain, and nothing is left after a purge."""
    package = next(iter(PACKAGES.glob("summond_*.deb")), PACKAGES / "summond.deb")
    lab.need(package)
    before = set(pathlib.Path("/etc").rglob("*summond*"))
    disk = lab.directory / "disk.img"
    try:
        apt("install", str(package))
        assert state() == "inactive", "nothing to start without a configuration"
        assert run("systemctl", "is-enabled", "summond").strip() == "enabled"
        assert run("getent", "passwd", "summond")
        assert run("man", "--path", "summond") if shutil.which("man") else True
        run("systemd-analyze", "security", f"--threshold={EXPOSURE}", "summond")
        run("sh", "-ex", PACKAGES / "answers")

        disk.write_bytes(b"\0" * (1 << 20))
        run("modprobe", "loop")  # this dom0 has no kmod-static-nodes.service, by which opening it would do
        CONFIG.write_text(json.dumps(site(
            service(lab, 1),
            service(lab, 2, disks=[{"path": str(disk), "device": "xvda"}], idle={"after": "1h", "action": "suspend"}))))
        run("summond", "check", CONFIG)
        run("systemctl", "start", "summond")
        assert dns_client.ask(SERVER, name(1), "A", timeout=120).addresses == [ipv4(1)]
        lab.wait_until(lambda: lab.domain("s1") is not None, 60, "its domain")
        domid, pid = lab.domain("s1").domid, main_pid()
        # What the unit allows is enough for block scripts and saves.
        for _ in range(2):
            run("summonctl", "wake", "s2", "--wait", "ready")
            page(lab, 2)
            run("summonctl", "sleep", "s2")
            lab.wait_until(lambda: not lab.domain("s2"), 120, "s2 to be suspended")
            assert list(SAVES.rglob("*s2*")), "there is no save"
        upgrade = newer(package, lab.directory)

        with Asking() as asking:
            lab.wait_until(lambda: asking.asked > 50, 60, "queries before")
            apt("install", str(upgrade))
            asked = asking.asked
            lab.wait_until(lambda: asking.asked > asked + 50, 60, "queries after")
        assert not asking.lost, f"{len(asking.lost)} of {asking.asked}: {asking.lost[:3]}"
        assert run("dpkg-query", "--show", "--showformat=${Version}", "summond") == "99"
        assert state() == "active" and main_pid() != pid, "it was not started anew"
        assert lab.domain("s1").domid == domid, "another domain"
        lab.measured.update(asked=asking.asked, lost=len(asking.lost))

        # A crash of the parent is no more to those who ask.
        with Asking() as asking:
            lab.wait_until(lambda: asking.asked > 50, 60, "queries before")
            pid = main_pid()
            run("kill", "-9", str(pid))
            lab.wait_until(lambda: main_pid() not in (0, pid), 60, "another parent")
            asked = asking.asked
            lab.wait_until(lambda: asking.asked > asked + 50, 60, "queries after")
        assert not asking.lost, f"{len(asking.lost)} of {asking.asked}: {asking.lost[:3]}"
        assert lab.domain("s1").domid == domid, "another domain"

        apt("remove", "summond")
        assert state() == "inactive" and CONFIG.exists()
        assert lab.domain("s1").domid == domid, "a domain goes on without the daemon"
        SAVES.mkdir(exist_ok=True)
        (SAVES / "a-save").write_text("")
        apt("purge", "summond")
        assert not SAVES.exists() and CONFIG.exists(), "the administrator's file stays, state goes"
    finally:
        subprocess.run(["apt-get", "purge", "--yes", "summond"], check=False, capture_output=True)
        shutil.rmtree(CONFIG.parent, ignore_errors=True)
        for domain in "s1", "s2":
            subprocess.run(["xl", "destroy", domain], check=False, capture_output=True)
    left = set(pathlib.Path("/etc").rglob("*summond*")) - before
    assert not left, f"left in /etc: {left}"
    assert "summond" not in host.output("nft", "list", "tables")
