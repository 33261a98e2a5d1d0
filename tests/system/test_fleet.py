"""Several hosts that find each other by etcd: the daemon beside Debian's real etcd."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import unittest

import yaml

from process_support import ZONE, sanitized, status, wait_until
from harness import etcd  # process_support says where it is
from test_control import ControlTest
from test_control_openapi import FILE, Schema
from test_signing import memory_of

# etcd writes to a disk that others use, and a lease is never shorter than it says.
PATIENCE = 120
# Nobody is seen to be gone before that, but by a goodbye.
LONG = "60s"


@unittest.skipUnless(shutil.which("etcd"), "there is no etcd (package etcd-server)")
class FleetTest(ControlTest):
    def etcd(self, **named):
        server = etcd.Etcd(**named)
        self.addCleanup(server.end)
        server.begin()
        return server.serving()

    @staticmethod
    def text(name, servers, lease=LONG, more=""):
        urls = ", ".join(f'"{each.url}"' for each in servers)
        return f"fleet: {{name: {name}, etcd: [{urls}], lease: {lease}{more}}}\n{ZONE}"

    def host(self, name, servers, lease=LONG, more=""):
        return self.controlled(self.text(name, servers, lease, more))

    def reload_as(self, daemon, config):
        daemon.reload(f"control: {{socket: control.sock}}\n{config}")

    def fleet(self, daemon):
        return self.get(daemon, "/v1/hosts").json["fleet"]

    def hosts(self, daemon):
        return {host["name"]: host for host in self.get(daemon, "/v1/hosts").json["hosts"]}

    def wait(self, condition, what):
        return wait_until(condition, what, patience=PATIENCE)

    def wait_hosts(self, daemon, *names):
        try:
            self.wait(lambda: set(self.hosts(daemon)) == set(names), f"hosts {names}")
        except AssertionError as e:
            raise AssertionError(f"{e}: {self.get(daemon, '/v1/hosts').body}") from None

    def wait_fleet(self, daemon, **wanted):
        def reached():
            fleet = self.fleet(daemon)
            return fleet and all(fleet[key] == value for key, value in wanted.items()) and fleet
        try:
            return self.wait(reached, f"fleet {wanted}")
        except AssertionError as e:
            raise AssertionError(f"{e}: {self.get(daemon, '/v1/hosts').body}") from None


class Membership(FleetTest):
    def test_hosts_come_and_go(self):
        server = self.etcd()
        a = self.host("a", [server], more=", networks: [192.0.2.0/25, '2001:db8:a::/48'], location: '59.91,10.75'")
        self.wait_hosts(a, "a")
        b = self.host("b", [server], more=", networks: 192.0.2.128/25")
        for daemon in a, b:
            self.wait_hosts(daemon, "a", "b")
            self.wait_fleet(daemon, connected=True, joined=True, refused=False, problem=None, ignored=0)
        self.assertEqual(self.hosts(b)["a"], {
            "name": "a", "this": False, "networks": ["192.0.2.0/25", "2001:db8:a::/48"],
            "location": "59.91,10.75", "drained": False, "pressure": False})
        self.assertEqual((self.hosts(b)["b"]["this"], self.hosts(b)["b"]["location"]), (True, None))
        document = yaml.safe_load(FILE.read_text(encoding="utf-8"))
        self.assertEqual(list(Schema(document).problems(document["components"]["schemas"]["Hosts"],
                                                        self.get(b, "/v1/hosts").json, "hosts")), [])
        shown = self.ctl(b, "hosts").stdout
        self.assertRegex(shown, r"(?m)^a +192\.0\.2\.0/25, 2001:db8:a::/48 +59\.91,10\.75 +up$")
        self.assertRegex(shown, r"(?m)^b \(this\) +192\.0\.2\.128/25 +up$")
        metrics = self.get(a, "/metrics").body
        for line in ("summond_fleet_connected 1", "summond_fleet_joined 1", "summond_fleet_hosts 2",
                     "summond_fleet_ignored_total 0", 'summond_process_up{role="fleet"} 1'):
            self.assertIn(line + "\n", metrics)
        # One key a host, each with a lease.
        self.assertEqual(set(server.get("/summond/")), {"/summond/hosts/a", "/summond/hosts/b"})
        self.leaves(b, server)
        self.wait_hosts(a, "a")
        self.assertIn("host b is gone", a.log())
        self.leaves(a, server)

    def leaves(self, daemon, server):
        before = server.get("/summond/")
        self.assertEqual(daemon.stop(), 0)
        if "etcd has not taken the lease back" not in daemon.log():  # on a very slow machine
            self.assertEqual(len(server.get("/summond/")), len(before) - 1)

    def test_a_host_that_is_drained(self):
        server = self.etcd()
        a = self.controlled(self.text("a", [server]) + "services: [{name: www, names: w.example.test, "
                            "addresses: 192.0.2.1, kernel: /k}]\n")
        b = self.host("b", [server])
        self.wait_hosts(b, "a", "b")
        self.ctl(a, "drain")
        self.wait(lambda: self.hosts(b)["a"]["drained"], "b sees that a is drained")
        self.assertRegex(self.ctl(b, "hosts").stdout, r"(?m)^a .*drained$")
        self.ctl(a, "undrain")
        self.wait(lambda: not self.hosts(b)["a"]["drained"], "b sees that a is not")

    def test_a_host_that_is_killed(self):
        server = self.etcd()
        a = self.host("a", [server])
        b = self.host("b", [server], lease="3s")
        self.wait_hosts(a, "a", "b")
        b.children()
        b.kill_tree()
        self.wait_hosts(a, "a")

    def test_the_process_is_killed(self):
        server = self.etcd()
        a = self.host("a", [server])
        b = self.host("b", [server])
        self.wait_hosts(a, "a", "b")
        before = b.pid_of("fleet")
        os.kill(before, signal.SIGKILL)
        b.pid_of("fleet", other_than=before)
        self.wait(lambda: b.log().count("joined the fleet as b") == 2, "b takes its key over")
        self.wait_fleet(b, connected=True, joined=True, refused=False)
        self.wait_hosts(b, "a", "b")
        self.assert_answers(b)
        self.assertNotIn("host b is gone", a.log())
        control = b.pid_of("control")
        os.kill(control, signal.SIGKILL)
        b.pid_of("control", other_than=control)
        self.wait(lambda: os.path.exists(b.socket), "control is back")
        self.wait_hosts(b, "a", "b")

    def test_one_name_twice(self):
        server = self.etcd()
        first = self.host("a", [server], more=", networks: 192.0.2.0/25")
        self.wait_fleet(first, joined=True)
        second = self.host("a", [server], more=", networks: 192.0.2.128/25")
        fleet = self.wait_fleet(second, connected=True, refused=True, joined=False)
        self.assertEqual(fleet["problem"], "another host is called a, that with 192.0.2.0/25; "
                                           "give each a name of its own")
        self.assertIn("another host is called a", self.ctl(second, "hosts").stdout)
        self.assertFalse(self.hosts(second)["a"]["this"])
        self.assert_answers(second)
        self.assertEqual(first.stop(), 0)
        self.wait_fleet(second, joined=True, refused=False, problem=None)
        self.wait(lambda: self.hosts(second).get("a", {}).get("networks") == ["192.0.2.128/25"], "its own key")

    def test_reloads(self):
        server = self.etcd()
        a = self.host("a", [server])
        b = self.controlled(ZONE)
        self.assertNotIn("fleet", b.children().values())
        self.assertEqual((self.fleet(b), self.hosts(b)), (None, {}))
        self.assertIn("this host is alone", self.ctl(b, "hosts").stdout)
        self.reload_as(b, self.text("b", [server]))
        self.wait_hosts(a, "a", "b")
        self.reload_as(b, self.text("b", [server], more=", networks: 192.0.2.128/25"))
        self.wait(lambda: self.hosts(a)["b"]["networks"] == ["192.0.2.128/25"], "a sees b's network")
        self.assertNotIn("host b is gone", a.log())
        self.reload_as(b, self.text("c", [server]))
        self.wait_hosts(a, "a", "c")
        self.reload_as(b, ZONE)
        self.wait_hosts(a, "a")
        self.wait(lambda: (self.fleet(b), self.hosts(b)) == (None, {}), "b is alone")
        self.reload_as(b, self.text("b", [server]))
        self.wait_hosts(a, "a", "b")
        self.wait_hosts(b, "a", "b")

    def test_isolation(self):
        daemon = self.host("a", [self.etcd()])
        text = pathlib.Path(f"/proc/{daemon.pid_of('fleet')}/status").read_text()
        self.assertRegex(text, r"Seccomp:\s+2")
        self.assertRegex(text, r"NoNewPrivs:\s+1")
        for line in ("CapEff", "CapPrm", "CapBnd"):
            self.assertRegex(text, rf"{line}:\s+0000000000000000")
        self.assertNotRegex(text, r"Uid:\s+0")


class Faults(FleetTest):
    def test_etcd_is_gone_and_comes_back(self):
        server = self.etcd()
        a = self.host("a", [server], lease="6s")
        b = self.host("b", [server], lease="6s")
        self.wait_hosts(a, "a", "b")
        self.wait_fleet(a, connected=True, joined=True)
        server.stop(60)
        fleet = self.wait_fleet(a, connected=False)
        self.assertTrue(fleet["problem"])
        self.assertEqual(set(self.hosts(a)), {"a", "b"})  # what was known last
        self.assert_answers(a)
        self.assertIn("etcd is not reached", self.ctl(a, "hosts").stdout)
        self.assertIn("summond_fleet_connected 0\n", self.get(a, "/metrics").body)
        server.begin()
        for daemon in a, b:
            self.wait_fleet(daemon, connected=True, joined=True, problem=None)
            self.wait_hosts(daemon, "a", "b")

    def test_etcd_is_silent(self):
        server = self.etcd()
        a = self.host("a", [server], lease="6s")
        self.wait_fleet(a, connected=True, joined=True)
        server.process.send_signal(signal.SIGSTOP)
        self.addCleanup(server.process.send_signal, signal.SIGCONT)
        self.wait_fleet(a, connected=False)
        self.assertIn("no answer within", self.fleet(a)["problem"])
        self.assert_answers(a)
        server.process.send_signal(signal.SIGCONT)
        self.wait_fleet(a, connected=True, joined=True)
        self.wait_hosts(a, "a")

    def test_one_server_of_three_is_down(self):
        servers = etcd.cluster(3)
        for server in servers:
            self.addCleanup(server.end)
            server.begin()
        for server in servers:
            server.serving()
        a = self.host("a", servers)
        self.wait_hosts(a, "a")
        asked = self.wait_fleet(a, connected=True, joined=True)["server"]
        next(each for each in servers if each.url == asked).kill_tree()
        self.wait(lambda: self.fleet(a)["connected"] and self.fleet(a)["server"] != asked, "another server")
        b = self.host("b", servers)
        self.wait_hosts(a, "a", "b")
        self.wait_hosts(b, "a", "b")
        self.wait_fleet(b, connected=True, joined=True)

    def test_a_lease_that_is_revoked(self):
        server = self.etcd()
        a = self.host("a", [server], lease="6s")
        self.wait_fleet(a, connected=True, joined=True)
        server.delete("/summond/hosts/a")
        self.wait(lambda: "/summond/hosts/a" in server.get("/summond/"), "it puts its key back")
        lease = server.call("lease/leases", {})["leases"][0]["ID"]
        server.call("lease/revoke", {"ID": lease})
        self.wait(lambda: "/summond/hosts/a" in server.get("/summond/"), "it has another lease")
        self.wait_fleet(a, connected=True, joined=True)
        self.wait_hosts(a, "a")

    def test_hostile_values(self):
        server = self.etcd()
        good = json.dumps({"networks": ["192.0.2.0/24"], "location": "", "later": {"x": [1]}})
        server.put("/summond/hosts/early", good)
        server.put("/summond/hosts/early bad", good)
        a = self.host("a", [server])
        self.wait_hosts(a, "a", "early")
        bad = {"-x": good, "x" * 64: good, "": good, "x/y": good, "\x1b[1m": good, "number": "7", "none": "",
               "deep": "[" * 3000, "half": good[:-1], "long": " " * 5000 + good, "huge": "x" * 1000000,
               "network": json.dumps({"networks": ["192.0.2.1/24"]}),
               "networks": json.dumps({"networks": ["192.0.2.0/24"] * 17}),
               "type": json.dumps({"drained": "yes"}), "octets": b"\xff\xfe\x00",
               "place": json.dumps({"location": "x" * 33}), "escape": json.dumps({"location": "\x1b[1m"})}
        for name, value in bad.items():
            server.put(f"/summond/hosts/{name}".encode(), value)
        server.put("/summond/hosts/z", good)
        self.wait_hosts(a, "a", "early", "z")
        self.wait_fleet(a, connected=True, joined=True, ignored=len(bad) + 1)
        server.put("/summond/hosts/z", "bad")  # it was good before
        self.wait_hosts(a, "a", "early")
        pid = a.pid_of("fleet")
        for number in range(400):
            server.put(f"/summond/hosts/many{number}", good)
        self.wait(lambda: self.fleet(a)["ignored"] >= 140 and len(self.hosts(a)) == 256, "no more than 256")
        if not sanitized():
            self.assertLess(int(status(pid)["VmRSS"].split()[0]), 100_000)
        self.assertLess(a.log().count("no host's"), 60)
        self.assertEqual(a.pid_of("fleet"), pid)
        server.compact()
        for number in range(400):
            server.delete(f"/summond/hosts/many{number}")
        self.wait_hosts(a, "a", "early")
        server.compact()
        b = self.host("b", [server])
        self.wait_hosts(a, "a", "b", "early")
        self.wait_hosts(b, "a", "b", "early")


class Credentials(FleetTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.keys = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))

        def openssl(*args):
            subprocess.run(["openssl", *args], cwd=cls.keys, check=True, capture_output=True)
        for ca in "ca", "other":
            openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-subj", f"/CN={ca}", "-keyout", f"{ca}.key", "-out", f"{ca}.pem")
        (cls.keys / "ext").write_text("subjectAltName=IP:127.0.0.1\n")
        for name in "server", "client":
            openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
                    "-keyout", f"{name}.key", "-out", f"{name}.csr")
            openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
                    "-days", "2", "-extfile", "ext", "-out", f"{name}.pem")

    def test_certificates(self):
        server = self.etcd(tls=self.keys, client_certificates=True)
        keys = self.keys
        a = self.host("a", [server], more=f", tls: {{ca: {keys}/ca.pem, cert: {keys}/client.pem, key: {keys}/client.key}}")
        self.wait_fleet(a, connected=True, joined=True)
        self.wait_hosts(a, "a")
        for name, tls, why in (("b", f"{{ca: {keys}/other.pem}}", "certificate is not good"),
                               ("c", f"{{ca: {keys}/ca.pem}}", "")):
            daemon = self.host(name, [server], more=f", tls: {tls}")
            self.assertIn(why, self.wait(lambda d=daemon: self.fleet(d)["problem"], "what is wrong"))
            self.assertFalse(self.fleet(daemon)["connected"])
            self.assertEqual(daemon.stop(), 0)
        self.assertEqual(set(server.get("/summond/")), {"/summond/hosts/a"})

    def test_users(self):
        server = self.etcd()
        password = os.urandom(16).hex()
        server.ask_for_users({"hosts": password}, "/summond/")
        place = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        (place / "good").write_text(password + "\n")
        (place / "bad").write_text("guessed\n")
        a = self.host("a", [server], more=f", user: hosts, password_file: {place}/good")
        self.wait_fleet(a, connected=True, joined=True)
        self.wait_hosts(a, "a")
        b = self.host("b", [server], more=f", user: hosts, password_file: {place}/bad")
        self.assertIn("authentication failed", self.wait(lambda: self.fleet(b)["problem"], "what is wrong"))
        c = self.host("c", [server])
        self.assertIn("user", self.wait(lambda: self.fleet(c)["problem"], "what is wrong"))
        elsewhere = self.host("d", [server], more=f", user: hosts, password_file: {place}/good, key_prefix: /x/")
        self.assertIn("permission denied", self.wait(lambda: self.fleet(elsewhere)["problem"], "what is wrong"))
        # A reload has the new password.
        self.reload_as(b, self.text("b", [server], more=f", user: hosts, password_file: {place}/good"))
        self.wait_hosts(a, "a", "b")
        shown = a.log() + "".join(self.get(a, path).body for path in ("/v1/hosts", "/v1/status", "/metrics"))
        self.assertNotIn(password, shown)
        if os.geteuid() == 0:
            octets = password.encode()
            has_it = {role for pid, role in a.children().items()
                      if any(octets in piece for piece in memory_of(pid))}
            self.assertEqual(has_it, {"fleet"})


if __name__ == "__main__":
    unittest.main()
