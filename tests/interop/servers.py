"""summond, NSD and Knot on loopback, from the same zone files."""

import os
import shutil
import socket
import struct
import time

from answers import Answer, parse

from harness import peers, server
from harness.dns import A, AAAA, SOA, query, text_of
from harness.dns_client import framed, read_frame
from harness.network import free_port, own_network

own_network()

IDENTITY, VERSION = "compare", "1.0"
PATIENCE = 60.0
FENCE = 0xFFFF  # ID of the query that ends a batch


def write(path, text):
    with open(path, "w", encoding="ascii") as f:
        f.write(text)
    return path


def quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


class Server(server.Server):
    """One running server. Subclasses say how it is configured."""

    def __init__(self, directory, world):
        self.directory = os.path.join(directory, f"{self.name}-{world.name}")
        super().__init__(f"{self.directory}/log")
        self.port, self.world = free_port(), world
        os.mkdir(self.directory, 0o755)
        self.start()

    def start(self):
        self.run(self.command(), cwd=self.directory)
        self.udp = socket.socket(type=socket.SOCK_DGRAM)
        self.udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.udp.connect(("127.0.0.1", self.port))

    def zone_file(self, zone):
        path = f"{self.directory}/{self.world.zones.index(zone)}.zone"
        return write(path, zone.text)

    def fence(self):
        return query(self.world.zones[0].apex, SOA, FENCE)

    def wait(self):
        """Until every zone is served and every service is up."""
        end = time.monotonic() + PATIENCE
        self.udp.settimeout(0.3)
        wanted = [(zone.apex, SOA) for zone in self.world.zones]
        wanted += [(service.owner, A) for service in self.world.services]
        wanted += [(service.owner, AAAA) for service in self.world.services]
        while wanted:
            name, rtype = wanted[0]
            try:
                self.udp.send(query(name, rtype, 7))
                if parse(self.udp.recv(65535), 7).rcode == 0:
                    wanted.pop(0)
                    continue
            except (TimeoutError, ConnectionRefusedError):
                pass
            if self.process.poll() is not None or time.monotonic() > end:
                raise SystemExit(f"{self.name} does not serve {text_of(name)}:\n{self.log()[-4000:]}")
            time.sleep(0.05)
        self.udp.settimeout(PATIENCE / 20)

    def ask_udp(self, messages):
        """Answers to messages, whose IDs are 0, 1, ... Servers handle what has come in batches, in
        any order within one (NSD, when it drops a message). So what has no answer before that to a
        query that was sent after an answer to a query behind them all gets none."""
        for message in messages:
            self.udp.send(message)
        got = {}
        for _ in range(2):
            self.udp.send(self.fence())
            while FENCE not in got:
                try:
                    answer = self.udp.recv(65535)
                except TimeoutError:
                    return self.hangs(messages)
                got[struct.unpack_from(">H", answer)[0]] = answer
            if len(got) > len(messages):
                break
            del got[FENCE]
        return [parse(got[i], i) if i in got else Answer("drop") for i in range(len(messages))]

    def hangs(self, messages):
        raise SystemExit(f"{self.name} does not answer any more:\n{self.log()[-4000:]}")

    def ask_tcp(self, messages):
        """The same over one connection, which the server may end."""
        got, ended = {}, False
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE / 20) as s:
            stream = s.makefile("rb")
            try:
                s.sendall(b"".join(map(framed, (*messages, self.fence()))))
                while FENCE not in got:
                    message = read_frame(stream)
                    if message is None:
                        ended = True
                        break
                    got[struct.unpack_from(">H", message)[0]] = message
            except (ConnectionResetError, BrokenPipeError):
                ended = True
            except TimeoutError:
                return self.hangs(messages)
        missing = "closed" if ended else "drop"
        return [parse(got[i], i) if i in got else Answer(missing) for i in range(len(messages))]

    def end(self):
        self.udp.close()
        try:
            self.stop(5)
        except server.Hung:
            pass  # Knot may, see hangs(); it has been killed


class Summond(Server):
    name = "summond"

    def command(self):
        text = f'listen: ["127.0.0.1:{self.port}"]\ncontrol: off\n'
        text += f"server: {{version: {VERSION!r}, identity: {IDENTITY}}}\nzones:\n"
        for zone in self.world.zones:
            text += f"  - name: {quoted(text_of(zone.apex))}\n    file: {self.zone_file(zone)}\n"
        if self.world.services:
            text += "services:\n"
        for service in self.world.services:
            text += (f"  - {{name: {service.name}, names: {text_of(service.owner)}, ttl: {service.ttl}, "
                     f"addresses: {service.addresses}, kernel: /none, idle: never}}\n")
        config = write(f"{self.directory}/summond.yaml", text)
        return [os.environ["SUMMOND"], "--config", config, "--simulate"]


class Peer(Server):
    """A server that summond is compared with."""

    def hangs(self, messages):
        """Goes on without it: Knot 3.2.6 falls into an endless loop now and then."""
        self.end()
        self.start()
        self.wait()
        return [Answer("hangs")] * len(messages)

    def zone_file(self, zone):
        path = super().zone_file(zone)
        if zone is self.world.zones[0]:
            with open(path, "a", encoding="ascii") as f:
                for service in self.world.services:
                    for address in service.addresses:
                        f.write(f"{text_of(service.owner)} {service.ttl} IN "
                                f"{'AAAA' if ':' in address else 'A'} {address}\n")
        return path


class Nsd(Peer):
    name = "nsd"

    def command(self):
        d = self.directory
        text = peers.nsd(d, "127.0.0.1", self.port, f"""\
  cookie-secret-file: "{d}/cookie"
  identity: "{IDENTITY}"
  version: "{VERSION}"
  nsid: "ascii_{IDENTITY}"
  minimal-responses: yes
""")
        for zone in self.world.zones:
            text += f"zone:\n  name: \"{text_of(zone.apex)}\"\n  zonefile: \"{self.zone_file(zone)}\"\n"
        return [shutil.which("nsd"), "-d", "-c", write(f"{d}/nsd.conf", text)]


class Knot(Peer):
    name = "knot"

    def command(self):
        d = self.directory
        text = peers.knot(d, "127.0.0.1", self.port, f"""\
  tcp-io-timeout: 0
  identity: {IDENTITY}
  version: "{VERSION}"
  nsid: {IDENTITY}
""") + """template:
  - id: default
    zonefile-sync: -1
    journal-content: none
zone:
"""
        for zone in self.world.zones:
            text += f"  - domain: \"{text_of(zone.apex)}\"\n    file: \"{self.zone_file(zone)}\"\n"
        return [shutil.which("knotd"), "-c", write(f"{d}/knot.conf", text)]


KINDS = (Summond, Nsd, Knot)
