"""NSD, Knot and BIND as secondaries of a daemon, as docs/SECONDARIES.md sets them up."""

import os
import shutil
import subprocess

from . import peers, server
from .network import free_port

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


class Secondary(server.Lodger):
    """One that has a zone from `host`, port `primary`; with a key, or without. It is at `address` itself."""

    def __init__(self, primary, zone="example.test", key=None, port=None, host="127.0.0.1", address="127.0.0.1"):
        super().__init__("summond-secondary-")
        self.primary, self.zone, self.key = primary, zone, key
        self.host, self.address = host, address
        self.port = port or free_port()
        with open(f"{self.directory}/conf", "w", encoding="ascii") as f:
            f.write(self.configuration())
        self.run(self.command(), cwd=self.directory)


class Nsd(Secondary):
    program = "nsd"

    def command(self):
        return [shutil.which("nsd"), "-d", "-c", f"{self.directory}/conf"]

    def configuration(self):
        d, key = self.directory, self.key
        of_key = (f'key:\n  name: "{key.name}"\n  algorithm: {key.algorithm}\n  secret: "{key.secret}"\n'
                  if key else "")
        with_key = key.name if key else "NOKEY"
        server_ = f'  cookie-secret-file: "{d}/cookie"\n  verbosity: 2\n'
        return peers.nsd(d, self.address, self.port, server_) + f"""{of_key}zone:
  name: {self.zone}
  request-xfr: {self.host}@{self.primary} {with_key}
  allow-notify: {self.host} {with_key}
  provide-xfr: {self.address} NOKEY
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
        return peers.knot(d, self.address, self.port, log="info") + f"""{of_key}remote:
  - id: summond
    address: {self.host}@{self.primary}
{with_key}acl:
  - id: from-summond
    address: {self.host}
{with_key}    action: notify
  - id: anybody
    address: {self.address}
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
        who = f"key {key.name}" if key else self.host
        of_family, other = ("-v6", "") if ":" in self.address else ("", "-v6")
        return f"""options {{
  directory "{d}"; pid-file none; session-keyfile none; managed-keys-directory "{d}";
  listen-on{of_family} port {self.port} {{ {self.address}; }}; listen-on{other} {{ none; }};
  recursion no; dnssec-validation no; allow-transfer {{ {self.address}; }};
}};
controls {{ }};
{key.text() if key else ""}zone "{self.zone}" {{
  type secondary; file "{d}/zone"; masterfile-format text;
  primaries {{ {self.host} port {self.primary}{with_key}; }};
  allow-notify {{ {who}; }};
}};
"""


KINDS = [kind for kind in (Nsd, Knot, Bind) if shutil.which(kind.program)]


def dig(port, *arguments, key=None, timeout=200, address="127.0.0.1"):
    """What dig prints of a server."""
    command = ["dig", f"@{address}", "-p", str(port), "+time=60", "+tries=1", "+nocmd"]
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


def transferred(port, zone="example.test", key=None, serial=None, address="127.0.0.1"):
    """The records that a server gives of a zone."""
    kind = "axfr" if serial is None else f"ixfr={serial}"
    text = dig(port, zone, kind, "+onesoa", "+nocomments", "+nostats", key=key, address=address)
    return canonical(zone, "\n".join(line for line in text.splitlines() if "\tTSIG\t" not in line))
