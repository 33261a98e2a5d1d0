"""The control socket: who may ask, what is answered, and by whom it cannot be held up."""

import contextlib
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import sqlite3
import stat
import subprocess
import tempfile
import threading
import unittest

from process_support import PATIENCE, ZONE, ProcessTest, ask, free_port, status, wait_until
from harness import control  # process_support says where it is

SUMMONCTL = os.path.join(os.path.dirname(os.environ.get("SUMMOND", "")), "summonctl")
ROOT = pathlib.Path(__file__).resolve().parents[2]
SERVICES = ZONE + """\
services:
  - name: www
    names: [w.example.test, web.example.test]
    addresses: [10.9.0.1, "2001:db8::1"]
    kernel: /nonexistent/kernel
    ttl: 1
  - name: blog
    names: blog.example.test
    addresses: 10.9.0.2
    kernel: /nonexistent/kernel
    idle: never
"""


class ControlTest(ProcessTest):
    def controlled(self, config=SERVICES, *arguments, more="", **named):
        """A daemon with a control socket in its directory, and all of it ready."""
        daemon = self.daemon(f"control: {{socket: control.sock{more}}}\n{config}", "--simulate",
                             *arguments, **named).ready()
        daemon.socket = os.path.join(daemon.directory.name, "control.sock")
        wait_until(lambda: self.get(daemon, "/v1/status").json["vmm"]["state"] in ("up", "none"),
                   "vmm has told control of everything")
        return daemon

    def get(self, daemon, target):
        return control.ask(daemon.socket, "GET", target)

    def post(self, daemon, target):
        return control.ask(daemon.socket, "POST", target)

    def service(self, daemon, name="www"):
        return self.get(daemon, "/v1/services/" + name).json

    def ctl(self, daemon, *arguments, code=0, **more):
        done = subprocess.run([SUMMONCTL, "--socket", daemon.socket, *arguments], text=True,
                              capture_output=True, timeout=PATIENCE, check=False, **more)
        if code is not None:
            self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done


class Reading(ControlTest):
    def test_services_and_how_they_stand(self):
        daemon = self.controlled()
        answer = self.get(daemon, "/v1/services")
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.headers["Content-Type"], "application/json")
        blog, www = answer.json["services"]  # by name
        self.assertEqual(www["names"], ["w.example.test.", "web.example.test."])
        self.assertEqual(www["addresses"], ["10.9.0.1", "2001:db8::1"])
        self.assertEqual((www["phase"], www["state"], www["domid"]), ("asleep", "asleep", None))
        ask(daemon.port, "w.example.test")
        wait_until(lambda: self.service(daemon)["phase"] == "ready", "www is ready")
        www = self.service(daemon)
        self.assertEqual(www["why"], "dns")
        self.assertGreater(www["memory_kib"], 0)
        self.assertIsNotNone(www["domid"])
        self.assertIsNotNone(www["idle_at"])
        ready = self.get(daemon, "/v1/services?phase=ready").json["services"]
        self.assertEqual([s["name"] for s in ready], ["www"])

    def test_status(self):
        daemon = self.controlled()
        found = self.get(daemon, "/v1/status").json
        self.assertEqual({r["role"]: r["state"] for r in found["roles"]},
                         {"vmm": "ready", "control": "ready", "front": "ready"})
        self.assertEqual({r["role"]: r["pid"] for r in found["roles"]},
                         {role: pid for pid, role in daemon.children().items()})
        self.assertEqual(found["services"]["total"], 2)
        self.assertEqual(found["load"]["result"], "in force")

    def test_refusals_say_what_would_be_right(self):
        daemon = self.controlled()
        for method, target, code, words in (
                ("GET", "/v1/services/wwww", 404, "did you mean www?"),
                ("GET", "/v1/service", 404, "did you mean /v1/services?"),
                ("POST", "/v1/services", 405, "GET, HEAD"),
                ("GET", "/v1/services/www/wake", 405, "POST"),
                ("GET", "/v1/services?phase=up", 400, "asleep, building"),
                ("POST", "/v1/services/www/wake?wait=no&wait=no", 400, "once"),
                ("POST", "/v1/services/www/pin?for=soon", 400, "2h"),
                ("DELETE", "/v1/services/www", 405, "GET, HEAD")):
            with self.subTest(target):
                answer = control.ask(daemon.socket, method, target)
                self.assertEqual(answer.status, code, answer.body)
                self.assertIn(words, answer.json["expected"])
                if code == 405:
                    self.assertEqual(answer.headers["Allow"], words)

    def test_head_has_no_body(self):
        daemon = self.controlled()
        answer = control.ask(daemon.socket, "HEAD", "/v1/services")
        self.assertEqual((answer.status, answer.body), (200, ""))
        self.assertGreater(int(answer.headers["Content-Length"]), 100)

    def test_without_vmm_and_while_it_comes_back(self):
        daemon = self.controlled()
        vmm = daemon.pid_of("vmm")
        os.kill(vmm, signal.SIGSTOP)
        self.assertEqual(self.get(daemon, "/v1/services").status, 200)
        os.kill(vmm, signal.SIGKILL)
        wait_until(lambda: daemon.pid_of("vmm", other_than=vmm), "another vmm")
        wait_until(lambda: self.get(daemon, "/v1/status").json["vmm"]["state"] == "up", "vmm is up")
        roles = self.get(daemon, "/v1/status").json["roles"]
        self.assertEqual([r["restarts"] for r in roles if r["role"] == "vmm"], [1])

    def test_after_its_own_death(self):
        daemon = self.controlled()
        ask(daemon.port, "w.example.test")
        wait_until(lambda: self.service(daemon)["phase"] == "ready", "www is ready")
        before = daemon.pid_of("control")
        os.kill(before, signal.SIGKILL)
        wait_until(lambda: self.service(daemon)["phase"] == "ready", "told again")
        self.assertNotEqual(daemon.pid_of("control"), before)
        self.assertEqual(self.get(daemon, "/v1/status").json["load"]["result"], "in force")


class Commands(ControlTest):
    def test_wake_and_wait(self):
        daemon = self.controlled()
        answer = self.post(daemon, "/v1/services/www/wake?wait=ready")
        self.assertEqual(answer.status, 200, answer.body)
        self.assertEqual(answer.json["service"]["phase"], "ready")
        self.assertEqual(answer.json["service"]["why"], "command")
        again = self.post(daemon, "/v1/services/www/wake")
        self.assertEqual((again.status, again.json["outcome"]), (200, "nothing to do"))

    def test_sleep_pin_unpin(self):
        daemon = self.controlled()
        self.assertEqual(self.post(daemon, "/v1/services/www/wake?wait=ready").status, 200)
        self.assertTrue(self.post(daemon, "/v1/services/www/pin?for=2h").json["service"]["pinned"])
        refused = self.post(daemon, "/v1/services/www/sleep")
        self.assertEqual((refused.status, refused.json["error"]), (409, "www is pinned"))
        self.assertEqual(self.post(daemon, "/v1/services/www/unpin").json["outcome"], "done")
        self.assertEqual(self.post(daemon, "/v1/services/www/sleep").status, 202)
        wait_until(lambda: self.service(daemon)["phase"] == "asleep", "www is asleep")
        self.assertEqual(self.post(daemon, "/v1/services/www/sleep").json["outcome"], "nothing to do")

    def test_drain(self):
        daemon = self.controlled()
        self.assertEqual(self.post(daemon, "/v1/services/blog/wake?wait=ready").status, 200)
        self.assertEqual(self.post(daemon, "/v1/drain").json["outcome"], "done")
        self.assertTrue(self.get(daemon, "/v1/status").json["drained"])
        wait_until(lambda: self.service(daemon)["state"] == "drained", "www is drained")
        self.assertEqual(self.service(daemon, "blog")["phase"], "ready")
        refused = ask(daemon.port, "w.example.test")
        self.assertEqual(refused.rcode, 2)
        self.assertEqual(ask(daemon.port, "blog.example.test").addresses, ["10.9.0.2"])
        self.assertEqual(self.post(daemon, "/v1/services/www/wake").status, 409)
        self.assertEqual(self.post(daemon, "/v1/undrain").json["outcome"], "done")
        self.assertEqual(self.post(daemon, "/v1/services/www/wake?wait=ready").status, 200)

    def test_without_vmm(self):
        daemon = self.controlled()
        vmm = daemon.pid_of("vmm")
        os.kill(vmm, signal.SIGSTOP)
        answers = []
        thread = threading.Thread(
            target=lambda: answers.append(self.post(daemon, "/v1/services/www/wake")))
        thread.start()
        self.assertEqual(self.get(daemon, "/v1/services").status, 200)
        os.kill(vmm, signal.SIGKILL)
        thread.join()
        self.assertEqual(answers[0].status, 503, answers[0].body)


class Events(ControlTest):
    def follow(self, daemon, target="/v1/events", last_id=None):
        connection = control.Connection(daemon.socket, PATIENCE)
        self.addCleanup(connection.close)
        connection.request("GET", target, headers={"Last-Event-ID": last_id} if last_id else {})
        response = connection.getresponse()
        self.assertEqual(response.headers["Content-Type"], "text/event-stream")
        return response

    def next_event(self, response):
        """{field: value} of the next event that is no heartbeat."""
        fields = {}
        while True:
            line = response.readline().decode().rstrip("\n")
            if not line and fields:
                return fields
            if line and not line.startswith(":"):
                name, _, value = line.partition(": ")
                fields[name] = value

    def states_until(self, response, last):
        states = []
        while not states or states[-1] != last:
            event = self.next_event(response)
            if event["event"] == "service":
                states.append(json.loads(event["data"])["state"])
        return states

    def test_a_wake_as_it_happens(self):
        daemon = self.controlled()
        stream = self.follow(daemon, "/v1/events?service=www")
        ask(daemon.port, "w.example.test")
        self.assertEqual(self.states_until(stream, "ready")[-3:], ["building", "booting", "ready"])
        wake = json.loads(self.next_event(stream)["data"])
        self.assertEqual((wake["service"], wake["why"], wake["how"]), ("www", "dns", "build"))
        self.assertLess(wake["after_ms"]["built"], wake["after_ms"]["ready"])

    def test_who_comes_back_misses_nothing(self):
        daemon = self.controlled()
        stream = self.follow(daemon, "/v1/events?last=1")
        last = self.next_event(stream)["id"]
        stream.close()
        self.post(daemon, "/v1/drain")
        self.post(daemon, "/v1/undrain")
        again = self.follow(daemon, last_id=last)
        seen = []
        while len([e for e in seen if e == "host"]) < 2:
            seen.append(self.next_event(again)["event"])
        self.assertEqual(self.next_event(self.follow(daemon, last_id="1-1"))["event"], "lagged")

    def test_who_does_not_read_is_ended_and_holds_up_nobody(self):
        daemon = self.controlled()
        stream = self.follow(daemon)
        for _ in range(1500):
            self.post(daemon, "/v1/services/blog/pin?for=1h")
        self.assertEqual(self.get(daemon, "/v1/status").status, 200)
        text = stream.read().decode()  # to its end
        self.assertTrue(text.rstrip().splitlines()[-2].endswith("lagged"), text[-300:])

    def test_reload(self):
        daemon = self.controlled()
        stream = self.follow(daemon)
        good = self.post(daemon, "/v1/reload")
        self.assertEqual((good.status, good.json["outcome"]), (200, "done"), good.body)
        results = []
        while results[-1:] != ["in force"]:
            event = self.next_event(stream)
            if event["event"] == "load":
                results.append(json.loads(event["data"])["result"])
        self.assertEqual(results, ["under way", "in force"])
        daemon.configure(f"control: {{socket: {daemon.socket}}}\nzones: 7\n")
        bad = self.post(daemon, "/v1/reload")
        self.assertEqual(bad.status, 422)
        self.assertRegex(bad.json["load"]["problems"][0], r"summond.yaml:3:8: zones is \"7\"")
        self.assertEqual(len(self.get(daemon, "/v1/services").json["services"]), 2)
        self.assertIn("zones is \"7\"", self.ctl(daemon, "reload", code=1).stderr)

    def test_a_reload_changes_what_is_known(self):
        daemon = self.controlled()
        daemon.configure(f"control: {{socket: {daemon.socket}}}\n" + SERVICES.replace("blog", "news"))
        self.assertEqual(self.post(daemon, "/v1/reload").status, 200)
        names = [s["name"] for s in self.get(daemon, "/v1/services").json["services"]]
        self.assertEqual(names, ["news", "www"])
        wait_until(lambda: self.service(daemon, "news")["phase"] == "asleep", "news is known")
        self.assertEqual([z["name"] for z in self.get(daemon, "/v1/zones").json["zones"]], ["example.test."])

    def test_another_socket(self):
        daemon = self.controlled()
        other = os.path.join(daemon.directory.name, "other.sock")
        daemon.configure(f"control: {{socket: {other}}}\n{SERVICES}")
        self.assertEqual(self.post(daemon, "/v1/reload").status, 200)
        wait_until(lambda: os.path.exists(other), "the other socket")
        self.assertEqual(control.ask(other, "GET", "/v1/status").status, 200)
        wait_until(lambda: not os.path.exists(daemon.socket), "the first one is gone")


class OverTcp(ControlTest):
    def listening(self, more=""):
        self.port = free_port()
        return self.controlled(more=f", listen: {self.port}{more}")

    def over_tcp(self, method, target, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        self.addCleanup(connection.close)
        connection.request(method, target, headers=headers)
        return control.Answer(connection.getresponse())

    def test_reads_and_takes_no_commands(self):
        daemon = self.listening()
        names = [s["name"] for s in self.over_tcp("GET", "/v1/services").json["services"]]
        self.assertEqual(names, ["blog", "www"])
        self.assertIn("summond_build_info", self.over_tcp("GET", "/metrics").body)
        page = self.over_tcp("GET", "/")
        self.assertIn("<title>summond</title>", page.body)
        self.assertIn("default-src 'none'", page.headers["Content-Security-Policy"])
        for target in "/v1/drain", "/v1/reload", "/v1/services/www/wake":
            refused = self.over_tcp("POST", target)
            self.assertEqual(refused.status, 403, target)
            self.assertIn("over TCP nobody gives commands", refused.json["error"])
            self.assertIn("summonctl", refused.json["expected"])
        self.assertFalse(self.get(daemon, "/v1/status").json["drained"])
        self.assertEqual(self.service(daemon)["phase"], "asleep")

    def test_hosts(self):
        self.listening(more=", names: dom0.example.net")
        for host, status_ in (("localhost:9153", 200), ("dom0.example.net", 200), ("DOM0.example.net:80", 200),
                              (f"127.0.0.1:{self.port}", 200), ("evil.example", 421), ("example.net", 421)):
            self.assertEqual(self.over_tcp("GET", "/v1/status", Host=host).status, status_, host)

    def test_events(self):
        daemon = self.listening()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        self.addCleanup(connection.close)
        connection.request("GET", "/v1/events?service=www")
        stream = connection.getresponse()
        ask(daemon.port, "w.example.test")
        lines = []
        while not any(line.startswith("event: wake") for line in lines):
            lines.append(stream.readline().decode())

    def test_outlives_control_and_follows_reloads(self):
        daemon = self.listening()
        old = daemon.pid_of("control")
        os.kill(old, signal.SIGKILL)
        daemon.pid_of("control", other_than=old)
        self.assertEqual(self.over_tcp("GET", "/v1/status").status, 200, "it waited in the socket")
        before, self.port = self.port, free_port()
        daemon.reload(f"control: {{socket: control.sock, listen: ['127.0.0.1:{self.port}']}}\n{SERVICES}")
        wait_until(lambda: self.over_tcp("GET", "/v1/status").status == 200, "the other port")
        with self.assertRaises(OSError):
            socket.create_connection(("127.0.0.1", before), timeout=PATIENCE)
        daemon.reload(f"control: {{socket: control.sock}}\n{SERVICES}")

        def refused():
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE).close()
                return False
            except ConnectionRefusedError:
                return True
        wait_until(refused, "no port any more")
        self.assertEqual(self.get(daemon, "/v1/status").status, 200)

    def test_a_port_that_somebody_else_has(self):
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = other.getsockname()[1]
            daemon = self.daemon(f"control: {{socket: control.sock, listen: {port}}}\n{SERVICES}", "--simulate")
            self.assertEqual(daemon.process.wait(PATIENCE), 1)
            self.assertIn(f"control: listen 127.0.0.1:{port}: ", daemon.log())
            self.assertIn("another server has this port", daemon.log())

    def test_has_no_more_connections_than_that(self):
        daemon = self.listening()
        held = [socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) for _ in range(80)]
        self.assertIn(b" 503 ", held[-1].recv(1000))
        self.assertEqual(self.get(daemon, "/v1/status").status, 200)
        for each in held:
            each.close()
        wait_until(lambda: self.over_tcp("GET", "/v1/status").status == 200, "room again")


class History(ControlTest):
    def with_state(self):
        directory = tempfile.TemporaryDirectory(prefix="summond-history-")
        self.addCleanup(directory.cleanup)
        self.state = f"{directory.name}/state.db"
        return self.controlled(f"state: {self.state}\n{SERVICES}")

    def wakes(self, daemon, query=""):
        return self.get(daemon, "/v1/wakes" + query).json

    def settled(self, daemon, service):
        return wait_until(lambda: next(iter(w for w in self.wakes(daemon, f"?service={service}&last=1")["wakes"]
                                            if w["queries"]), None), "who has waited is known")

    def test_who_has_waited(self):
        daemon = self.with_state()
        self.assertTrue(ask(daemon.port, "w.example.test", qtype=28).addresses)
        wake = self.settled(daemon, "www")
        self.assertEqual((wake["query_type"], wake["queries"], wake["packets"]), ("AAAA", 1, 0))
        self.assertGreater(wake["first_waited_ms"], 0)
        self.assertIsNone(wake["after_ms"]["first_byte"])

    def test_outlives_control_vmm_and_the_daemon(self):
        daemon = self.with_state()
        ask(daemon.port, "w.example.test")
        self.settled(daemon, "www")
        ask(daemon.port, "blog.example.test", qtype=65)
        self.post(daemon, "/v1/services/blog/wake?wait=ready")
        wait_until(lambda: len(self.wakes(daemon)["wakes"]) == 2, "both wakes")

        def written():  # what vmm knows for less than a moment dies with it
            with contextlib.closing(sqlite3.connect(self.state, timeout=10)) as database:
                return database.execute("SELECT count(*) FROM wake").fetchone() == (2,)
        wait_until(written, "both wakes in the file")
        numbers = [w["number"] for w in self.wakes(daemon)["wakes"]]

        def known():
            try:  # a vmm that has lost its domains may wake some again
                return [w["number"] for w in self.wakes(daemon)["wakes"]][-2:] == numbers and \
                    self.get(daemon, "/v1/status").json["vmm"]["state"] == "up"
            except OSError:  # control is not there yet
                return False
        for role in "control", "vmm":
            old = daemon.pid_of(role)
            os.kill(old, signal.SIGKILL)
            daemon.pid_of(role, other_than=old)
            wait_until(known, f"the history after the death of {role}")
        daemon.stop()
        daemon.start()
        wait_until(known, "the history after a restart")
        page = self.wakes(daemon, f"?last=1&before={numbers[0]}")
        self.assertEqual([(w["service"], w["why"]) for w in page["wakes"]], [("www", "dns")])
        self.assertIsNone(page["next"])
        self.assertEqual(self.wakes(daemon, "?last=1&service=blog")["next"], None)
        self.assertEqual(self.wakes(daemon, "?last=1")["next"], self.wakes(daemon)["wakes"][0]["number"])
        self.assertIn("older: --before ", self.ctl(daemon, "wakes", "--last", "1").stdout)
        self.assertRegex(self.ctl(daemon, "wakes", "--before", str(numbers[0])).stdout, r"www +dns A +build")


class Leaving(ControlTest):
    def test_who_leaves_makes_room_for_others(self):
        daemon = self.controlled()
        vmm = daemon.pid_of("vmm")
        os.kill(vmm, signal.SIGSTOP)
        self.addCleanup(os.kill, vmm, signal.SIGCONT)
        for _ in range(3):  # 64 connections of a user's: as many times as there would be no room
            held = []
            for _ in range(50):
                held.append(socket.socket(socket.AF_UNIX))
                held[-1].connect(daemon.socket)
                held[-1].sendall(b"POST /v1/services/www/pin HTTP/1.1\r\nHost: summond\r\n\r\n")
            for each in held:
                each.close()
            wait_until(lambda: self.get(daemon, "/v1/status").status == 200, "room again")


class Isolation(ControlTest):
    def test_has_no_privileges(self):
        daemon = self.controlled()
        found = status(daemon.pid_of("control"))
        self.assertEqual((found["Seccomp"], found["NoNewPrivs"]), ("2", "1"))
        self.assertEqual(int(found["CapEff"], 16) | int(found["CapBnd"], 16), 0)
        self.assertNotIn("0", found["Uid"].split())
        self.assertIn("(deleted)", os.readlink(f"/proc/{daemon.pid_of('control')}/root"))

    def test_socket(self):
        daemon = self.controlled()
        self.assertEqual(stat.S_IMODE(os.stat(daemon.socket).st_mode), 0o660)
        daemon.stop()
        self.assertFalse(os.path.exists(daemon.socket))

    def test_stale_socket_is_replaced_and_a_served_one_is_not(self):
        daemon = self.controlled()
        second = self.daemon(f"control: {{socket: {daemon.socket}}}\n{SERVICES}", "--simulate")
        self.assertEqual(second.process.wait(PATIENCE), 1)
        self.assertIn("is served by another process", second.log())
        self.assertEqual(self.get(daemon, "/v1/status").status, 200)
        path = os.path.join(daemon.directory.name, "stale.sock")
        with socket.socket(socket.AF_UNIX) as stale:
            stale.bind(path)
        third = self.daemon(f"control: {{socket: {path}}}\n{SERVICES}", "--simulate").ready()
        self.assertEqual(control.ask(path, "GET", "/v1/status").status, 200)
        third.stop()

    def test_others_may_not_look(self):
        daemon = self.controlled(more=", admins: daemon")
        self.assertEqual(stat.S_IMODE(os.stat(daemon.socket).st_mode), 0o666)

        def as_user(uid, gid, method, target):
            reader, writer = os.pipe()
            child = os.fork()
            if child == 0:
                os.setgroups([])
                os.setgid(gid)
                os.setuid(uid)
                answer = control.ask(daemon.socket, method, target)
                os.write(writer, f"{answer.status} {answer.body}"[:1000].encode())
                os._exit(0)  # pylint: disable=protected-access
            os.close(writer)
            os.waitpid(child, 0)
            with open(reader, encoding="utf-8") as answer:
                return answer.read()

        self.assertIn("403", as_user(65534, 65534, "GET", "/v1/services"))
        self.assertTrue(as_user(1, 1, "GET", "/v1/services").startswith("200"))
        self.assertTrue(as_user(1, 1, "POST", "/v1/services/www/wake").startswith("202"))


class Hostile(ControlTest):
    def test_what_is_no_request(self):
        daemon = self.controlled()
        for data, code in ((b"\0\1\2\3\r\n\r\n", b" 400 "), (b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 3000, b" 431 "),
                           (b"POST /v1/drain HTTP/1.1\r\nContent-Length: 9999\r\n\r\n", b" 413 "),
                           (b"POST /v1/drain HTTP/1.1\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}", b" 415 "),
                           (b"GET /" + b"a" * 2000 + b" HTTP/1.1\r\nConnection: close\r\n\r\n", b" 414 ")):
            with self.subTest(data[:20]):
                self.assertIn(code, control.raw(daemon.socket, data).split(b"\n")[0])
        self.assertFalse(self.get(daemon, "/v1/status").json["drained"])

    def test_pipelined_requests_are_answered_in_order(self):
        daemon = self.controlled()
        one = b"GET /v1/services/www HTTP/1.1\r\nHost: summond\r\n\r\n"
        two = b"GET /v1/services/blog HTTP/1.1\r\nHost: summond\r\nConnection: close\r\n\r\n"
        answer = control.raw(daemon.socket, one * 20 + two)
        self.assertEqual(answer.count(b"HTTP/1.1 200 OK"), 21)
        self.assertGreater(answer.rfind(b'"blog"'), answer.rfind(b'"www"'))

    def test_many_connections(self):
        daemon = self.controlled()
        held = []
        for _ in range(80):
            held.append(socket.socket(socket.AF_UNIX))
            held[-1].settimeout(PATIENCE)
            held[-1].connect(daemon.socket)
        self.assertIn(b" 503 ", held[-1].recv(1000))
        for each in held:
            each.close()
        wait_until(lambda: self.get(daemon, "/v1/status").status == 200, "room again")


class Ctl(ControlTest):
    def test_list(self):
        daemon = self.controlled()
        lines = self.ctl(daemon, "list").stdout.splitlines()
        self.assertRegex(lines[0], r"^SERVICE +STATE")
        self.assertRegex(lines[1], r"^blog +asleep")
        self.assertRegex(lines[2], r"^www +asleep .*w\.example\.test \+1")

    def test_wake_show_sleep(self):
        daemon = self.controlled()
        self.assertRegex(self.ctl(daemon, "wake", "www", "--wait", "ready").stdout, "^www: done, ready")
        self.assertIn("10.9.0.1, 2001:db8::1", self.ctl(daemon, "show", "www").stdout)
        self.assertIn("1 ready, 1 asleep", self.ctl(daemon, "status").stdout)
        self.ctl(daemon, "sleep", "www")

    def test_what_has_happened(self):
        daemon = self.controlled()
        self.ctl(daemon, "wake", "www", "--wait", "ready")
        # Ready is told before the record of how it came to that.
        wait_until(lambda: re.search(r"www +command +build", self.ctl(daemon, "wakes").stdout), "its wake")
        self.assertRegex(self.ctl(daemon, "trace", "www").stdout, r"is ready +\d+\.\d ms")
        lines = self.ctl(daemon, "events", "www", "--json").stdout.splitlines()
        self.assertEqual(json.loads(lines[-1])["event"], "wake")
        self.assertIn("booting → ready", self.ctl(daemon, "events").stdout)
        self.assertIn("no domain is called blog", self.ctl(daemon, "adopt", "blog", code=1).stderr)
        self.assertRegex(self.ctl(daemon, "zones").stdout, r"example\.test +1 +no +answers")

    def test_a_wake_is_followed_to_its_end(self):
        daemon = self.controlled()
        shown = self.ctl(daemon, "trace", "--wake", "--follow", "www").stdout
        steps = [line.split("  ")[1] for line in shown.split("\n\n")[0].splitlines()[1:]]
        self.assertEqual(steps, ["is being built", "runs", "is ready"], shown)
        self.assertRegex(shown.split("\n\n")[1], r"www +why command, by build\n(?s:.*)is ready +\d+\.\d ms")
        # The next one, whoever wakes it.
        self.ctl(daemon, "sleep", "www")
        wait_until(lambda: self.service(daemon)["phase"] == "asleep", "www is asleep")
        follower = subprocess.Popen([SUMMONCTL, "--socket", daemon.socket, "trace", "-f", "www", "--json"], text=True,
                                    stdout=subprocess.PIPE)
        self.addCleanup(follower.kill)

        def ended():  # it may not have been there in time for a wake
            self.ctl(daemon, "sleep", "www", code=None)
            ask(daemon.port, "w.example.test")
            return follower.poll() is not None
        wait_until(ended, "its end")
        events = [json.loads(line) for line in follower.stdout]
        self.assertEqual(events[-1]["event"], "wake")
        self.assertEqual(follower.returncode, 0)

    def test_completions_are_of_their_shells(self):
        for shell in "bash", "zsh", "fish":
            text = subprocess.run([SUMMONCTL, "completion", shell], capture_output=True, text=True,
                                  check=True).stdout
            self.assertIn("undrain", text)
            if shutil.which(shell):
                subprocess.run([shell, "-n", "/dev/stdin"], input=text, text=True, check=True)
        words = subprocess.run(
            ["bash", "-c", f"source <({SUMMONCTL} completion bash); COMP_WORDS=(summonctl wake --wait ''); "
             "COMP_CWORD=3; _summonctl; echo ${COMPREPLY[@]}"], capture_output=True, text=True, check=True)
        self.assertEqual(words.stdout.split(), ["no", "running", "ready"])

    def test_the_man_page_has_every_command_and_option_and_no_other(self):
        fish = subprocess.run([SUMMONCTL, "completion", "fish"], capture_output=True, text=True, check=True).stdout
        of = {}  # command: its options; "" has those of all
        for command in re.findall(r"-n __fish_use_subcommand -a (\S+)", fish):
            of[command] = set()
        for command, option in re.findall(r"__fish_seen_subcommand_from (\w+)' -l (\S+)", fish):
            of[command].add(option)
        page = (ROOT / "packaging/man/summonctl.1").read_text(encoding="utf-8")
        said = {command: set(re.findall(r"Fl -(\S+)", rest)) for command, rest in
                re.findall(r"^\.It Cm (\w+)(.*)$", page, re.MULTILINE)}
        self.assertEqual({c: o - {"help"} for c, o in of.items()}, said)

    def test_mistakes(self):
        daemon = self.controlled()
        self.assertIn("did you mean www?", self.ctl(daemon, "wake", "wwww", code=1).stderr)
        self.ctl(daemon, "wake", code=2)
        self.ctl(daemon, "wake", "www", "--wait", "soon", code=2)
        daemon.socket += ".not"
        self.assertIn("is summond running?", self.ctl(daemon, "list", code=3).stderr)


if __name__ == "__main__":
    unittest.main()
