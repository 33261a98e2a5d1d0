"""A daemon with very many services that is looked at: by Prometheus, by a browser, by summonctl."""

import http.client
import os
import statistics
import subprocess
import threading
import time

import figures
import processes
import rounds
import servers
import zones

from harness import control
from harness.browser import Browser
from harness.network import free_port
from harness.proc import children_of
from harness.waiting import wait_until

RATE = 5_000  # queries a second
PATIENCE = 120


class Many(servers.Summond):
    """Its services are all up, beside the zone's own names; looked at over TCP and over its socket."""

    def __init__(self, name, directory, zone_file, services, **named):
        super().__init__(name, directory, zone_file, **named)
        self.many = services
        self.http_port = free_port()
        self.socket = str(self.directory / "control.sock")

    def command(self):
        argv = super().command()
        file = self.directory / "summond.yaml"
        text = file.read_text(encoding="ascii").replace(
            "control: off", f"control: {{socket: {self.socket}, listen: {self.http_port}}}")
        services = "".join(
            f"  - {{name: s{i}, names: s{i}.{zones.ZONE}, addresses: 10.{64 + (i >> 8)}.{i & 255}.1, "
            f"mac: '02:00:00:00:{i >> 8:02x}:{i & 255:02x}'}}\n" for i in range(self.many))
        file.write_text(f"{text}defaults: {{kernel: /nonexistent, idle: never}}\nservices:\n{services}",
                        encoding="ascii")
        return argv

    def start(self, watch=lambda pid: None):
        seconds = super().start(watch)
        wait_until(lambda: control.ask(self.socket, "GET", "/v1/status").json["vmm"]["state"] == "up", PATIENCE,
                   "vmm")
        connection = control.Connection(self.socket, PATIENCE)
        for i in range(self.many):
            connection.request("POST", f"/v1/services/s{i}/wake")
            control.Answer(connection.getresponse())
        connection.close()
        wait_until(lambda: control.ask(self.socket, "GET", "/v1/status").json["services"]["ready"] == self.many,
                   PATIENCE, "all services to be up")
        return seconds

    @property
    def control_pid(self):
        return next(pid for pid, role in children_of(self.pid).items() if role == "control")

    def get(self, target):
        """Its status and the octets of its body, over TCP."""
        connection = http.client.HTTPConnection("127.0.0.1", self.http_port, timeout=PATIENCE)
        try:
            connection.request("GET", target)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()


def scrape(run):
    """CPU time that control uses for one scrape over HTTP."""
    server = run.server(Many, "summond", "scrape", services=run.options.services)
    with servers.running([server]):
        pid = server.control_pid
        times = []
        for _ in range(10 if run.options.quick else 50):
            before = processes.cpu_seconds(pid)
            status, text = server.get("/metrics")
            times.append((processes.cpu_seconds(pid) - before) * 1000)
            if status != 200 or text.count(b"\nsummond_service_phase{") < server.many:
                raise servers.BenchError(f"a scrape of {len(text)} octets, status {status}")
    result = {"cpu_ms": figures.spread(times), "octets": len(text)}
    print(f"\n### scrape: {server.many:,} services, over HTTP\n\n"
          f"{result['cpu_ms']['median']:.1f} ms of CPU time ({min(times):.1f} to {max(times):.1f}) for "
          f"{len(text) / 1e6:.1f} MB", flush=True)
    return {**result, "scrape_cpu_ms": result["cpu_ms"]["median"]}


SHOWN = """
const shown = performance.getEntriesByName("services")[0];
const paint = performance.getEntriesByName("first-contentful-paint")[0];
return shown && paint && document.querySelectorAll(".row").length ? [paint.startTime, shown.startTime] : null;
"""
SEARCH = """
const input = document.querySelector("#search input");
const began = performance.now();
input.value = arguments[0];
input.dispatchEvent(new Event("input"));
return new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - began))));
"""


def page(run):
    """How long after its navigation began a browser has painted the page's services."""
    server = run.server(Many, "summond", "page", services=run.options.services)
    paints, services, searches = [], [], []
    with servers.running([server]):
        browser = Browser(PATIENCE)
        try:
            for turn in range(3 if run.options.quick else 9):
                browser.open(f"http://127.0.0.1:{server.http_port}/")
                paint, shown = wait_until(lambda: browser.run(SHOWN), PATIENCE, "the services on the page")
                paints.append(paint)
                services.append(max(paint, shown))
                searches.append(browser.run(SEARCH, f"s{4321 + turn}."))
        finally:
            browser.close()
    result = {"first_contentful_paint_ms": figures.spread(paints), "services_painted_ms": figures.spread(services),
              "search_ms": figures.spread(searches)}
    print(f"\n### page: {server.many:,} services in Chromium\n\n" + figures.table(
        ["until", "median ms", "range"],
        [[name, f"{s['median']:.0f}", f"{s['min']:.0f}-{s['max']:.0f}"] for name, s in
         (("first contentful paint", result["first_contentful_paint_ms"]),
          ("the services are painted", result["services_painted_ms"]),
          ("a search is painted", result["search_ms"]))]), flush=True)
    return {**result, "page_first_paint_ms": result["services_painted_ms"]["median"]}


class Watchers:
    """A page, a scrape a second, and `summonctl events --follow`, while the block runs."""

    def __init__(self, server, browser):
        self.server, self.browser = server, browser
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._scrape)
        self.scrapes = 0

    def _scrape(self):
        while not self._end.wait(1):
            self.server.get("/metrics")
            self.scrapes += 1

    def __enter__(self):
        self.browser.open(f"http://127.0.0.1:{self.server.http_port}/")
        wait_until(lambda: self.browser.run(SHOWN), PATIENCE, "the page")
        self._events = subprocess.Popen(["summonctl", "--socket", self.server.socket, "events", "--follow"],
                                        stdout=subprocess.DEVNULL)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._end.set()
        self._thread.join()
        self._events.terminate()
        self._events.wait()
        self.browser.open("about:blank")


def watched(run):
    """DNS's p99 at a fixed rate while all of these look, beside nobody looking; a service is woken and put away
    ten times a second in both."""
    server = run.server(Many, "summond", "watched", services=run.options.services)
    queries = run.query_file()

    def measured(seconds):
        with Churn(server):
            return rounds.measure(server, lambda: [rounds.load(
                server, "bench_load_udp", queries, seconds, "--rate", str(RATE))])

    def looked_at(seconds):
        with Watchers(server, browser):
            return measured(seconds)

    with servers.running([server]):
        browser = Browser(PATIENCE)
        try:
            result = figures.compare(rounds.interleaved({"summond": measured, "watched": looked_at}, run.options),
                                     rounds.RATES, "p99_us")
        finally:
            browser.close()
    print(f"\n### watched: {server.many:,} services, {RATE:,} queries a second\n\n{figures.rates_table(result)}",
          flush=True)
    return {**result, "p99_ratio_watched": result["ratios"]["watched"]}


class Churn:
    """Services that are put away and woken, so that there is something to see."""

    def __init__(self, server):
        self.server = server
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self):
        connection = control.Connection(self.server.socket, PATIENCE)
        for i in range(self.server.many):
            if self._end.wait(0.1):
                break
            connection.request("POST", f"/v1/services/s{i}/{('sleep', 'wake')[i % 2]}")
            control.Answer(connection.getresponse())
        connection.close()

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._end.set()
        self._thread.join()
