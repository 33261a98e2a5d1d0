"""`lab`, what each test is given: the host with its before and after, the client, daemons."""

import pathlib
import platform
import subprocess
import time

from harness.waiting import wait_until

from . import host
from .daemon import BINARY, Daemon
from .net import Client, http_get, ping

GUESTS = pathlib.Path("/opt/lab")
LINUX_KERNEL = GUESTS / "linux" / "vmlinuz"
LINUX_RAMDISK = GUESTS / "linux" / "initrd"
UNIKERNEL = GUESTS / "guest"
ARM = platform.machine() == "aarch64"
LINUX_TYPE = "pvh" if ARM else "pv"  # what the Linux guest runs as
# Why tests are not for ARM.
NO_PV = "Xen has no PV guests on ARM"
NO_SAVE = "Xen saves no domains on ARM"


class Skip(Exception):
    """A test cannot run because something was not given to the lab."""


def limit(seconds):
    """Decorator: the test may take that long (default: 180 s)."""
    def mark(test):
        test.limit = seconds
        return test
    return mark


def by_name_only(why):
    """Decorator: the test runs when it is named, or with --all."""
    def mark(test):
        test.by_name_only = why
        return test
    return mark


def not_on_arm(why):
    """Decorator: what the test is about is not there on ARM."""
    def mark(test):
        test.not_on_arm = why
        return test
    return mark


def for_arm(why):
    """Decorator: there is no need of it elsewhere, but by name or with --all."""
    def mark(test):
        test.for_arm = why
        return test
    return mark


class Lab:
    def __init__(self, directory):
        self.directory = directory  # of this test's files; brought back to the host
        self.directory.mkdir(parents=True, exist_ok=True)
        self.before = host.Snapshot.take()
        self.foreign = set()        # names of domains that stay from test to test
        self._daemons = []
        self._client = None
        self.measured = {}          # what a test wants to be told beside its line

    # The tools, within reach of each test.
    http_get = staticmethod(http_get)
    ping = staticmethod(ping)
    wait_until = staticmethod(wait_until)
    domain = staticmethod(host.domain)
    domains = staticmethod(host.domains)
    output = staticmethod(host.output)
    links = staticmethod(host.links)
    xenstore_read = staticmethod(host.xenstore_read)

    @property
    def client(self):
        """Another host on the bridge, made at first use."""
        if self._client is None:
            self._client = Client()
        return self._client

    def need(self, path):
        if not pathlib.Path(path).exists():
            raise Skip(f"{path} is not in dom0")
        return str(path)

    def daemon(self, config, name="summond"):
        """A Daemon that is stopped when the test ends; the caller starts it."""
        self.need(BINARY)
        daemon = Daemon(config, self.directory, name)
        self._daemons.append(daemon)
        return daemon

    def xl_create(self, name, **settings):
        """`xl create` of a domain from xl.cfg settings; returns the seconds it took."""
        lines = [f"{key} = {_xl_value(value)}" for key, value in {"name": name, **settings}.items()]
        file = self.directory / f"{name}.cfg"
        file.write_text("\n".join(lines) + "\n")
        started = time.monotonic()
        host.output("xl", "create", str(file))
        return time.monotonic() - started

    def assert_no_trace(self, seconds=30):
        """Nothing is left of any domain that came since the test began.

        While a daemon runs, its spare vifs are none: they are for domains to come."""
        end = time.monotonic() + seconds
        while True:
            now = host.Snapshot.take()
            if any(daemon.process is not None for daemon in self._daemons):
                now = now.without_spares()
            traces = now.traces(self.before)
            if self._client is not None:
                traces = [trace for trace in traces if trace != "interface client0"]
            if any(daemon.pids() for daemon in self._daemons):  # it has its taps
                traces = [trace for trace in traces if not trace.startswith("interface summond")]
            if not traces:
                return
            assert time.monotonic() < end, f"left over after {seconds} s: {', '.join(traces)}"
            time.sleep(0.3)

    def clean(self):
        """Ends what the test started; returns what was wrong with it, one text each."""
        problems = []
        for daemon in self._daemons:
            try:
                daemon.stop()
            except AssertionError as error:
                problems.append(str(error))
        for domain in host.domains().values():
            if domain.domid not in self.before.domids and domain.name not in self.foreign:
                subprocess.run(["xl", "destroy", str(domain.domid)], check=False, timeout=60,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if self._client is not None:
            self._client.remove()
            self._client = None
        try:
            self.assert_no_trace()
        except AssertionError as error:
            problems.append(f"after the test: {error}")
            self._sweep()
        return problems

    def _sweep(self):
        """Removes a failed test's traces, so that the next test starts clean."""
        for trace in host.Snapshot.take().traces(self.before):
            kind, _, what = trace.rpartition(" ")
            command = {"interface": ["ip", "link", "del", what],
                       "xenstore": ["xenstore-rm", what],
                       "loop device": ["losetup", "-d", f"/dev/{what}"],
                       "saved domain": ["rm", "-f", f"/var/lib/summond/{what}"],
                       "domain": ["xl", "destroy", what]}[kind]
            subprocess.run(command, check=False, timeout=60, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)


def _xl_value(value):
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_xl_value, value)) + "]"
    return str(value) if isinstance(value, int) else f'"{value}"'
