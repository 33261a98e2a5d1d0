"""Several domains of one service through the whole daemon: which are up, and which are answered."""

import os
import pathlib
import subprocess
import tempfile

from process_support import A, AAAA, BINARY, NOERROR, ProcessTest, ask, wait_until

PTR = 12
SUMMONCTL = os.path.join(os.path.dirname(BINARY), "summonctl")
CONFIG = """\
control: {{socket: {socket}}}
zones:
  - name: example.test
    ns: [ns1.example.test]
    records: ["ns1 A 192.0.2.53", "alias CNAME www"]
{signing}
  - {{name: 9.10.in-addr.arpa, ns: [ns1.example.test]}}
services:
  - name: www
    names: www.example.test
    addresses: [10.9.0.1, 10.9.0.2, 10.9.0.3, "2001:db8::1", "2001:db8::2", "2001:db8::3"]
    kernel: /nonexistent/www.xen
    ttl: 1
    answer: ready
    idle: 1s
    replicas: {{min: {least}, max: 3, add_at: {{packets: 2000/s}}, answers: {answers}}}
"""
ALL = ["10.9.0.1", "10.9.0.2", "10.9.0.3"]


class Replicas(ProcessTest):
    def setUp(self):
        super().setUp()
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.socket = str(pathlib.Path(directory.name) / "control.sock")

    def text(self, least=0, answers=3, signing=""):
        return CONFIG.format(socket=self.socket, least=least, answers=answers, signing=signing)

    def start(self, **how):
        return self.daemon(self.text(**how), "--simulate").ready()

    def ctl(self, *arguments):
        done = subprocess.run([SUMMONCTL, "--socket", self.socket, *arguments], text=True,
                              capture_output=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def answers(self, daemon, qtype=A, name="www.example.test", times=60):
        """Every order in which the addresses have come, of so many queries."""
        seen = set()
        for _ in range(times):
            answer = ask(daemon.port, name, qtype)
            self.assertEqual(answer.rcode, NOERROR, daemon.log())
            seen.add(tuple(answer.addresses))
        return seen

    def test_a_query_wakes_the_first(self):
        daemon = self.start()
        self.assertEqual(ask(daemon.port).addresses, ALL[:1])
        daemon.wait_log("vmm: woke www: ")
        self.assertNotIn("vmm: woke www:1: ", daemon.log())
        daemon.wait_log("vmm: destroying www: ")

    def test_as_many_as_min_are_up_and_answered_in_turns(self):
        daemon = self.start(least=2)
        daemon.wait_log("vmm: woke www: ")
        daemon.wait_log("vmm: woke www:1: ")
        wait_until(lambda: self.answers(daemon) == {("10.9.0.1", "10.9.0.2"), ("10.9.0.2", "10.9.0.1")},
                   "both, in turns")
        self.assertEqual(self.answers(daemon, AAAA),
                         {("2001:db8::1", "2001:db8::2"), ("2001:db8::2", "2001:db8::1")})
        self.assertIn("www.example.test", self.ctl("show", "www:1"))
        # Another one by hand, which traffic then has no use for.
        self.ctl("wake", "--wait=ready", "www:2")
        wait_until(lambda: any("10.9.0.3" in each for each in self.answers(daemon)), "the third one")
        wait_until(lambda: self.answers(daemon) == {("10.9.0.1", "10.9.0.2"), ("10.9.0.2", "10.9.0.1")},
                   "the third one to be spare")
        daemon.wait_log("vmm: destroying www:2: ")
        # Which is as good as the first.
        self.ctl("sleep", "--force", "www")
        wait_until(lambda: self.answers(daemon) == {("10.9.0.2",)}, "the second one alone")

    def test_answers_are_no_more_than_asked_for(self):
        daemon = self.start(least=3, answers=2)
        for name in ("www", "www:1", "www:2"):
            daemon.wait_log(f"vmm: woke {name}: ")
        wait_until(lambda: {len(each) for each in self.answers(daemon)} == {2}, "two addresses")
        self.assertEqual(ask(daemon.port, "3.0.9.10.in-addr.arpa", PTR).rcode, NOERROR)

    def test_over_a_reload(self):
        daemon = self.start(least=2)
        wait_until(lambda: len(ask(daemon.port).addresses) == 2, "two")
        daemon.reload(self.text(least=3))
        daemon.wait_log("vmm: woke www:2: ")
        wait_until(lambda: len(ask(daemon.port).addresses) == 3, "three")
        one = self.text(least=1).replace("max: 3", "max: 1").replace(
            '10.9.0.1, 10.9.0.2, 10.9.0.3, "2001:db8::1", "2001:db8::2", "2001:db8::3"', "10.9.0.1")
        daemon.reload(one)
        daemon.wait_log("vmm: destroying www:2: ")
        wait_until(lambda: self.answers(daemon) == {("10.9.0.1",)}, "one")

    def test_signed_zones_have_none(self):
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write(self.text(signing="    dnssec: on"))
            file.flush()
            done = subprocess.run([BINARY, "check", file.name], capture_output=True, text=True,
                                  check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("which of its replicas service www answers with is known only then",
                      done.stdout + done.stderr)
