"""Resolvers that validate, with caches of denials (RFC 8198): Unbound, which is told where the zones are, and Knot
Resolver, which finds them from a root that NSD serves. The key of the topmost zone is their trust anchor."""

import os
import shutil
import subprocess

from zones import text_of

from harness import peers

SUMMOND, ROOT = "127.0.0.1", "127.0.0.3"


def start(command, directory, name, env=None):
    with open(f"{directory}/{name}.log", "wb") as log:
        return subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=directory, env=env)


def write(path, text):
    with open(path, "w", encoding="ascii") as f:
        f.write(text)
    return path


class Resolver:
    def __init__(self, world, directory):
        self.directory = directory
        self.processes = []
        self.begin(text_of(world.apex), world.ds)

    def run(self, command, name, env=None):
        self.processes.append(start(command, self.directory, name, env))

    def log(self):
        with open(f"{self.directory}/{self.name}.log", encoding="utf-8", errors="replace") as f:
            return f.read()

    def failures(self):
        """What it says of answers that it found bogus."""
        return [line for line in self.log().splitlines() if self.failure in line]

    def end(self):
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.wait()


class Unbound(Resolver):
    name, program, failure = "unbound", "unbound", "validation failure"
    address = ("127.0.0.2", 5301)

    def begin(self, apex, ds):
        d = self.directory
        conf = write(f"{d}/unbound.conf", f"""server:
  interface: {self.address[0]}@{self.address[1]}
  username: ""
  chroot: ""
  directory: "{d}"
  pidfile: ""
  use-syslog: no
  do-ip6: no
  do-daemonize: no
  do-not-query-localhost: no
  module-config: "validator iterator"
  aggressive-nsec: yes
  val-log-level: 2
  qname-minimisation: yes
  incoming-num-tcp: 100
  trust-anchor: "{ds}"
  local-zone: "test." nodefault
remote-control:
  control-enable: no
stub-zone:
  name: "{apex}"
  stub-addr: {SUMMOND}@53
""")
        self.run([shutil.which("unbound"), "-d", "-c", conf], self.name)


class KnotResolver(Resolver):
    name, program, failure = "knot-resolver", "kresd", "BOGUS"
    address = ("127.0.0.4", 5302)

    def begin(self, apex, ds):
        d = self.directory
        root = write(f"{d}/root.zone", ". 3600 SOA ns.root. h.root. 1 3600 600 864000 300\n. 3600 NS ns.root.\n"
                     f"ns.root. 3600 A {ROOT}\n{apex} 3600 NS ns.{apex}\nns.{apex} 3600 A {SUMMOND}\n")
        nsd = f"{d}/nsd"
        os.mkdir(nsd)
        conf = write(f"{nsd}/conf", peers.nsd(nsd, ROOT, 53) + f'zone:\n  name: "."\n  zonefile: "{root}"\n')
        self.run([shutil.which("nsd"), "-d", "-c", conf], "nsd")
        # `test` is nobody's, says RFC 6761; but here.
        conf = write(f"{d}/kresd.conf", f"""net.ipv6 = false
net.listen('{self.address[0]}', {self.address[1]}, {{ kind = 'dns' }})
cache.open(100 * MB, 'lmdb://{d}/cache')
modules.unload('ta_update')
modules.unload('ta_signal_query')
modules.unload('ta_sentinel')
modules.unload('priming')
modules.unload('detect_time_skew')
modules.load('hints > iterate')
hints.root({{ ['ns.root.'] = '{ROOT}' }})
option('ALLOW_LOCAL', true)
policy.add(policy.suffix(policy.PASS, {{ todname('test.') }}))
trust_anchors.remove('.')
trust_anchors.add([[{ds}]])
""")
        self.run([shutil.which("kresd"), "-n", "-c", conf, d], self.name)


KINDS = (Unbound, KnotResolver)


