"""A flood of queries with forged sources against many sleeping services: it wakes none, or no more than a few, and real
clients are served all the while."""

import ipaddress
import os
import re
import socket
import struct
import subprocess
import threading
import time
import unittest

from process_support import (A, AAAA, NOERROR, ZONE, Message, ProcessTest, ask, query, wait_until)
from validators import Unbound

from harness import control
from harness.dns import BADCOOKIE, COOKIE
from harness.dns_client import exchange

SERVICES = 1000
FORGED = "198.18.0.0/15"  # RFC 2544: of nobody here


def config(count=SERVICES, more=""):
    services = "".join(
        f"  - {{name: s{n}, names: s{n}.example.test, addresses: 10.{n // 250}.1.{n % 250 + 1}, kernel: /k}}\n"
        for n in range(count))
    return f"{more}{ZONE}services:\n{services}"


def name(number):
    return f"s{number}.example.test"


def udp_packet(source, port, payload):
    """IPv4 and UDP; the kernel fills in what it does for IPPROTO_RAW."""
    udp = struct.pack(">4H", 1024 + port % 60000, port, 8 + len(payload), 0) + payload
    head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0,
                       ipaddress.ip_address(source).packed, socket.inet_aton("127.0.0.1"))
    return head + udp


class Flood:
    """Queries for names in turn, each from another address of FORGED, while the block runs, and no more than `most`."""

    def __init__(self, port, names, qtype=A, most=200_000, pause=0.0005):
        self.sent = 0
        self._port, self._names, self._qtype = port, names, qtype
        self._most, self._pause = most, pause
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self):
        sources = [str(a) for a in ipaddress.ip_network(FORGED).subnets(new_prefix=27)]
        messages = [query(each, self._qtype, n) for n, each in enumerate(self._names)]
        with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:
            while not self._stop.is_set() and self.sent < self._most:
                packet = udp_packet(sources[self.sent % len(sources)].split("/", maxsplit=1)[0], self._port,
                                    messages[self.sent % len(messages)])
                raw.sendto(packet, ("127.0.0.1", 0))
                self.sent += 1
                if self.sent % 10 == 0:
                    time.sleep(self._pause)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()


def dig(port, *words):
    """What dig prints, as people use it: with a cookie, and again over TCP or with the cookie that it is given."""
    return subprocess.run(["dig", "@127.0.0.1", "-p", str(port), "+time=10", "+tries=1", *words],
                          capture_output=True, text=True, check=True).stdout


@unittest.skipUnless(os.geteuid() == 0, "forged sources need a network of one's own")
class Forged(ProcessTest):
    @classmethod
    def setUpClass(cls):
        # Answers to forged sources go out, and reach nobody.
        subprocess.run(["ip", "route", "replace", FORGED, "dev", "lo"], check=True)

    @staticmethod
    def woken(daemon):
        return set(re.findall(r"vmm: woke (\S+): ", daemon.log()))

    def shown(self, text):
        """A daemon with a control socket."""
        self.socket = f"/tmp/summond-forged-{os.getpid()}.sock"
        self.addCleanup(lambda: os.path.exists(self.socket) and os.unlink(self.socket))
        return self.daemon(f"control: {{socket: {self.socket}}}\n{text}", "--simulate").ready()

    def metric(self, line):
        text = control.ask(self.socket, "GET", "/metrics").body
        found = re.search(rf"^{re.escape(line)} (\S+)$", text, re.MULTILINE)
        self.assertIsNotNone(found, f"{line}\n{text}")
        return float(found[1])

    def pressure(self):
        return control.ask(self.socket, "GET", "/v1/status").json["pressure"]

    def test_where_a_proof_is_needed_it_wakes_none(self):
        daemon = self.shown(config(more="defaults: {wake_by: proof}\n"))
        resolver = Unbound(daemon.port, {"example.test": ""})
        self.addCleanup(resolver.end)
        with Flood(daemon.port, [name(n) for n in range(SERVICES)]) as flood:
            wait_until(lambda: flood.sent > 3000, "the flood")
            # A real client each: with a cookie, over TCP, as it comes, and behind a resolver.
            self.assertIn("10.0.1.11", dig(daemon.port, name(10), "+cookie", "+noall", "+answer"))
            self.assertIn("10.0.1.12", dig(daemon.port, name(11), "+tcp", "+noall", "+answer"))
            self.assertIn("10.0.1.13", dig(daemon.port, name(12), "+nocookie", "+noedns", "+noall", "+answer"))
            self.assertEqual(resolver.ask(name(13), A).addresses, ["10.0.1.14"], resolver.log())
            # And what they have woken is everybody's.
            self.assertEqual(ask(daemon.port, name(10)).addresses, ["10.0.1.11"])
            wait_until(lambda: flood.sent > 10000, "the flood")
        wait_until(lambda: self.woken(daemon) == {"s10", "s11", "s12", "s13"}, f"four; {self.woken(daemon)}")
        self.assertEqual(self.pressure(), [], "nothing has come of it")
        wait_until(lambda: self.metric('summond_dns_unproved_queries_total{response="tc"}') > 5000, "them to be counted")
        self.assertGreaterEqual(self.metric('summond_dns_unproved_queries_total{response="badcookie"}'), 1)
        self.assertEqual(self.metric('summond_dns_responses_total{transport="udp",rcode="SERVFAIL"}'), 0)
        self.assertEqual(self.metric("summond_wake_pressure"), 0)

    def test_under_pressure_it_wakes_no_more(self):
        limit = 8
        daemon = self.shown(config(more=f"limits: {{pressure: {limit}}}\n"))
        with Flood(daemon.port, [name(n) for n in range(100, SERVICES)]) as flood:
            daemon.wait_log("under pressure (wakes): only clients that have shown their address wake services")
            wait_until(lambda: flood.sent > 10000, "the flood")
            self.assertEqual(self.pressure(), ["wakes"])
            self.assertIn("10.0.1.11", dig(daemon.port, name(10), "+cookie", "+noall", "+answer"))
            self.assertIn("10.0.1.12", dig(daemon.port, name(11), "+tcp", "+noall", "+answer"))
            wait_until(lambda: flood.sent > 20000, "the flood")
        real = {"s10", "s11"}
        wait_until(lambda: real <= self.woken(daemon), "the real clients' wakes")
        forged = self.woken(daemon) - real
        # Those that were woken until so many were under way; on a slow machine the first may have been over.
        self.assertLess(len(forged), 3 * limit, forged)
        self.assertEqual(self.metric("summond_wake_pressure"), 1)
        # A reload changes nothing of it, and the next front knows it from its first query on.
        front = daemon.pid_of("front")
        daemon.reload()
        daemon.pid_of("front", other_than=front)
        told = ask(daemon.port, name(50), follow=False)
        self.assertTrue(told.tc)
        self.assertEqual((told.rcode, told.addresses), (NOERROR, []))
        self.assertNotIn("s50", self.woken(daemon))
        # Somebody who knows better switches it off.
        daemon.reload(f"control: {{socket: {self.socket}}}\n" + config(more="limits: {pressure: never}\n"))
        daemon.wait_log("under pressure no more")
        wait_until(lambda: ask(daemon.port, name(50), follow=False).addresses == ["10.0.1.51"],
                   "an answer without a proof")

    def test_names_by_rule(self):
        daemon = self.daemon("""\
zones:
  - name: example.test
    ns: ns1.example.net
services:
  - name: pages
    names: "{id}.pages.example.test"
    ids: {any: true, characters: a-z0-9, length: 1-12}
    addresses: "2001:db8:1::/64"
    kernel: /nonexistent/{id}.xen
    wake_by: proof
""", "--simulate").ready()
        with Flood(daemon.port, [f"x{n}.pages.example.test" for n in range(20000)], AAAA) as flood:
            wait_until(lambda: flood.sent > 5000, "more than there are places for")
            self.assertIn("2001:db8:1:", dig(daemon.port, "mine.pages.example.test", "AAAA", "+noall", "+answer"))
        wait_until(lambda: self.woken(daemon) == {"pages@mine"}, f"one; {self.woken(daemon)}")

    def test_how_a_client_is_asked(self):
        daemon = self.daemon(config(20, "defaults: {wake_by: proof}\n"), "--simulate").ready()

        def told(number, **more):
            message = query(name(number), A, 7, **more)
            answer = exchange(("127.0.0.1", daemon.port), message, 10)
            self.assertLessEqual(len(answer), len(message) + 16)
            return answer
        for more in ({}, {"edns": 1232}):
            answer = Message(told(1, **more))
            self.assertEqual((answer.rcode, answer.tc, answer.answer), (NOERROR, True, []))
        given = told(1, edns=1232, options=[(COOKIE, b"c" * 8)])
        self.assertEqual(Message(given).rcode, BADCOOKIE)
        self.assertFalse(self.woken(daemon))
        known = Message(exchange(("127.0.0.1", daemon.port),
                                 query(name(1), A, 7, edns=1232, options=[(COOKIE, given[-24:])]), 10))
        self.assertEqual(known.addresses, ["10.0.1.2"])
        wait_until(lambda: self.woken(daemon) == {"s1"}, "its wake")


if __name__ == "__main__":
    unittest.main()
