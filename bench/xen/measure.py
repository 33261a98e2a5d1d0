#!/usr/bin/python3
"""The part of `scripts/bench xen` that runs in the lab's dom0: measure.py OPTIONS_JSON RESULT_FILE.

Domains are woken or created in turns, one of each kind a round, and destroyed before the next. Each
measurement is a dict of milliseconds. Progress goes to standard output."""

import json
import pathlib
import select
import shlex
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
sys.path.insert(0, "/opt/lab/tests")

from support import host  # noqa: E402
from harness import dns, dns_client  # noqa: E402
from support.daemon import BINARY, Daemon  # noqa: E402
from support.lab import UNIKERNEL  # noqa: E402
from harness.waiting import wait_until  # noqa: E402

TOOLS = pathlib.Path(__file__).resolve().parent
BRIDGE = "xenbr0"
SCRIPT = "/etc/xen/scripts/vif-bridge"
SO_TIMESTAMPNS = 35  # asm-generic/socket.h
SPARES = 4  # that summond keeps, if it has as many services
RUNNING = 5  # queries to a service that is up, in each round
LIMIT = 300  # seconds for one domain to be up, on a machine that does other work
ZONE = {"name": "jit.example", "ns": "ns1.jit.example", "records": ["ns1 A 10.0.2.15"]}


class Guest:
    """The test unikernel as guest number N: 0 to 99."""

    def __init__(self, number, prefix="b"):
        self.name = f"{prefix}{number}"
        self.ipv4 = f"10.0.2.{100 + number}"
        self.mac = f"00:16:3e:0b:00:{number:02x}"
        self.dns_name = f"{self.name}.jit.example"

    @property
    def cmdline(self):
        return f"--ipv4={self.ipv4}/24 --ipv4-gateway=10.0.2.2 --name={self.name}"

    def service(self, **changes):
        return {"name": self.name, "names": [self.dns_name], "addresses": [self.ipv4],
                "kernel": str(UNIKERNEL), "memory": "16MiB", "bridge": BRIDGE, "mac": self.mac,
                "cmdline": self.cmdline, "idle": "never",
                "ready": {"xenstore": "data/ready", "timeout": "10m"}, **changes}

    def xl_file(self, directory):
        file = directory / f"{self.name}.cfg"
        file.write_text(f'name = "{self.name}"\ntype = "pvh"\nkernel = "{UNIKERNEL}"\n'
                        f'memory = 16\nshadow_memory = 2\ncmdline = "{self.cmdline}"\n'
                        f'vif = ["mac={self.mac},bridge={BRIDGE}"]\n')
        return file

    def know(self):
        """Its MAC is in dom0's neighbour cache: no kind of start pays for ARP's waits."""
        host.output("ip", "neigh", "replace", self.ipv4, "lladdr", self.mac, "dev", BRIDGE,
                    "nud", "permanent")

    def unknow(self):
        subprocess.run(["ip", "neigh", "del", self.ipv4, "dev", BRIDGE], check=False,
                       stderr=subprocess.DEVNULL)


class Observer:
    """bench_xen_observe, waiting for guests to be built and ready."""

    def __init__(self, prefix, count=1):
        self.process = subprocess.Popen([TOOLS / "bench_xen_observe", prefix, str(count)],
                                        stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline().startswith("watching")

    def times(self, limit=LIMIT):
        """{"built": T, "ready": T}"""
        output, _ = self.process.communicate(timeout=limit)
        return {what: float(at) for what, at in map(str.split, output.splitlines())}

    def end(self):
        self.process.kill()
        self.process.wait()


def first_byte(address, limit=LIMIT, pause=0.05):
    """When the first byte of a page came. Connects every 50 ms, never waiting for an old attempt:
    a SYN that was lost costs a client of these days as much as it likes, here it costs nothing."""
    poll, attempts = select.poll(), {}
    end = time.monotonic() + limit
    try:
        while time.monotonic() < end:
            sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
            attempts[sock.fileno()] = sock
            sock.connect_ex((address, 80))
            poll.register(sock, select.POLLOUT)
            while len(attempts) > 40:
                oldest = next(iter(attempts))
                poll.unregister(oldest)
                attempts.pop(oldest).close()
            until = time.monotonic() + pause
            while (left := until - time.monotonic()) > 0:
                for fd, _ in poll.poll(left * 1000):
                    poll.unregister(fd)
                    sock = attempts.pop(fd)
                    with sock:
                        if sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) != 0:
                            continue
                        sock.settimeout(10)
                        sock.sendall(b"GET / HTTP/1.0\r\n\r\n")
                        if sock.recv(1):
                            return time.time()
    finally:
        for sock in attempts.values():
            sock.close()
    raise AssertionError(f"no page from {address} in {limit} s")


def answered(server, name):
    """When an answer with an address came, by the kernel's clock: a client that shares its only
    CPU with what it measures reads it later. None: there was none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        sock.settimeout(10)
        sock.connect(server)
        sock.send(dns.query(name, edns=1232))
        try:
            response, stamp, _flags, _from = sock.recvmsg(4096, socket.CMSG_SPACE(16))
        except TimeoutError:
            return None
    if not dns.Message(response).addresses:
        return None
    seconds, nanoseconds = struct.unpack("qq", stamp[0][2])
    return seconds + nanoseconds / 1e9


def ms(seconds):
    return round(seconds * 1000, 1)


def gone(before, limit=LIMIT):
    """Waits until no domain or interface is there that was not before."""
    wait_until(lambda: not (frozenset(host.domains()) - before.domids)
               and not (frozenset(host.links()) - before.links), limit, "everything to go away")


class Bench:
    def __init__(self, options, directory):
        self.options = options
        self.directory = directory
        self.standby = self._knows_standby()
        self.standby_wakes = 0
        count = options["parallel"]
        self.cold, self.warm, self.many = Guest(50), Guest(51), [Guest(n, "p") for n in range(count)]
        self.other = Guest(52)
        services = [self.cold.service(), self.warm.service(), *(g.service() for g in self.many)]
        if self.standby:
            self.kept = Guest(53)
            # A web server, known as such: its copy waits when that answers.
            services.append(self.kept.service(standby={"count": 1, "stage": "booted"},
                                              ports=["tcp/80"], ready={"http": 80}))
        self.spares = min(SPARES, len(services))
        self.guests = [self.cold, self.warm, self.other, *self.many,
                       *([self.kept] if self.standby else [])]
        for guest in self.guests:
            guest.know()
        self.daemon = Daemon({"listen": ["127.0.0.1:5390"], "zones": [ZONE],
                              "rate_limit": "off", "services": services}, directory)

    def _knows_standby(self):
        daemon = Daemon({"zones": [ZONE], "services": [
            Guest(0).service(standby={"count": 1, "stage": "booted"})]}, self.directory, "probe")
        return subprocess.run([BINARY, "check", daemon.config_file], check=False,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0

    def resolve(self, guest):
        """Until the answer: seconds."""
        started = time.time()
        while (arrived := answered(self.daemon.server, guest.dns_name)) is None:
            assert time.time() - started < LIMIT, f"no answer for {guest.dns_name}"
        return arrived - started

    def _created(self, guest, started, ended, observer, unpaused, **phases):
        """Of a domain that was created by a command."""
        byte = first_byte(guest.ipv4)
        times = observer.times()
        return {"total_ms": ms(ended - started), "build_ms": ms(times["built"] - started),
                "vif_ms": ms(unpaused - times["built"]), "ready_ms": ms(times["ready"] - unpaused),
                "first_byte_ms": ms(byte - started), **phases}

    def xl_create(self):
        guest = self.other
        file = guest.xl_file(self.directory)
        observer = Observer(guest.name)
        try:
            started = time.time()
            host.output("xl", "create", str(file), timeout=LIMIT)
            ended = time.time()
            return self._created(guest, started, ended, observer, ended)
        finally:
            observer.end()
            self._destroy(guest)

    def libxl(self, *vif):
        guest = self.other
        observer = Observer(guest.name)
        try:
            cmdline = guest.cmdline if vif else f"--name={guest.name}"
            found = json.loads(host.output(str(TOOLS / "bench_xen_create"), guest.name, str(UNIKERNEL),
                                           cmdline, *vif, timeout=LIMIT))
            took = found["build_ms"] + found["vif_ms"] + found["unpause_ms"]
            started = found["unpaused_at"] - took / 1000
            if not vif:  # without a network the guest is never ready
                return {"total_ms": round(took, 1), "build_ms": found["build_ms"],
                        "unpause_ms": found["unpause_ms"]}
            return self._created(guest, started, found["unpaused_at"], observer,
                                 found["unpaused_at"], build_ms=found["build_ms"],
                                 vif_ms=found["vif_ms"], unpause_ms=found["unpause_ms"])
        finally:
            observer.end()
            self._destroy(guest)

    def libxl_script(self):
        return self.libxl(BRIDGE, self.other.mac, SCRIPT)

    def libxl_novif(self):
        return self.libxl()

    def wake(self, guest):
        """A query for a service whose domain does not run; first_byte counts from the query. When
        it began, and what it took."""
        times = len(self.daemon.wakes(guest.name)) + 1
        started = time.time()
        answer = self.resolve(guest)
        byte = first_byte(guest.ipv4)
        # summond counts from when it has received the query.
        woke = self.daemon.wait_woken(guest.name, times, LIMIT)
        return started, woke, {
            "total_ms": round(woke["total"] - woke["ready"], 1), "answer_ms": ms(answer),
            "unpause_ms": woke["unpause"], "ready_ms": woke["ready"],
            "first_byte_ms": ms(byte - started)}

    def summond_cold(self):
        observer = Observer(self.cold.name)
        try:
            started, woke, result = self.wake(self.cold)
            build = ms(observer.times()["built"] - started)
            return result | {"build_ms": build,
                             "vif_ms": round(max(0.0, woke["build"] - build), 1)}
        finally:
            observer.end()
            self._destroy(self.cold)

    def summond_standby(self):
        """Of a copy that waits, booted."""
        self.standby_wakes += 1
        try:
            return self.wake(self.kept)[2]
        finally:  # once it has the service's name, which it gets after the wake
            wait_until(lambda: host.domain(self.kept.name), LIMIT, "the woken copy")
            self._destroy(self.kept)

    def running(self):
        """Medians of a service that is up: the answer, the first byte from query to page. Each after
        a pause, as a wake is: who asks ten times in a row finds everything warm."""
        answers, bytes_ = [], []
        for _ in range(RUNNING):
            time.sleep(3)
            started = time.time()
            answers.append(self.resolve(self.warm))
            bytes_.append(first_byte(self.warm.ipv4) - started)
        return {"answer_ms": ms(sorted(answers)[RUNNING // 2]),
                "first_byte_ms": ms(sorted(bytes_)[RUNNING // 2])}

    def _destroy(self, guest):
        found = host.domain(guest.name)
        if found is None:
            return
        host.output("xl", "destroy", str(found.domid), timeout=LIMIT)
        wait_until(lambda: f"vif{found.domid}.0" not in host.links() and not host.domain(guest.name),
                   LIMIT, f"{guest.name} to go away")

    def wait_for_background_work(self):
        """Waits until summond makes nothing in the background, which others would pay for: its spare
        vifs are there, of domains that are not, and its copy waits."""
        def done():
            there = {f"vif{domid}.0" for domid in host.domains()}
            spares = [l for l in host.links() if l.startswith("vif") and l not in there]
            copies = len(self.daemon.log_lines(f"standby {self.kept.name}: domid")) \
                if self.standby else 0
            return len(spares) >= self.spares and (not self.standby or copies > self.standby_wakes)
        wait_until(done, LIMIT, "summond to have done its work in the background")
        time.sleep(3)  # and udev, and who else hears of what was made

    def rounds(self):
        kinds = {"xl create": self.xl_create, "libxl, stock script": self.libxl_script,
                 "libxl, no vif": self.libxl_novif, "summond cold": self.summond_cold,
                 "summond running": self.running}
        if self.standby:
            kinds["summond standby"] = self.summond_standby
        measured = {kind: [] for kind in kinds}
        self.daemon.start(answers="jit.example")
        self.resolve(self.warm)
        self.daemon.wait_woken(self.warm.name)
        first_byte(self.warm.ipv4)
        for number in range(self.options["rounds"]):
            # Beginning with another one each time.
            order = list(kinds)[number % len(kinds):] + list(kinds)[:number % len(kinds)]
            for kind in order:
                self.wait_for_background_work()
                measured[kind].append(kinds[kind]())
                print(f"round {number + 1}: {kind}: {measured[kind][-1]}", flush=True)
        return measured

    def many_woken(self):
        """All at once, until the last one is ready: seconds."""
        before = {guest.name: len(self.daemon.wakes(guest.name)) for guest in self.many}
        observer = Observer("p", len(self.many))
        try:
            started = time.time()
            questions = [(guest.dns_name, "A") for guest in self.many]
            while questions:  # as resolvers do: whoever got no address asks again
                answers = dns_client.concurrent(self.daemon.server, questions, 5)
                questions = [q for q, (response, _) in zip(questions, answers)
                             if response is None or not response.addresses]
                assert time.time() - started < 4 * LIMIT, f"no answer: {questions}"
            answered = time.time()
            times = observer.times(4 * LIMIT)
            failed = self.daemon.log_lines("could not wake")
            twice = [name for name, count in before.items()
                     if len(self.daemon.wakes(name)) > count + 1]
            return {"seconds": round(times["ready"] - started, 2),
                    "built_s": round(times["built"] - started, 2), "up": len(self.many),
                    "answered_s": round(answered - started, 2),
                    "failed": len(failed), "twice": len(twice)}
        finally:
            observer.end()

    def many_xl(self):
        """The same guests by `xl create`, all in parallel by a shell: seconds."""
        files = [guest.xl_file(self.directory) for guest in self.many]
        script = "".join(f"xl create {shlex.quote(str(file))} >/dev/null & " for file in files)
        observer = Observer("p", len(self.many))
        try:
            started = time.time()
            shell = subprocess.run(["sh", "-c", script + "wait"], check=False, timeout=4 * LIMIT,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            ended = time.time()
            up = {d.name for d in host.domains().values()} & {guest.name for guest in self.many}
            result = {"created_s": round(ended - started, 2), "up": len(up)}
            if len(up) == len(self.many):
                times = observer.times(4 * LIMIT)
                result |= {"seconds": round(times["ready"] - started, 2),
                           "built_s": round(times["built"] - started, 2)}
            else:
                result["why"] = shell.stderr[-400:]
            return result
        finally:
            observer.end()

    def parallel(self):
        def destroy_all():
            names = {guest.name for guest in self.many}
            domids = [d.domid for d in host.domains().values() if d.name in names]
            script = "".join(f"xl destroy {domid} & " for domid in domids) + "wait"
            subprocess.run(["sh", "-c", script], check=False, timeout=4 * LIMIT,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            wait_until(lambda: not any(d.name in names for d in host.domains().values())
                       and not any(f"vif{domid}.0" in host.links() for domid in domids),
                       2 * LIMIT, "the domains to go away")

        measured = {"summond": [], "xl": []}
        for _ in range(self.options["parallel_rounds"]):
            for who, function in (("summond", self.many_woken), ("xl", self.many_xl)):
                measured[who].append(function())
                print(f"{len(self.many)} at once, {who}: {measured[who][-1]}", flush=True)
                destroy_all()
        return measured

    def run(self):
        before = host.Snapshot.take()
        result = {"standby": self.standby}
        try:
            result["rounds"] = self.rounds()
            if self.many:
                result["parallel"] = self.parallel()
        finally:
            try:
                self.daemon.stop()
            finally:
                for domain in host.domains().values():
                    if domain.domid not in before.domids:
                        host.output("xl", "destroy", str(domain.domid), timeout=LIMIT)
                for guest in self.guests:
                    guest.unknow()
        gone(before)
        return result


def main():
    options, result = json.loads(sys.argv[1]), pathlib.Path(sys.argv[2])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM"))
    with tempfile.TemporaryDirectory(prefix="bench-xen-") as directory:
        bench = Bench(options, pathlib.Path(directory))
        # For whoever has to find out why something failed.
        try:
            result.write_text(json.dumps(bench.run()))
        finally:
            if bench.daemon.log_file.exists():
                result.with_suffix(".log").write_text(bench.daemon.log())


if __name__ == "__main__":
    main()
