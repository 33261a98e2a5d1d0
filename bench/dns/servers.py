"""The servers that are compared: how each is configured, started and stopped. All on loopback, with
minimal responses, no rate limiting, no logging of queries, and as many workers as asked for."""

import contextlib
import pathlib
import re
import shutil
import subprocess
import time

import zones

from harness import peers, server
from harness.network import free_port

SERVER_CPU, GENERATOR_CPU = 0, 1
COOKIE_SECRET = "0123456789abcdef0123456789abcdef"
PATIENCE = 120.0  # for a start with a large zone on a busy machine


class BenchError(Exception):
    """Something a person should read as one message, without a traceback."""


class Server(server.Server):
    """One server on a port of its own. `directory` is its own, `zone_file` may be shared."""

    def __init__(self, name, directory, zone_file, workers=1, cpus=(SERVER_CPU,)):
        self.name = name
        self.directory = pathlib.Path(directory)
        self.zone_file = zone_file
        self.workers = workers
        self.cpus = cpus
        self.port = free_port()
        super().__init__(self.directory / "log")
        self.directory.mkdir()

    # -- What a server has of its own

    program = None
    version_option = "-v"
    probe, answer = "svc7", zones.address(7)

    def command(self):
        """Writes the configuration; the argument vector."""
        raise NotImplementedError

    # -- What all have in common

    @classmethod
    def version(cls):
        done = subprocess.run([cls.program, cls.version_option], capture_output=True, text=True,
                              check=False)
        return re.search(r"\d+\.\d+[\w.+-]*", done.stdout + done.stderr).group()

    def write(self, name, text):
        path = self.directory / name
        path.write_text(text, encoding="ascii")
        return path

    def start(self, watch=lambda pid: None):
        """Returns when it gives the right answer; seconds from the exec until then. Calls
        watch(pid) meanwhile."""
        command = ["taskset", "-c", ",".join(map(str, self.cpus)), *self.command()]
        began = time.monotonic()
        self.run(command, start_new_session=True)
        while zones.ask(self.port, self.probe, 0.01) != self.answer:
            watch(self.pid)
            if self.process.poll() is not None or time.monotonic() - began > PATIENCE:
                raise BenchError(f"{self.name} does not answer; the end of its log:\n{self.log_end()}")
            time.sleep(0.001)
        return time.monotonic() - began

    def log_end(self):
        return "\n".join(self.log().splitlines()[-20:])

    def end(self):
        with contextlib.suppress(server.Hung):  # it has been killed
            self.stop()
        self.process = None


class Echo(Server):
    """The bound: answers without looking. It has no zone."""

    program = "bench_echo"
    answer = "10.0.0.1"

    @classmethod
    def version(cls):
        return None

    def command(self):
        return [self.program, str(self.port), "--workers", str(self.workers)]


class Summond(Server):
    program = "summond"
    version_option = "--version"
    services = 0  # names that are services: all names of the zone but those beside svcN

    def command(self):
        config = [f'listen: "127.0.0.1:{self.port}"\ncontrol: off\n', f"workers: {self.workers}\n",
                  "log: {level: warn}\n", "rate_limit: off\n",
                  f"cookies: {{secret: {COOKIE_SECRET}}}\n", "zones:\n",
                  f"  - name: {zones.ZONE}\n", f"    file: {self.zone_file}\n"]
        if self.services:
            config += ["defaults: {kernel: /nonexistent, ttl: 5, idle: never}\n", "services:\n"]
            config += [f"  - {{name: svc{i}, names: svc{i}.{zones.ZONE}, addresses: "
                       f'["{zones.address(i)}", "{zones.address6(i)}"]}}\n'
                       for i in range(self.services)]
        file = self.write("summond.yaml", "".join(config))
        return [self.program, "--config", str(file), "--simulate"]


class SummondServices(Summond):
    """Its names are those of services, all of them up."""

    services = 1000

    def __init__(self, name, directory, zone_file, **named):
        super().__init__(name, directory, directory / "zone", **named)
        zones.write_zone(self.zone_file, 0)

    def start(self, watch=lambda pid: None):
        seconds = super().start(watch)
        for i in range(self.services):
            if zones.ask(self.port, f"svc{i}", PATIENCE) != zones.address(i):
                raise BenchError(f"svc{i} does not wake; the end of the log:\n{self.log_end()}")
        return seconds


class Nsd(Server):
    program = "nsd"

    def command(self):
        d = self.directory
        server_ = f"""\
  reuseport: {"yes" if self.workers > 1 else "no"}
  answer-cookie: yes
  cookie-secret: "{COOKIE_SECRET}"
  cookie-secret-file: "{d}/none"
  minimal-responses: yes
  tcp-count: 200
"""
        file = self.write("nsd.conf", peers.nsd(d, "127.0.0.1", self.port, server_, self.workers) + f"""\
zone:
  name: "{zones.ZONE}"
  zonefile: "{self.zone_file}"
""")
        return [self.program, "-d", "-c", str(file)]


class Knot(Server):
    program = "knotd"
    version_option = "-V"
    cookies = False  # a module, which costs every query something

    def command(self):
        d = self.directory
        file = self.write("knot.conf", peers.knot(d, "127.0.0.1", self.port, workers=self.workers) + f"""\
mod-cookies:
  - id: secret
    secret: "0x{COOKIE_SECRET}"
template:
  - id: default
    {"global-module: mod-cookies/secret" if self.cookies else ""}
zone:
  - domain: {zones.ZONE}
    storage: "{d}"
    file: "{self.zone_file}"
    zonefile-sync: -1
    zonefile-load: whole
    journal-content: none
""")
        return [self.program, "-c", str(file)]


class KnotCookies(Knot):
    cookies = True


class Pdns(Server):
    program = "pdns_server"
    version_option = "--version"

    def command(self):
        d = self.directory
        file = self.write(
            "named.conf", f'zone "{zones.ZONE}" {{ type master; file "{self.zone_file}"; }};\n')
        return [self.program, "--no-config", "--daemon=no", "--guardian=no", "--launch=bind",
                f"--bind-config={file}", "--bind-check-interval=0", "--local-address=127.0.0.1",
                f"--local-port={self.port}", f"--socket-dir={d}", "--distributor-threads=1",
                f"--receiver-threads={self.workers}", "--signing-threads=1",
                "--retrieval-threads=1", "--max-tcp-connections=200", "--loglevel=3",
                "--log-dns-queries=no", "--security-poll-suffix=",
                f"--edns-cookie-secret={COOKIE_SECRET}"]


class Bind(Server):
    program = "named"

    def command(self):
        d = self.directory
        file = self.write("named.conf", f"""\
options {{
  directory "{d}";
  listen-on port {self.port} {{ 127.0.0.1; }};
  listen-on-v6 {{ none; }};
  pid-file none;
  session-keyfile none;
  recursion no;
  minimal-responses yes;
  dnssec-validation no;
  empty-zones-enable no;
  allow-query {{ any; }};
  allow-transfer {{ none; }};
  notify no;
  querylog no;
  tcp-clients 1000;
  answer-cookie yes;
  cookie-secret "{COOKIE_SECRET}";
}};
controls {{ }};
logging {{ category default {{ null; }}; }};
zone "{zones.ZONE}" {{ type primary; file "{self.zone_file}"; }};
""")
        # A copy: Debian's AppArmor profile keeps /usr/sbin/named out of this directory.
        program = d / "named"
        shutil.copy(shutil.which(self.program), program)
        return [str(program), "-f", "-n", str(self.workers), "-c", str(file)]


PEERS = {"knot": Knot, "nsd": Nsd, "pdns": Pdns, "bind": Bind}


@contextlib.contextmanager
def stopping(servers):
    """Stops them at the end."""
    try:
        yield servers
    finally:
        for each in servers:
            each.end()


@contextlib.contextmanager
def running(servers):
    """All of them, started; stopped at the end."""
    with stopping(servers):
        for each in servers:
            each.start()
        yield servers
