"""Configurations that are refused, at the start and by `summond check`."""

import os
import resource
import socket
import subprocess
import tempfile
import unittest

from process_support import BINARY, PATIENCE, SERVICE, ZONE, ProcessTest, sanitized


class Check(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)

    def check(self, text, **files):
        for name, content in {"x.yaml": text, **files}.items():
            with open(os.path.join(self.directory.name, name), "w", encoding="utf-8") as f:
                f.write(content)
        return subprocess.run([BINARY, "check", "x.yaml"], cwd=self.directory.name, timeout=PATIENCE,
                              capture_output=True, text=True, check=False)

    def test_good(self):
        result = self.check(ZONE + SERVICE.format(name="s", address="10.9.0.1"))
        self.assertEqual(result.returncode, 0, result.stderr)
        # SOA, NS, 3 static records, the service's address.
        self.assertEqual(result.stdout, "x.yaml: ok: 1 zone, 6 records, 1 service\n")
        # A kernel may come later, but it is worth a word.
        self.assertRegex(result.stderr, r"^x\.yaml:\d+:\d+: warning: .*/nonexistent/kernel.*\n$")

    def test_every_problem_with_its_place(self):
        result = self.check("lissten: 127.0.0.1\n" + ZONE.replace("192.0.2.53", "192.0.2.553") +
                            SERVICE.format(name="s", address="10.9.0.300"))
        self.assertEqual(result.returncode, 2)
        self.assertEqual(result.stdout, "")
        lines = result.stderr.splitlines()
        self.assertGreaterEqual(len(lines), 2, lines)
        for line in lines:
            self.assertRegex(line, r"^x\.yaml:\d+:\d+: .+")
        self.assertTrue(lines[0].startswith("x.yaml:1:1: "), lines)
        self.assertTrue(any("10.9.0.300" in line for line in lines), lines)

    def test_bad_inline_record_and_zone_file(self):
        result = self.check(ZONE.replace("192.0.2.53", "192.0.2.553"))
        self.assertEqual(result.returncode, 2)
        self.assertRegex(result.stderr, r"(?m)^x\.yaml:5:\d+: ")
        result = self.check("zones:\n  - {name: example.test, file: z.zone}\n", **{
            "z.zone": "$TTL 60\n@ SOA ns1 host 1 2 3 4 5\n@ NS ns1\nns1 A 192.0.2.1\nbad A nonsense\n"})
        self.assertEqual(result.returncode, 2)
        self.assertRegex(result.stderr, r"z\.zone:5:7: ")

    def test_warnings_leave_the_status_alone(self):
        result = self.check(ZONE.replace("www A 192.0.2.80", "www MX 10 192.0.2.80"))
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("x.yaml:6:9: warning: mail exchange 192.0.2.80.example.test. is an address",
                      result.stderr)

    def test_thousands_of_zones_take_little_memory(self):
        """Twice their text and 30 MiB, libraries' data and all."""
        if sanitized():
            self.skipTest("a sanitizer takes more")
        zone = ("$TTL 300\n@ SOA ns hostmaster 1 14400 3600 1209600 300\n@ NS ns\n"
                "ns A 192.0.2.1\nwww A 192.0.2.2\n")
        count = 5000
        limit = 2 * count * len(zone) + (30 << 20)
        names = [f"z{i}.example" for i in range(count)]
        with open(os.path.join(self.directory.name, "x.yaml"), "w", encoding="utf-8") as f:
            f.write("zones:\n" + "".join(f"  - {{name: {n}, file: {n}}}\n" for n in names))
        for name in names:
            with open(os.path.join(self.directory.name, name), "w", encoding="utf-8") as f:
                f.write(zone)
        result = subprocess.run(
            [BINARY, "check", "x.yaml"], cwd=self.directory.name, timeout=10 * PATIENCE, check=False,
            capture_output=True, text=True,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (limit, limit)))
        self.assertEqual(result.stderr, "")
        self.assertEqual(result.stdout, "x.yaml: ok: 5000 zones, 20000 records, 0 services\n")

    def test_unreadable(self):
        for name in "missing.yaml", ".":
            result = subprocess.run([BINARY, "check", name], cwd=self.directory.name, check=False,
                                    capture_output=True, text=True, timeout=PATIENCE)
            self.assertEqual(result.returncode, 2)
            self.assertTrue(result.stderr.startswith(name + ": cannot be "), result.stderr)

    def test_not_yaml(self):
        for text in "", "zones: [", "\0\1\2", "- a\n- b\n", "zones: !!binary x\n":
            with self.subTest(text):
                self.assertEqual(self.check(text).returncode, 2)


class Refused(ProcessTest):
    def test_bad_configuration(self):
        daemon = self.daemon(ZONE + "servces: []\n")
        self.assertEqual(daemon.process.wait(PATIENCE), 2)
        self.assertRegex(daemon.log(), rf"(?m)^{daemon.file}:\d+:1: ")
        self.assertIn("cannot be used", daemon.log())

    def test_busy_port(self):
        for kind in socket.SOCK_DGRAM, socket.SOCK_STREAM:
            with self.subTest(kind), socket.socket(socket.AF_INET, kind) as other:
                other.bind(("127.0.0.1", 0))
                if kind == socket.SOCK_STREAM:
                    other.listen()
                address = "127.0.0.1:%d" % other.getsockname()[1]
                daemon = self.daemon(listen=[address])
                self.assertEqual(daemon.process.wait(PATIENCE), 1)
                self.assertIn(f"listen {address}", daemon.log())
                self.assertIn("in use", daemon.log())

    def test_two_daemons_cannot_share_a_port(self):
        first = self.daemon().ready()
        second = self.daemon(listen=[f"127.0.0.1:{first.port}"])
        self.assertEqual(second.process.wait(PATIENCE), 1)
        self.assert_answers(first)

    def test_services_without_xen(self):
        if os.geteuid() != 0 or os.path.exists("/proc/xen/capabilities"):
            self.skipTest("needs root, and a machine that is no Xen dom0")
        daemon = self.daemon(ZONE + SERVICE.format(name="s", address="10.9.0.1"))
        self.assertEqual(daemon.process.wait(PATIENCE), 1)
        self.assertIn("--simulate", daemon.log())


if __name__ == "__main__":
    unittest.main()
