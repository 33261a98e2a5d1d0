"""What is counted: known queries of each kind give exactly their numbers, whatever happens to the
processes that count meanwhile."""

import contextlib
import json
import os
import pathlib
import re
import signal
import socket
import sqlite3
import subprocess
import tempfile
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

from process_support import (A, PATIENCE, TXT, ZONE, ProcessTest, Server, ask, ask_tcp, framed,
                             free_port, query, read_frame, wait_until)
from harness import control  # process_support says where it is

SAMPLE = re.compile(r"([a-z_]+)(?:\{(.*)\})? (\S+)")
LABEL = re.compile(r'([a-z]+)="((?:[^"\\]|\\.)*)"')

CONFIG = "control: {socket: control.sock}\n" + ZONE
SERVICES = CONFIG + """\
services:
  - name: one
    names: one.example.test
    addresses: 10.9.0.1
    kernel: /nonexistent/kernel
  - name: two
    names: two.example.test
    addresses: 10.9.0.2
    kernel: /nonexistent/kernel
"""


class Samples(dict):
    """Of a scrape: {(name, frozenset of labels): value}."""

    def __init__(self, text):
        super().__init__()
        for line in text.splitlines():
            if line.startswith("#"):
                continue
            name, labels, value = SAMPLE.fullmatch(line).groups()
            self[name, frozenset(LABEL.findall(labels or ""))] = float(value)

    def get(self, name, **labels):
        return self[name, frozenset(labels.items())]

    def since(self, before):
        """What has changed, as {"name{label=value,...}": by how much}."""
        changed = {}
        for (name, labels), value in self.items():
            difference = value - before.get_or_zero(name, labels)
            if difference:
                words = ",".join(f"{label}={text}" for label, text in sorted(labels))
                changed[f"{name}{{{words}}}" if words else name] = difference
        return changed

    def get_or_zero(self, name, labels):
        return dict.get(self, (name, labels), 0)


class MetricsTest(ProcessTest):
    def text(self, daemon):
        answer = control.ask(os.path.join(daemon.directory.name, "control.sock"), "GET", "/metrics")
        self.assertEqual(answer.status, 200, answer.body)
        return answer.body

    def scrape(self, daemon):
        return Samples(self.text(daemon))

    def wait_changed(self, daemon, before, expected, ignored=()):
        """Exactly these differences of what fronts count, soon: what has been sent may be counted
        a moment later."""
        def seen():
            changed = self.scrape(daemon).since(before)
            return {k: v for k, v in changed.items()
                    if k.startswith("summond_dns_") and not k.startswith(tuple(ignored))}
        try:
            wait_until(lambda: seen() == expected, "counters")
        except AssertionError:
            self.assertEqual(seen(), expected)


OCTETS = ("summond_dns_received_bytes", "summond_dns_sent_bytes")
SECONDS = ("summond_dns_parked_seconds",)


class Counting(MetricsTest):
    def test_queries_by_several_workers(self):
        daemon = self.daemon("workers: 4\n" + CONFIG).ready()
        before = self.scrape(daemon)
        asked = query("www.example.test", A, 1)
        answers = 0
        for _ in range(200):  # from as many ports
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
                client.settimeout(PATIENCE)
                client.connect(("127.0.0.1", daemon.port))
                client.send(asked)
                answers += len(client.recv(4096))
        self.wait_changed(daemon, before, {
            "summond_dns_messages_received_total{family=ipv4,transport=udp}": 200,
            "summond_dns_queries_total{transport=udp,type=A}": 200,
            "summond_dns_responses_total{rcode=NOERROR,transport=udp}": 200,
            "summond_dns_received_bytes_total{transport=udp}": 200 * len(asked),
            "summond_dns_sent_bytes_total{transport=udp}": answers,
        })

    def test_kinds_of_queries_over_udp(self):
        daemon = self.daemon(CONFIG).ready()
        before = self.scrape(daemon)
        for name, qtype in ("www.example.test", A), ("www.example.test", TXT), ("no.example.test", 28), \
                ("elsewhere.test", A), ("www.example.test", 65280):
            self.assertIsNotNone(ask(daemon.port, name, qtype))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.connect(("127.0.0.1", daemon.port))
            client.send(b"short")
            client.send(bytes([0, 1, 0x28, 0]) + bytes(8))  # opcode UPDATE
        self.wait_changed(daemon, before, {
            "summond_dns_messages_received_total{family=ipv4,transport=udp}": 7,
            "summond_dns_queries_total{transport=udp,type=A}": 2,
            "summond_dns_queries_total{transport=udp,type=TXT}": 1,
            "summond_dns_queries_total{transport=udp,type=AAAA}": 1,
            "summond_dns_queries_total{transport=udp,type=other}": 1,
            "summond_dns_queries_total{transport=udp,type=none}": 1,
            "summond_dns_responses_total{rcode=NOERROR,transport=udp}": 3,
            "summond_dns_responses_total{rcode=NXDOMAIN,transport=udp}": 1,
            "summond_dns_responses_total{rcode=REFUSED,transport=udp}": 1,
            "summond_dns_responses_total{rcode=NOTIMP,transport=udp}": 1,
            "summond_dns_unanswered_total{reason=no_query,transport=udp}": 1,
        }, ignored=OCTETS)

    def test_connections(self):
        daemon = self.daemon("tcp: {per_source: 2}\n" + CONFIG).ready()
        before = self.scrape(daemon)
        with socket.create_connection(("127.0.0.1", daemon.port), timeout=PATIENCE) as client:
            client.sendall(framed(query("www.example.test", A, 1)) * 10)
            stream = client.makefile("rb")
            for _ in range(10):
                self.assertIsNotNone(read_frame(stream))
            self.wait_changed(daemon, before, {
                "summond_dns_messages_received_total{family=ipv4,transport=tcp}": 10,
                "summond_dns_queries_total{transport=tcp,type=A}": 10,
                "summond_dns_responses_total{rcode=NOERROR,transport=tcp}": 10,
                "summond_dns_tcp_connections_accepted_total": 1,
                "summond_dns_tcp_connections": 1,
            }, ignored=OCTETS)
        wait_until(lambda: self.scrape(daemon).get("summond_dns_tcp_connections") == 0, "its end")

    def test_parked_queries(self):
        daemon = self.daemon(SERVICES, "--simulate").ready()
        before = self.scrape(daemon)
        self.assertEqual(ask(daemon.port, "one.example.test").addresses, ["10.9.0.1"])
        self.assertEqual(ask_tcp(daemon.port, "two.example.test").addresses, ["10.9.0.2"])
        expected = {"summond_dns_tcp_connections_accepted_total": 1}
        for transport in "udp", "tcp":
            expected |= {
                f"summond_dns_messages_received_total{{family=ipv4,transport={transport}}}": 1,
                f"summond_dns_queries_total{{transport={transport},type=A}}": 1,
                f"summond_dns_parked_queries_total{{transport={transport}}}": 1,
                f"summond_dns_responses_total{{rcode=NOERROR,transport={transport}}}": 1,
            }
        self.wait_changed(daemon, before, expected, ignored=(*OCTETS, *SECONDS))
        after = self.scrape(daemon)
        self.assertEqual(after.get("summond_dns_parked_seconds_count", transport="udp"), 1)
        self.assertEqual(after.get("summond_dns_parked_seconds_count", transport="tcp"), 1)
        self.assertGreater(after.get("summond_dns_parked_seconds_sum", transport="udp"), 0)


class Health(MetricsTest):
    def test_zones_that_are_not_loaded(self):
        daemon = self.daemon(CONFIG + "  - {name: broken.test, file: no/such/file}\n").ready()
        scrape = self.scrape(daemon)
        self.assertEqual((scrape.get("summond_zones", state="loaded"), scrape.get("summond_zones", state="not_loaded")),
                         (1, 1))

    def test_the_state_file(self):
        with tempfile.TemporaryDirectory(prefix="summond-health-") as directory:
            file = os.path.join(directory, "state.db")
            daemon = self.daemon(f"state: {file}\n{SERVICES}", "--simulate").ready()
            ask(daemon.port, "one.example.test")
            wait_until(lambda: self.scrape(daemon).get("summond_state_writes_total") > 0, "a write")
            scrape = self.scrape(daemon)
            self.assertEqual(scrape.get("summond_state_writable"), 1)
            self.assertLess(abs(scrape.get("summond_state_last_write_timestamp_seconds") - time.time()), 300)
            failures = scrape.get("summond_state_write_failures_total")
            # Somebody else holds it: nothing can be written.
            with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as other:
                other.execute("BEGIN IMMEDIATE")
                ask(daemon.port, "two.example.test")
                wait_until(lambda: self.scrape(daemon).get("summond_state_writable") == 0, "that it cannot")
                self.assertGreater(self.scrape(daemon).get("summond_state_write_failures_total"), failures)
            wait_until(lambda: self.scrape(daemon).get("summond_state_writable") == 1, "that it can again")
            daemon.stop()

    def test_without_a_state_file_there_is_nothing_to_say(self):
        daemon = self.daemon(SERVICES, "--simulate").ready()
        self.assertNotIn("\nsummond_state_", self.text(daemon))


class Transfers(MetricsTest):
    OPEN = "    transfer: {to: 127.0.0.1, notify: \"127.0.0.1:%d\"}\n  - {name: other.test, ns: ns1.example.test}\n"

    def transfer(self, daemon, zone, kind, *more):
        done = subprocess.run(["dig", "@127.0.0.1", "-p", str(daemon.port), "+tries=1", zone, kind, *more],
                              capture_output=True, text=True, timeout=PATIENCE, check=False)
        return done.stdout

    def test_kinds_and_refusals(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as secondary:
            secondary.bind(("127.0.0.1", 0))
            secondary.settimeout(PATIENCE)
            port = secondary.getsockname()[1]
            text = "save_dir: .\n" + CONFIG + self.OPEN % port
            daemon = self.daemon(text).ready()
            name = f"127.0.0.1:{port}"
            wait_until(lambda: self.scrape(daemon).get_or_zero("summond_notify_waiting", frozenset(
                {("secondary", name)})) == 1, "a secondary that is to hear")
            before = self.scrape(daemon)
            self.assertEqual(before.get("summond_notify_results_total", secondary=name, result="heard"), 0)
            message, sender = secondary.recvfrom(4096)
            secondary.sendto(message[:2] + bytes([message[2] | 0x80]) + message[3:], sender)
            wait_until(lambda: self.scrape(daemon).get("summond_notify_waiting", secondary=name) == 0,
                       "that it has heard")
            serial = int(before.get("summond_zone_serial", zone="example.test."))
            self.assertIn("XFR size", self.transfer(daemon, "example.test", "axfr"))
            self.assertIn("XFR size", self.transfer(daemon, "example.test", f"ixfr={serial - 1}", "+tcp"))
            self.transfer(daemon, "example.test", f"ixfr={serial}", "+notcp")
            self.transfer(daemon, "other.test", "axfr")
            self.transfer(daemon, "elsewhere.test", "axfr")
            self.transfer(daemon, "example.test", "axfr", "-y", "hmac-sha256:k:MTIzNA==")

            def changed():
                return {k: v for k, v in self.scrape(daemon).since(before).items()
                        if k.startswith(("summond_transfer", "summond_notify")) and "bytes" not in k}
            expected = {
                "summond_transfers_total{kind=axfr,result=complete}": 1,
                "summond_transfers_total{kind=ixfr_as_axfr,result=complete}": 1,
                "summond_transfers_total{kind=ixfr_soa,result=complete}": 1,
                "summond_transfer_refusals_total{reason=acl}": 1,
                "summond_transfer_refusals_total{reason=zone}": 1,
                "summond_transfer_refusals_total{reason=tsig}": 1,
                f"summond_notify_results_total{{result=heard,secondary={name}}}": 1,
                f"summond_notify_waiting{{secondary={name}}}": -1,
            }
            try:
                wait_until(lambda: changed() == expected, "counters")
            except AssertionError:
                self.assertEqual(changed(), expected)
            # What was counted outlives who has counted it.
            pid = daemon.pid_of("transfer")
            os.kill(pid, signal.SIGKILL)
            daemon.pid_of("transfer", other_than=pid)
            wait_until(lambda: self.scrape(daemon).get_or_zero("summond_notify_waiting", frozenset(
                {("secondary", name)})) == 1, "its successor")
            self.assertEqual(self.scrape(daemon).get("summond_transfers_total", kind="axfr", result="complete"), 1)
            # Serials grow; a secondary that is taken out is not shown any more.
            daemon.reload(text.replace("192.0.2.80", "192.0.2.79").replace(
                f", notify: \"127.0.0.1:{port}\"", ""))
            wait_until(lambda: name not in self.text(daemon), "its end")
            self.assertGreater(self.scrape(daemon).get("summond_zone_serial", zone="example.test."), serial)


class NothingIsLost(MetricsTest):
    def ask(self, daemon, count):
        for _ in range(count):
            self.assertIsNotNone(ask(daemon.port))

    def assert_queries(self, daemon, count):
        wait_until(lambda: self.scrape(daemon).get("summond_dns_queries_total", transport="udp",
                                                   type="A") == count, f"{count} queries")

    def test_over_reloads(self):
        daemon = self.daemon("workers: 2\n" + CONFIG).ready()
        for i in range(5):
            self.ask(daemon, 10)
            old = daemon.pid_of("front")
            daemon.reload("workers: 3\n" + CONFIG if i % 2 else CONFIG)
            daemon.pid_of("front", other_than=old)
            self.assert_queries(daemon, 10 * (i + 1))

    def test_over_kills_of_the_front(self):
        daemon = self.daemon("workers: 2\n" + CONFIG).ready()
        with socket.create_connection(("127.0.0.1", daemon.port), timeout=PATIENCE) as client:
            client.sendall(framed(query("www.example.test", A, 1)))
            self.assertIsNotNone(read_frame(client.makefile("rb")))
            self.assertEqual(self.scrape(daemon).get("summond_dns_tcp_connections"), 1)
            for i in range(3):
                self.ask(daemon, 10)
                old = daemon.pid_of("front")
                os.kill(old, signal.SIGKILL)
                daemon.pid_of("front", other_than=old)
                self.assert_queries(daemon, 10 * (i + 1))
            self.assertEqual(self.scrape(daemon).get("summond_dns_tcp_connections"), 0,
                             "nobody has a connection that went with its front")

    def test_wakes_over_kills_of_vmm(self):
        others = "".join(f"  - {{name: {name}, names: {name}.example.test, addresses: 10.9.0.{last}, "
                         "kernel: /nonexistent/kernel}\n" for last, name in ((3, "three"), (4, "four")))
        daemon = self.daemon(SERVICES + others, "--simulate").ready()

        def ready():
            return self.scrape(daemon).get("summond_wake_seconds_count", until="ready",
                                           **{"from": "build"})

        def wakes(name):
            return self.scrape(daemon).get_or_zero("summond_wakes_total", frozenset(
                {"service": name, "reason": "dns", "result": "ready"}.items()))

        for name, later in (("one", "three"), ("two", "four")):
            self.assertIsNotNone(ask(daemon.port, f"{name}.example.test"))
            wait_until(lambda name=name: wakes(name) == 1, f"a wake of {name}")
            # What vmm says to front comes in order: with this answer front knows that the other is ready.
            self.assertIsNotNone(ask(daemon.port, f"{later}.example.test"))
            old = daemon.pid_of("vmm")
            os.kill(old, signal.SIGKILL)
            daemon.pid_of("vmm", other_than=old)
        # A query that front has not passed on before the kill may wake one of them once more.
        for name in "one", "two":
            wait_until(lambda name=name: wakes(name) == daemon.log().count(f" woke {name}: "),
                       f"each wake of {name} to be counted, once")
        self.assertGreaterEqual(ready(), 2)

    def test_over_a_kill_of_control(self):
        daemon = self.daemon(CONFIG).ready()
        self.ask(daemon, 10)
        self.assert_queries(daemon, 10)
        old = daemon.pid_of("control")
        os.kill(old, signal.SIGKILL)
        daemon.pid_of("control", other_than=old)
        self.ask(daemon, 10)

        def answered():
            try:
                return self.scrape(daemon)
            except OSError:  # it is not there yet
                return None
        wait_until(lambda: (answered() or {}) and True, "control")
        self.assert_queries(daemon, 20)
        self.assertEqual(self.scrape(daemon).get("summond_process_restarts_total", role="control"), 1)

    def test_failed_loads_over_a_kill_of_control(self):
        daemon = self.daemon(CONFIG).ready()
        daemon.reload("control: {socket: control.sock}\nzones: 7\n", "kept the running configuration")
        old = daemon.pid_of("control")
        os.kill(old, signal.SIGKILL)
        daemon.pid_of("control", other_than=old)

        def failures():
            try:
                return self.scrape(daemon).get("summond_config_load_failures_total")
            except OSError:  # it is not there yet
                return None
        wait_until(lambda: failures() == 1, "the failed load")
        self.assertEqual(self.scrape(daemon).get("summond_config_loads_total"), 2)

    def test_uncounted(self):
        """How the cost of counting is measured."""
        daemon = self.daemon(CONFIG, "--uncounted").ready()
        self.ask(daemon, 10)
        self.assert_queries(daemon, 0)


PACKAGING = pathlib.Path(__file__).resolve().parents[2] / "packaging"
RULES = PACKAGING / "prometheus" / "summond.rules.yml"
BOARD = PACKAGING / "grafana" / "summond.json"
RULES_TEST = pathlib.Path(__file__).with_name("summond.rules.test.yml")


def queries_of_board():
    """Each panel's, and those of its variables, as Grafana would ask them for all hosts."""
    board = json.loads(BOARD.read_text(encoding="utf-8"))
    found = [target["expr"] for panel in board["panels"] for target in panel.get("targets", ())]
    return [q.replace("$__rate_interval", "1m").replace("$instance", ".+") for q in found]


def queries_of_rules():
    """Of each alert. PromQL is indented below `expr: |`, or stands in its line."""
    text = RULES.read_text(encoding="utf-8")
    found = []
    for match in re.finditer(r"^( +)expr: (?:\|\n((?:\1 +.*\n)+)|(.*)\n)", text, re.M):
        found.append(match[2] or match[3])
    return found


def promtool(*arguments, text=None):
    return subprocess.run(["promtool", *map(str, arguments)], input=text, text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=PATIENCE)


class Prometheus(Server):
    """Debian's, which scrapes a port of this host every second."""

    def __init__(self, target):
        self.directory = tempfile.TemporaryDirectory(prefix="summond-test-")
        super().__init__(os.path.join(self.directory.name, "log"))
        self.port = free_port()
        config = os.path.join(self.directory.name, "prometheus.yml")
        with open(config, "w", encoding="ascii") as f:
            f.write(f"""\
global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}
rule_files: ["{RULES}"]
scrape_configs:
  - job_name: summond
    static_configs: [{{targets: ["127.0.0.1:{target}"]}}]
""")
        self.run(["prometheus", f"--config.file={config}",
                  f"--storage.tsdb.path={self.directory.name}/data",
                  f"--web.listen-address=127.0.0.1:{self.port}"])

    def api(self, path, **parameters):
        url = f"http://127.0.0.1:{self.port}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            if error.code == 503:
                return None
            raise AssertionError(f"{path} {parameters}: {error.read().decode()}") from None
        except urllib.error.URLError:
            return None  # it has not begun yet

    def query(self, expression):
        answer = self.api("query", query=expression)
        return answer and answer["result"]

    def end(self):
        self.kill_tree()
        self.directory.cleanup()


class Shipped(MetricsTest):
    def test_rules(self):
        for arguments in ("check", "rules", RULES), ("test", "rules", RULES_TEST):
            done = promtool(*arguments)
            self.assertEqual(done.returncode, 0, done.stdout)

    def test_each_alert_is_tested(self):
        names = set(re.findall(r"alert: (\w+)", RULES.read_text(encoding="utf-8")))
        tested = set(re.findall(r'alertname="(\w+)"', RULES_TEST.read_text(encoding="utf-8")))
        self.assertEqual(names, tested)

    def test_what_is_asked_for_is_exported(self):
        daemon = self.daemon(SERVICES, "--simulate").ready()
        text = self.text(daemon)
        families = dict(re.findall(r"# TYPE (\S+) (\S+)", text))
        labels = {}
        for name, found in re.findall(r"^(\w+)\{(.*)\} \S+$", text, re.M):
            labels.setdefault(name, set()).update(label for label, _ in LABEL.findall(found))
        asked = queries_of_board() + queries_of_rules()
        self.assertGreater(len(asked), 50)
        for expression in asked:
            for name, selector in re.findall(r"\b(summond_\w+)(\{[^}]*\})?", expression):
                family = re.sub("_(bucket|sum|count)$", "", name)
                known = name in families or families.get(family) == "histogram"
                self.assertTrue(known, f"{name} in {expression}")
                if name in labels:
                    used = set(re.findall(r"(\w+)=", selector)) - {"instance", "job"}
                    self.assertLessEqual(used, labels[name], expression)

    def test_a_scrape_is_as_promtool_wants_it(self):
        daemon = self.daemon(SERVICES, "--simulate").ready()
        ask(daemon.port, "one.example.test")
        done = promtool("check", "metrics", text=self.text(daemon))
        self.assertEqual((done.returncode, done.stdout), (0, ""))

    def test_each_documented_metric_is_exported(self):
        daemon = self.daemon(SERVICES, "--simulate").ready()
        exported = set(re.findall(r"# TYPE (\S+)", self.text(daemon)))
        page = (PACKAGING.parent / "docs" / "METRICS.md").read_text(encoding="utf-8")
        self.assertEqual(set(re.findall(r"^\| `(summond_\w+)`", page, re.M)), exported)

    def test_prometheus_evaluates_alerts_and_board(self):
        port = free_port()
        daemon = self.daemon(SERVICES.replace("control.sock", f"control.sock, listen: {port}"),
                             "--simulate").ready()
        prometheus = Prometheus(port)
        self.addCleanup(prometheus.end)
        for _ in range(20):
            ask(daemon.port)
        value = 'summond_dns_queries_total{transport="udp",type="A"}'
        wait_until(lambda: [r["value"][1] for r in prometheus.query(value) or ()] == ["20"],
                   "a scrape", patience=2 * PATIENCE)
        for expression in queries_of_board():
            self.assertIsNotNone(prometheus.query(expression), expression)

        def alerts():
            groups = prometheus.api("rules")["groups"]
            return {rule["name"]: rule for group in groups for rule in group["rules"]}
        wait_until(lambda: all(r["health"] == "ok" for r in alerts().values()), "the alerts")
        self.assertEqual({r["state"] for r in alerts().values()}, {"inactive"})
        daemon.stop()
        wait_until(lambda: alerts()["SummondUnreachable"]["state"] == "pending",
                   "the alert that nothing can be scraped")


if __name__ == "__main__":
    unittest.main()
