"""Resolvers on loopback that validate what a daemon says of its zones."""

import os
import shutil

from harness import server
from harness.dns import Message, query
from harness.dns_client import exchange
from harness.network import free_port
from harness.waiting import wait_until

os.environ["PATH"] += ":/usr/sbin:/sbin"
PATIENCE = 30.0


class Unbound(server.Lodger):
    """Asks 127.0.0.1, port `port`, for `zones` ({name: DS records, a line each}); believes denials for
    all that they cover (RFC 8198)."""

    def __init__(self, port, zones):
        super().__init__("summond-validator-")
        self.port = free_port()
        anchors = "".join(f'  trust-anchor: "{ds}"\n' for records in zones.values()
                          for ds in records.splitlines())
        stubs = "".join(f'stub-zone:\n  name: "{name}"\n  stub-addr: 127.0.0.1@{port}\n'
                        for name in zones)
        with open(f"{self.directory}/conf", "w", encoding="ascii") as f:
            f.write(f"""server:
  interface: 127.0.0.1@{self.port}
  do-daemonize: no
  use-syslog: no
  username: ""
  chroot: ""
  directory: "{self.directory}"
  pidfile: "{self.directory}/pid"
  do-not-query-localhost: no
  module-config: "validator iterator"
  aggressive-nsec: yes
  val-log-level: 2
  num-threads: 1
  local-zone: "test." nodefault
  local-zone: "8.b.d.0.1.0.0.2.ip6.arpa." nodefault
{anchors}{stubs}remote-control:
  control-enable: no
""")
        self.run([shutil.which("unbound"), "-d", "-c", f"{self.directory}/conf"])
        wait_until(lambda: "start of service" in self.log(), PATIENCE, "unbound")

    def ask(self, name, qtype, ident=1):
        """Its answer; ad: it has been validated."""
        return Message(exchange(("127.0.0.1", self.port),
                                query(name, qtype, ident, edns=1232, rd=True, dnssec_ok=True), PATIENCE))

    def bogus(self):
        """What it says of answers that did not validate."""
        return self.log_lines("validation failure")
