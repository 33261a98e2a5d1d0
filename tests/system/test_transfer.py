"""Zones that secondaries have from the daemon: NSD, Knot and BIND, and clients that mean no good."""

import base64
import hashlib
import hmac
import os
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time
import unittest

from process_support import (BINARY, PATIENCE, ZONE, Load, ProcessTest, ask, query, wait_until)
from test_signing import holds

from harness.dns import A, AXFR, SOA, TSIG, name_to_wire
from harness.dns_client import exchange, framed, read_frame
from harness.network import free_port
from harness.secondaries import KINDS, Key, canonical, dig, transferred

CONFIG = "save_dir: .\n" + ZONE
OPEN = "    transfer: {to: 127.0.0.0/8}\n"
SERVICES = """\
services:
  - name: web
    names: web.example.test
    addresses: [192.0.2.81, "2001:db8::81"]
    kernel: /nonexistent/kernel
"""
MANY = "".join(f'      - "host{i} A 192.0.2.{i % 250}"\n      - "host{i} TXT \\"number {i}\\""\n'
               for i in range(3000))
ODD = """\
      - "@ MX 10 mail"
      - "mail A 192.0.2.25"
      - "sub NS ns.sub"
      - "sub NS elsewhere.example."
      - "ns.sub A 192.0.2.54"
      - "*.wild TXT wild"
      - "deep.er.below AAAA 2001:db8::1"
      - "alias CNAME www"
      - "_x._tcp SRV 1 2 3 www"
      - "caa CAA 0 issue \\"ca.example\\""
      - "tree DNAME other.example."
"""


def printed(daemon, zone="example.test"):
    done = subprocess.run([BINARY, "print", daemon.file, zone], capture_output=True, text=True,
                          timeout=PATIENCE, check=True)
    return canonical(zone, done.stdout)


def serial_of(port, zone="example.test", **how):
    answer = ask(port, zone, SOA, **how)
    if answer is None or not answer.answer:
        return None
    return struct.unpack(">I", answer.answer[0].rdata[-20:-16])[0]


def signed(message, key, when, size=32):
    """A message with a TSIG record (RFC 8945 §4.3) of hmac-sha256."""
    name, algorithm = name_to_wire(key.name), name_to_wire(key.algorithm)
    time_ = struct.pack(">HI", when >> 32, when & 0xFFFFFFFF) + struct.pack(">H", 300)
    variables = name + struct.pack(">HI", 255, 0) + algorithm + time_ + struct.pack(">HH", 0, 0)
    mac = hmac.new(base64.b64decode(key.secret), message + variables, hashlib.sha256).digest()[:size]
    rdata = algorithm + time_ + struct.pack(">H", len(mac)) + mac + message[:2] + struct.pack(">HH", 0, 0)
    count = struct.pack(">H", struct.unpack_from(">H", message, 10)[0] + 1)
    return (message[:10] + count + message[12:] + name + struct.pack(">HHIH", TSIG, 255, 0, len(rdata)) +
            rdata)


def without_serial(records):
    """But for the serial, which is another one at each load."""
    return [" ".join(f for i, f in enumerate(r.split()) if not (" SOA " in r and i == 6))
            for r in records]


class Transfer(ProcessTest):
    def secondary(self, kind, *arguments, **named):
        secondary = kind(*arguments, **named)
        self.addCleanup(secondary.end)
        self.addCleanup(lambda: print(secondary.log()[-6000:]) if self._failed() else None)
        return secondary

    def follows(self, daemon, secondary):
        """Until it has what the daemon has; record by record."""
        wanted = serial_of(daemon.port)
        wait_until(lambda: serial_of(secondary.port, timeout=2) == wanted,
                   f"serial {wanted} at {secondary.program}", patience=2 * PATIENCE)
        self.assertEqual(transferred(secondary.port), transferred(daemon.port, key=secondary.key))

    # -- One client

    def test_a_zone_as_it_is_served(self):
        daemon = self.daemon(CONFIG + ODD + MANY + OPEN + SERVICES, "--simulate").ready()
        whole = transferred(daemon.port)
        self.assertEqual(without_serial(whole), without_serial(printed(daemon)))
        self.assertTrue("web.example.test. 60 IN AAAA 2001:db8::81" in whole, "a service's address")
        self.assertGreater(len(whole), 6000)
        text = dig(daemon.port, "example.test", "axfr", "+edns=0")
        self.assertRegex(text, r"XFR size: 60\d\d records \(messages \d\d?, bytes \d+\)")
        daemon.wait_log("AXFR of example.test. to 127.0.0.1: 60")

    def test_a_signed_zone(self):
        daemon = self.daemon("key_dir: keys\n" + CONFIG + ODD + "    dnssec: {nsec3: on}\n" + OPEN).ready()
        whole = transferred(daemon.port)
        self.assertTrue(any(" NSEC3 " in record for record in whole))
        zone_file = f"{daemon.directory.name}/printed"
        with open(zone_file, "w", encoding="ascii") as f:
            f.write("\n".join(whole) + "\n")
        done = subprocess.run(["dnssec-verify", "-z", "-o", "example.test", zone_file],
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_who_may_not(self):
        config = CONFIG + "    transfer: {to: 192.0.2.0/24}\n  - {name: other.test, ns: ns1.example.test}\n"
        daemon = self.daemon(config).ready()
        self.assertIn("; Transfer failed.", dig(daemon.port, "example.test", "axfr"))
        for zone, status in (("example.test", "REFUSED"), ("other.test", "REFUSED"),
                             ("elsewhere.test", "NOTAUTH")):
            text = dig(daemon.port, "-t", "ixfr=1", "+tcp", zone)
            self.assertIn("Transfer failed", text)
            self.assertIn(f"status: {status}", dig(daemon.port, zone, "ixfr=1", "+notcp", "+comments"),
                          zone)
        daemon.wait_log("refused to 127.0.0.1: AXFR of example.test.")
        # Others are asked as ever, on the connection, too.
        with socket.create_connection(("127.0.0.1", daemon.port), timeout=PATIENCE) as s:
            s.sendall(framed(query("www.example.test", A, 1)) + framed(query("www.example.test", A, 2)))
            stream = s.makefile("rb")
            for _ in range(2):
                self.assertIsNotNone(read_frame(stream))

    def test_a_connection_comes_back(self):
        daemon = self.daemon(CONFIG + OPEN).ready()
        with socket.create_connection(("127.0.0.1", daemon.port), timeout=PATIENCE) as s:
            stream = s.makefile("rb")
            for turn in range(3):
                s.sendall(framed(query("www.example.test", A, turn)) +
                          framed(query("example.test", AXFR, 100 + turn)) +
                          framed(query("www.example.test", A, 200 + turn)))
                ids = [struct.unpack_from(">H", read_frame(stream))[0] for _ in range(3)]
                self.assertEqual(ids, [turn, 100 + turn, 200 + turn])

    # -- Keys

    def keyed(self, key, transfer, more="", services=""):
        """A daemon that has the key."""
        directory = tempfile.mkdtemp(prefix="summond-test-")
        self.addCleanup(shutil.rmtree, directory)
        path = key.write(f"{directory}/key")
        return self.daemon(f"tsig: {path}\nkey_dir: keys\n" + CONFIG + more +
                           f"    transfer: {transfer}\n" + services, "--simulate").ready()

    def test_with_a_key_only(self):
        key = Key()
        daemon = self.keyed(key, "{keys: secondary.example}")
        whole = transferred(daemon.port, key=key)
        self.assertEqual(len(whole), 5)
        wrong = Key(secret="bm90IHRoZSBzYW1lIQ==")
        unknown = Key("somebody.example")
        other = Key(algorithm="hmac-sha512")
        for how, said in ((None, "REFUSED"), (wrong, "BADSIG"), (unknown, "BADKEY"), (other, "BADKEY")):
            for over in ("+tcp", "+notcp"):
                text = dig(daemon.port, "example.test", "ixfr=1", over, "+comments", key=how)
                self.assertRegex(text, "Transfer failed|status: (NOTAUTH|REFUSED)", over)
                self.assertNotIn("www.example.test", text)
            text = dig(daemon.port, "example.test", "axfr", key=how)
            self.assertIn("Transfer failed", text)
            self.assertNotIn("SOA", text)
            text = dig(daemon.port, "example.test", "SOA", "+comments", key=how)
            if how:
                self.assertIn("status: NOTAUTH", text)
                self.assertIn(said, text)
                self.assertNotIn("hostmaster", text)
        daemon.wait_log("key somebody.example.: not known here (BADKEY)")

    def test_signed_queries(self):
        key = Key(algorithm="hmac-sha384")
        daemon = self.keyed(key, "{keys: secondary.example}", services=SERVICES)
        for over in ("+tcp", "+notcp"):
            for name, kind, answer in (("example.test", "SOA", "hostmaster.example.test."),
                                       ("www.example.test", "A", "192.0.2.80"),
                                       ("none.example.test", "A", "status: NXDOMAIN")):
                text = dig(daemon.port, name, kind, over, "+comments", "+norec", key=key)
                self.assertIn(answer, text)
                self.assertIn("TSIG", text)
                self.assertNotIn("Couldn't verify signature", text)
                self.assertNotIn("WARNING", text)

    def test_a_wrong_clock(self):
        key = Key()
        daemon = self.keyed(key, "{keys: secondary.example}")
        ahead = signed(query("example.test", SOA, 7), key, int(time.time()) + 1000)
        for tcp in (False, True):
            response = exchange(("127.0.0.1", daemon.port), ahead, PATIENCE, tcp)
            self.assertEqual(response[3] & 0xF, 9)
            self.assertEqual(response[6:8], b"\0\0")
            error, size = struct.unpack(">HH", response[-10:-6])
            self.assertEqual((error, size), (18, 6))  # BADTIME, and the server's time
            server = int.from_bytes(response[-6:], "big")
            self.assertLess(abs(server - time.time()), 100)
        truncated = signed(query("example.test", SOA, 7), key, int(time.time()), 16)
        response = exchange(("127.0.0.1", daemon.port), truncated, PATIENCE)
        self.assertEqual((response[3] & 0xF, response[6:8]), (9, b"\0\0"))
        self.assertEqual(struct.unpack(">HH", response[-4:]), (22, 0))

    def test_keys_that_cannot_be_used(self):
        daemon = self.daemon("tsig: key\n" + CONFIG + "    transfer: {keys: secondary.example}\n")
        self.assertEqual(daemon.process.wait(PATIENCE), 2)
        self.assertIn("summond.yaml:3:7: tsig: ", daemon.log())
        path = Key().write(f"{daemon.directory.name}/key", 0o644)

        def check():
            done = subprocess.run([BINARY, "check", daemon.file], capture_output=True, text=True,
                                  timeout=PATIENCE, check=False)
            return done.returncode, done.stderr
        self.assertEqual(check(), (2, f"{daemon.file}:3:7: tsig: {path}: others may read or write it; "
                                      "`chmod 600` it\n"))
        Key("another.example").write(path)
        status, text = check()
        self.assertEqual(status, 2)
        self.assertIn("transfer.keys: secondary.example. is the name of no key", text)
        Key().write(path)
        self.assertEqual(check()[0], 0)

    def test_who_has_the_secret(self):
        key = Key(secret=base64.b64encode(b"a secret that is nowhere else").decode())
        daemon = self.keyed(key, "{keys: secondary.example}", services=SERVICES)
        transferred(daemon.port, key=key)
        pids = {role: pid for pid, role in daemon.children().items()}
        pids["parent"] = daemon.process.pid
        self.assertTrue(holds(pids["transfer"], b"a secret that is nowhere else"))
        for role in ("parent", "front", "vmm"):
            for secret in (b"a secret that is nowhere else", key.secret.encode()):
                self.assertFalse(holds(pids[role], secret), role)

    # -- Secondaries

    def test_secondaries_follow(self):
        """Without a key, told by NOTIFY; changes come by IXFR."""
        for kind in KINDS:
            with self.subTest(kind.program):
                port = free_port()
                text = CONFIG + ODD + "    transfer: {to: 127.0.0.1, notify: \"127.0.0.1:%d\"}\n" % port
                daemon = self.daemon(text.replace("records:", "records:\n" + MANY.rstrip("\n"), 1) +
                                     SERVICES, "--simulate").ready()
                secondary = self.secondary(kind, daemon.port, port=port)
                self.follows(daemon, secondary)
                before = serial_of(daemon.port)
                daemon.reload(text.replace("records:", "records:\n" + MANY.rstrip("\n"), 1)
                              .replace("192.0.2.80", "192.0.2.79") + SERVICES)
                self.assertGreater(serial_of(daemon.port), before)
                self.follows(daemon, secondary)
                daemon.wait_log(f"NOTIFY of example.test. to 127.0.0.1:{port}: heard")
                self.assertEqual(ask(secondary.port).addresses, ["192.0.2.79"])
                self.assertEqual(ask(secondary.port, "web.example.test").addresses, ["192.0.2.81"])
                self.assertTrue(daemon.log_lines("IXFR of example.test. from", "records"), daemon.log())

    def test_secondaries_with_keys(self):
        for kind in KINDS:
            with self.subTest(kind.program):
                key, port = Key(), free_port()
                notify = "{address: \"127.0.0.1:%d\", key: secondary.example}" % port
                daemon = self.keyed(key, "{keys: secondary.example, notify: [%s]}" % notify,
                                    "    dnssec: on\n")
                secondary = self.secondary(kind, daemon.port, key=key, port=port)
                self.follows(daemon, secondary)
                with open(daemon.file, encoding="utf-8") as f:
                    text = f.read()
                with open(daemon.file, "w", encoding="utf-8") as f:
                    f.write(text.replace("192.0.2.80", "192.0.2.79"))
                daemon.reload()
                self.follows(daemon, secondary)
                daemon.wait_log(f"NOTIFY of example.test. to 127.0.0.1:{port}: heard")

    def test_secondaries_over_ipv6(self):
        for kind in KINDS:
            with self.subTest(kind.program):
                port = free_port()
                text = CONFIG + '    transfer: {to: "::1", notify: "[::1]:%d"}\n' % port
                daemon = self.daemon(text, listen=["127.0.0.1:{port}", "[::1]:{port}"]).ready()
                self.secondary(kind, daemon.port, port=port, host="::1", address="::1")
                for address in ("192.0.2.80", "192.0.2.79"):
                    daemon.reload(text.replace("192.0.2.80", address))
                    # Nobody asks by himself for hours.
                    wait_until(lambda a=address, p=port: a in dig(p, "www.example.test", "A", address="::1"),
                               f"{address} at {kind.program}", patience=2 * PATIENCE)
                daemon.wait_log(f"NOTIFY of example.test. to [::1]:{port}: heard")
                self.assertEqual(transferred(port, address="::1"), transferred(daemon.port, address="::1"))

    # -- Changes

    def test_changes_over_tcp_and_udp(self):
        daemon = self.daemon(CONFIG + "    serial: increment\n    soa: {serial: 10}\n" + OPEN).ready()
        first = transferred(daemon.port)
        text = CONFIG + "    serial: increment\n    soa: {serial: 10}\n" + OPEN
        daemon.reload(text.replace("192.0.2.80", "192.0.2.81"))
        daemon.reload(text.replace("192.0.2.80", "192.0.2.82"))
        self.assertEqual(serial_of(daemon.port), 12)
        for over in ("+tcp", "+notcp"):
            said = dig(daemon.port, "example.test", "ixfr=10", over, "+nostats", "+nocomments")
            data = [line.split()[-1] for line in said.splitlines() if "\tA\t" in line]
            self.assertEqual(data, ["192.0.2.80", "192.0.2.81", "192.0.2.81", "192.0.2.82"], said)
            said = dig(daemon.port, "example.test", "ixfr=12", over, "+nostats", "+nocomments")
            self.assertEqual(len(said.split("\n")), 2, said)
        # What is not known: the whole over TCP, the serial over UDP.
        self.assertIn("192.0.2.53", dig(daemon.port, "example.test", "ixfr=7", "+tcp"))
        said = dig(daemon.port, "example.test", "ixfr=7", "+notcp", "+ignore", "+nostats", "+nocomments")
        self.assertNotIn("192.0.2.53", said)
        # Whoever transfers may be killed: its successor knows the same.
        os.kill(daemon.pid_of("transfer"), signal.SIGKILL)
        wait_until(lambda: "192.0.2.81" in dig(daemon.port, "example.test", "ixfr=10", "+tcp"),
                   "the changes again")
        daemon.reload(CONFIG + "    serial: file\n    soa: {serial: 12}\n" + OPEN)
        daemon.wait_log("has changed, but its serial went from 12 to 12")
        self.assertEqual(len(first), 5)

    def test_serials_over_a_restart(self):
        daemon = self.daemon(CONFIG + OPEN).ready()
        first = serial_of(daemon.port)
        self.assertLess(abs(first - time.time()), 1000)
        self.assertEqual(daemon.stop(), 0)
        daemon.start()
        wait_until(lambda: serial_of(daemon.port, timeout=1) == first, "the same serial")
        self.assertEqual(daemon.stop(), 0)
        with open(f"{daemon.directory.name}/serials", "w", encoding="ascii") as f:
            f.write(f"example.test. {first + 100000} 1\n")  # the clock was ahead
        daemon.start()
        wait_until(lambda: serial_of(daemon.port, timeout=1) == first + 100001, "a larger serial")

    def test_names_by_rule_are_not_transferred(self):
        service = ("services:\n  - name: pages\n    names: \"{id}.pages.example.test\"\n"
                   "    ids: any\n    addresses: \"2001:db8:1::/64\"\n    kernel: /none\n")
        daemon = self.daemon(CONFIG + OPEN + service, "--simulate")
        self.assertEqual(daemon.process.wait(PATIENCE), 2)
        self.assertIn("cannot be transferred with zone example.test.; make pages.example.test. a zone of "
                      "its own without transfer:", daemon.log())
        own = "  - {name: pages.example.test, ns: ns1.example.test}\n"
        text = CONFIG + "      - \"pages NS ns1\"\n" + OPEN + own + service
        daemon.configure(text)
        daemon.start()
        daemon.wait_log("parent: ready: ", 1)
        self.assertIn("pages.example.test. 3600 IN NS ns1.example.test.", transferred(daemon.port))

    # -- Bounds and ends

    def test_one_that_reads_nothing(self):
        daemon = self.daemon(CONFIG + MANY + OPEN).ready()
        stuck = []
        for _ in range(8):
            s = socket.socket()
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            s.connect(("127.0.0.1", daemon.port))
            s.sendall(framed(query("example.test", AXFR, 7)))
            self.addCleanup(s.close)
            stuck.append(s)
        with Load(daemon.port, threads=2) as load:
            self.assertGreater(len(transferred(daemon.port)), 6000)
        self.assertEqual((load.lost, load.wrong), (0, 0))

    def test_many_at_once_and_a_reload(self):
        daemon = self.daemon(CONFIG + MANY + OPEN).ready()
        sizes, lock = [], threading.Lock()

        def have():
            got = len(transferred(daemon.port))
            with lock:
                sizes.append(got)
        threads = [threading.Thread(target=have) for _ in range(24)]
        with Load(daemon.port, threads=2) as load:
            for thread in threads:
                thread.start()
            daemon.reload(CONFIG + MANY + "      - \"new A 192.0.2.1\"\n" + OPEN)
            for thread in threads:
                thread.join()
        self.assertEqual((load.lost, load.wrong), (0, 0))
        self.assertEqual(len(sizes), 24)
        self.assertTrue(set(sizes) <= {6005, 6006}, set(sizes))

    def test_killed_amid_a_transfer(self):
        daemon = self.daemon(CONFIG + MANY + OPEN).ready()
        with socket.socket() as s:
            s.settimeout(PATIENCE)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            s.connect(("127.0.0.1", daemon.port))
            s.sendall(framed(query("example.test", AXFR, 7)))
            self.assertTrue(s.recv(100))
            pid = daemon.pid_of("transfer")
            os.kill(pid, signal.SIGKILL)
            with self.assertRaises((ConnectionResetError, EOFError)):
                while s.recv(65536):
                    pass
                raise EOFError
        self.assert_answers(daemon)
        daemon.pid_of("transfer", other_than=pid)
        wait_until(lambda: "192.0.2.53" in dig(daemon.port, "example.test", "axfr"),
                   "a transfer from its successor")

    def test_the_front_is_killed(self):
        daemon = self.daemon(CONFIG + OPEN).ready()
        os.kill(daemon.pid_of("front"), signal.SIGKILL)
        wait_until(lambda: "192.0.2.53" in dig(daemon.port, "example.test", "axfr"), "a transfer")

    def test_transfers_come_and_go_with_the_configuration(self):
        daemon = self.daemon(CONFIG).ready()
        self.assertNotIn("transfer", daemon.children().values())
        self.assertIn("Transfer failed", dig(daemon.port, "example.test", "axfr"))
        daemon.reload(CONFIG + OPEN)
        wait_until(lambda: "192.0.2.53" in dig(daemon.port, "example.test", "axfr"), "a transfer")
        daemon.reload(CONFIG)
        self.assertIn("Transfer failed", dig(daemon.port, "example.test", "axfr"))


if __name__ == "__main__":
    unittest.main()
