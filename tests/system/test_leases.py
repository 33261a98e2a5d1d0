"""IPv4 addresses of a pool: leased, kept on disk before they are answered, and nobody else's too soon."""

import os
import random
import signal
import time

from process_support import (A, AAAA, NOERROR, SERVFAIL, Message, ProcessTest, ask, exchange, exists, query,
                             wait_until)

CONFIG = """\
zones:
  - name: example.test
    ns: [ns1.example.test]
    records: ["ns1 A 192.0.2.53"]
  - name: 51.198.in-addr.arpa
    ns: [ns1.example.test]
services:
  - name: pages
    names: "{{id}}.pages.example.test"
    ids: {{any: true, characters: a-z0-9, length: 1-12}}
    addresses: ["2001:db8:1::/64", {pool}]
    ttl: {ttl}
    kernel: /nonexistent/{{id}}.xen
    cmdline: "page={{id}} --ipv4={{ipv4}}/24"
    idle: {idle}
state: state.db
"""
POOL = "198.51.100.4/30"  # two of them
MARGIN = 10  # vm::Leases::margin
PTR = 12


def page(ident):
    return f"{ident}.pages.example.test"


class Leases(ProcessTest):
    def start(self, idle="1s", ttl=1, pool=POOL):
        self.settings = {"idle": idle, "ttl": ttl, "pool": pool}
        return self.daemon(CONFIG.format(**self.settings), "--simulate").ready()

    def text(self, **changes):
        return CONFIG.format(**{**self.settings, **changes})

    def address(self, daemon, ident):
        """What an answer has; none where it fails, as it may while processes come and go."""
        answer = ask(daemon.port, page(ident), A, timeout=15)
        if answer is None or answer.rcode == SERVFAIL:
            return None
        self.assertEqual((answer.rcode, len(answer.addresses)), (NOERROR, 1), f"{answer}\n{daemon.log()}")
        return answer.addresses[0]

    def has(self, daemon, ident):
        return wait_until(lambda: self.address(daemon, ident), f"an address of {ident}\n{daemon.log()}", 120)

    def test_an_address_of_both_families(self):
        daemon = self.start(idle="never")
        first = self.has(daemon, "one")
        self.assertIn(first, ("198.51.100.5", "198.51.100.6"))
        self.assertEqual(len(ask(daemon.port, page("one"), AAAA).addresses), 1)
        self.assertEqual(self.address(daemon, "one"), first)
        other = self.has(daemon, "two")
        self.assertNotEqual(other, first)
        backwards = ".".join(reversed(first.split("."))) + ".in-addr.arpa"
        pointers = ask(daemon.port, backwards, PTR).answer
        self.assertEqual([record.data for record in pointers], [page("one") + "."])
        # All are leased.
        full = Message(exchange(("127.0.0.1", daemon.port), query(page("three"), A, 7, 1232), 30))
        self.assertEqual((full.rcode, full.ede), (SERVFAIL, [(14, "no IPv4 address is free for the service")]))
        self.assertIn("pages@three is not woken: all 2 IPv4 addresses of its pool are leased", daemon.log())

    def test_an_address_is_anothers_when_its_last_answer_is_over(self):
        daemon = self.start(pool="198.51.100.5/32")
        address = self.has(daemon, "one")
        last = time.monotonic()
        self.assertEqual(self.has(daemon, "two"), address)
        self.assertGreater(time.monotonic() - last, MARGIN)
        daemon.wait_log("vmm: destroying pages@one: ")

    def test_whatever_is_killed_and_when(self):
        """After each answer processes are killed; the address is nobody else's while the answer lives."""
        daemon = self.start(ttl=30)
        owner = {}
        random.seed(self.id())
        for number, victims in enumerate((["vmm"], ["vmm", "front"], ["front"], ["parent"], ["vmm"], ["parent"])):
            ident = f"id{number % 2}"
            address = self.has(daemon, ident)
            self.assertEqual(owner.setdefault(address, ident), ident, daemon.log())
            time.sleep(random.choice((0, 0, 0.01, 0.1)))
            self.kill(daemon, victims)
            other = f"id{(number + 1) % 2}"
            address = self.has(daemon, other)
            self.assertEqual(owner.setdefault(address, other), other, daemon.log())
        self.assertEqual(len(owner), 2)
        self.assertIsNone(self.address(daemon, "id2"), "both are others' yet")

    def kill(self, daemon, victims):
        if "parent" not in victims:
            for role in victims:
                os.kill(daemon.pid_of(role), signal.SIGKILL)
            return
        children = daemon.children()
        daemon.process.kill()
        daemon.process.wait()
        for child in children:
            try:
                os.kill(child, signal.SIGKILL)
            except ProcessLookupError:
                pass
        wait_until(lambda: not any(exists(child) for child in children), "their end")
        ready = daemon.log().count("parent: ready: ")
        daemon.start()
        daemon.wait_log("parent: ready: ", ready + 1)

    def test_another_pool_is_for_the_next_wakes(self):
        daemon = self.start(idle="never", ttl=30)
        before = self.has(daemon, "one")
        daemon.reload(self.text(pool="198.51.100.8/30"))
        after = wait_until(lambda: (self.address(daemon, "one") or before) != before and self.address(daemon, "one"),
                           "an address of the new pool")
        self.assertIn(after, ("198.51.100.9", "198.51.100.10"))
        # Back: what "one" had there is not another's yet, and is its own again.
        daemon.reload(self.text())
        other = wait_until(lambda: (self.address(daemon, "two") or "").startswith("198.51.100.") and
                           self.address(daemon, "two"), "an address of another page")
        self.assertNotEqual(other, before)
        wait_until(lambda: self.address(daemon, "one") == before, "its own address of before")

    def test_where_the_file_is_lost_none_is_leased_for_a_while(self):
        daemon = self.start(idle="never", ttl=5)
        self.has(daemon, "one")
        daemon.stop()
        state = daemon.directory.name + "/state.db"
        with open(state, "r+b") as file:
            file.write(b"x" * 4096)
        begun = time.monotonic()
        daemon.start()
        daemon.wait_log("which IPv4 addresses were leased is not known")
        self.has(daemon, "two")
        self.assertGreater(time.monotonic() - begun, 5 + MARGIN)
