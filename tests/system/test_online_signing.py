"""Names by rule in signed zones: signed when they are asked for, and believed by those who validate."""

import base64
import glob
import ipaddress
import os
import random
import re
import signal
import subprocess
import threading
import unittest

from process_support import (A, AAAA, BINARY, NOERROR, NXDOMAIN, PATIENCE, SERVFAIL, TXT, Message,
                             ProcessTest, query, wait_until)
from test_signing import holds, memory_of  # noqa: F401
from validators import Unbound

from harness import control
from harness.dns import RRSIG
from harness.dns_client import exchange

NSEC, PTR, ANY, NXNAME, DS, DNSKEY = 47, 12, 255, 128, 43, 48
FORMERR = 1
CO = 0x4000
REVERSE = "1.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"
CONFIG = """\
key_dir: keys
control: {{socket: control.sock}}
{more}zones:
  - name: example.test
    ns: [ns1.example.test]
    records:
      - "ns1 A 192.0.2.53"
      - "www A 192.0.2.80"
      - "www.pages A 192.0.2.80"
      - "a.ent.pages TXT x"
      - "*.wild TXT w"
      - "here.wild TXT h"
      - "*.wild4 CNAME x7f3.pages"
      - "alias CNAME x7f3.pages"
      - "lost CNAME missing"
      - "far DNAME pages"
    dnssec: {dnssec}
  - name: {reverse}
    ns: [ns1.example.test]
    dnssec: {dnssec}
services:
  - name: pages
    names: "{{id}}.pages.example.test"
    ids: {ids}
    addresses: "2001:db8:1::/64"
    ttl: 60
    kernel: /nonexistent/{{id}}.xen
    idle: 1h
    wake: {wake}
"""
IDS = "{any: true, characters: a-z0-9, length: 1-12}"


def config(dnssec="on", ids=IDS, more="", wake="packet"):
    return CONFIG.format(dnssec=dnssec, ids=ids, more=more, reverse=REVERSE, wake=wake)


def page(ident):
    return f"{ident}.pages.example.test"


def ask_do(daemon, name, qtype=AAAA, tcp=False, timeout=PATIENCE, **more):
    return Message(exchange(("127.0.0.1", daemon.port),
                            query(name, qtype, 7, edns=1232, dnssec_ok=True, **more), timeout, tcp))


def types(records):
    return sorted(record.type for record in records)


class OnlineSigning(ProcessTest):
    def start(self, *arguments, **named):
        return self.daemon(config(*arguments, **named), "--simulate").ready()

    def said(self, *arguments, status=0):
        done = subprocess.run([BINARY, *arguments], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout + (done.stderr if status else "")

    def unbound(self, daemon):
        zones = {zone: self.said("keys", "ds", daemon.file, zone).strip()
                 for zone in ("example.test", REVERSE)}
        validator = Unbound(daemon.port, zones)
        self.addCleanup(validator.end)
        self.addCleanup(lambda: print(validator.log()) if self._failed() else None)
        return validator

    def pointer(self, daemon, ident):
        address = re.search(r"address: +(\S+)", self.said("name", daemon.file, page(ident)))[1]
        nibbles = ipaddress.IPv6Address(address).exploded.replace(":", "")
        return ".".join(reversed(nibbles)) + ".ip6.arpa"

    def sample(self, daemon, name, **labels):
        text = control.ask(f"{daemon.directory.name}/control.sock", "GET", "/metrics").body
        wanted = "".join(f'{key}="{value}"' for key, value in labels.items())
        found = re.search(rf"^{name}{re.escape('{' + wanted + '}') if wanted else ''} (\S+)$", text, re.M)
        return float(found[1])

    def test_answers(self):
        daemon = self.start()
        answer = ask_do(daemon, page("x7f3"))
        self.assertEqual((answer.rcode, types(answer.answer)), (NOERROR, [AAAA, RRSIG]))
        self.assertEqual(ask_do(daemon, page("x7f3"), tcp=True).answer, answer.answer, "it is kept")
        self.assertEqual(types(ask_do(daemon, page("x7f3"), TXT).authority), [6, RRSIG, RRSIG, NSEC])
        self.assertEqual(types(ask_do(daemon, page("x7f3"), ANY).answer), [RRSIG, NSEC])
        self.assertEqual(types(ask_do(daemon, page("x7f3"), NSEC).answer), [RRSIG, NSEC])
        self.assertEqual(types(ask_do(daemon, page("x7f3"), RRSIG).answer), [RRSIG])
        # RFC 9824: what does not exist is shown as a name with nothing.
        missing = ask_do(daemon, "missing.example.test")
        self.assertEqual((missing.rcode, types(missing.authority)), (NOERROR, [6, RRSIG, RRSIG, NSEC]))
        self.assertEqual(ask_do(daemon, "missing.example.test", z=CO).rcode, NXDOMAIN)
        self.assertEqual(Message(exchange(("127.0.0.1", daemon.port), query("missing.example.test", A, 7),
                                          PATIENCE)).rcode, NXDOMAIN)
        refused = ask_do(daemon, page("x7f3"), NXNAME)
        self.assertEqual((refused.rcode, refused.ede), (FORMERR, [(30, "")]))
        self.assertEqual(types(ask_do(daemon, self.pointer(daemon, "x7f3"), PTR).answer), [PTR, RRSIG])

    def test_unbound_believes_all_of_it(self):
        daemon = self.start()
        unbound = self.unbound(daemon)
        chance = random.Random(17)
        letters = "abcdefghijklmnopqrstuvwxyz0123456789"
        ids = sorted({"".join(chance.choices(letters, k=chance.randint(1, 12))) for _ in range(300)})
        made_up = [f"{i}-{j}" for i, j in zip(ids, reversed(ids))]
        asked = []

        def expect(name, qtype, rcode, count):
            asked.append((name, qtype, rcode, count))

        for ident, other in zip(ids, made_up):
            expect(page(ident), AAAA, NOERROR, 1)
            expect(page(ident), TXT, NOERROR, 0)
            expect(page(other), AAAA, NXDOMAIN, 0)
            expect(f"below.{page(ident)}", AAAA, NXDOMAIN, 0)
            expect(f"{other}.example.test", A, NXDOMAIN, 0)
            expect(f"{other}.wild.example.test", TXT, NOERROR, 1)
            expect(f"deep.{ident}.wild.example.test", TXT, NOERROR, 1)
            expect(f"{other}.wild.example.test", A, NOERROR, 0)
        for ident in ids[:20]:
            expect(f"{ident}.wild4.example.test", AAAA, NOERROR, 2)
            expect(f"{ident}.far.example.test", AAAA, NOERROR, 3)
            pointer = self.pointer(daemon, ident)
            expect(pointer, PTR, NOERROR, 1)
            expect(pointer, TXT, NOERROR, 0)
            expect(pointer[2:], PTR, NOERROR, 0)
        for _ in range(5):
            expect("www.example.test", A, NOERROR, 1)
            expect("www.example.test", TXT, NOERROR, 0)
            expect(page("www"), A, NOERROR, 1)
            expect(page("www"), AAAA, NOERROR, 0)
            expect("ent.pages.example.test", A, NOERROR, 0)
            expect("a.ent.pages.example.test", TXT, NOERROR, 1)
            expect("b.ent.pages.example.test", TXT, NXDOMAIN, 0)
            expect("pages.example.test", A, NOERROR, 0)
            expect("example.test", DNSKEY, NOERROR, 1)
            expect("here.wild.example.test", TXT, NOERROR, 1)
            expect("here.wild.example.test", A, NOERROR, 0)
            expect("alias.example.test", AAAA, NOERROR, 2)
            expect("lost.example.test", AAAA, NOERROR, 1)
            expect(page("x7f3"), DS, NOERROR, 0)
        chance.shuffle(asked)
        wrong = []

        def ask_all(part):
            for name, qtype, rcode, count in part:
                answer = unbound.ask(name, qtype)
                there = [record for record in answer.answer if record.type != RRSIG]
                # One that does not know RFC 9824 takes a name that does not exist for an empty one.
                known = answer.rcode in ((NOERROR, NXDOMAIN) if rcode == NXDOMAIN else (rcode,))
                if not known or len(there) != count or not answer.ad:
                    wrong.append((name, qtype, str(answer), answer.ad))

        threads = [threading.Thread(target=ask_all, args=(asked[n::4],)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(wrong[:5], [], f"{len(wrong)} of {len(asked)}")
        self.assertEqual(unbound.bogus(), [])

    def test_delv_and_drill_believe_it(self):
        daemon = self.start(dnssec="{algorithm: ed25519}")
        ds = self.said("keys", "ds", daemon.file, "example.test").split()
        directory = daemon.directory.name
        with open(f"{directory}/anchor", "w", encoding="ascii") as f:
            f.write(f'trust-anchors {{ "example.test." static-ds {ds[3]} {ds[4]} {ds[5]} "{ds[6]}"; }};\n')
        for name, qtype, said in ((page("x7f3"), "AAAA", "fully validated"),
                                  (page("x7f3"), "TXT", "negative response, fully validated"),
                                  ("missing.example.test", "A", "negative response, fully validated"),
                                  ("a.wild.example.test", "TXT", "fully validated")):
            done = subprocess.run(["delv", "-a", f"{directory}/anchor", "+root=example.test", "@127.0.0.1",
                                   "-p", str(daemon.port), name, qtype], capture_output=True, text=True,
                                  timeout=PATIENCE, check=False)
            self.assertIn(f"; {said}", done.stdout, done.stdout + done.stderr)

    def test_a_query_that_wakes_is_answered_with_its_signature(self):
        daemon = self.start(wake="dns")
        self.assertEqual(types(ask_do(daemon, page("x7f3")).answer), [AAAA, RRSIG])
        self.assertEqual(types(ask_do(daemon, page("other"), tcp=True).answer), [AAAA, RRSIG])
        self.assertEqual(types(ask_do(daemon, "alias.example.test").answer), [5, AAAA, RRSIG, RRSIG])
        wait_until(lambda: sorted(re.findall(r"vmm: woke pages@(\S+): ", daemon.log())) == ["other", "x7f3"],
                   "two wakes")

    def test_only_the_signer_has_the_key(self):
        daemon = self.start()
        ask_do(daemon, page("x7f3"))
        daemon.reload()
        ask_do(daemon, page("x7f4"))
        secrets = []
        for path in glob.glob(f"{daemon.directory.name}/keys/*.private"):
            with open(path, encoding="ascii") as f:
                secrets.append(base64.b64decode(re.search("PrivateKey: (.*)", f.read())[1]))
        self.assertEqual(len(secrets), 2)
        wait_until(lambda: list(daemon.children().values()).count("front") == 1, "one front")
        pids = {daemon.process.pid: "parent", **daemon.children()}
        self.assertTrue({"front", "vmm", "signer"} <= set(pids.values()), pids)
        for pid, role in pids.items():
            found = any(holds(pid, octets) for secret in secrets for octets in (secret, secret[::-1]))
            self.assertEqual(found, role == "signer", role)

    def test_the_signer_may_die_at_any_time(self):
        daemon = self.start()
        answer = ask_do(daemon, page("kept"))
        over = threading.Event()
        wrong, asked = [], [0]

        def load(thread):
            number = 0
            while not over.is_set():
                number += 1
                asked[0] += 1
                for name, qtype, want in ((page(f"t{thread}n{number}"), AAAA, [AAAA, RRSIG]),
                                          (page("kept"), AAAA, [AAAA, RRSIG]),
                                          ("www.example.test", A, [A, RRSIG])):
                    got = ask_do(daemon, name, qtype)
                    if types(got.answer) != want:
                        wrong.append(str(got))

        threads = [threading.Thread(target=load, args=(n,)) for n in range(3)]
        for thread in threads:
            thread.start()
        front = daemon.pid_of("front")
        victim = None
        for _ in range(5):
            before = asked[0]
            victim = daemon.pid_of("signer", other_than=victim)
            os.kill(victim, signal.SIGKILL)
            wait_until(lambda: asked[0] > before + 10, "answers after it")
        over.set()
        for thread in threads:
            thread.join()
        self.assertEqual(wrong[:3], [])
        self.assertEqual(daemon.pid_of("front"), front)
        self.assertEqual(ask_do(daemon, page("kept")).answer, answer.answer)
        wait_until(lambda: self.sample(daemon, "summond_process_restarts_total", role="signer") >= 5, "all restarts")

    def test_leased_addresses_are_signed(self):
        text = config(wake="dns").replace(
            'addresses: "2001:db8:1::/64"', 'addresses: ["2001:db8:1::/64", 198.51.100.4/30]')
        daemon = self.daemon(text, "--simulate").ready()
        unbound = self.unbound(daemon)
        for qtype in (A, AAAA, TXT, A):
            answer = unbound.ask(page("x7f3"), qtype)
            self.assertEqual((answer.rcode, answer.ad), (NOERROR, True), f"type {qtype}")
            self.assertEqual(qtype in types(answer.answer), qtype != TXT)
        leased = ask_do(daemon, page("x7f3"), A)
        self.assertEqual(types(leased.answer), [A, RRSIG])
        self.assertIn(leased.addresses[0], ("198.51.100.5", "198.51.100.6"))
        self.assertEqual(unbound.bogus(), [])

    def test_without_a_signer_the_rest_is_answered(self):
        daemon = self.start()
        kept = ask_do(daemon, page("kept")).answer
        signer = daemon.pid_of("signer")
        os.kill(signer, signal.SIGSTOP)
        self.assertEqual(ask_do(daemon, page("kept")).answer, kept)
        self.assertEqual(types(ask_do(daemon, "www.example.test", A).answer), [A, RRSIG])
        late = ask_do(daemon, page("late"))
        self.assertEqual((late.rcode, late.ede), (SERVFAIL, [(14, "signatures cannot be made now")]))
        os.kill(signer, signal.SIGCONT)
        self.assertEqual(types(ask_do(daemon, page("late2")).answer), [AAAA, RRSIG])

    def test_a_flood_is_signed_no_more_than_allowed(self):
        daemon = self.start(more="signing: {per_second: 4}\nrate_limit: off\n")
        kept = ask_do(daemon, page("kept")).answer
        made = self.sample(daemon, "summond_dns_signatures_made_total")
        answers = [ask_do(daemon, page(f"n{n}")) for n in range(60)]
        signed = [a for a in answers if types(a.answer) == [AAAA, RRSIG]]
        others = [a for a in answers if a not in signed]
        self.assertTrue(others and all(a.tc and not a.answer for a in others), str(others[:1]))
        self.assertGreaterEqual(len(signed), 1)
        self.assertEqual(ask_do(daemon, page("kept")).answer, kept)
        with_cookie = ask_do(daemon, page("m1"), options=[(10, b"12345678")])
        self.assertIn(with_cookie.rcode, (NOERROR, 23))
        # Who shows that his address is his gets more.
        self.assertEqual(types(ask_do(daemon, page("m2"), tcp=True).answer), [AAAA, RRSIG])
        self.assertEqual(self.sample(daemon, "summond_dns_signatures_refused_total", transport="udp"),
                         len(others) + (with_cookie.rcode == 23))
        self.assertGreaterEqual(self.sample(daemon, "summond_dns_signatures_made_total") - made, len(signed))
        # Asked again, what has been signed costs nothing.
        before = self.sample(daemon, "summond_dns_signatures_made_total")
        for number, answer in enumerate(answers):
            if answer in signed:
                self.assertEqual(ask_do(daemon, page(f"n{number}")).answer, answer.answer)
        self.assertEqual(self.sample(daemon, "summond_dns_signatures_made_total"), before)

    def test_a_reload_takes_other_addresses_and_keys(self):
        daemon = self.start()
        first = ask_do(daemon, page("x7f3")).answer
        daemon.reload(config(ids="{any: true, characters: a-z, length: 1-10}"))
        wait_until(lambda: not ask_do(daemon, page("x7f3")).answer, "the new rule")
        moved = ask_do(daemon, page("xyz")).answer
        self.assertEqual(types(moved), [AAAA, RRSIG])
        self.assertNotEqual(first[0].rdata, moved[0].rdata)
        self.said("keys", "roll", daemon.file, "example.test")
        daemon.reload()
        # Both sign until the parent has the new one.
        wait_until(lambda: types(ask_do(daemon, page("xyz")).answer) == [AAAA, RRSIG, RRSIG], "both keys")
        unbound = self.unbound(daemon)
        for name in (page("xyz"), page("other"), "missing.example.test"):
            self.assertTrue(unbound.ask(name, AAAA).ad, name)
        daemon.reload("key_dir: keys\n" + config().split("\n", 1)[1].replace("    dnssec: on\n", ""))
        wait_until(lambda: types(ask_do(daemon, page("xyz")).answer) == [AAAA], "no signatures")

    def test_check_says_what_cannot_be(self):
        daemon = self.start()
        daemon.configure(config(dnssec="{nsec3: on}"))
        said = self.said("check", daemon.file, status=2)
        self.assertIn("the names of service pages are signed when they are asked for, which zone "
                      "example.test. cannot do with nsec3; leave nsec3 out", said)
        self.assertIn("addresses of service pages have no PTR records", said)
        daemon.configure(config(more="signing: {per_second: 0}\n"))
        self.assertIn("signing.per_second", self.said("check", daemon.file, status=2))


if __name__ == "__main__":
    unittest.main()
