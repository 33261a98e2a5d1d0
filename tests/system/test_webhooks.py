"""Webhooks: real HTTP and HTTPS receivers, good ones and hostile ones."""

import base64
import hashlib
import hmac
import http.server
import json
import os
import pathlib
import re
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest

from process_support import ZONE, ask, free_port, wait_until
from harness import control  # process_support says where it is
from test_control import ControlTest
from test_signing import memory_of

KEY = bytes(range(24))
SECRET = "whsec_" + base64.b64encode(KEY).decode()
DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs"


class Receiver:
    """Takes what it is sent; `answers` are given in turn, the last for ever: statuses, or functions of the
    handler."""

    def __init__(self, answers=(204,), tls=None):
        self.taken = []  # (headers, body)
        self.answers = list(answers)
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.taken.append((self.headers, body, self.path))
                answer = outer.answers.pop(0) if len(outer.answers) > 1 else outer.answers[0]
                if callable(answer):
                    answer(self)
                    return
                self.send_response(answer)
                self.send_header("Location", "http://127.0.0.1:1/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if tls is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.server.handle_error = lambda *_: None  # summond hangs up on hostile ones
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def events(self):
        return [json.loads(body) for _headers, body, _path in list(self.taken)]

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def signature_is_good(headers, body):
    text = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = "v1," + base64.b64encode(hmac.digest(KEY, text, hashlib.sha256)).decode()
    return hmac.compare_digest(headers["webhook-signature"], expected)


SERVICES = """\
services:
  - {name: one, names: one.example.test, addresses: 192.0.2.101, kernel: /k, idle: 1s, ttl: 0}
  - {name: two, names: two.example.test, addresses: 192.0.2.102, kernel: /k}
"""


def with_hooks(hooks, services=SERVICES):
    return ZONE + "webhooks:\n" + "".join(f"  - {hook}\n" for hook in hooks) + services


class WebhookTest(ControlTest):
    def told(self, hooks, services=SERVICES):
        """A daemon whose notifier is there."""
        daemon = self.controlled(with_hooks(hooks, services))
        wait_until(lambda: len(self.hooks(daemon)) == len(hooks), "the notifier is there")
        return daemon

    def receiver(self, *args, **more):
        receiver = Receiver(*args, **more)
        self.addCleanup(receiver.close)
        return receiver

    def hooks(self, daemon):
        return {hook["name"]: hook for hook in self.get(daemon, "/v1/webhooks").json["webhooks"]}

    def wait_hook(self, daemon, name, condition, what):
        return wait_until(lambda: (hook := self.hooks(daemon).get(name)) and condition(hook) and hook, what)

    def ping(self, daemon, name):
        return control.ask(daemon.socket, "POST", f"/v1/webhooks/{name}/ping", timeout=90)


class Webhooks(WebhookTest):
    def test_events(self):
        all_of_it = self.receiver()
        only_two = self.receiver()
        daemon = self.told([
            f"{{name: all, url: 'http://127.0.0.1:{all_of_it.port}/x?y=z', secret: {SECRET}}}",
            f"{{name: two, url: 'http://127.0.0.1:{only_two.port}', services: two}}"])
        ask(daemon.port, "one.example.test")
        ask(daemon.port, "two.example.test")
        wait_until(lambda: [e for e in all_of_it.events() if e["type"] == "put-away"], "put-away")
        wait_until(lambda: only_two.events(), "only_two")
        woke = {e["data"]["service"]: e for e in all_of_it.events() if e["type"] == "woke"}
        self.assertEqual(set(woke), {"one", "two"})
        # The very words of the control interface.
        wakes = self.get(daemon, "/v1/wakes").json["wakes"]
        self.assertEqual(set(woke["one"]["data"]), set(wakes[0]))
        put_away = next(e for e in all_of_it.events() if e["type"] == "put-away")
        self.assertEqual(put_away["data"]["name"], "one")
        self.assertEqual(put_away["data"]["phase"], "asleep")
        self.assertEqual({(e["type"], e["data"].get("service")) for e in only_two.events()}, {("woke", "two")})
        ids = [headers["webhook-id"] for headers, _body, _path in all_of_it.taken]
        self.assertEqual(len(ids), len(set(ids)))
        for headers, body, path in all_of_it.taken:
            self.assertTrue(signature_is_good(headers, body))
            self.assertLess(abs(int(headers["webhook-timestamp"]) - time.time()), 60)
            self.assertEqual(headers["Content-Type"], "application/json")
            self.assertEqual(path, "/x?y=z")
        for headers, _body, path in only_two.taken:
            self.assertNotIn("webhook-signature", headers)
            self.assertEqual(path, "/")
        metrics = self.get(daemon, "/metrics").body
        self.assertRegex(metrics, r'summond_webhook_attempts_total{webhook="all",result="taken"} [3-9]')
        self.assertRegex(metrics, r'summond_webhook_attempts_total{webhook="two",result="failed"} 0')
        # The secret is nowhere to be seen.
        shown = metrics + daemon.log()
        for target in ("/v1/status", "/v1/webhooks", "/v1/events?follow=false"):
            shown += self.get(daemon, target).body
        self.assertNotIn(SECRET, shown)
        self.assertNotIn(SECRET.removeprefix("whsec_"), shown)

    def test_tries_again_until_it_is_taken(self):
        receiver = self.receiver([500, 302, 204])
        daemon = self.told([f"{{name: a, url: 'http://127.0.0.1:{receiver.port}'}}"])
        ask(daemon.port, "two.example.test")
        hook = self.wait_hook(daemon, "a", lambda hook: hook["delivered"] == 1, "the third attempt")
        self.assertEqual(hook["failed_attempts"], 2)
        self.assertEqual(hook["last_attempt"]["status"], 204)
        ids = {headers["webhook-id"] for headers, _body, _path in receiver.taken}
        self.assertEqual(len(ids), 1)
        self.assertIn("webhook a: HTTP status 500; trying again", daemon.log())
        self.assertIn("webhook a: takes what it is told again", daemon.log())

    def test_gives_up(self):
        receiver = self.receiver([503])
        daemon = self.told([f"{{name: a, url: 'http://127.0.0.1:{receiver.port}', retry_for: 0s}}"])
        ask(daemon.port, "two.example.test")
        hook = self.wait_hook(daemon, "a", lambda hook: hook["dropped"] == 1, "it is given up")
        self.assertEqual((hook["waiting"], hook["failed_attempts"], hook["delivered"]), (0, 1, 0))
        self.assertIn('summond_webhook_dropped_total{webhook="a"} 1',
                      self.get(daemon, "/metrics").body)

    def test_ping(self):
        def teapot(handler):
            handler.send_response(418)
            handler.send_header("Content-Length", "14")
            handler.end_headers()
            handler.wfile.write(b"short\x1b[1mstout")

        good = self.receiver()
        bad = self.receiver([teapot])
        port = free_port()
        daemon = self.told([f"{{name: good, url: 'http://127.0.0.1:{good.port}', secret: {SECRET}}}",
                              f"{{name: bad, url: 'http://127.0.0.1:{bad.port}'}}",
                              f"{{name: none, url: 'http://127.0.0.1:{port}'}}"], services="")
        answer = self.ping(daemon, "good")
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.json["receiver"]["status"], 204)
        self.assertEqual(good.events()[0]["type"], "ping")
        self.assertTrue(signature_is_good(*good.taken[0][:2]))
        answer = self.ping(daemon, "bad")
        self.assertEqual((answer.status, answer.json["receiver"]["status"]), (502, 418))
        self.assertEqual(answer.json["receiver"]["what"], "short [1mstout")
        answer = self.ping(daemon, "none")
        self.assertEqual((answer.status, answer.json["receiver"]["status"]), (502, 0))
        self.assertIn("no connection: Connection refused", answer.json["error"])
        answer = self.ping(daemon, "goood")
        self.assertEqual((answer.status, answer.json["expected"]), (404, "did you mean good?"))
        shown = self.ctl(daemon, "ping", code=1).stdout
        self.assertRegex(shown, r"^good: HTTP 204 after \d+ ms\nbad: HTTP 418 after \d+ ms: short \[1mstout\n"
                                r"none: no answer after \d+ ms: no connection: Connection refused\n$")
        self.assertEqual(self.ctl(daemon, "ping", "good").stdout.split(":")[0], "good")
        self.assertIn("did you mean good?", self.ctl(daemon, "ping", "goood", code=1).stderr)
        self.assertRegex(self.ctl(daemon, "webhooks").stdout,
                         r"good +http://127.0.0.1:\d+ +woke, put-away, failed +yes")

    def test_hostile_receivers(self):
        def slow(handler):
            for _ in range(100):
                handler.wfile.write(b"H")
                time.sleep(0.2)

        def endless(handler):
            handler.send_response(200)
            handler.end_headers()
            while True:
                handler.wfile.write(b"x" * 65536)

        def header(handler):
            while True:
                handler.wfile.write(b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 10000)

        silent = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(silent.close)
        receivers = {name: self.receiver([answer]).port for name, answer in
                     {"slow": slow, "endless": endless, "header": header}.items()}
        receivers["silent"] = silent.getsockname()[1]
        daemon = self.told([f"{{name: {name}, url: 'http://127.0.0.1:{port}', timeout: 1s}}"
                              for name, port in receivers.items()], services="")
        for name in ("slow", "silent"):
            answer = self.ping(daemon, name)
            self.assertEqual(answer.json["receiver"]["status"], 0, name)
            self.assertIn("no answer within 1000 ms", answer.json["error"])
        self.assertIn("no answer", self.ping(daemon, "header").json["error"])
        self.assertEqual(self.ping(daemon, "endless").json["receiver"]["status"], 200)

    def test_names_are_looked_up(self):
        receiver = self.receiver()
        daemon = self.told([f"{{name: a, url: 'http://localhost:{receiver.port}'}}",
                              "{name: b, url: 'http://nosuchname.invalid/', timeout: 20s}"], services="")
        self.assertEqual(self.ping(daemon, "a").status, 200)
        self.assertEqual(self.ping(daemon, "b").json["receiver"]["status"], 0)
        self.assertEqual(self.ping(daemon, "a").status, 200)

    def test_outlives_its_death(self):
        receiver = self.receiver()
        daemon = self.told([f"{{name: a, url: 'http://127.0.0.1:{receiver.port}'}}"])
        before = daemon.pid_of("notifier")
        os.kill(before, signal.SIGKILL)
        daemon.pid_of("notifier", other_than=before)
        wait_until(lambda: self.ping(daemon, "a").status == 200, "it tells")
        ask(daemon.port, "two.example.test")
        wait_until(lambda: [e for e in receiver.events() if e["type"] == "woke"], "woke")

    def test_no_wake_waits_for_it(self):
        receiver = self.receiver()
        daemon = self.told([f"{{name: a, url: 'http://127.0.0.1:{receiver.port}'}}"])
        notifier = daemon.pid_of("notifier")
        os.kill(notifier, signal.SIGSTOP)
        self.addCleanup(os.kill, notifier, signal.SIGCONT)
        self.assertEqual(ask(daemon.port, "two.example.test").addresses, ["192.0.2.102"])
        wait_until(lambda: self.service(daemon, "two")["phase"] == "ready", "it is ready")
        self.assertEqual(receiver.events(), [])
        os.kill(notifier, signal.SIGCONT)
        wait_until(lambda: [e for e in receiver.events() if e["type"] == "woke"], "woke")

    def test_outlives_the_death_of_control(self):
        receiver = self.receiver()
        daemon = self.told([f"{{name: a, url: 'http://127.0.0.1:{receiver.port}'}}"])
        notifier, before = daemon.pid_of("notifier"), daemon.pid_of("control")
        os.kill(before, signal.SIGKILL)
        daemon.pid_of("control", other_than=before)
        wait_until(lambda: self.ping(daemon, "a").status == 200, "it tells")
        ask(daemon.port, "two.example.test")
        wait_until(lambda: [e for e in receiver.events() if e["type"] == "woke"], "woke")
        self.assertEqual(daemon.pid_of("notifier"), notifier)

    def test_reload(self):
        first, second = self.receiver(), self.receiver()
        hook = "{{name: a, url: 'http://127.0.0.1:{}'}}"
        daemon = self.told([hook.format(first.port)])
        control_key = "control: {socket: control.sock}\n"
        daemon.reload(control_key + with_hooks([hook.format(second.port)]))
        wait_until(lambda: self.ping(daemon, "a").status == 200 and second.events(), "the new one is told")
        self.assertEqual(first.events(), [])
        daemon.reload(control_key + ZONE + SERVICES)
        wait_until(lambda: self.hooks(daemon) == {}, "there is none any more")
        daemon.reload(control_key + with_hooks([hook.format(first.port)]))
        wait_until(lambda: "a" in self.hooks(daemon), "there is one again")
        self.assertEqual(self.ping(daemon, "a").status, 200)

    def test_a_daemon_that_had_none(self):
        receiver = self.receiver()
        daemon = self.controlled(ZONE + SERVICES)
        self.assertNotIn("notifier", daemon.children().values())
        self.assertEqual(self.ping(daemon, "a").status, 404)
        daemon.reload("control: {socket: control.sock}\n" +
                      with_hooks([f"{{name: a, url: 'http://127.0.0.1:{receiver.port}'}}"]))
        wait_until(lambda: "a" in self.hooks(daemon), "the notifier is there")
        self.assertEqual(self.ping(daemon, "a").status, 200)

    def test_isolation(self):
        daemon = self.told([f"{{name: a, url: 'http://127.0.0.1:1', secret: {SECRET}}}"], services="")
        status = pathlib.Path(f"/proc/{daemon.pid_of('notifier')}/status").read_text()
        self.assertRegex(status, r"Seccomp:\s+2")
        self.assertRegex(status, r"NoNewPrivs:\s+1")
        for line in ("CapEff", "CapPrm", "CapBnd"):
            self.assertRegex(status, rf"{line}:\s+0000000000000000")
        self.assertNotRegex(status, r"Uid:\s+0")

    @unittest.skipUnless(os.geteuid() == 0, "their memory is root's")
    def test_nobody_else_has_the_secret(self):
        key = os.urandom(24)
        text = base64.b64encode(key)
        daemon = self.told([f"{{name: a, url: 'http://127.0.0.1:1', secret: whsec_{text.decode()}}}"])
        roles = {role: pid for pid, role in daemon.children().items()}
        self.assertEqual(set(roles), {"front", "vmm", "control", "notifier"})
        has_it = {role for role, pid in roles.items()
                  if any(key in piece or text in piece for piece in memory_of(pid))}
        self.assertEqual(has_it, {"notifier"})


class Tls(WebhookTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.keys = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))

        def openssl(*args):
            subprocess.run(["openssl", *args], cwd=cls.keys, check=True, capture_output=True)
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                "-subj", "/CN=test CA", "-keyout", "ca.key", "-out", "ca.pem")
        for name, alternative in ("good", "DNS:localhost,IP:127.0.0.1"), ("other", "DNS:elsewhere.example"):
            openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
                    "-keyout", f"{name}.key", "-out", f"{name}.csr")
            (cls.keys / "ext").write_text(f"subjectAltName={alternative}\n")
            openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
                    "-days", "2", "-extfile", "ext", "-out", f"{name}.pem")

    def test_certificates(self):
        good = self.receiver(tls=(self.keys / "good.pem", self.keys / "good.key"))
        other = self.receiver(tls=(self.keys / "other.pem", self.keys / "other.key"))
        plain = self.receiver()
        ca = f"ca_file: {self.keys}/ca.pem"
        (self.keys / "key").write_text(SECRET + "\n")
        daemon = self.told([
            f"{{name: good, url: 'https://localhost:{good.port}', {ca}, secret_file: {self.keys}/key}}",
            f"{{name: address, url: 'https://127.0.0.1:{good.port}', {ca}}}",
            f"{{name: unknown, url: 'https://localhost:{good.port}'}}",
            f"{{name: other, url: 'https://localhost:{other.port}', {ca}}}",
            f"{{name: plain, url: 'https://localhost:{plain.port}', {ca}}}"], services="")
        self.assertEqual(self.ping(daemon, "good").status, 200)
        self.assertTrue(signature_is_good(*good.taken[0][:2]))
        self.assertEqual(self.ping(daemon, "address").status, 200)
        for name, why in (("unknown", "certificate"), ("other", "hostname mismatch"), ("plain", "no TLS")):
            answer = self.ping(daemon, name)
            self.assertEqual(answer.status, 502)
            self.assertIn(why, answer.json["error"].lower().replace("tls", "TLS"), name)
        self.assertEqual((len(good.taken), len(other.taken), len(plain.taken)), (2, 0, 0))


class Documentation(WebhookTest):
    def test_the_receiver_of_the_docs(self):
        program = re.search(r"^```python\n(.*?)^```", (DOCS / "WEBHOOKS.md").read_text(), re.M | re.S)[1]
        place = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        (place / "receiver.py").write_text(program)
        (place / "key").write_text(SECRET + "\n")
        port = free_port()
        receiver = subprocess.Popen([sys.executable, place / "receiver.py", place / "key", str(port)],
                                    stdout=subprocess.PIPE, text=True)
        self.addCleanup(receiver.wait)
        self.addCleanup(receiver.kill)
        self.addCleanup(receiver.stdout.close)
        daemon = self.told([f"{{name: a, url: 'http://127.0.0.1:{port}', secret_file: {place}/key}}"])
        wait_until(lambda: self.ping(daemon, "a").status == 200, "it takes a ping")
        self.assertIn("'type': 'ping'", receiver.stdout.readline())
        ask(daemon.port, "two.example.test")
        self.assertIn("'type': 'woke'", receiver.stdout.readline())


if __name__ == "__main__":
    unittest.main()
