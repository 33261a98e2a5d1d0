"""The packaged systemd unit."""

import json
import pathlib
import subprocess

from harness import dns_client
from support.daemon import BINARY
from support.lab import limit
from support.site import ZONE, name, service, site

TEMPLATE = "/opt/lab/summond.service.in"
UNIT = pathlib.Path("/run/systemd/system/summond.service")


def systemctl(*arguments):
    return subprocess.run(["systemctl", *arguments], capture_output=True, text=True, check=False,
                          timeout=120)


def main_pid():
    return systemctl("show", "--property=MainPID", "--value", "summond").stdout.strip()


def answers_of(question):
    return dns_client.ask(("127.0.0.1", 5390), question, "A", timeout=30)


@limit(400)
def test_reload_of_a_bad_file_fails(lab):
    """`systemctl reload` takes a good file over; with a bad one it fails, shows the mistake, and the
    daemon goes on with what it had."""
    etc = lab.directory / "etc"
    config = etc / "summond" / "summond.yaml"
    config.parent.mkdir(parents=True)
    text = pathlib.Path(lab.need(TEMPLATE)).read_text()
    lab.need(BINARY)
    for variable, value in (("SBINDIR", BINARY.parent), ("SYSCONFDIR", etc), ("DOCDIR", etc)):
        text = text.replace(f"@CMAKE_INSTALL_FULL_{variable}@", str(value))
    assert "@CMAKE" not in text, text

    def write(*services, records=()):
        zone = {**ZONE, "records": [*ZONE["records"], *records]}
        config.write_text(json.dumps({**site(*services, zone=zone), "state": str(etc / "state.db")},
                                     indent=1))

    UNIT.parent.mkdir(parents=True, exist_ok=True)
    UNIT.write_text(text)
    try:
        write(service(lab, 1))
        systemctl("daemon-reload")
        started = systemctl("start", "summond")
        assert started.returncode == 0, (started.stderr, systemctl("status", "summond").stdout)
        pid = main_pid()
        write(service(lab, 1), records=["new A 192.0.2.1"])
        reloaded = systemctl("reload", "summond")
        assert reloaded.returncode == 0, reloaded.stderr
        lab.wait_until(lambda: answers_of("new.jit.example").status == "NOERROR", 60,
                       "the new record")

        write(service(lab, 1, memory="16"), records=["newer A 192.0.2.2"])
        reloaded = systemctl("reload", "summond")
        assert reloaded.returncode != 0, "succeeded with a bad file"
        assert "failed" in reloaded.stderr, reloaded.stderr
        status = systemctl("status", "--lines=20", "--full", "summond").stdout
        assert 'memory is "16", without a unit' in status, status
        assert systemctl("is-active", "summond").stdout.strip() == "active"
        assert main_pid() == pid
        assert answers_of("newer.jit.example").status == "NXDOMAIN"
        assert answers_of("new.jit.example").status == "NOERROR"
        assert answers_of(name(1)).status == "NOERROR", "wakes as before"
    finally:
        systemctl("stop", "summond")
        UNIT.unlink()
        systemctl("daemon-reload")
        systemctl("reset-failed", "summond")
