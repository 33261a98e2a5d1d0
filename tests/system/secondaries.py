"""NSD, Knot and BIND on loopback as secondaries of a daemon, as docs/SECONDARIES.md sets them up."""

import os
import shutil
import subprocess
import tempfile

from harness import server
from harness.network import free_port

os.environ["PATH"] += ":/usr/sbin:/sbin"


class Key:
    """A TSIG key, and its file."""

    def __init__(self, name="secondary.example", algorithm="hmac-sha256", secret="MTIzNDU2Nzg5MDEyMzQ1Ng=="):
        self.name, self.algorithm, self.secret = name, algorithm, secret

    def text(self):
        return f'key "{self.name}" {{\n\talgorithm {self.algorithm};\n\tsecret "{self.secret}";\n}};\n'

    def write(self, path, mode=0o600):
        with open(path, "w", encoding="ascii") as f:
            f.write(self.text())
        os.chmod(path, mode)
        return path

    def dig(self):
        return f"{self.algorithm}:{self.name}:{self.secret}"


class Secondary(server.Server):
    """One that has a zone from 127.0.0.1, port `primary`; with a key, or without."""

    def __init__(self, primary, zone="example.test", key=None, port=None):
        self.directory = tempfile.mkdtemp(prefix="summond-secondary-")
        os.chmod(self.directory, 0o755)
        super().__init__(f"{self.directory}/log")
        self.primary, self.zone, self.key = primary, zone, key
        self.port = port or free_port()
        with open(f"{self.directory}/conf", "w", encoding="ascii") as f:
            f.write(self.configuration())
        self.run(self.command(), cwd=self.directory)

    def end(self):
        try:
            self.stop(20)
        except server.Hung:
            pass  # it has been killed
        shutil.rmtree(self.directory, ignore_errors=True)


class Nsd(Secondary):
    program = "nsd"

    def command(self):
        return [shutil.which("nsd"), "-d", "-c", f"{self.directory}/conf"]

    def configuration(self):
        d, key = self.directory, self.key
        of_key = (f'key:\n  name: "{key.name}"\n  algorithm: {key.algorithm}\n  secret: "{key.secret}"\n'
                  if key else "")
        with_key = key.name if key else "NOKEY"
        return f"""server:
  server-count: 1
  ip-address: 127.0.0.1@{self.port}
  username: ""
  zonesdir: "{d}"
  database: ""
  pidfile: "{d}/nsd.pid"
  logfile: "{d}/log"
  zonelistfile: "{d}/zone.list"
  xfrdfile: "{d}/xfrd.state"
  xfrdir: "{d}"
  cookie-secret-file: "{d}/cookie"
  verbosity: 2
  rrl-ratelimit: 0
remote-control:
  control-enable: no
{of_key}zone:
  name: {self.zone}
  request-xfr: 127.0.0.1@{self.primary} {with_key}
  allow-notify: 127.0.0.1 {with_key}
  provide-xfr: 127.0.0.1 NOKEY
"""


class Knot(Secondary):
    program = "knotd"

    def command(self):
        return [shutil.which("knotd"), "-c", f"{self.directory}/conf"]

    def configuration(self):
        d, key = self.directory, self.key
        of_key = (f"key:\n  - id: {key.name}\n    algorithm: {key.algorithm}\n    secret: {key.secret}\n"
                  if key else "")
        with_key = f"    key: {key.name}\n" if key else ""
        return f"""server:
  rundir: "{d}"
  udp-workers: 1
  tcp-workers: 1
  background-workers: 1
  listen: 127.0.0.1@{self.port}
log:
  - target: stderr
    any: info
database:
  storage: "{d}"
{of_key}remote:
  - id: summond
    address: 127.0.0.1@{self.primary}
{with_key}acl:
  - id: from-summond
    address: 127.0.0.1
{with_key}    action: notify
  - id: anybody
    address: 127.0.0.1
    action: transfer
zone:
  - domain: {self.zone}
    storage: "{d}"
    master: summond
    acl: [from-summond, anybody]
"""


class Bind(Secondary):
    program = "named"

    def command(self):
        return [shutil.which("named"), "-g", "-n", "1", "-c", f"{self.directory}/conf"]

    def configuration(self):
        d, key = self.directory, self.key
        with_key = f" key {key.name}" if key else ""
        who = f"key {key.name}" if key else "127.0.0.1"
        return f"""options {{
  directory "{d}"; pid-file none; session-keyfile none; managed-keys-directory "{d}";
  listen-on port {self.port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};
  recursion no; dnssec-validation no; allow-transfer {{ 127.0.0.1; }};
}};
controls {{ }};
{key.text() if key else ""}zone "{self.zone}" {{
  type secondary; file "{d}/zone"; masterfile-format text;
  primaries {{ 127.0.0.1 port {self.primary}{with_key}; }};
  allow-notify {{ {who}; }};
}};
"""


KINDS = [kind for kind in (Nsd, Knot, Bind) if shutil.which(kind.program)]


def dig(port, *arguments, key=None, timeout=60):
    """What dig prints of 127.0.0.1."""
    command = ["dig", "@127.0.0.1", "-p", str(port), "+time=20", "+tries=1", "+nocmd"]
    if key:
        command += ["-y", key.dig()]
    done = subprocess.run(command + list(arguments), capture_output=True, text=True, timeout=timeout,
                          check=False)
    return done.stdout + done.stderr


def canonical(zone, text):
    """The records of a zone file, sorted, as BIND writes them."""
    done = subprocess.run(["named-compilezone", "-q", "-i", "none", "-k", "ignore", "-n", "ignore",
                           "-m", "ignore", "-M", "ignore", "-S", "ignore", "-T", "ignore", "-r",
                           "ignore", "-s", "full", "-o", "-", zone, "/dev/stdin"],
                          input=text, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise AssertionError(f"{done.stdout[-2000:]}{done.stderr[-2000:]}\n{text[:2000]}")
    return sorted(" ".join(line.split()) for line in done.stdout.splitlines() if line)


def transferred(port, zone="example.test", key=None, serial=None):
    """The records that a server gives of a zone."""
    kind = "axfr" if serial is None else f"ixfr={serial}"
    text = dig(port, zone, kind, "+onesoa", "+nocomments", "+nostats", key=key)
    return canonical(zone, "\n".join(line for line in text.splitlines() if "\tTSIG\t" not in line))
